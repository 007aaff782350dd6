//! Holds a document against the table of fields, and lists every problem by its path.

use std::fmt;

use super::fields::{Field, Shape};
use super::texts::name;
use crate::json::Json;
use crate::table::Table;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Such as `dashboards[2].url`; empty for the whole document.
    pub path: String,
    /// The rule that is broken. Never holds a configured value that could be a secret.
    pub message: String,
}

impl Problem {
    /// A problem at a path.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "configuration" } else { &self.path };
        write!(formatter, "{path}: {}", self.message)
    }
}

/// Holds `value` against `shape`.
pub fn check(value: &Json<'_>, shape: &Shape, path: &str, problems: &mut Vec<Problem>) {
    let wrong = |message: &str| Problem::new(path, message);
    match (shape, value) {
        (Shape::Text(check), Json::Text(text)) => {
            if let Err(message) = check(text) {
                problems.push(wrong(message));
            }
        }
        (Shape::Text(_), _) => problems.push(wrong("must be a string")),
        (Shape::Whole(least, most), Json::Whole(number)) if (least..=most).contains(&number) => {}
        (Shape::Whole(least, most), _) => {
            problems.push(Problem::new(path, format!("must be a whole number from {least} to {most}")));
        }
        (Shape::Boolean, Json::Bool(_)) => {}
        (Shape::Boolean, _) => problems.push(wrong("must be true or false")),
        (Shape::Choice(words), Json::Text(text)) if words.contains(&text.as_ref()) => {}
        (Shape::Choice(words), _) => {
            problems.push(Problem::new(path, format!("must be one of {}", words.join(", "))));
        }
        (Shape::List(inner), Json::List(items)) => {
            let mut texts: Table<()> = Table::default();
            for (index, item) in items.iter().enumerate() {
                check(item, inner, &format!("{path}[{index}]"), problems);
                if item.text().is_some_and(|text| texts.insert(text.as_bytes().into(), ()).is_some()) {
                    problems.push(Problem::new(format!("{path}[{index}]"), "is listed twice"));
                }
            }
        }
        (Shape::List(_), _) => problems.push(wrong("must be a list")),
        (Shape::Map(inner), Json::Object(members)) => {
            for (key, value) in members {
                let path = join(path, key);
                if let Err(message) = name(key) {
                    problems.push(Problem::new(&path, message));
                }
                check(value, inner, &path, problems);
            }
        }
        (Shape::Object(fields), Json::Object(_)) => check_object(value, fields, path, problems),
        (Shape::Map(_) | Shape::Object(_), _) => problems.push(wrong("must be an object")),
    }
}

fn check_object(value: &Json<'_>, fields: &[Field], path: &str, problems: &mut Vec<Problem>) {
    for (key, member) in value.members() {
        match fields.iter().find(|field| field.name == key) {
            Some(field) => check(member, &field.shape, &join(path, key), problems),
            None => {
                let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
                problems
                    .push(Problem::new(join(path, key), format!("is not a known key; known are {}", known.join(", "))));
            }
        }
    }
    for field in fields.iter().filter(|field| field.default.is_none()) {
        if value.member(field.name).is_none() {
            problems.push(Problem::new(join(path, field.name), "is missing"));
        }
    }
}

/// A key's place in its object. Odd keys are escaped: they end up in logs.
fn join(path: &str, key: &str) -> String {
    let key: String = key.escape_debug().take(64).collect();
    if path.is_empty() { key } else { format!("{path}.{key}") }
}
