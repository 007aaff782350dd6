//! The JSON Schema and the reference page come from the table that checks documents: they agree with it.

use gate::config::{reference, schema};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::Policy;

#[wasm_bindgen_test(unsupported = test)]
fn describes_the_whole_document() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["title"], "dashgate configuration");
    assert_eq!((&schema["type"], &schema["additionalProperties"]), (&json!("object"), &json!(false)));
    assert_eq!(schema["required"], json!(["dashboards"]));
    let keys = &schema["properties"]["keys"];
    assert_eq!((&keys["type"], &keys["default"]), (&json!("array"), &json!([])));
    assert_eq!(keys.get("uniqueItems"), None);
    assert_eq!(keys["items"]["required"], json!(["id"]));
    assert_eq!(keys["items"]["properties"]["encoding"]["enum"], json!(["base64url", "base64", "hex", "utf8"]));
    let kinds = &schema["properties"]["sessions"];
    assert_eq!(kinds["propertyNames"], json!({"pattern": "^[A-Za-z0-9_-]{1,64}$"}));
    let kind = &kinds["additionalProperties"]["properties"];
    assert_eq!(kind["keys"]["uniqueItems"], true);
    assert_eq!(kind["keys"]["items"], json!({"type": "string", "minLength": 1}));
    assert_eq!(kind["carriers"]["items"], json!({"type": "string", "enum": ["cookie", "bearer", "subprotocol"]}));
    assert_eq!(kind["carriers"]["default"], json!(["cookie"]));
    let skew = json!({"type": "integer", "minimum": 0, "maximum": 300, "default": 30,
                      "description": "How far the signer's clock may differ. For jwt and what holds a time."});
    assert_eq!(kind["clock_skew_seconds"], skew);
    assert_eq!(kind["issuer"].get("default"), None);
    assert_eq!(schema["properties"]["reason_header"]["type"], "boolean");
    assert_eq!(schema["properties"]["dashboards"]["items"]["properties"]["preflight"]["default"], json!({}));
}

/// Holds a value against as much of JSON Schema as ours uses.
fn holds(value: &Value, schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("string") => {
            let listed = schema["enum"].as_array().is_none_or(|words| words.contains(value));
            value.as_str().is_some_and(|text| listed && (!text.is_empty() || schema.get("minLength").is_none()))
        }
        Some("integer") => {
            let (least, most) = (schema["minimum"].as_u64(), schema["maximum"].as_u64());
            value.as_u64().is_some_and(|number| Some(number) >= least && Some(number) <= most)
        }
        Some("boolean") => value.is_boolean(),
        Some("array") => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let unique =
                schema["uniqueItems"] != true || items.iter().enumerate().all(|(at, item)| !items[..at].contains(item));
            value.is_array() && unique && items.iter().all(|item| holds(item, &schema["items"]))
        }
        _ => {
            let Some(members) = value.as_object() else { return false };
            let required = schema["required"]
                .as_array()
                .is_none_or(|names| names.iter().all(|name| members.contains_key(name.as_str().expect("a name"))));
            required
                && members.iter().all(|(name, member)| match schema["properties"].get(name) {
                    Some(inner) => holds(member, inner),
                    None => {
                        schema["additionalProperties"].is_object() && holds(member, &schema["additionalProperties"])
                    }
                })
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_and_refuses_what_the_gate_does() {
    let schema = schema();
    assert!(holds(&Policy::new().0, &schema));
    for (pointer, value) in [
        ("/dashboards/1/open", json!("yes")),
        ("/dashboards/1/opened", json!(true)),
        ("/dashboards/1/name", Value::Null),
        ("/sessions/portal/clock_skew_seconds", json!(301)),
        ("/sessions/portal/carriers", json!(["cookie", "cookie"])),
        ("/keys/0/encoding", json!("rot13")),
        ("/connect/from", json!("x")),
        ("/dashboards/1/preflight", json!({"x": 1})),
    ] {
        let policy = Policy::new().with(pointer, value);
        assert!(!policy.problems().is_empty() && !holds(&policy.0, &schema), "{pointer}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn has_a_default_that_its_own_check_takes() {
    fn visit(schema: &Value, count: &mut usize) {
        if let Some(default) = schema.get("default") {
            assert!(holds(default, schema), "{schema}");
            *count += 1;
        }
        let inner = schema["properties"].as_object().into_iter().flat_map(|members| members.values());
        inner
            .chain([&schema["items"], &schema["additionalProperties"]])
            .filter(|inner| inner.is_object())
            .for_each(|inner| visit(inner, count));
    }
    let mut count = 0;
    visit(&schema(), &mut count);
    assert_eq!(count, 32);
}

#[wasm_bindgen_test(unsupported = test)]
fn writes_a_reference_of_every_field() {
    let page = reference();
    let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(
        headings,
        [
            "## the document",
            "## keys[]",
            "## sessions.NAME",
            "## connect",
            "## dashboards[]",
            "## dashboards[].backends[]",
            "## dashboards[].preflight"
        ]
    );
    for row in [
        "| `keys` | list of: object | `[]` | The keys sessions are verified with. Secrets come from the environment of the VM, never from here. |",
        "| `sessions` | object by name | `{}` | The kinds of sessions there are, by name. |",
        "| `reason_header` | true or false | `false` | Whether refusals tell their reason code in x-dashgate-reason. |",
        "| `digest` | sha1, sha256 | `\"sha1\"` | itsdangerous, flask: the hash under the signature. |",
        "| `clock_skew_seconds` | 0 to 300 | `30` | How far the signer's clock may differ. For jwt and what holds a time. |",
        "| `carriers` | list of: cookie, bearer, subprotocol | `[\"cookie\"]` | jwt: where a token may be found. Bokeh's carriers are its own: the query, Bokeh-Session-Id, the subprotocol. |",
        "| `connect` | object | none | How a portal hands a session over. Without it there is no connect endpoint. |",
        "| `methods` | list of: string | `[\"GET\", \"HEAD\", \"POST\"]` | Access-Control-Allow-Methods. |",
    ] {
        assert!(page.lines().any(|line| line == row), "{row}\n{page}");
    }
    assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), 60);
}
