//! A value in an Envoy file together with its path, and the ways to go on from there.

use crate::check::Finding;
use crate::tree::{Node, Value};

/// A value and its path.
#[derive(Clone)]
pub struct Place<'a> {
    /// The value.
    pub node: &'a Node,
    /// Such as `static_resources.listeners[0]`.
    pub path: String,
}

impl<'a> Place<'a> {
    /// The file's outermost value.
    pub fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    /// A field, under its own name or, as protobuf's JSON also allows, in lowerCamelCase.
    pub fn member(&self, name: &str) -> Option<Self> {
        let camel = camel_case(name);
        let (known, node) = self.node.members().iter().find(|(known, _)| known == name || *known == camel)?;
        Some(self.under(known, node)).filter(|place| !matches!(place.node.value, Value::Null))
    }

    /// A field at the end of a chain of fields.
    pub fn deep(&self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self.clone(), |place, name| place.member(name))
    }

    /// All members of a map.
    pub fn members(&self) -> Vec<(&'a str, Self)> {
        self.node.members().iter().map(|(name, node)| (name.as_str(), self.under(name, node))).collect()
    }

    /// All items of a list that is a field.
    pub fn list(&self, name: &str) -> Vec<Self> {
        self.member(name).map(|list| list.items()).unwrap_or_default()
    }

    /// All items of a list.
    pub fn items(&self) -> Vec<Self> {
        let item = |(index, node)| Self { node, path: format!("{}[{index}]", self.path) };
        self.node.items().iter().enumerate().map(item).collect()
    }

    /// A field that is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.member(name).and_then(|place| place.node.text())
    }

    /// A field that is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.member(name).is_some_and(|place| place.node.is_true())
    }

    /// Whether this is an `Any` of that type.
    pub fn is_a(&self, message: &str) -> bool {
        let name = self.node.member("@type").and_then(Node::text).and_then(|url| url.rsplit('/').next());
        name.is_some_and(|name| name.ends_with(message))
    }

    /// Calls `visit` here and on everything below.
    pub fn walk(&self, visit: &mut impl FnMut(&Self)) {
        visit(self);
        self.items().iter().for_each(|item| item.walk(visit));
        self.members().iter().for_each(|(_, member)| member.walk(visit));
    }

    /// A finding at this place.
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line: self.node.line, message: message.into() }
    }

    fn under(&self, name: &str, node: &'a Node) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { node, path }
    }
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
