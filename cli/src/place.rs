//! A value in a file together with its path, and the ways to go on from there. Decides nothing about what it holds.

use crate::check::Finding;
use crate::fields::camel_case;
use crate::tree::{Node, Value};

/// A value and its path.
#[derive(Clone)]
pub struct Place<'a> {
    /// The value.
    pub node: &'a Node,
    /// Such as `static_resources.listeners[0]`, or `EnvoyFilter istio-ingress/dashgate: spec.priority`.
    pub path: String,
    /// Which of the files that were given.
    pub file: usize,
}

/// What ends the name of a document, before the path within it.
const TITLE: &str = ": ";

impl<'a> Place<'a> {
    /// The outermost value of a file that holds one document.
    pub fn root(node: &'a Node) -> Self {
        Self::of_file(node, 0)
    }

    /// The outermost value of one of several files.
    pub fn of_file(node: &'a Node, file: usize) -> Self {
        Self { node, path: String::new(), file }
    }

    /// The outermost value of a document with a name.
    pub fn titled(node: &'a Node, file: usize, title: &str) -> Self {
        Self { node, path: format!("{title}{TITLE}"), file }
    }

    /// A field, under its own name or, as protobuf's JSON also allows, in lowerCamelCase.
    pub fn member(&self, name: &str) -> Option<Self> {
        let camel = camel_case(name);
        let found = self.node.members().iter().find(|(known, _)| known == name || *known == camel);
        let Some((known, node)) = found else {
            // A message that says its type in a field: the form of many an older EnvoyFilter.
            return self.wrapped().filter(|_| name != "value")?.member(name);
        };
        Some(self.under(known, node)).filter(|place| !matches!(place.node.value, Value::Null))
    }

    /// What a `TypedStruct` holds, where this is one.
    fn wrapped(&self) -> Option<Self> {
        let is_wrapper = self.node.member("@type").and_then(Node::text)?.ends_with(".v1.TypedStruct");
        is_wrapper.then(|| self.node.member("value").map(|value| self.under("value", value)))?
    }

    /// The fields of a message, wherever it is wrapped.
    pub fn unwrapped(&self) -> Self {
        self.wrapped().unwrap_or_else(|| self.clone())
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
        let item = |(index, node)| Self { node, path: format!("{}[{index}]", self.path), file: self.file };
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

    /// A field that is a scalar, as text: labels that look like numbers are text all the same.
    pub fn word(&self, name: &str) -> Option<String> {
        self.member(name).and_then(|place| place.scalar())
    }

    /// A scalar as text.
    pub fn scalar(&self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// Whether this is an `Any` of that type.
    pub fn is_a(&self, message: &str) -> bool {
        let url = match self.wrapped() {
            Some(_) => self.node.member("type_url").or_else(|| self.node.member("typeUrl")),
            None => self.node.member("@type"),
        };
        url.and_then(Node::text).and_then(|url| url.rsplit('/').next()).is_some_and(|name| name.ends_with(message))
    }

    /// Calls `visit` here and on everything below.
    pub fn walk(&self, visit: &mut impl FnMut(&Self)) {
        visit(self);
        self.items().iter().for_each(|item| item.walk(visit));
        self.members().iter().for_each(|(_, member)| member.walk(visit));
    }

    /// A finding at this place.
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding { file: self.file, path: self.path_of(""), line: self.node.line, message: message.into() }
    }

    /// The path of something below, which may be nothing: then this one's.
    pub fn path_of(&self, below: &str) -> String {
        match (self.path.is_empty() || self.path.ends_with(TITLE), below.is_empty()) {
            (_, true) => self.path.strip_suffix(TITLE).unwrap_or(&self.path).to_owned(),
            (true, false) => format!("{}{below}", self.path),
            (false, false) => format!("{}.{below}", self.path),
        }
    }

    fn under(&self, name: &str, node: &'a Node) -> Self {
        Self { node, path: self.path_of(name), file: self.file }
    }
}
