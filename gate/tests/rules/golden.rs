//! Credentials that the real libraries made, and the damage done to them: `tests/golden`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gate::secret::Key;
use gate::session::{Ring, Session};
use gate::{Format, Gate, Reason, Time, bokeh, jwt, signed};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

pub const JWT: &str = include_str!("../../../tests/golden/jwt.json");
pub const JWT_EDDSA: &str = include_str!("../../../tests/golden/jwt_eddsa.json");
pub const BOKEH: &str = include_str!("../../../tests/golden/bokeh.json");
pub const TORNADO: &str = include_str!("../../../tests/golden/signed_tornado.json");
pub const ITSDANGEROUS: &str = include_str!("../../../tests/golden/signed_itsdangerous.json");
pub const FLASK: &str = include_str!("../../../tests/golden/signed_flask.json");
pub const STARLETTE: &str = include_str!("../../../tests/golden/signed_starlette.json");
pub const DJANGO: &str = include_str!("../../../tests/golden/signed_django.json");
pub const DJANGO_LEGACY: &str = include_str!("../../../tests/golden/signed_django_legacy.json");
pub const JUPYTER: &str = include_str!("../../../tests/golden/signed_jupyter.json");
pub const STREAMLIT: &str = include_str!("../../../tests/golden/signed_streamlit.json");
pub const STREAMLIT_TORNADO: &str = include_str!("../../../tests/golden/signed_streamlit_tornado.json");
pub const EXPRESS: &str = include_str!("../../../tests/golden/signed_express.json");

/// Of the dashboard that judges.
const ORIGIN: &str = "https://report.example.org";

fn moment(value: &Value) -> Option<Time> {
    match value.as_u64() {
        Some(seconds) => Some(Time::from_seconds(seconds)),
        None => value.as_f64().map(|seconds| Time::from_fraction(seconds).expect("a time")),
    }
}

fn ring(keys: &Value) -> Ring {
    let key = |key: &Value| {
        let bytes = |name: &str| key[name].as_str().map(|text| URL_SAFE_NO_PAD.decode(text).expect("base64url"));
        let (id, end) = (key["id"].as_str().expect("an id"), moment(&key["retire_at"]));
        let made = match bytes("public_base64url") {
            Some(public) => Key::public(id, &public, end),
            None => Key::new(id, &bytes("secret_base64url").expect("a secret"), end),
        };
        Arc::new(made.expect("a key"))
    };
    Ring::new(keys.as_array().expect("keys").iter().map(key).collect())
}

/// What judges credentials as a case says.
pub type Verifier = Box<dyn Fn(&[u8]) -> Result<Session, Reason>>;

/// Judges any bytes under a case's settings, at its time.
pub fn verifier(case: &Value) -> Verifier {
    let now = moment(&case["now"]).expect("a time");
    match case["kind"].as_str().expect("a kind") {
        "bokeh_id" => {
            let ring = ring(&case["keys"]);
            Box::new(move |token| bokeh::verify_id(token, &ring, now))
        }
        "bokeh_token" => {
            let ring = ring(&case["keys"]);
            Box::new(move |token| bokeh::verify_token(token, &ring, now))
        }
        kind @ ("jwt" | "jwt_eddsa") => {
            let algorithm = if kind == "jwt" { jwt::Algorithm::Hs256 } else { jwt::Algorithm::EdDsa };
            let policy = jwt::Policy {
                algorithm,
                ring: Ring::for_algorithm(ring(&case["keys"]).keys().to_vec(), algorithm.name()),
                issuer: case["issuer"].as_str().map(str::to_owned),
                clock_skew_seconds: case["clock_skew_seconds"].as_u64().expect("seconds"),
                max_lifetime_seconds: case["max_lifetime_seconds"].as_u64().expect("seconds"),
                facts: gate::facts::Paths::default(),
            };
            let audience = case["audience"].as_str().expect("an audience").to_owned();
            Box::new(move |token| jwt::verify(token, &policy, &audience, now))
        }
        _ => {
            let gate = gate(case);
            Box::new(move |token| match gate.judges(0, 0) {
                Some((Format::Signed(policy), _)) => signed::verify(token, policy, ORIGIN, now),
                other => panic!("judged by {other:?}"),
            })
        }
    }
}

/// A case's credential.
pub fn token(case: &Value) -> Vec<u8> {
    STANDARD.decode(case["token_base64"].as_str().expect("a token")).expect("base64")
}

/// The cases of a file.
pub fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).expect("JSON");
    match file["cases"].take() {
        Value::Array(cases) => cases,
        other => panic!("no cases but {other}"),
    }
}

/// The policy of an operator who configures a signed format as the case says.
fn gate(case: &Value) -> Gate {
    let keys = case["keys"].as_array().expect("keys");
    let ids: Vec<&Value> = keys.iter().map(|key| &key["id"]).collect();
    let configured = keys.iter().enumerate().map(|(index, key)| {
        let mut configured = json!({"id": key["id"], "env": format!("KEY_{index}"), "encoding": "base64url"});
        if let Some(end) = key.get("retire_at") {
            configured["retire_at"] = end.clone();
        }
        configured
    });
    let mut session = case["session"].clone();
    session["format"] = case["kind"].clone();
    session["keys"] = json!(ids);
    let document = json!({
        "keys": configured.collect::<Vec<_>>(),
        "sessions": {"framework": session},
        "dashboards": [{"name": "report", "url": format!("{ORIGIN}/"), "sessions": ["framework"]}],
    });
    let environment = |name: &str| {
        if name == "PASSWORD" {
            return case["password"].as_str().map(str::to_owned);
        }
        let index: usize = name.strip_prefix("KEY_")?.parse().ok()?;
        keys.get(index)?["secret_base64url"].as_str().map(str::to_owned)
    };
    Gate::load(document.to_string().as_bytes(), &environment).unwrap_or_else(|problems| panic!("{problems:?}: {case}"))
}

/// What is wrong with the verdict on a case, if anything.
fn complaint(case: &Value) -> Option<String> {
    let expected = case["expect"].as_str().expect("a verdict");
    let session = match verifier(case)(&token(case)) {
        Ok(session) if expected == "accepted" => session,
        Ok(_) => return Some(format!("{}: accepted, expected {expected}", case["name"])),
        Err(reason) if reason.code() == expected => return None,
        Err(reason) => return Some(format!("{}: {}, expected {expected}", case["name"], reason.code())),
    };
    let end = moment(&case["end"]).unwrap_or(Time::FAR);
    let same = session.key_id() == case["key"].as_str().expect("a key")
        && session.subject() == case["subject"].as_str()
        && session.end().nanos().abs_diff(end.nanos()) < 1000;
    (!same).then(|| {
        let (key, subject, end) = (session.key_id(), session.subject(), session.end().nanos());
        format!("{}: key {key}, subject {subject:?}, end {end}; expected {case}", case["name"])
    })
}

#[track_caller]
fn check(file: &str, at_least: usize) {
    let cases = cases(file);
    assert!(cases.len() >= at_least, "only {} cases", cases.len());
    let complaints: Vec<String> = cases.iter().filter_map(complaint).collect();
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_jwt_as_expected() {
    check(JWT, 150);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_eddsa_jwt_as_expected() {
    check(JWT_EDDSA, 100);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_bokeh_credential_as_expected() {
    check(BOKEH, 120);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_tornado_value_as_expected() {
    check(TORNADO, 250);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_itsdangerous_value_as_expected() {
    check(ITSDANGEROUS, 250);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_flask_session_as_expected() {
    check(FLASK, 250);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_starlette_session_as_expected() {
    check(STARLETTE, 200);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_django_value_as_expected() {
    check(DJANGO, 450);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_express_id_as_expected() {
    check(EXPRESS, 280);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_django_cookie_of_the_old_salt_as_expected() {
    check(DJANGO_LEGACY, 250);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_jupyter_login_as_expected() {
    check(JUPYTER, 350);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_streamlit_login_as_expected() {
    check(STREAMLIT, 400);
}

#[wasm_bindgen_test(unsupported = test)]
fn judges_every_golden_streamlit_login_of_tornado_as_expected() {
    check(STREAMLIT_TORNADO, 400);
}
