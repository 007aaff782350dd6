//! verify: each verdict by its code, for people, as one object, and by the thousand.

mod common;

use common::*;
use serde_json::{Value, json};

fn verify(policy: &str, more: &[&str]) -> Run {
    dashgate(&[&["verify", "--config", policy, "--dashboard", "training", "--now", NOW], more].concat())
}

#[test]
fn accepts_a_good_session_and_says_whose_and_until_when() {
    let policy = policy("verify.yaml");
    let token = session(&policy, "training", &["--ttl", "600"]);
    let run = verify(&policy, &[&token]);
    let fingerprint = run.stdout.rsplit_once("session: ").unwrap().1.trim_end().to_owned();
    assert_eq!(fingerprint.len(), 16);
    assert_eq!(
        (run.code, run.stdout, run.stderr.as_str()),
        (
            0,
            format!(
                "accepted\nsubject: ada\nkey: portal-1\nend: 2027-01-15T08:10:30Z\nseconds left: 630\n\
                 session: {fingerprint}\n"
            ),
            ""
        )
    );
    assert_eq!(
        objects(&verify(&policy, &[&token, "--json"]).expect(0)),
        [json!({
            "verdict": "accepted", "reason": null, "meaning": null, "subject": "ada", "key": "portal-1",
            "end": 1_800_000_630, "seconds_left": 630, "session": fingerprint, "dashboard": "training", "kind": "portal",
        })]
    );
    let explained = dashgate(&[
        "explain",
        "--config",
        &policy,
        "--now",
        NOW,
        "--json",
        "https://tensorboard.example.org/",
        "-H",
        &format!("Cookie: __Host-dashgate-training={token}"),
    ]);
    assert_eq!(objects(&explained.expect(0))[0]["session"], json!(fingerprint));
}

#[test]
fn says_which_check_failed() {
    let policy = policy("verify-refused.yaml");
    let token = session(&policy, "training", &[]);
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let flipped = format!("{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    let elsewhere = session(&policy, "report", &[]);
    for (token, more, reason) in [
        (format!("{rest}.{flipped}"), &[][..], "signature_invalid"),
        (rest.to_owned(), &[][..], "token_malformed"),
        (elsewhere, &[][..], "audience_not_allowed"),
        (session(&policy, "training", &["--claim", "iss=evil"]), &[][..], "issuer_not_allowed"),
        (session(&policy, "training", &["--claim", "exp=1"]), &[][..], "session_expired"),
        (session(&policy, "training", &["--claim", "nbf=1900000000"]), &[][..], "session_not_yet_valid"),
        (session(&policy, "training", &["--claim", "sub=[]"]), &[][..], "claims_malformed"),
        (token.clone(), &["--now", "1800003630"][..], "session_expired"),
    ] {
        let arguments = [&["verify", "--config", &policy, "--dashboard", "training", &token][..], more].concat();
        let arguments = if more.is_empty() { [&arguments[..], &["--now", NOW]].concat() } else { arguments };
        let run = dashgate(&arguments);
        let meaning = gate::Reason::ALL.iter().find(|known| known.code() == reason).unwrap().meaning();
        assert_eq!(
            (run.code, run.stdout, run.stderr),
            (1, format!("refused: {reason}\n"), format!("hint: {meaning}\n"))
        );
    }
    assert_eq!(
        objects(&verify(&policy, &["x", "--json"]).expect(1)),
        [json!({
            "verdict": "refused", "reason": "token_malformed", "subject": null, "key": null, "end": null, "session": null,
            "meaning": "The credential does not have the exact form of its format.", "seconds_left": null,
            "dashboard": "training", "kind": "portal",
        })]
    );
}

#[test]
fn applies_the_rules_of_connect_where_asked() {
    let policy = policy("verify-connect.yaml");
    let token = session(&policy, "training", &[]);
    let at = |now: &str, token: &str| {
        dashgate(&["verify", "--config", &policy, "--dashboard", "training", "--connect", "--now", now, token])
    };
    assert!(at("1800000120", &token).expect(0).starts_with("accepted\n"));
    assert_eq!(at("1800000120.5", &token).expect(1), "refused: connect_token_stale\n");
    let timeless = session(&policy, "training", &["--claim", "iat=null"]);
    assert_eq!(at(NOW, &timeless).expect(1), "refused: claims_malformed\n");
    let long = session(&policy, "training", &["--claim", &format!("pad={}", "x".repeat(3000))]);
    assert_eq!(at(NOW, &long).expect(1), "refused: connect_token_too_long\n");
    assert!(verify(&policy, &[&long]).expect(0).starts_with("accepted\n"));

    let without =
        file("verify-no-connect.yaml", &POLICY.replace("connect: {from: [https://portal.example.org]}\n", ""));
    let run = dashgate(&["verify", "--config", &without, "--dashboard", "training", "--connect", &token]);
    assert_eq!((run.code, run.stderr.as_str()), (2, "error: --connect needs a configuration with connect\n"));
}

#[test]
fn works_without_a_policy() {
    let policy = policy("verify-options.yaml");
    let token = session(&policy, "training", &[]);
    let base = ["verify", "--format", "jwt", "--key-env", "DASHGATE_KEY", "--encoding", "base64url", "--now", NOW];
    let options = |more: &[&str]| dashgate(&[&base, more].concat());
    let audience = ["--audience", "https://tensorboard.example.org/"];
    let with = |more: &[&str]| options(&[&audience, more].concat());
    assert!(with(&["--key-id", "portal-1", &token]).expect(0).starts_with("accepted\nsubject: ada\nkey: portal-1\n"));
    assert_eq!(with(&[&token]).expect(1), "refused: key_unknown\n");
    assert_eq!(with(&["--key-id", "portal-1", "--issuer", "x", &token]).expect(1), "refused: issuer_not_allowed\n");
    assert_eq!(options(&[&token]).stderr, "error: --format jwt needs --audience\n");

    let id = dashgate(&["mint", "--config", &policy, "--dashboard", "report", "--session", "bokeh"]).expect(0);
    let id = id.trim_end();
    let bokeh = ["verify", "--format", "bokeh", "--key-env", "BOKEH_SECRET_KEY", "--encoding", "utf8"];
    assert!(dashgate(&[&bokeh[..], &[id]].concat()).expect(0).starts_with("accepted\nsubject: none\nkey: key\n"));
    assert_eq!(dashgate(&[&bokeh[..], &["--token", id]].concat()).expect(1), "refused: claims_malformed\n");
    let missing = run(&[&bokeh[..], &[id]].concat(), "", &[]);
    assert_eq!(
        (missing.code, missing.stderr.as_str()),
        (2, "error: options: keys[0].env: BOKEH_SECRET_KEY is not set in the environment of the VM (host_env_keys)\n")
    );
}

#[test]
fn reads_one_token_from_stdin_without_its_line_end() {
    let policy = policy("verify-stdin.yaml");
    let token = session(&policy, "training", &[]);
    let arguments = ["verify", "--config", &policy, "--dashboard", "training", "--now", NOW];
    assert!(dashgate_reading(&arguments, &format!("{token}\n")).expect(0).starts_with("accepted\n"));
    assert_eq!(dashgate_reading(&arguments, &format!("{token}\n\n")).expect(1), "refused: token_malformed\n");
}

#[test]
fn answers_thousands_of_lines_in_order_in_one_call() {
    let policy = policy("verify-lines.yaml");
    let good = session(&policy, "training", &[]);
    let (line, expected): (Vec<String>, Vec<&str>) = (0..6000)
        .map(|index| match index % 4 {
            0 => (json!(good).to_string(), "accepted"),
            1 => (json!({"token": good, "now": 1_800_003_629.999}).to_string(), "accepted"),
            2 => (json!({"token": good, "now": 1_800_003_630}).to_string(), "session_expired"),
            _ => (json!({"token": format!("{good}{index}")}).to_string(), "token_malformed or signature_invalid"),
        })
        .unzip();
    let arguments = ["verify", "--config", &policy, "--dashboard", "training", "--now", NOW, "--jsonl"];
    let answers = objects(&dashgate_reading(&arguments, &(line.join("\n") + "\n")).expect(0));
    assert_eq!(answers.len(), 6000);
    for (answer, expected) in answers.iter().zip(expected) {
        let said = answer["reason"].as_str().or(answer["verdict"].as_str()).unwrap();
        assert!(expected.split(" or ").any(|word| word == said), "{answer} is not {expected}");
        assert_eq!(answer.as_object().unwrap().len(), 6);
    }
}

#[test]
fn answers_a_malformed_line_and_goes_on() {
    let policy = policy("verify-malformed.yaml");
    let good = session(&policy, "training", &[]);
    let there = session(&policy, "report", &[]);
    let lines = [
        json!({"token": good}).to_string(),
        "{\"token\": ".to_owned(),
        json!({"token": good, "nwo": 1}).to_string(),
        json!({"token": good, "now": "soon"}).to_string(),
        json!({"token": good, "token_base64": "eA=="}).to_string(),
        json!({"token_base64": "/w==\n"}).to_string(),
        json!({"token_base64": "/w=="}).to_string(),
        json!({"token": good, "dashboard": "nobody"}).to_string(),
        json!({"token": there, "dashboard": "report", "session": "portal"}).to_string(),
        String::new(),
        json!(7).to_string(),
    ];
    let arguments = ["verify", "--config", &policy, "--dashboard", "training", "--now", NOW, "--jsonl"];
    let run = dashgate_reading(&arguments, &lines.join("\n"));
    let said: Vec<String> = objects(&run.stdout)
        .iter()
        .map(|answer| {
            [&answer["error"], &answer["reason"], &answer["verdict"]]
                .into_iter()
                .find_map(Value::as_str)
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        said,
        [
            "accepted",
            "is not JSON: EOF while parsing a value at line 2 column 0",
            "nwo is not a known member",
            "now must be seconds since 1970 (1800000000, 1800000000.5) or a UTC time (2027-01-15T08:00:00Z)",
            "needs token or token_base64",
            "token_base64 is not padded base64",
            "token_malformed",
            "there is no dashboard of that name; there are portal, training, report",
            "accepted",
            "is not JSON: EOF while parsing a value at line 2 column 0",
            "is not an object",
        ]
    );
    assert_eq!(run.code, 2);
    assert!(!run.stdout.contains(&good) && run.stderr.is_empty());
}
