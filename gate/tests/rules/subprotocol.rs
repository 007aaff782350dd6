//! Sec-WebSocket-Protocol as a carrier: dashgate's marker and Bokeh's own form.

use gate::Reason;
use gate::subprotocol::parse;
use wasm_bindgen_test::wasm_bindgen_test;

type Carried<'a> = (Option<&'a str>, Option<&'a str>);

#[track_caller]
fn check_as(fields: &[&str], reads: (bool, bool), expected: Result<Carried<'_>, Reason>) {
    let bytes: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
    let offer = parse(&bytes, reads.0, reads.1);
    let expected = expected.map(|(marked, bokeh)| (marked.map(str::as_bytes), bokeh.map(str::as_bytes)));
    assert_eq!(offer.map(|offer| (offer.marked, offer.bokeh)), expected, "{fields:?}");
}

#[track_caller]
fn check(fields: &[&str], expected: Result<Carried<'_>, Reason>) {
    check_as(fields, (true, true), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_the_item_after_the_marker_and_bokehs_token() {
    check(&[], Ok((None, None)));
    check(&["chat, superchat"], Ok((None, None)));
    check(&["dashgate, T"], Ok((Some("T"), None)));
    check(&["chat,dashgate,T"], Ok((Some("T"), None)));
    check(&["dashgate", "T"], Ok((Some("T"), None)));
    check(&["\tdashgate \t,  T "], Ok((Some("T"), None)));
    check(&["bokeh, B"], Ok((None, Some("B"))));
    check(&["dashgate, T, bokeh, B"], Ok((Some("T"), Some("B"))));
    check(&["bokeh, dashgate, T, B"], Ok((Some("T"), Some("B"))));
    check(&["bokeh, B", "dashgate, T"], Ok((Some("T"), Some("B"))));
    check(&["Dashgate, T"], Ok((None, None)));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_marker_without_a_credential_or_twice() {
    check(&["dashgate"], Err(Reason::TokenMalformed));
    check(&["chat, dashgate"], Err(Reason::TokenMalformed));
    check(&["dashgate,"], Err(Reason::TokenMalformed));
    check(&["dashgate, ,T"], Err(Reason::TokenMalformed));
    check(&["dashgate, T, dashgate, T"], Err(Reason::CredentialRepeated));
    check(&["dashgate, T", "dashgate, U"], Err(Reason::CredentialRepeated));
    check(&["dashgate, T, dashgate"], Err(Reason::TokenMalformed));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_bokeh_in_any_form_but_its_own() {
    for odd in
        ["bokeh", "bokeh, B, C", "chat, bokeh", "B, bokeh", "Bokeh, B", "BOKEH, B", "chat, bokeh, B", "bokeh, bokeh, B"]
    {
        check(&[odd], Err(Reason::CredentialDisguised));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_bytes_that_are_in_no_subprotocol() {
    for odd in ["chat\0", "ch\u{7f}at", "chät", "bokeh\r, B", "\u{b}dashgate, T"] {
        check(&[odd], Err(Reason::CredentialDisguised));
        check(&["chat", odd], Err(Reason::CredentialDisguised));
    }
    check(&["chat ~!, \t"], Ok((None, None)));
}

#[wasm_bindgen_test(unsupported = test)]
fn leaves_a_form_alone_that_no_session_kind_reads() {
    check_as(&["dashgate"], (false, true), Ok((None, None)));
    check_as(&["dashgate, T"], (false, false), Ok((None, None)));
    check_as(&["bokeh, B, C"], (true, false), Ok((None, None)));
    check_as(&["dashgate, T, bokeh, B"], (true, false), Ok((Some("T"), None)));
    check_as(&["bokeh, B"], (false, true), Ok((None, Some("B"))));
}

#[track_caller]
fn check_without(fields: &[&str], takes: (bool, bool), expected: Option<&str>) {
    let bytes: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
    let kept = parse(&bytes, true, true).expect("an offer").without(takes.0, takes.1);
    assert_eq!(kept.map(|kept| String::from_utf8(kept).expect("text")).as_deref(), expected, "{fields:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_the_marker_with_its_credential_and_bokehs_token_alone() {
    check_without(&["chat"], (true, true), None);
    check_without(&["dashgate, T"], (false, true), None);
    check_without(&["bokeh, B"], (true, false), None);
    check_without(&["dashgate, T"], (true, true), Some(""));
    check_without(&["dashgate, T, chat ,  x"], (true, true), Some("chat ,  x"));
    check_without(&["chat, dashgate, T,x"], (true, true), Some("chat,x"));
    check_without(&["chat", "dashgate", "T", " x"], (true, true), Some("chat, x"));
    check_without(&["bokeh, B"], (true, true), Some("bokeh"));
    check_without(&["dashgate, T, bokeh, B"], (true, true), Some("bokeh"));
    check_without(&["dashgate, T, bokeh, B"], (true, false), Some("bokeh, B"));
    check_without(&["dashgate, T, bokeh, B"], (false, true), Some("dashgate, T, bokeh"));
    check_without(&["bokeh, B, dashgate, T"], (true, true), Some("bokeh"));
    // Between Bokeh's two items the marker is no part of Bokeh's form.
    check_without(&["bokeh, dashgate, T, B"], (true, true), Some("bokeh"));
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_bokehs_token_whatever_the_kept_markers_credential_is() {
    // A kept credential that reads `bokeh` must not be taken for Bokeh's own item: the real token would go up.
    check_without(&["dashgate, bokeh, bokeh, B"], (false, true), Some("dashgate, bokeh, bokeh"));
    check_without(&["bokeh, dashgate, T, B"], (false, true), Some("bokeh, dashgate, T"));
    check_without(&["bokeh, dashgate, T, B"], (true, false), Some("bokeh, B"));
    check_without(&["dashgate, dashgate, chat"], (true, true), Some("chat"));
}
