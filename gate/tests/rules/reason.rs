//! The list of reasons: stable codes, statuses a browser understands, sentences that tell nothing.

use std::collections::BTreeSet;

use gate::Reason;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

/// Codes are append-only metric labels and docs anchors: this list may only grow.
const CODES: &[(&str, u16)] = &[
    ("host_call_failed", 500),
    ("authority_invalid", 400),
    ("method_not_allowed", 400),
    ("path_invalid", 400),
    ("dashboard_not_found", 404),
    ("upgrade_not_allowed", 403),
    ("cookie_invalid", 400),
    ("credential_repeated", 403),
    ("credential_disguised", 403),
    ("origin_repeated", 403),
    ("origin_null", 403),
    ("origin_not_allowed", 403),
    ("origin_missing", 403),
    ("fetch_metadata_invalid", 403),
    ("frame_not_allowed", 403),
    ("site_not_allowed", 403),
    ("endpoint_not_found", 404),
    ("connect_origin_null", 403),
    ("connect_body_unsupported", 501),
    ("connect_body_too_large", 413),
    ("connect_form_invalid", 400),
    ("connect_next_not_allowed", 400),
    ("body_not_allowed", 403),
    ("credential_conflict", 403),
    ("session_missing", 401),
    ("credential_too_long", 401),
    ("token_malformed", 401),
    ("algorithm_not_allowed", 401),
    ("header_parameter_not_allowed", 401),
    ("key_unknown", 401),
    ("signature_invalid", 401),
    ("key_retired", 401),
    ("claims_malformed", 401),
    ("issuer_not_allowed", 401),
    ("audience_not_allowed", 403),
    ("session_not_yet_valid", 401),
    ("session_expired", 401),
    ("session_lifetime_too_long", 401),
    ("connect_issue_time_missing", 403),
    ("connect_token_stale", 403),
    ("connect_token_too_long", 403),
];

#[wasm_bindgen_test(unsupported = test)]
fn keeps_every_code_and_status() {
    let listed: Vec<(&str, u16)> = Reason::ALL.iter().map(|reason| (reason.code(), reason.status())).collect();
    for known in CODES {
        assert!(listed.contains(known), "{known:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn names_each_reason_once_and_in_order() {
    let codes: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
    assert!(Reason::ALL.is_sorted());
    for reason in Reason::ALL {
        assert!(reason.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", reason.code());
        assert!(reason.meaning().ends_with('.') && reason.advice().sentence().ends_with('.'), "{}", reason.code());
        assert!(!reason.advice().sentence().contains(reason.code()));
        assert_eq!(reason.details(), format!("dashgate_{}", reason.code()));
        let body: Value = serde_json::from_str(reason.advice().json()).expect("JSON");
        assert_eq!(body, json!({"error": reason.advice().sentence()}));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn says_the_same_to_every_client_without_a_session() {
    let sentences: BTreeSet<&str> =
        Reason::ALL.iter().filter(|reason| reason.status() == 401).map(|reason| reason.advice().sentence()).collect();
    assert_eq!(sentences.len(), 1);
    let all: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.advice().sentence()).collect();
    assert_eq!(all.len(), 8);
}

#[wasm_bindgen_test(unsupported = test)]
fn knows_which_sessions_have_simply_ended() {
    let ended: Vec<&str> =
        Reason::ALL.iter().filter(|reason| reason.is_ended_session()).map(|reason| reason.code()).collect();
    assert_eq!(ended, ["session_missing", "key_retired", "session_expired", "subject_missing"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn lists_every_reason_on_the_reference_page() {
    let page = gate::reason::reference();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| <a id=")).collect();
    assert_eq!(rows.len(), Reason::ALL.len());
    for (row, reason) in rows.iter().zip(Reason::ALL) {
        let (code, status) = (reason.code(), reason.status());
        let expected = format!(
            "| <a id=\"{code}\"></a>`{code}` | {status} | {} | {} |",
            reason.meaning(),
            reason.advice().sentence()
        );
        assert_eq!(*row, expected);
    }
}
