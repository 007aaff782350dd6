//! JSON and YAML as one tree that knows its lines. Knows nothing of policies or Envoy.

use gate::json::Json;

use crate::yaml;

/// One value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The line in a YAML file, from 1.
    pub line: Option<usize>,
    /// What stands there.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as JSON writes it.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in its order; names are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Parses JSON where the text is JSON, else YAML.
    ///
    /// # Errors
    /// What is wrong and where; never the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim_start().starts_with(['{', '[']) {
            match Json::parse(text.as_bytes()) {
                Ok(json) => return Ok(Self::from(&json)),
                // YAML's flow form looks alike; a file that is neither is reported as the JSON it probably is.
                Err(message) => return yaml::parse(text).map_err(|_| message),
            }
        }
        yaml::parse(text)
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// All members; none unless this is a map.
    pub fn members(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(members) => members,
            _ => &[],
        }
    }

    /// All items; none unless this is a list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if this is a string.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self.value, Value::Bool(true))
    }

    /// As JSON text, names in the file's order.
    pub fn to_json(&self) -> String {
        let join = |parts: Vec<String>| parts.join(",");
        match &self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(truth) => truth.to_string(),
            Value::Number(number) => number.clone(),
            Value::Text(text) => quoted(text),
            Value::List(items) => format!("[{}]", join(items.iter().map(Self::to_json).collect())),
            Value::Map(members) => {
                let members = members.iter().map(|(name, node)| format!("{}:{}", quoted(name), node.to_json()));
                format!("{{{}}}", join(members.collect()))
            }
        }
    }

    /// The line of the deepest value on a path such as `dashboards[2].url` that exists.
    pub fn line_of(&self, path: &str) -> Option<usize> {
        let mut node = self;
        let mut line = self.line;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match step.strip_suffix(']').and_then(|index| index.parse::<usize>().ok()) {
                Some(index) => node.items().get(index),
                None => node.member(step),
            };
            let Some(next) = next else { break };
            node = next;
            line = next.line.or(line);
        }
        line
    }

    /// How many values there are, this one included.
    pub fn count(&self) -> usize {
        let inner: usize = match &self.value {
            Value::List(items) => items.iter().map(Self::count).sum(),
            Value::Map(members) => members.iter().map(|(_, node)| node.count()).sum(),
            _ => 0,
        };
        inner + 1
    }
}

/// A text as a JSON string.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl From<&Json<'_>> for Node {
    fn from(json: &Json<'_>) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::Whole(number) => Value::Number(number.to_string()),
            Json::Number(number) => Value::Number(serde_json::Value::from(*number).to_string()),
            Json::Text(text) => Value::Text(text.to_string()),
            Json::List(items) => Value::List(items.iter().map(Self::from).collect()),
            Json::Object(members) => {
                Value::Map(members.iter().map(|(name, value)| (name.to_string(), Self::from(value))).collect())
            }
        };
        Self { line: None, value }
    }
}
