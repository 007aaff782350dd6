//! Strict JSON: one reading of one text.

use gate::json::{Json, quoted};
use wasm_bindgen_test::wasm_bindgen_test;

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_every_kind_of_value() {
    let text = br#" {"a":null,"b":[true,false],"c":7,"d":-7,"e":0.5,"f":"x\n","":{}} "#;
    let value = Json::parse(text).expect("JSON");
    assert_eq!(value.member("a"), Some(&Json::Null));
    assert_eq!(value.member("b").map(Json::items), Some([Json::Bool(true), Json::Bool(false)].as_slice()));
    assert_eq!(value.member("c"), Some(&Json::Whole(7)));
    assert_eq!(value.member("d"), Some(&Json::Number(-7.0)));
    assert_eq!(value.member("e"), Some(&Json::Number(0.5)));
    assert_eq!(value.member("f").and_then(Json::text), Some("x\n"));
    assert_eq!(value.member("").map(Json::members), Some([].as_slice()));
    assert_eq!(value.member("g"), None);
    assert_eq!((value.members().len(), value.items().len(), value.text()), (7, 0, None));
    assert_eq!(Json::parse(b"[1]").expect("JSON").member("a"), None);
    assert_eq!(Json::parse(b"18446744073709551615"), Ok(Json::Whole(u64::MAX)));
    assert_eq!(Json::parse(b"18446744073709551616"), Ok(Json::Number(18_446_744_073_709_551_616.0)));
    assert_eq!(Json::parse(b"1.0"), Ok(Json::Number(1.0)));
}

#[wasm_bindgen_test(unsupported = test)]
fn borrows_strings_without_escapes_and_undoes_the_others() {
    for (text, expected) in [
        (r#""plain""#, "plain"),
        (r#""\u0065\u00e9\ud83d\ude00""#, "e\u{e9}\u{1f600}"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
    ] {
        assert_eq!(Json::parse(text.as_bytes()).expect("JSON").text(), Some(expected));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_name_that_occurs_twice_at_any_depth_and_in_any_spelling() {
    for odd in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"b":2,"a":3}]}"#, r#"{"a":1,"\u0061":2}"#, r#"{"\u0061":1,"a":2}"#]
    {
        let message = Json::parse(odd.as_bytes()).expect_err(odd);
        assert!(message.starts_with("duplicate member at line 1"), "{message}");
    }
    assert!(Json::parse(br#"{"a":{"a":1},"A":2}"#).is_ok());
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_repeated_name_among_very_many() {
    for count in [22, 23, 24, 25, 26, 100] {
        let members: Vec<String> = (0..count).map(|number| format!("\"n{number}\":0")).collect();
        let text = |last: &str| format!("{{{},{last}}}", members.join(","));
        assert!(Json::parse(text("\"other\":0").as_bytes()).is_ok(), "{count}");
        for again in ["n0", "n1", &format!("n{}", count - 1), "n20"] {
            assert!(Json::parse(text(&format!("\"{again}\":0")).as_bytes()).is_err(), "{count} {again}");
        }
    }
    // Both copies long after the list became an index.
    let late: Vec<String> =
        (0..60).map(|number| format!("\"n{}\":0", if number == 59 { 58 } else { number })).collect();
    assert!(Json::parse(format!("{{{}}}", late.join(",")).as_bytes()).is_err());
}

#[wasm_bindgen_test(unsupported = test)]
fn nests_32_deep_and_no_deeper() {
    assert!(Json::parse(nested(32).as_bytes()).is_ok());
    assert!(Json::parse(nested(33).as_bytes()).is_err());
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(Json::parse(objects(32).as_bytes()).is_ok());
    assert!(Json::parse(objects(33).as_bytes()).is_err());
    assert!(Json::parse(b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[").is_err());
    let wide = format!("[{}]", vec![nested(31); 40].join(","));
    assert!(Json::parse(wide.as_bytes()).is_ok());
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_what_readers_disagree_about() {
    for odd in [
        "",
        " ",
        "\u{feff}{}",
        "{} x",
        "{}{}",
        "[1,]",
        "{\"a\":1,}",
        "{'a':1}",
        "{a:1}",
        "nul",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "01",
        "1.",
        ".5",
        "+1",
        "0x1",
        "\"\u{1}\"",
        "\"\\x41\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "// c\n1",
        "\"",
        "{\"a\"}",
        "{1:2}",
    ] {
        assert!(Json::parse(odd.as_bytes()).is_err(), "{odd}");
    }
    for odd in
        [b"\"\xff\"".as_slice(), b"\"\xc0\xaf\"", b"\"\xed\xa0\x80\"", b"\xff\xfe{\0}\0", b"{\"\xff\":1}", b"{}\0"]
    {
        assert!(Json::parse(odd).is_err(), "{odd:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn says_what_is_wrong_without_the_text_itself() {
    for (text, message) in [
        ("[\"hunter2\", nope]", "expected ident at line 1 column 14"),
        ("{\"hunter2\":1,\"hunter2\":2}", "duplicate member at line 1 column 22"),
        ("\"hunter2", "EOF while parsing a string at line 1 column 8"),
    ] {
        assert_eq!(Json::parse(text.as_bytes()), Err(message.to_owned()));
    }
    let deep = Json::parse(nested(40).as_bytes()).expect_err("too deep");
    assert!(deep.starts_with("nested too deeply"), "{deep}");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_bad_utf_8_by_name() {
    assert_eq!(Json::parse(b"\xff"), Err("is not UTF-8".to_owned()));
}

#[wasm_bindgen_test(unsupported = test)]
fn quotes_any_text_so_that_it_reads_back_as_itself() {
    assert_eq!(quoted("a\"b\\c\n\u{0}\u{1f} \u{7f}\u{e9}/"), "\"a\\\"b\\\\c\\u000a\\u0000\\u001f \u{7f}\u{e9}/\"");
    for number in (0..0x300).chain([0x2028, 0xfeff, 0x1f600]) {
        let text = char::from_u32(number).expect("a character").to_string();
        assert_eq!(Json::parse(quoted(&text).as_bytes()).expect("JSON").text(), Some(text.as_str()));
    }
    assert_eq!(quoted(""), "\"\"");
}
