//! Any damage to a credential refuses it: every bit flipped, every byte appended, every truncation, and base64 by the book.

use std::sync::Arc;

use gate::session::Ring;
use gate::{Time, bokeh, jwt};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{BOKEH, MAIN, NOW, bokeh_id, bokeh_token, key, token};

/// Calls `accepts` with everything that one mishap makes of `good`; none of it may pass.
#[track_caller]
fn check(good: &str, accepts: impl Fn(&[u8]) -> bool) {
    let good = good.as_bytes();
    assert!(accepts(good));
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut flipped = good.to_vec();
            flipped[at] ^= 1 << bit;
            assert!(!accepts(&flipped), "bit {bit} of byte {at}");
        }
        assert!(!accepts(&good[..at]), "the first {at} bytes");
        assert!(!accepts(&good[at + 1..]), "without the first {} bytes", at + 1);
        assert!(!accepts(&[&good[..at], &good[at + 1..]].concat()), "without byte {at}");
    }
    for byte in 0..=255 {
        assert!(!accepts(&[good, &[byte]].concat()), "{byte:02x} appended");
        assert!(!accepts(&[&[byte], good].concat()), "{byte:02x} put before");
    }
    assert!(!accepts(&[good, good].concat()));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_jwt_after_any_damage() {
    let policy = jwt::Policy {
        algorithm: jwt::Algorithm::Hs256,
        ring: Ring::new(vec![Arc::new(key("main", &MAIN))]),
        issuer: None,
        clock_skew_seconds: 0,
        max_lifetime_seconds: 9999,
        facts: gate::facts::Paths::default(),
    };
    let accepts =
        |token: &[u8]| jwt::verify(token, &policy, "https://report.example.org/", Time::from_seconds(NOW)).is_ok();
    check(&token("report"), accepts);
}

fn ring() -> Ring {
    Ring::new(vec![Arc::new(key("bokeh", BOKEH.as_bytes()))])
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_bokeh_id_after_any_damage() {
    check(&bokeh_id('a'), |id| bokeh::verify_id(id, &ring(), Time::from_seconds(NOW)).is_ok());
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_bokeh_token_after_any_damage() {
    check(&bokeh_token('a'), |token| bokeh::verify_token(token, &ring(), Time::from_seconds(NOW)).is_ok());
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_signature_in_one_spelling_only() {
    // The 43rd character of a signature holds 4 bits: of 64 characters only the right one of 16 may end it.
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let id = bokeh_id('a');
    let spellings = digits.iter().filter(|digit| {
        let spelt = [&id.as_bytes()[..id.len() - 1], &[**digit]].concat();
        bokeh::verify_id(&spelt, &ring(), Time::from_seconds(NOW)).is_ok()
    });
    assert_eq!(spellings.count(), 1);
}
