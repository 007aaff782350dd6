//! YAML into a tree. Decides what a scalar is; a name that occurs twice in a map is an error.
//!
//! Plain scalars are what their reader makes of them, so that a file means here what it will mean there: yaml-cpp and Envoy's
//! loader (measured on Envoy 1.40), or Kubernetes' (YAML 1.1, whole numbers of any length). Merge keys (`<<`) are ordinary
//! names to both; compose follows them. Only of two equal names Envoy takes one and says nothing.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::tree::{Node, Value, quoted};

/// The deepest nesting of a YAML file; Envoy's own files stay under 40.
const MAX_DEPTH: usize = 128;
/// The most values of a file after its aliases are written out: no file of a few lines fills the memory.
const MAX_NODES: usize = 500_000;

/// Whose reading of plain scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Envoy's.
    Envoy,
    /// That of Kubernetes' API and tools.
    Kubernetes,
    /// That of docker compose: it follows merge keys, and its tags say what an override takes away.
    Compose,
}

/// The tags by which a compose file takes away what the files before it say: here the one name of a map.
pub const RESET: &str = "!reset";
/// The same, with something in its place.
pub const OVERRIDE: &str = "!override";

/// A list or map whose end is still to come.
struct Open {
    line: usize,
    anchor: usize,
    tag: Option<&'static str>,
    items: Vec<Node>,
    map: Option<OpenMap>,
}

#[derive(Default)]
struct OpenMap {
    members: Vec<(String, Node)>,
    names: BTreeSet<String>,
    /// The name whose value comes next.
    name: Option<String>,
}

struct Builder {
    reader: Reader,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    documents: Vec<Node>,
    count: usize,
}

/// Parses one document, as Envoy does.
///
/// # Errors
/// What is wrong and where; never more of the text than a repeated name.
pub fn parse(text: &str) -> Result<Node, String> {
    let mut documents = parse_all(text, Reader::Envoy)?;
    if let Some(second) = documents.get(1) {
        return Err(format!("a second document begins at line {}", second.line.unwrap_or_default()));
    }
    documents.pop().ok_or_else(|| "the file is empty".to_owned())
}

/// Parses a file of several documents; those without content are left out.
///
/// # Errors
/// As of one document.
pub fn parse_all(text: &str, reader: Reader) -> Result<Vec<Node>, String> {
    let mut builder = Builder { reader, open: Vec::new(), anchors: BTreeMap::new(), documents: Vec::new(), count: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            format!("{} at line {} column {}", error.info(), error.marker().line(), error.marker().col() + 1)
        })?;
        builder.take(event, span).map_err(|message| format!("{message} at line {}", span.start.line()))?;
    }
    let mut documents = builder.documents;
    if documents.len() > 1 {
        documents.retain(|document| !matches!(document.value, Value::Null));
    }
    Ok(documents)
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), String> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = match (plain, self.reader) {
                    (false, _) => Value::Text(text.into_owned()),
                    (true, Reader::Envoy | Reader::Compose) => plain_scalar(&text),
                    (true, Reader::Kubernetes) => kubernetes_scalar(&text),
                };
                let tag = self.tag(tag.as_deref());
                self.add(tagged(Node { line: Some(line), value }, tag), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                let tag = self.tag(tag.as_deref());
                self.start(Open { line, anchor, tag, items: Vec::new(), map: None })
            }
            Event::MappingStart(anchor, tag) => {
                let tag = self.tag(tag.as_deref());
                self.start(Open { line, anchor, tag, items: Vec::new(), map: Some(OpenMap::default()) })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let value = match open.map {
                    Some(map) if self.reader == Reader::Compose => Value::Map(merged(map.members)),
                    Some(map) => Value::Map(map.members),
                    None => Value::List(open.items),
                };
                self.add(tagged(Node { line: Some(open.line), value }, open.tag), open.anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or("an alias stands inside its own anchor")?.clone();
                self.add(Node { line: Some(line), ..node }, 0)
            }
            _ => Ok(()),
        }
    }

    fn tag(&self, tag: Option<&Tag>) -> Option<&'static str> {
        let tag = tag.filter(|tag| self.reader == Reader::Compose && tag.handle == "!")?;
        [RESET, OVERRIDE].into_iter().find(|known| known[1..] == tag.suffix)
    }

    fn start(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err("the file is nested too deeply".to_owned());
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        // A finished list or map counts again with each level it lies in: only repetition through aliases gets far.
        self.count += if node.items().is_empty() && node.members().is_empty() { 1 } else { node.count() };
        if self.count > MAX_NODES * 4 {
            return Err("the file's aliases repeat too much".to_owned());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.map {
            None => open.items.push(node),
            Some(map) => match map.name.take() {
                Some(name) => map.members.push((name, node)),
                None => {
                    let key = match node.value {
                        Value::Text(text) | Value::Number(text) => text,
                        Value::Bool(truth) => truth.to_string(),
                        _ => return Err("a map's name is not a string".to_owned()),
                    };
                    if !map.names.insert(key.clone()) {
                        return Err(format!("the name {} occurs twice in one map", quoted(&key)));
                    }
                    map.name = Some(key);
                }
            },
        }
        Ok(())
    }
}

fn tagged(node: Node, tag: Option<&str>) -> Node {
    match tag {
        Some(tag) => Node { line: node.line, value: Value::Map(vec![(tag.to_owned(), node)]) },
        None => node,
    }
}

/// A map with what its merge key adds; its own names count first, then those of the maps in their order.
fn merged(members: Vec<(String, Node)>) -> Vec<(String, Node)> {
    let (merges, mut own): (Vec<_>, Vec<_>) = members.into_iter().partition(|(name, _)| name == "<<");
    for (_, merge) in &merges {
        let maps = if merge.items().is_empty() { std::slice::from_ref(merge) } else { merge.items() };
        for (name, node) in maps.iter().flat_map(Node::members) {
            if !own.iter().any(|(known, _)| known == name) {
                own.push((name.clone(), node.clone()));
            }
        }
    }
    own
}

/// Null and the booleans, which both readers take alike.
fn plain_word(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        _ => {}
    }
    let lower = text.to_ascii_lowercase();
    let capitalised = text.chars().skip(1).all(|letter| letter.is_ascii_lowercase());
    if capitalised || text.chars().all(|letter| letter.is_ascii_uppercase()) {
        match lower.as_str() {
            "true" | "yes" | "on" | "y" => return Some(Value::Bool(true)),
            "false" | "no" | "off" | "n" => return Some(Value::Bool(false)),
            _ => {}
        }
    }
    None
}

/// What Kubernetes' tools make of an unquoted scalar: a hash of nothing but digits is a number there.
fn kubernetes_scalar(text: &str) -> Value {
    if let Some(word) = plain_word(text) {
        return word;
    }
    let begins =
        text.trim_start_matches(['+', '-']).starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let whole = match digits.get(..2) {
        Some("0x" | "0X") => i64::from_str_radix(&digits[2..], 16),
        Some("0b" | "0B") => i64::from_str_radix(&digits[2..], 2),
        Some("0o") => i64::from_str_radix(&digits[2..], 8),
        Some(_) if digits.starts_with('0') => i64::from_str_radix(digits, 8),
        _ => digits.parse(),
    };
    match (begins && !digits.starts_with(['+', '-']), whole, text.parse::<f64>()) {
        (true, Ok(number), _) => Value::Number(format!("{sign}{number}")),
        (true, _, Ok(number)) if number.is_finite() => Value::Number(serde_json::Value::from(number).to_string()),
        _ => Value::Text(text.to_owned()),
    }
}

/// What Envoy makes of an unquoted scalar: null, yaml-cpp's booleans, whole numbers of 32 bits, else a string.
fn plain_scalar(text: &str) -> Value {
    if let Some(word) = plain_word(text) {
        return word;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let number = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8),
        None if digits.starts_with(['+', '-']) => return Value::Text(text.to_owned()),
        None => digits.parse::<i64>(),
    };
    match number {
        Ok(number) if i32::try_from(number).is_ok() => Value::Number(format!("{sign}{number}")),
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        Node::parse(text).map_or_else(|error| format!("error: {error}"), |node| node.to_json())
    }

    #[test]
    fn reads_plain_scalars_as_envoy_does() {
        assert_eq!(
            json("[true, Yes, off, n, yEs, ~, 12, 0x10, 010, 1.5, -3, 2026-12-01T00:00:00Z, 4294967296, '12', --1]"),
            r#"[true,true,false,false,"yEs",null,12,16,8,"1.5",-3,"2026-12-01T00:00:00Z","4294967296","12","--1"]"#
        );
    }

    #[test]
    fn follows_anchors_and_keeps_the_order_of_names() {
        assert_eq!(json("b: &x {z: 1, a: [2]}\na: *x\n"), r#"{"b":{"z":1,"a":[2]},"a":{"z":1,"a":[2]}}"#);
    }

    #[test]
    fn follows_merge_keys_and_tags_for_compose_alone() {
        let text = "a: &a {x: 1, w: 2}\nb: &b {x: 3, z: 4}\nc: {<<: [*a, *b], w: 5}\nd: {<<: *a}\ne: !reset null\nf: !override [1]\n";
        let compose = parse_all(text, Reader::Compose).unwrap().pop().unwrap();
        assert_eq!(compose.member("c").unwrap().to_json(), r#"{"w":5,"x":1,"z":4}"#);
        assert_eq!(compose.member("d").unwrap().to_json(), r#"{"x":1,"w":2}"#);
        assert_eq!(compose.member("e").unwrap().to_json(), r#"{"!reset":"null"}"#);
        assert_eq!(compose.member("f").unwrap().to_json(), r#"{"!override":[1]}"#);
        let envoy = parse_all(text, Reader::Envoy).unwrap().pop().unwrap();
        assert_eq!(envoy.member("d").unwrap().to_json(), r#"{"<<":{"x":1,"w":2}}"#);
        assert_eq!(envoy.member("f").unwrap().to_json(), "[1]");
    }

    #[test]
    fn refuses_a_name_twice_with_its_line() {
        assert_eq!(json("a: 1\nb: 2\na: 3\n"), "error: the name \"a\" occurs twice in one map at line 3");
        assert!(json("{\"a\": 1, \"a\": 2}").starts_with("error: duplicate member at line 1"));
    }

    #[test]
    fn refuses_a_second_document_an_empty_one_and_an_alias_bomb() {
        assert_eq!(json("a: 1\n---\nb: 2\n"), "error: a second document begins at line 3");
        assert_eq!(json("# nothing\n"), "error: the file is empty");
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let previous = level - 1;
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{previous}"); 10].join(", ")));
        }
        assert!(json(&bomb).starts_with("error: the file's aliases repeat too much"), "{}", json(&bomb).len());
    }

    #[test]
    fn reads_several_documents_and_leaves_out_the_empty_ones() {
        let documents = parse_all("---\na: 1\n---\n# nothing\n---\nb: 2\n---\n", Reader::Kubernetes).unwrap();
        let documents: Vec<(Option<usize>, String)> =
            documents.iter().map(|document| (document.line, document.to_json())).collect();
        assert_eq!(documents, [(Some(2), "{\"a\":1}".to_owned()), (Some(6), "{\"b\":2}".to_owned())]);
    }

    #[test]
    fn reads_plain_scalars_as_kubernetes_does() {
        let digits = "1".repeat(64);
        let text =
            format!("[yes, 12, 4294967296, 1.5, 0x10, 010, 089, {digits}, 12e3, 2026-12-01T00:00:00Z, .5, inf, -3]");
        let read = parse_all(&text, Reader::Kubernetes).unwrap().pop().unwrap();
        assert_eq!(
            read.to_json(),
            r#"[true,12,4294967296,1.5,16,8,89.0,1.1111111111111112e+63,12000.0,"2026-12-01T00:00:00Z",0.5,"inf",-3]"#
        );
    }

    #[test]
    fn finds_the_line_of_a_path_or_of_what_exists_of_it() {
        let node = Node::parse("keys: []\ndashboards:\n- name: a\n  url: b\n- name: c\n").unwrap();
        assert_eq!(node.line_of("dashboards[0].url"), Some(4));
        assert_eq!(node.line_of("dashboards[1].url"), Some(5));
        assert_eq!(node.line_of("dashboards[7].url"), Some(3));
    }
}
