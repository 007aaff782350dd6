//! The golden vectors, made by the real PyJWT and bokeh: each verdict through `verify --jsonl`, one call per policy.

mod common;

use std::collections::BTreeMap;

use common::*;
use serde_json::{Value, json};

/// A policy that judges as a case says, its environment, and the options that say which Bokeh credential it is.
fn settings(case: &Value) -> (Value, Vec<(String, String)>, &'static str) {
    let mut environment = Vec::new();
    let mut keys = Vec::new();
    for (index, key) in case["keys"].as_array().unwrap().iter().enumerate() {
        let variable = format!("KEY_{index}");
        environment.push((variable.clone(), key["secret_base64url"].as_str().unwrap().to_owned()));
        let mut entry = json!({"id": key["id"], "env": variable, "encoding": "base64url"});
        if let Some(seconds) = key["retire_at"].as_u64() {
            entry["retire_at"] = json!(utc(seconds));
        }
        keys.push(entry);
    }
    let ids: Vec<&Value> = keys.iter().map(|key| &key["id"]).collect();
    let (option, mut session) = match case["kind"].as_str().unwrap() {
        "bokeh_id" => ("--id", json!({"format": "bokeh", "keys": ids, "max_stream_seconds": 1})),
        "bokeh_token" => ("--token", json!({"format": "bokeh", "keys": ids, "max_stream_seconds": 1})),
        _ => ("--connect", json!({"format": "jwt", "keys": ids})),
    };
    let mut dashboard = json!({"name": "report", "url": "https://report.example.org/", "sessions": ["kind"]});
    for name in ["issuer", "clock_skew_seconds", "max_lifetime_seconds"] {
        if !case[name].is_null() {
            session[name] = case[name].clone();
        }
    }
    if !case["audience"].is_null() {
        dashboard["audience"] = case["audience"].clone();
    }
    let policy = json!({"keys": keys, "sessions": {"kind": session}, "dashboards": [dashboard]});
    (policy, environment, if option == "--connect" { "" } else { option })
}

/// By the `date` of the standard library there is none: counted day by day, unlike the command's own way.
fn utc(seconds: u64) -> String {
    let (mut days, clock) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut month) = (1970, 1);
    loop {
        let length = match month {
            2 => 28 + u64::from(leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if days < length {
            return format!(
                "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
                days + 1,
                clock / 3600,
                clock / 60 % 60,
                clock % 60
            );
        }
        days -= length;
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
}

fn check_all(file_name: &str, least: usize) {
    let text = std::fs::read_to_string(repository("tests/golden").join(file_name)).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert!(cases.len() >= least, "{file_name} holds {} cases only", cases.len());
    let mut calls: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for case in cases {
        let (policy, environment, option) = settings(case);
        calls.entry(json!([policy, environment, option]).to_string()).or_default().push(case);
    }
    for (number, cases) in calls.values().enumerate() {
        let (policy, environment, option) = settings(cases[0]);
        let policy = file(&format!("golden-{number}-{file_name}"), &policy.to_string());
        let mut arguments = vec!["verify", "--config", &policy, "--dashboard", "report", "--jsonl"];
        arguments.extend(Some(option).filter(|option| !option.is_empty()));
        let lines: Vec<String> = cases
            .iter()
            .map(|case| json!({"token_base64": case["token_base64"], "now": case["now"]}).to_string())
            .collect();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answers = objects(&run(&arguments, &lines.join("\n"), &environment).expect(0));
        assert_eq!(answers.len(), cases.len());
        for (case, answer) in cases.iter().zip(answers) {
            let name = &case["name"];
            if case["expect"] == "accepted" {
                assert_eq!(
                    (&answer["verdict"], &answer["key"]),
                    (&json!("accepted"), &case["key"]),
                    "{name}: {answer}"
                );
                assert_eq!(answer["subject"], case["subject"], "{name}");
                assert_eq!(answer["end"].as_f64(), case["end"].as_f64(), "{name}");
            } else {
                assert_eq!((&answer["verdict"], &answer["reason"]), (&json!("refused"), &case["expect"]), "{name}");
            }
        }
    }
}

#[test]
fn agrees_with_every_jwt_vector() {
    check_all("jwt.json", 300);
}

#[test]
fn agrees_with_every_bokeh_vector() {
    check_all("bokeh.json", 200);
}
