//! explain: the gate's decision for people, as one object, and by the thousand; never a credential.

mod common;

use common::*;
use serde_json::{Value, json};

fn explain(policy: &str, more: &[&str]) -> Run {
    dashgate(&[&["explain", "--config", policy, "--now", NOW], more].concat())
}

#[test]
fn shows_a_permit_with_what_goes_up_and_no_credential() {
    let policy = policy("explain.yaml");
    let token = session(&policy, "training", &[]);
    let run = explain(
        &policy,
        &[
            "https://tensorboard.example.org/data?run=1",
            "-H",
            &format!("Cookie: theme=dark; __Host-dashgate-training={token}"),
            "-H",
            "X-Dashgate_Subject: root",
            "-H",
            "grpc-timeout: 99H",
        ],
    );
    let session = run.stdout.split("session: ").nth(1).unwrap()[..16].to_owned();
    assert_eq!(
        (run.code, run.stdout, run.stderr.as_str()),
        (
            0,
            format!(
                "verdict: permit\nreason: session\ndashboard: training\ncarriers: cookie\nsubject: ada\n\
                 session: {session}\nkeys: portal-1\nrequest: remove x-dashgate_subject\n\
                 request: set cookie: theme=****\nrequest: set x-dashgate-subject: ada\n\
                 request: set grpc-timeout: 3630000m\n"
            ),
            ""
        )
    );
}

#[test]
fn shows_a_refusal_with_its_reason_and_answer() {
    let policy = policy("explain-refusal.yaml");
    let url = "https://tensorboard.example.org/data";
    let run = explain(&policy, &[url]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (
            1,
            "verdict: refuse\nreason: session_missing\ndashboard: training\nstatus: 401\n\
             response: cache-control: no-store\nresponse: www-authenticate: Bearer realm=\"dashgate\"\n\
             response: content-type: application/json\n",
            "hint: No credential for this dashboard was found.\n"
        )
    );
    for (more, reason) in [
        (&["https://nobody.example.org/"][..], "dashboard_not_found"),
        (&["https://u@tensorboard.example.org/"][..], "authority_invalid"),
        (&["https://tensorboard.example.org/a//b"][..], "path_invalid"),
        (&["--upgrade", url][..], "origin_missing"),
        (&["--upgrade", "--method", "POST", url][..], "upgrade_not_allowed"),
        (&["--upgrade", url, "-H", "Origin: https://evil.example"][..], "origin_not_allowed"),
        (&["--upgrade", url, "-H", "Origin: https://tensorboard.example.org"][..], "session_missing"),
        (&["--no-end-stream", "https://bokeh.example.org/app"][..], "body_not_allowed"),
        (&["https://bokeh.example.org/.dashgate/none"][..], "endpoint_not_found"),
    ] {
        let run = explain(&policy, more);
        assert!(run.stdout.contains(&format!("\nreason: {reason}\n")), "{}", run.stdout);
        assert_eq!(run.code, 1);
    }
}

#[test]
fn names_the_carriers_and_veils_what_was_in_them() {
    let policy = policy("explain-carriers.yaml");
    let token = session(&policy, "report", &[]);
    let bokeh = |more: &[&str]| {
        let base = ["mint", "--config", &policy, "--dashboard", "report", "--session", "bokeh", "--now", NOW];
        dashgate(&[&base, more].concat()).expect(0).trim_end().to_owned()
    };
    let (id, ws) = (bokeh(&[]), bokeh(&["--token"]));
    let origin = "Origin: https://bokeh.example.org";
    let app = "https://bokeh.example.org/app";
    let by_id = format!("{app}?bokeh-session-id={id}&a=1");
    let by_token = format!("{app}?bokeh-token={ws}");
    for (arguments, carriers, session_kind) in [
        (vec![app, "-H", &format!("Authorization: Bearer {token}")], vec!["bearer"], "portal"),
        (vec![app, "-H", &format!("Cookie: __Host-dashgate-report={token}")], vec!["cookie"], "portal"),
        (
            vec!["--upgrade", app, "-H", origin, "-H", &format!("Sec-WebSocket-Protocol: dashgate, {token}")],
            vec!["subprotocol"],
            "portal",
        ),
        (vec![&by_id], vec!["bokeh_session_id_parameter"], "bokeh"),
        (vec![&by_token], vec!["bokeh_token_parameter"], "bokeh"),
        (vec![app, "-H", &format!("Bokeh-Session-Id: {id}")], vec!["bokeh_session_id_header"], "bokeh"),
        (
            vec!["--upgrade", app, "-H", origin, "-H", &format!("Sec-WebSocket-Protocol: bokeh, {ws}")],
            vec!["bokeh_subprotocol"],
            "bokeh",
        ),
        (
            vec![
                app,
                "-H",
                &format!("Authorization: Bearer {token}"),
                "-H",
                &format!("Cookie: __Host-dashgate-report={token}"),
            ],
            vec!["cookie", "bearer"],
            "portal",
        ),
        (vec![app, "-H", &format!("Authorization: Bearer {token}x")], vec!["bearer"], ""),
        (vec![app, "-H", &format!("Bokeh-Session-Id: {id}x")], vec!["bokeh_session_id_header"], ""),
        (vec!["https://bokeh.example.org/static/a.js"], vec![], "none"),
    ] {
        let run = explain(&policy, &[&["--json"], &arguments[..]].concat());
        let object = objects(&run.stdout).remove(0);
        assert_eq!(object["carriers"], json!(carriers), "{object}");
        let key = match session_kind {
            "portal" => json!(["portal-1"]),
            "bokeh" => json!(["bokeh"]),
            _ => json!([]),
        };
        assert_eq!((&object["keys"], run.code), (&key, i32::from(session_kind.is_empty())), "{object}");
        for secret in [&token, &id, &ws] {
            assert!(!run.stdout.contains(secret.as_str()) && !run.stderr.contains(secret.as_str()));
        }
    }
}

#[test]
fn shows_what_connect_answers() {
    let policy = policy("explain-connect.yaml");
    let token = session(&policy, "training", &[]);
    let form = format!("token={token}&next=%2Fdata");
    let connect = |body: &[&str], origin: &str| {
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let url = "https://tensorboard.example.org/.dashgate/connect";
        explain(&policy, &[&["--json", "--method", "POST", url, "-H", origin, "-H", kind], body].concat())
    };
    let run = connect(&["--body", &form], "Origin: https://portal.example.org");
    let object = objects(&run.stdout).remove(0);
    assert_eq!((run.code, &object["verdict"], &object["reason"]), (0, &json!("answer"), &json!("connected")));
    assert_eq!(
        object["headers"],
        json!([
            ["cache-control", "no-store"],
            ["location", "/data"],
            ["set-cookie", "__Host-dashgate-training=****; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=3630"]
        ])
    );
    assert!(!run.stdout.contains(&token));
    let null = connect(&["--body", &form], "Origin: null");
    assert_eq!(objects(&null.expect(1))[0]["reason"], "connect_origin_null");
    let empty = connect(&["--no-end-stream"], "Origin: https://portal.example.org");
    assert_eq!(objects(&empty.expect(1))[0]["reason"], "connect_form_invalid");
}

#[test]
fn answers_thousands_of_lines_in_order_in_one_call() {
    let policy = policy("explain-lines.yaml");
    let token = session(&policy, "training", &[]);
    let host = "tensorboard.example.org";
    let bearer = format!("Bearer {token}");
    let (lines, expected): (Vec<String>, Vec<&str>) = (0..4000)
        .map(|index| {
            let (line, expected) = match index % 8 {
                0 => (json!({"authority": host, "path": "/"}), "session_missing"),
                1 => (json!({"authority": host, "path": "/", "headers": {"Authorization": bearer}}), "session"),
                2 => (json!({"authority": host, "path": "/", "headers": [["authorization", bearer], ["authorization", bearer]]}), "credential_repeated"),
                3 => (json!({"authority": host, "path": "/", "headers": {"authorization": bearer}, "now": 1_900_000_000}), "session_expired"),
                4 => (json!({"authority": host, "path": "/", "headers": {"cookie": ["a=1", "b=\u{a0}"]}}), "cookie_invalid"),
                5 => (json!({"authority": host, "path": "/\u{ff}"}), "path_invalid"),
                6 => (json!({"method": "POST", "authority": host, "path": "/", "end_stream": false}), "origin_missing"),
                _ => (json!({"path": "/"}), "authority_invalid"),
            };
            (line.to_string(), expected)
        })
        .unzip();
    let arguments = ["explain", "--config", &policy, "--now", NOW, "--jsonl"];
    let answers = objects(&dashgate_reading(&arguments, &lines.join("\n")).expect(0));
    let said: Vec<&str> = answers.iter().map(|answer| answer["reason"].as_str().unwrap()).collect();
    assert_eq!(said, expected);
}

#[test]
fn answers_a_malformed_line_and_goes_on() {
    let policy = policy("explain-malformed.yaml");
    let lines = [
        json!("x"),
        json!({"authority": "a", "path": 7}),
        json!({"authority": "a", "path": "/\u{100}"}),
        json!({"authority": "a", "path": "/", "headers": {"cookie": [1]}}),
        json!({"authority": "a", "path": "/", "headers": [["cookie"]]}),
        json!({"authority": "a", "path": "/", "headers": 7}),
        json!({"authority": "a", "path": "/", "end_stream": "no"}),
        json!({"authority": "a", "path": "/", "header": {}}),
        json!({"authority": "bokeh.example.org", "path": "/static/a.js", "headers": null}),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let run = dashgate_reading(&["explain", "--config", &policy, "--jsonl"], &lines.join("\n"));
    let said: Vec<String> = objects(&run.stdout)
        .iter()
        .map(|answer| answer["error"].as_str().or(answer["verdict"].as_str()).unwrap().to_owned())
        .collect();
    assert_eq!(
        said,
        [
            "is not an object",
            "path must be a string",
            "characters over U+00FF stand for no byte",
            "a header's value must be a string",
            "headers must be pairs of name and value",
            "headers must be a list of pairs or an object",
            "end_stream must be true or false",
            "header is not a known member",
            "permit",
        ]
    );
    assert_eq!(run.code, 2);
}

#[test]
fn refuses_what_no_client_sends() {
    let policy = policy("explain-usage.yaml");
    for (more, message) in [
        (&["bokeh.example.org/"][..], "URL must begin with https:// or http://"),
        (&["https://bokeh.example.org/#token=x"][..], "URL must not have a fragment: no client sends one"),
        (&["https://bokeh.example.org/", "-H", "Origin"][..], "-H must be 'NAME: VALUE'"),
    ] {
        let run = explain(&policy, more);
        assert_eq!((run.code, run.stdout.as_str(), run.stderr), (2, "", format!("error: {message}\n")));
    }
}
