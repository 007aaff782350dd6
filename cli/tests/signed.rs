//! mint and verify for the cookies of web frameworks: each format there and back, and what it has no place for.

mod common;

use common::*;
use serde_json::json;

const SECRET: &str = "a secret of at least thirty-two bytes";
const T: u64 = 1_800_000_000;

fn policy_of(format: &str, options: &str) -> String {
    let text = format!(
        "keys:\n  - {{id: app, env: APP_SECRET, encoding: utf8}}\n\
         sessions:\n  app: {{format: {format}, keys: [app]{options}}}\n\
         dashboards:\n  - {{name: app, url: https://app.example.org/, sessions: [app]}}\n"
    );
    file(&format!("signed-{format}-{}.yaml", options.len()), &text)
}

fn with_secret(arguments: &[&str]) -> Run {
    run(arguments, "", &[("APP_SECRET", SECRET), ("HASH", "argon2:$argon2id$v=19$m=10240,t=10,p=8$c2FsdA$aGFzaA")])
}

/// Each format with the options that make it whole, and whether it holds a time.
const FORMATS: [(&str, &str, bool); 11] = [
    ("tornado", ", subject_from: .", true),
    ("itsdangerous", ", cookie: token, salt: login, subject_from: user.name", true),
    ("flask", ", subject_from: _user_id", true),
    ("starlette", ", subject_from: user", true),
    ("django", ", cookie: token, salt: app, subject_from: user", true),
    ("django_cookie", ", cookie: user, subject_from: .", true),
    ("django_cookie", ", cookie: user, subject_from: ., salt_form: legacy", true),
    ("jupyter", ", cookie: username-app-example-org, subject_from: username, password_env: HASH", true),
    ("streamlit", ", subject_from: email", true),
    ("streamlit_tornado", ", subject_from: email", true),
    ("express", ", max_stream_seconds: 60", false),
];

#[test]
fn each_format_is_minted_as_it_is_verified() {
    for (format, options, timed) in FORMATS {
        let policy = policy_of(format, options);
        // An express id names nobody.
        let subject = Some("ada").filter(|_| format != "express");
        let second = T.to_string();
        let mut arguments = vec!["mint", "--config", &policy, "--dashboard", "app", "--now", &second, "--json"];
        arguments.extend(subject.iter().flat_map(|subject| ["--subject", subject]));
        let minted = with_secret(&arguments).expect(0);
        let minted = &objects(&minted)[0];
        let token = minted["token"].as_str().expect("a token");
        let verify = |token: &str, now: u64| {
            let run = with_secret(&[
                "verify",
                "--config",
                &policy,
                "--dashboard",
                "app",
                "--now",
                &now.to_string(),
                "--json",
                "--",
                token,
            ]);
            let told = &objects(&run.stdout)[0];
            (told["reason"].as_str().map(str::to_owned), told["subject"].as_str().map(str::to_owned))
        };
        assert_eq!(verify(token, T), (None, subject.map(str::to_owned)), "{format} {token}");
        let years = if timed { Some("session_expired".to_owned()) } else { None };
        assert_eq!(verify(token, T + 3 * 31_536_000).0, years, "{format}");
        let before = if timed { Some("session_not_yet_valid".to_owned()) } else { None };
        assert_eq!(verify(token, T - 31).0, before, "{format}");
        let changed = format!("{}{}", &token[..token.len() - 3], if token.ends_with("AAA") { "BBB" } else { "AAA" });
        assert!(verify(&changed, T).0.is_some(), "{format}");
        assert_eq!(minted["end"].is_null(), !timed, "{format}");
    }
}

#[test]
fn what_a_format_has_no_place_for_is_said() {
    let cases: [(&str, &str, &[&str], &str); 6] = [
        (
            "flask",
            ", subject_from: user",
            &["--ttl", "9", "--subject", "ada"],
            "--token is for Bokeh session kinds, and --ttl for what holds its own end",
        ),
        ("flask", ", subject_from: user", &[], "the session kind has subject_from, so it needs --subject"),
        (
            "flask",
            ", anonymous: true",
            &["--subject", "ada"],
            "the session kind has no subject_from, so there is no place for --subject",
        ),
        ("flask", ", subject_from: user", &["--subject", "ada", "--claim", "x"], "--claim must be NAME=VALUE"),
        ("express", ", max_stream_seconds: 9", &["--subject", "ada"], "it holds no --subject and no --claim"),
        ("express", ", max_stream_seconds: 9", &["--claim", "a=1"], "it holds no --subject and no --claim"),
    ];
    for (format, options, arguments, expected) in cases {
        let policy = policy_of(format, options);
        let run = with_secret(&[&["mint", "--config", &policy, "--dashboard", "app"][..], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

/// A login as long as identity providers make them is cut as Streamlit cuts it, and `verify` takes it so.
#[test]
fn a_long_login_is_minted_and_verified_in_chunks() {
    for format in ["streamlit", "streamlit_tornado"] {
        let policy = policy_of(format, ", subject_from: email, chunks: true");
        let mint = |letters: usize| {
            let claim = format!("groups=\"{}\"", "Gruppe \u{fc} ".repeat(letters / 10));
            let base = [
                "mint",
                "--config",
                &policy,
                "--dashboard",
                "app",
                "--subject",
                "ada@example.org",
                "--now",
                "1800000000",
            ];
            with_secret(&[&base[..], &["--claim", &claim]].concat())
        };
        let verify = |token: &str| {
            let run = with_secret(&[
                "verify",
                "--config",
                &policy,
                "--dashboard",
                "app",
                "--now",
                "1800000060",
                "--json",
                "--",
                token,
            ]);
            let told = &objects(&run.stdout)[0];
            (told["reason"].as_str().map(str::to_owned), told["subject"].as_str().map(str::to_owned))
        };
        let minted = mint(9_000).expect(0);
        let cookies: Vec<&str> = minted.trim_end().split("; ").collect();
        assert!((4..9).contains(&cookies.len()), "{}", cookies.len());
        for (number, cookie) in cookies.iter().enumerate().skip(1) {
            assert!(cookie.starts_with(&format!("_streamlit_user_{number}=")) && cookie.len() < 4096, "{cookie}");
        }
        assert_eq!(verify(minted.trim_end()), (None, Some("ada@example.org".to_owned())));
        assert_eq!(verify(&cookies[..cookies.len() - 1].join("; ")).0.as_deref(), Some("claims_malformed"));
        let swapped = [&cookies[..1], &[cookies[2], cookies[1]], &cookies[3..]].concat().join("; ");
        assert_eq!(verify(&swapped).0.as_deref(), Some("token_malformed"));
        let changed = minted.trim_end().replacen("_streamlit_user_2=", "_streamlit_user_2=x", 1);
        assert!(matches!(verify(&changed).0.as_deref(), Some("signature_invalid" | "token_malformed")), "{changed}");
        assert!(mint(60_000).stderr.contains("a login has at most 16 chunks"));
    }
}

/// A login names its origin: where no policy does, the dashboard's url is asked for.
#[test]
fn a_login_is_verified_for_its_origin() {
    let policy = policy_of("streamlit", ", subject_from: email");
    let mint = |more: &[&str]| {
        let base = ["mint", "--config", &policy, "--dashboard", "app", "--subject", "ada", "--now", "1800000000"];
        with_secret(&[&base[..], more].concat())
    };
    let minted = mint(&[]).expect(0);
    let verify = |audience: &[&str]| {
        let base = ["verify", "--format", "streamlit", "--key-env", "APP_SECRET", "--encoding", "utf8", "--json"];
        let options = ["--option", "subject_from=email", "--now", "1800000060"];
        with_secret(&[&base[..], &options, audience, &["--", minted.trim_end()]].concat())
    };
    let reason = |url: &str| objects(&verify(&["--audience", url]).stdout)[0]["reason"].clone();
    assert_eq!(reason("https://app.example.org/"), json!(null));
    assert_eq!(reason("https://app.example.org/report/"), json!(null));
    assert_eq!(reason("https://app.example.org:8443/"), json!("audience_not_allowed"));
    assert!(verify(&[]).stderr.contains("--format streamlit needs --audience: the dashboard's url"));
    for (claim, code) in
        [("origin=https://b.example.org", "audience_not_allowed"), ("is_logged_in=false", "subject_missing")]
    {
        assert!(mint(&["--claim", claim]).stderr.contains(&format!("the gate refuses it: {code}")), "{claim}");
    }
}

/// RFC 8037 appendix A.4: its payload is no claims, but its signature is good.
#[test]
fn a_public_key_verifies_and_signs_nothing() {
    let text = "keys:\n  - {id: edge, public_key: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}\n\
                sessions:\n  app: {format: jwt, algorithm: EdDSA, keys: [edge]}\n\
                dashboards:\n  - {name: app, url: https://app.example.org/, sessions: [app]}\n";
    let policy = file("signed-eddsa.yaml", text);
    assert_eq!(dashgate(&["check", &policy]).expect(0), format!("{policy}: no problems, no warnings\n"));
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let told = |token: &str| {
        objects(&dashgate(&["verify", "--config", &policy, "--dashboard", "app", "--json", "--", token]).stdout)[0]["reason"].clone()
    };
    assert_eq!(told(token), json!("claims_malformed"));
    assert_eq!(told(&token.replace("hgyY", "hgyZ")), json!("signature_invalid"));
    let mint = dashgate(&["mint", "--config", &policy, "--dashboard", "app", "--subject", "ada"]);
    assert_eq!((mint.code, mint.stdout.as_str()), (2, ""));
    assert!(mint.stderr.contains("is verified with public keys"), "{}", mint.stderr);
}

#[test]
fn verify_needs_no_policy() {
    let policy = policy_of("flask", ", subject_from: user.name, digest: sha256, salt: other");
    let minted =
        with_secret(&["mint", "--config", &policy, "--dashboard", "app", "--subject", "ada", "--now", &T.to_string()])
            .expect(0);
    let base = ["verify", "--format", "flask", "--key-env", "APP_SECRET", "--encoding", "utf8", "--json"];
    let verdict = |more: &[&str]| {
        let run = with_secret(&[&base[..], more, &["--now", &T.to_string(), "--", minted.trim_end()]].concat());
        objects(&run.stdout)[0]["reason"].clone()
    };
    let options = ["--option", "subject_from=user.name", "--option", "digest=sha256", "--option", "salt=other"];
    assert_eq!(verdict(&options), json!(null));
    assert_eq!(verdict(&options[..4]), json!("signature_invalid"));
    assert_eq!(verdict(&[&["--option", "subject_from=name"], &options[2..]].concat()), json!("subject_missing"));
    assert_eq!(verdict(&[&options[..], &["--option", "max_age_seconds=1"]].concat()), json!(null));
}

/// `--option` says what the configuration would: each value is of its field's type.
#[test]
fn an_option_has_the_type_of_its_field() {
    let policy = policy_of("itsdangerous", ", cookie: token, salt: '123', subject_from: user");
    let minted =
        with_secret(&["mint", "--config", &policy, "--dashboard", "app", "--subject", "7", "--now", &T.to_string()]);
    let minted = minted.expect(0);
    let run = |more: &[&str]| {
        let base = ["verify", "--format", "itsdangerous", "--key-env", "APP_SECRET", "--encoding", "utf8", "--json"];
        let options = ["--option", "cookie=token", "--option", "salt=123", "--now", "1800000060"];
        with_secret(&[&base[..], &options, more, &["--", minted.trim_end()]].concat())
    };
    let told = |more: &[&str]| objects(&run(more).stdout)[0].clone();
    assert_eq!(told(&["--option", "subject_from=user"])["subject"], json!("7"));
    assert_eq!(told(&["--option", "anonymous=true"])["verdict"], json!("accepted"));
    assert_eq!(
        told(&["--option", "anonymous=true", "--option", "max_age_seconds=60"])["reason"],
        json!("session_expired")
    );
    for (option, expected) in [
        ("anonymous=yes", "sessions.session.anonymous: must be true or false"),
        ("max_age_seconds=soon", "sessions.session.max_age_seconds: must be a whole number"),
        ("salty=x", "sessions.session.salty: is not a known key"),
    ] {
        let run = run(&["--option", option]);
        assert!(run.code == 2 && run.stderr.contains(expected), "{}", run.stderr);
    }
}

/// Django's value stands in the cookie as it is: with these it would be another cookie, or Python would escape it.
#[test]
fn no_django_cookie_is_minted_that_no_cookie_holds() {
    let policy = policy_of("django_cookie", ", cookie: user, subject_from: .");
    let mint = |subject: &str| {
        with_secret(&["mint", "--config", &policy, "--dashboard", "app", "--subject", subject, "--now", &T.to_string()])
    };
    for odd in ["a;b", "a,b", "a\nb", "a\tb", "Zo\u{eb}", "a\"b", "a\\b", "\u{7f}"] {
        let run = mint(odd);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{odd:?}");
        assert!(run.stderr.contains("a cookie cannot hold this value"), "{}", run.stderr);
    }
    let minted = mint("Ada (a=b) <x@y.z> {7}?").expect(0);
    assert!(minted.starts_with("\"Ada (a=b) <x@y.z> {7}?:"), "{minted}");
    let verified = with_secret(&[
        "verify",
        "--config",
        &policy,
        "--now",
        &T.to_string(),
        "--dashboard",
        "app",
        "--",
        minted.trim_end(),
    ]);
    assert!(verified.expect(0).contains("subject: Ada (a=b) <x@y.z> {7}?\n"));
}
