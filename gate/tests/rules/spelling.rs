//! One session, one spelling: of every format's golden credentials, nothing that one mishap makes verifies, and no two of them
//! are one session. The formats' grammars make texts equal at one place only, and that is tested here, too: the double quotes
//! that Python's cookies put around a value mean nothing.

use std::collections::BTreeMap;

use gate::session::Session;
use serde_json::Value;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::golden::{self, Verifier};

/// Bytes that some parser somewhere drops, splits at, or takes for another.
const TELLING: &[u8] = b".:|%;,=\"\\ +/-_&#~09aAzZs\0\t\r\n\x7f\x80\xa0\xff";
/// Credentials of a file that are tried with these, and the longest of them in bytes.
const SAMPLES: usize = 6;
const LONGEST: usize = 420;

/// Every text that differs from `good` by one of the bytes at one place, or by one more or less.
fn changed(good: &[u8], bytes: &[u8], mut see: impl FnMut(&[u8])) {
    for at in 0..=good.len() {
        let (head, tail) = good.split_at(at);
        for byte in bytes {
            see(&[head, &[*byte], tail].concat());
            if let Some((first, rest)) = tail.split_first()
                && first != byte
            {
                see(&[head, &[*byte], rest].concat());
            }
        }
        if let Some((first, rest)) = tail.split_first() {
            see(&[head, rest].concat());
            see(&[head, &[*first, *first], rest].concat());
            if first.is_ascii_alphabetic() {
                see(&[head, &[first ^ 0x20], rest].concat());
            }
            if let Some((second, rest)) = rest.split_first()
                && first != second
            {
                see(&[head, &[*second, *first], rest].concat());
            }
        }
    }
}

/// Whole texts made of `good`: more of it, less of it, around it.
fn reshaped(good: &[u8], mut see: impl FnMut(&[u8])) {
    for at in 0..good.len() {
        see(&good[..at]);
        see(&good[at + 1..]);
    }
    for padding in [&b"="[..], b"==", b"===", b" ", b"  ", b"\r\n", b".", b":", b"|", b"AA", b"AAAA", b"\0\0\0\0"] {
        see(&[good, padding].concat());
        see(&[padding, good].concat());
        see(&[padding, good, padding].concat());
    }
    for joint in [&b""[..], b".", b":", b"|", b",", b";", b"; "] {
        see(&[good, joint, good].concat());
    }
    let (lower, upper) = (good.to_ascii_lowercase(), good.to_ascii_uppercase());
    let reversed: Vec<u8> = good.iter().rev().copied().collect();
    [lower, upper, reversed].iter().filter(|text| *text != good).for_each(|text| see(text));
}

/// Whether the two differ by double quotes around one of them alone.
fn differ_by_quotes(one: &[u8], other: &[u8]) -> bool {
    let quoted = |text: &[u8]| [b"\"", text, b"\""].concat();
    quoted(one) == other || quoted(other) == one
}

fn has_quotes(kind: &str) -> bool {
    ["tornado", "django_cookie", "jupyter", "streamlit_tornado"].contains(&kind)
}

#[track_caller]
fn check(file: &str) {
    let mut accepted: Vec<Value> = golden::cases(file);
    accepted.retain(|case| case["expect"] == "accepted" && !golden::token(case).is_empty());
    tells_apart(&accepted);
    accepted.sort_by_key(|case| golden::token(case).len());
    let short = accepted.iter().take_while(|case| golden::token(case).len() <= LONGEST).count();
    assert!(short >= SAMPLES, "only {short} short ones");
    let every: Vec<u8> = (0..=255).collect();
    for number in 0..SAMPLES {
        let case = &accepted[number * (short - 1) / (SAMPLES - 1)];
        let (good, verify) = (golden::token(case), golden::verifier(case));
        assert!(verify(&good).is_ok(), "{case}");
        let see = |text: &[u8]| refused(text, &good, &verify, case);
        changed(&good, if number == 0 { &every } else { TELLING }, see);
        reshaped(&good, see);
    }
}

/// Refused, unless the format's grammar makes both the same text.
fn refused(text: &[u8], good: &[u8], verify: &Verifier, case: &Value) {
    let kind = case["kind"].as_str().expect("a kind");
    let equal = text == good || (has_quotes(kind) && differ_by_quotes(text, good));
    let told = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    assert!(verify(text).is_err() || equal, "{}: {} for {}", case["name"], told(text), told(good));
}

/// No two credentials of the file are one session, but for quotes; and but for Bokeh's tokens: all that hold one id are that
/// id's session.
fn tells_apart(accepted: &[Value]) {
    let mut known: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for case in accepted.iter().filter(|case| case["kind"] != "bokeh_token") {
        let token = golden::token(case);
        let session: Session = golden::verifier(case)(&token).expect("it is accepted");
        let kind = case["kind"].as_str().expect("a kind");
        let other = known.entry(format!("{kind} {}", session.fingerprint())).or_insert_with(|| token.clone());
        let equal = *other == token || (has_quotes(kind) && differ_by_quotes(other, &token));
        assert!(equal, "{} is {}, too", case["name"], String::from_utf8_lossy(other));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn quotes_around_a_value_mean_nothing_to_the_formats_of_python_cookies_and_break_all_others() {
    let files = [
        golden::TORNADO,
        golden::DJANGO,
        golden::DJANGO_LEGACY,
        golden::JUPYTER,
        golden::STREAMLIT_TORNADO,
        golden::ITSDANGEROUS,
        golden::FLASK,
        golden::STARLETTE,
        golden::STREAMLIT,
        golden::EXPRESS,
    ];
    for case in files.into_iter().flat_map(golden::cases).filter(|case| case["expect"] == "accepted") {
        let (token, verify) = (golden::token(&case), golden::verifier(&case));
        let bare = token.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(&token);
        let plain = !bare.iter().any(|byte| matches!(byte, b'"' | b'\\' | b';'));
        let quoted = verify(&[b"\"", bare, b"\""].concat());
        let fits = plain && bare.len() + 2 <= gate::signed::MAX_BYTES;
        let same =
            quoted.as_ref().ok().map(Session::fingerprint) == verify(bare).as_ref().ok().map(Session::fingerprint);
        match has_quotes(case["kind"].as_str().expect("a kind")) {
            true => assert!(!fits || (quoted.is_ok() && same), "{case}"),
            false => assert!(quoted.is_err(), "{case}"),
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_jwt() {
    check(golden::JWT);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_bokeh_credential() {
    check(golden::BOKEH);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_tornado_value() {
    check(golden::TORNADO);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_itsdangerous_value() {
    check(golden::ITSDANGEROUS);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_flask_session() {
    check(golden::FLASK);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_starlette_session() {
    check(golden::STARLETTE);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_django_value() {
    check(golden::DJANGO);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_django_cookie_of_the_old_salt() {
    check(golden::DJANGO_LEGACY);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_express_id() {
    check(golden::EXPRESS);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_jupyter_login() {
    check(golden::JUPYTER);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_streamlit_login() {
    check(golden::STREAMLIT);
}

#[wasm_bindgen_test(unsupported = test)]
fn has_one_spelling_for_each_streamlit_login_of_tornado() {
    check(golden::STREAMLIT_TORNADO);
}
