//! `google.protobuf.Struct` in wire form, as Envoy hands native YAML over.

use gate::Gate;
use gate::json::Json;
use gate::structpb::parse;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent, environment};

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn piece(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag], varint(content.len()).as_slice(), content].concat()
}

/// A `google.protobuf.Value`.
fn value(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => vec![0x08, 0],
        Value::Number(number) => [&[0x11], number.as_f64().expect("a double").to_le_bytes().as_slice()].concat(),
        Value::String(text) => piece(0x1a, text.as_bytes()),
        Value::Bool(truth) => vec![0x20, u8::from(*truth)],
        Value::Object(_) => piece(0x2a, &object(value)),
        Value::Array(items) => {
            piece(0x32, &items.iter().flat_map(|item| piece(0x0a, &self::value(item))).collect::<Vec<_>>())
        }
    }
}

fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    piece(0x0a, &[piece(0x0a, name.as_bytes()), piece(0x12, content)].concat())
}

/// A `google.protobuf.Struct`.
fn object(object: &Value) -> Vec<u8> {
    object.as_object().expect("an object").iter().flat_map(|(name, member)| entry(name, &value(member))).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_every_kind_of_value() {
    let document =
        json!({"b": true, "a": {"z": false}, "c": [1, "two", null, [2.5], {}], "d": -3, "long": "x".repeat(300)});
    let read = parse(&object(&document)).expect("a Struct");
    let names: Vec<&str> = read.members().iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "long"]);
    assert_eq!(read.member("b"), Some(&Json::Bool(true)));
    assert_eq!(read.member("a").and_then(|inner| inner.member("z")), Some(&Json::Bool(false)));
    let items = read.member("c").expect("a list").items();
    assert_eq!(items[..3], [Json::Whole(1), Json::Text("two".into()), Json::Null]);
    assert_eq!(items[3].items(), [Json::Number(2.5)]);
    assert_eq!(items[4], Json::Object(Vec::new()));
    assert_eq!(read.member("d"), Some(&Json::Number(-3.0)));
    assert_eq!(read.member("long").and_then(Json::text).map(str::len), Some(300));
}

#[wasm_bindgen_test(unsupported = test)]
fn sorts_members_so_that_problems_come_in_one_order() {
    let mixed = [entry("b", &[0x08, 0]), entry("a", &[0x08, 0])].concat();
    let read = parse(&mixed).expect("a Struct");
    assert_eq!(read.members().iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>(), ["a", "b"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_doubles_for_whole_numbers_as_far_as_they_are_exact() {
    for (number, expected) in [
        (0.0, Some(0)),
        (1.0, Some(1)),
        (9_007_199_254_740_991.0, Some(9_007_199_254_740_991)),
        (9_007_199_254_740_992.0, None),
        (0.5, None),
        (-1.0, None),
        (1e300, None),
    ] {
        let read = parse(&entry("n", &[&[0x11], f64::to_le_bytes(number).as_slice()].concat())).expect("a Struct");
        let expected = expected.map_or(Json::Number(number), Json::Whole);
        assert_eq!(read.member("n"), Some(&expected), "{number}");
    }
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let odd = entry("n", &[&[0x11], number.to_le_bytes().as_slice()].concat());
        assert_eq!(parse(&odd), Err("holds a number that is not finite"));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_member_that_is_repeated() {
    let twice = [entry("a", &[0x08, 0]), entry("b", &[0x08, 0]), entry("a", &[0x20, 1])].concat();
    assert_eq!(parse(&twice), Err("repeats a member"));
}

#[wasm_bindgen_test(unsupported = test)]
fn nests_32_deep_and_no_deeper() {
    let lists = |depth: usize| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let objects = |depth: usize| (1..depth).fold(json!({}), |inner, _| json!({"a": inner}));
    assert!(parse(&object(&objects(32))).is_ok());
    assert_eq!(parse(&object(&objects(33))), Err("is nested too deeply"));
    assert!(parse(&object(&json!({"a": lists(31)}))).is_ok());
    assert_eq!(parse(&object(&json!({"a": lists(32)}))), Err("is nested too deeply"));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_what_is_no_struct() {
    const MALFORMED: &str = "is not a well-formed google.protobuf.Struct";
    let long_varint = [vec![0x0a], vec![0x80; 10], vec![0]].concat();
    for odd in [
        vec![0x0a],
        vec![0x0a, 5],
        vec![0x0a, 5, 0x0a],
        vec![0x12, 0],
        vec![0x08, 0],
        vec![0x0b],
        vec![0x0a, 0x80],
        piece(0x0a, &[0x1a, 0]),
        piece(0x0a, &[0x08, 1]),
        piece(0x0a, &[0x10, 1]),
        entry("a", &[0x38, 0]),
        entry("a", &[0x10, 0]),
        entry("a", &[0x11, 0]),
        entry("a", &[0x11, 0, 0, 0, 0, 0, 0, 0]),
        entry("a", &[0x1a, 1, 0xff]),
        entry("a", &[0x22, 1, 0]),
        entry("a", &[0x28, 0]),
        entry("a", &[0x30, 0]),
        entry("a", &[0x32, 2, 0x12, 0]),
        entry("a", &[0x32, 2, 0x08, 0]),
        entry("a", &[0x0c]),
        entry("a", &[0x0d, 0, 0, 0, 0]),
        entry("a", &[0x18, 0]),
        entry("a", &[0x0a, 0]),
        long_varint,
        piece(0x0a, &piece(0x0a, &[0xff])),
        vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ] {
        assert_eq!(parse(&odd), Err(MALFORMED), "{odd:02x?}");
    }
    // A length in ten bytes is well-formed, and longer than what follows.
    let huge = [vec![0x0a], vec![0xff; 9], vec![1]].concat();
    assert_eq!(parse(&huge), Err(MALFORMED));
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_protobufs_defaults_for_what_is_left_out() {
    let read = parse(&piece(0x0a, &[])).expect("an entry without name and value");
    assert_eq!(read, Json::Object(vec![("".into(), Json::Null)]));
    assert_eq!(parse(&entry("a", &[])).expect("an empty value").member("a"), Some(&Json::Null));
    assert_eq!(parse(&entry("a", &[0x08, 1])).expect("any null").member("a"), Some(&Json::Null));
    assert_eq!(parse(&entry("a", &[0x20, 2])).expect("a truth").member("a"), Some(&Json::Bool(true)));
    // The last of several kinds counts, as protobuf has it.
    assert_eq!(parse(&entry("a", &[0x20, 1, 0x08, 0])).expect("two kinds").member("a"), Some(&Json::Null));
    assert_eq!(parse(&[]), Ok(Json::Object(Vec::new())));
    let spelt_long = [vec![0x0a, 0x84, 0x00], piece(0x0a, b"ab")].concat();
    assert_eq!(parse(&spelt_long).expect("a long varint").members().len(), 1);
}

#[wasm_bindgen_test(unsupported = test)]
fn loads_the_same_policy_from_yaml_and_from_json() {
    let document = object(&Policy::new().0);
    assert_eq!(document[0], 0x0a);
    let gate = Gate::load(&document, &environment).expect("a policy");
    assert_eq!(Sent::get("https://report.example.org/").with_session("report").told(&gate), "permit session report");
    // A JSON text may begin with a line feed, which is a Struct's first byte.
    let text = format!("\n{}", Policy::new().0);
    assert!(Gate::load(text.as_bytes(), &environment).is_ok());
}
