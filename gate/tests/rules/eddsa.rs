//! JWT EdDSA: verified with public keys only, so that whoever reads the gate's configuration can sign nothing.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use gate::secret::Key;
use gate::session::Ring;
use gate::{Time, jwt};
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{MAIN, NOW, PORTAL, Policy, Sent, claims, signed};

const AUDIENCE: &str = "https://report.example.org/";

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

fn x(signer: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(signer.verifying_key().as_bytes())
}

fn token_by(signer: &SigningKey, header: &str, claims: &Value) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signer.sign(text.as_bytes()).to_bytes()))
}

fn token() -> String {
    token_by(&signer(), r#"{"alg":"EdDSA","kid":"edge","typ":"JWT"}"#, &claims("report"))
}

fn policy_of(public: &[u8]) -> jwt::Policy {
    let keys = vec![Arc::new(Key::public("edge", public, None).expect("a key"))];
    jwt::Policy {
        algorithm: jwt::Algorithm::EdDsa,
        ring: Ring::for_algorithm(keys, "EdDSA"),
        issuer: Some(PORTAL.to_owned()),
        clock_skew_seconds: 30,
        max_lifetime_seconds: 4000,
        facts: gate::facts::Paths::default(),
    }
}

#[track_caller]
fn check(token: &str, expected: &str) {
    let policy = policy_of(signer().verifying_key().as_bytes());
    let verdict = jwt::verify(token.as_bytes(), &policy, AUDIENCE, Time::from_seconds(NOW));
    assert_eq!(verdict.map_or_else(|reason| reason.code(), |_| "accepted"), expected);
}

/// RFC 8037 appendix A.4. Its payload is a sentence, so a good signature gets as far as the claims.
#[wasm_bindgen_test(unsupported = test)]
fn verifies_the_example_of_the_rfc() {
    let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64");
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let verdict = |token: &str| {
        jwt::verify(token.as_bytes(), &policy_of(&public), AUDIENCE, Time::from_seconds(NOW))
            .map_err(|reason| reason.code())
    };
    assert_eq!(verdict(token).err(), Some("claims_malformed"));
    assert_eq!(verdict(&token.replace("RXhh", "RXhi")).err(), Some("signature_invalid"));
}

#[wasm_bindgen_test(unsupported = test)]
fn accepts_a_token_of_the_key_and_no_other() {
    check(&token(), "accepted");
    check(&token_by(&signer(), r#"{"alg":"EdDSA"}"#, &claims("report")), "accepted");
    check(&token_by(&signer(), r#"{"alg": "EdDSA", "kid": "edge"}"#, &claims("report")), "accepted");
    check(&token_by(&SigningKey::from_bytes(&[4; 32]), r#"{"alg":"EdDSA"}"#, &claims("report")), "signature_invalid");
    check(&token_by(&signer(), r#"{"alg":"EdDSA","kid":"other"}"#, &claims("report")), "key_unknown");
    check(&token_by(&signer(), r#"{"alg":"EdDSA"}"#, &claims("plot")), "audience_not_allowed");
}

/// The oldest forgery of all: an HMAC with the public key, which everyone has, as its secret (CVE-2015-9235).
#[wasm_bindgen_test(unsupported = test)]
fn lets_no_token_choose_its_algorithm() {
    let public = *signer().verifying_key().as_bytes();
    let payload = claims("report").to_string();
    for (header, expected) in [
        (r#"{"alg":"HS256"}"#, "algorithm_not_allowed"),
        (r#"{"alg":"HS256","kid":"edge","typ":"JWT"}"#, "algorithm_not_allowed"),
        (r#"{"alg":"none"}"#, "algorithm_not_allowed"),
        (r#"{"alg":"Ed25519"}"#, "algorithm_not_allowed"),
        (r#"{"alg":"EdDSA"}"#, "signature_invalid"),
    ] {
        check(&signed(header.as_bytes(), payload.as_bytes(), &public), expected);
        check(&signed(header.as_bytes(), payload.as_bytes(), x(&signer()).as_bytes()), expected);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_every_changed_bit_and_every_other_length() {
    let token = token();
    for at in 0..token.len() {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        let policy = policy_of(signer().verifying_key().as_bytes());
        assert!(jwt::verify(changed.as_bytes(), &policy, AUDIENCE, Time::from_seconds(NOW)).is_err(), "{at}");
    }
    let (text, signature) = token.rsplit_once('.').expect("a signature");
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    for length in [0, 1, 32, 63, 65, 128] {
        let mut other = bytes.clone();
        other.resize(length, 0);
        let expected = if length == 0 { "token_malformed" } else { "signature_invalid" };
        check(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(&other)), expected);
    }
}

/// S + L is as good as S to a lax verifier: the same session would have two texts (RFC 8032 section 8.4).
#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_signature_with_the_group_order_added() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let token = token();
    let (text, signature) = token.rsplit_once('.').expect("a signature");
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    let mut carry = 0u16;
    for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    check(&format!("{text}.{}", URL_SAFE_NO_PAD.encode(&bytes)), "signature_invalid");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_no_weak_or_impossible_key() {
    let mut identity = [0u8; 32];
    identity[0] = 1;
    assert!(Key::public("", &identity, None).is_none());
    assert!(Key::public("", &[0; 32], None).is_none());
    assert!(Key::public("", &[0xff; 32], None).is_none() || Key::public("", &[2; 32], None).is_none());
    assert!(Key::public("", &[3; 31], None).is_none() && Key::public("", &[], None).is_none());
    let public = Key::public("", signer().verifying_key().as_bytes(), None).expect("a key");
    assert!(public.sign(b"anything").is_empty() && !public.verifies(b"anything", b""));
}

/// Each key that is tried costs an operation on the curve, for forged tokens, too.
#[wasm_bindgen_test(unsupported = test)]
fn needs_a_key_id_where_there_are_several_keys() {
    let other = SigningKey::from_bytes(&[4; 32]);
    let mut policy = policy_of(signer().verifying_key().as_bytes());
    let second = Key::public("next", other.verifying_key().as_bytes(), None).expect("a key");
    let keys = policy.ring.keys().iter().cloned().chain([Arc::new(second)]).collect();
    policy.ring = Ring::for_algorithm(keys, "EdDSA");
    for (by, header, expected) in [
        (&signer(), r#"{"alg":"EdDSA","kid":"edge"}"#, "accepted"),
        (&other, r#"{"alg":"EdDSA","kid":"next"}"#, "accepted"),
        (&other, r#"{"alg":"EdDSA","kid":"edge"}"#, "signature_invalid"),
        (&signer(), r#"{"alg":"EdDSA"}"#, "key_unknown"),
        (&other, r#"{"alg":"EdDSA","typ":"JWT"}"#, "key_unknown"),
        (&signer(), r#"{"alg": "EdDSA", "typ": "JWT"}"#, "key_unknown"),
    ] {
        let token = token_by(by, header, &claims("report"));
        let verdict = jwt::verify(token.as_bytes(), &policy, AUDIENCE, Time::from_seconds(NOW));
        assert_eq!(verdict.map_or_else(|reason| reason.code(), |_| "accepted"), expected, "{header}");
    }
}

fn policy() -> Policy {
    Policy::new()
        .with("/keys/-", json!({"id": "edge", "public_key": x(&signer())}))
        .with("/sessions/signed", json!({"format": "jwt", "algorithm": "EdDSA", "keys": ["edge"], "issuer": PORTAL}))
        .on("report", "sessions", json!(["signed"]))
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_a_dashboard() {
    let gate = policy().gate();
    let sent = |token: &str| {
        Sent::get("https://report.example.org/").with("cookie", format!("__Host-dashgate-report={token}"))
    };
    for _ in 0..3 {
        assert_eq!(sent(&token()).told(&gate), "permit session report");
    }
    let by_secret = signed(br#"{"alg":"HS256"}"#, claims("report").to_string().as_bytes(), &MAIN);
    assert_eq!(sent(&by_secret).told(&gate), "refuse 401 algorithm_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn keeps_secrets_and_public_keys_apart() {
    let cases = [
        (
            policy().with("/sessions/signed/keys", json!(["main"])),
            "sessions.signed.keys[0]: is a secret: EdDSA is verified with public keys",
        ),
        (
            policy().with("/sessions/signed/algorithm", json!("HS256")),
            "sessions.signed.keys[0]: is a public key: those are for algorithm EdDSA",
        ),
        (policy().with("/keys/3/env", json!("MAIN")), "keys[3].env: is not for a public key"),
        (policy().with("/keys/3/encoding", json!("hex")), "keys[3].encoding: is not for a public key"),
        (
            policy().with("/keys/3/public_key", json!("AAAA")),
            "keys[3].public_key: is not an Ed25519 public key: 32 bytes in base64url without padding, as the x of a JWK",
        ),
        (
            policy().with("/sessions/bokeh/keys", json!(["edge"])),
            "sessions.bokeh.keys[0]: is a public key: those are for algorithm EdDSA",
        ),
        (
            policy().with("/sessions/signed/algorithm", json!("RS256")),
            "sessions.signed.algorithm: must be one of HS256, EdDSA",
        ),
    ];
    for (policy, expected) in cases {
        assert_eq!(policy.problems(), [expected]);
    }
}
