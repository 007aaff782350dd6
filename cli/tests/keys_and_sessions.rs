//! keygen and mint: the two commands that print a secret, and only the one asked for.

mod common;

use common::*;
use serde_json::json;

#[test]
fn keygen_prints_a_fresh_key_in_each_encoding_and_how_to_use_it() {
    for (encoding, length) in [("base64url", 43), ("base64", 44), ("hex", 64)] {
        let run = dashgate(&["keygen", "--encoding", encoding]);
        let key = run.stdout.trim_end();
        assert_eq!(key.len(), length);
        assert_eq!(run.code, 0);
        assert_eq!(
            run.stderr,
            format!(
                "hint: put it into Envoy's environment and name it in the policy: \
                 {{id: portal-1, env: DASHGATE_KEY, encoding: {encoding}}}\n\
                 hint: export DASHGATE_KEY=\"$(dashgate keygen --encoding {encoding})\" keeps it out of sight\n"
            )
        );
        assert_ne!(dashgate(&["keygen", "--encoding", encoding]).stdout.trim_end(), key);
        let policy = file(&format!("keygen-{encoding}.yaml"), &POLICY.replace("base64url", encoding));
        let check = run_check(&policy, key);
        assert_eq!(check.expect(0), format!("{policy}: no problems, no warnings\n"));
    }
    let object = &objects(&dashgate(&["keygen", "--json"]).expect(0))[0];
    assert_eq!((object["encoding"].clone(), object["bytes"].clone()), (json!("base64url"), json!(32)));
    assert_eq!(object["key"].as_str().unwrap().len(), 43);
}

fn run_check(policy: &str, key: &str) -> Run {
    run(&["check", policy], "", &[("DASHGATE_KEY", key), ("BOKEH_SECRET_KEY", BOKEH_KEY)])
}

#[test]
fn mint_signs_what_a_portal_would() {
    let policy = policy("mint.yaml");
    let token = session(&policy, "training", &["--ttl", "600", "--claim", "role=admin", "--claim", "level=3"]);
    let segments: Vec<&str> = token.split('.').collect();
    let decoded = |segment: &str| -> serde_json::Value {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(segment).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    assert_eq!(decoded(segments[0]), json!({"alg": "HS256", "typ": "JWT", "kid": "portal-1"}));
    assert_eq!(
        decoded(segments[1]),
        json!({
            "iss": "https://portal.example.org", "aud": "https://tensorboard.example.org/", "sub": "ada",
            "iat": 1_800_000_000, "exp": 1_800_000_600, "role": "admin", "level": 3,
        })
    );
}

#[test]
fn mint_tells_what_it_made_and_what_the_gate_says_to_it() {
    let policy = policy("mint-hints.yaml");
    let base = ["mint", "--config", &policy, "--now", NOW, "--dashboard", "report", "--session"];
    let mint = |more: &[&str]| dashgate(&[&base, more].concat());
    assert_eq!(
        mint(&["portal", "--subject", "ada"]).stderr,
        "hint: opens https://bokeh.example.org/ until 2027-01-15T09:00:30Z\n"
    );
    let long = mint(&["portal", "--subject", "ada", "--ttl", "50000"]);
    assert_eq!(
        (long.code, long.stderr.as_str()),
        (
            0,
            "hint: the gate refuses it: session_lifetime_too_long. The token lives longer than max_lifetime_seconds.\n"
        )
    );
    assert_eq!(
        mint(&["bokeh"]).stderr,
        "hint: opens https://bokeh.example.org/ until its key is replaced: it has no end\n"
    );
    assert_eq!(
        mint(&["bokeh", "--token"]).stderr,
        "hint: opens https://bokeh.example.org/ until 2027-01-15T08:05:00Z\n"
    );

    let mut object = objects(&mint(&["portal", "--subject", "ada", "--json"]).expect(0)).remove(0);
    let token = object["token"].take();
    assert_eq!(token.as_str().unwrap().split('.').count(), 3);
    assert_eq!(
        object,
        json!({"token": null, "session": "portal", "dashboard": "report", "key": "portal-1", "subject": "ada",
               "end": 1_800_003_630})
    );
}

#[test]
fn mint_makes_bokeh_credentials_that_verify() {
    let policy = policy("mint-bokeh.yaml");
    let base = ["--config", &policy, "--now", NOW, "--dashboard", "report", "--session", "bokeh"];
    // A token lives for 300 seconds, but that bounds its handshakes, not what they open: the session has no end.
    for more in [&[][..], &["--token"][..]] {
        let credential = dashgate(&[&["mint"], &base[..], more].concat()).expect(0);
        let verdict = dashgate_reading(&[&["verify"], &base[..], more].concat(), &credential).expect(0);
        assert!(verdict.starts_with("accepted\nsubject: none\nkey: bokeh\nend: none\nsession: "), "{verdict}");
    }
}

#[test]
fn mint_refuses_what_the_format_does_not_have() {
    let policy = policy("mint-usage.yaml");
    let base = ["mint", "--config", &policy, "--dashboard", "report", "--session"];
    for (more, message) in [
        (&["portal"][..], "a jwt session needs --subject"),
        (&["portal", "--subject", "ada", "--token"][..], "--token is for Bokeh session kinds"),
        (&["portal", "--subject", "ada", "--claim", "role"][..], "--claim must be NAME=VALUE"),
        (&["portal", "--subject", "ada", "--key", "x"][..], "the session kind has no key of that id; it has portal-1"),
        (&["bokeh", "--subject", "ada"][..], "a Bokeh session holds no --subject and no --claim"),
        (&["bokeh", "--ttl", "9"][..], "a Bokeh session id has no --ttl; with --token a token is made, which has"),
        (&["other"][..], "name a session kind of dashboard report with --session: portal or bokeh"),
    ] {
        let run = dashgate(&[&base, more].concat());
        assert_eq!((run.code, run.stdout.as_str(), run.stderr), (2, "", format!("error: {message}\n")));
    }
    let run = dashgate(&["mint", "--config", &policy, "--dashboard", "nobody", "--session", "portal"]);
    assert_eq!(run.stderr, "error: there is no dashboard of that name; there are portal, training, report\n");
    let run = dashgate(&["mint", "--config", &policy, "--dashboard", "portal", "--subject", "ada"]);
    assert_eq!(run.stderr, "error: dashboard portal takes no sessions\n");
}

#[test]
fn keys_come_from_a_file_of_variables_too_and_are_never_repeated() {
    let policy = policy("mint-env-file.yaml");
    let variables = file("keys.env", &format!("# keys\n\nDASHGATE_KEY={KEY}\nBOKEH_SECRET_KEY={BOKEH_KEY}\n"));
    let arguments = ["mint", "--config", &policy, "--dashboard", "training", "--subject", "ada", "--now", NOW];
    let by_file = run(&[&arguments[..], &["--env-file", &variables]].concat(), "", &[]);
    assert_eq!(by_file.expect(0), dashgate(&arguments).expect(0));

    let broken = file("broken.env", "DASHGATE_KEY=x\nsecret-without-a-name\n");
    let run_broken = run(&[&arguments[..], &["--env-file", &broken]].concat(), "", &[]);
    assert_eq!((run_broken.code, run_broken.stderr), (2, format!("error: {broken}:2: is not NAME=VALUE\n")));

    let short = run(&arguments, "", &[("DASHGATE_KEY", "dG9vIHNob3J0"), ("BOKEH_SECRET_KEY", "also too short")]);
    assert_eq!(
        (short.code, short.stderr),
        (
            2,
            format!(
                "error: {policy}: keys[0].env: DASHGATE_KEY is shorter than 32 bytes\n\
                 error: {policy}: keys[1].env: BOKEH_SECRET_KEY is shorter than 32 bytes\n"
            )
        )
    );
}
