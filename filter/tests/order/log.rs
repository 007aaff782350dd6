//! The log line of a refusal: its fields, that a subject cannot forge one, and how many lines there may be.

use dashgate_filter::refusals::{Limiter, clipped, is_plain, line};
use std::sync::Arc;

use gate::jwt::verify;
use gate::{Format, Reason, Record, Time};

use crate::envoy::{NOW, plugin, token};

const SECOND: u64 = 1_000_000_000;

#[test]
fn writes_fixed_fields() {
    let plugin = plugin();
    let bare = Record { code: "path_invalid", reason: Some(Reason::PathInvalid), ..Record::default() };
    assert_eq!(line(plugin.gate(), &bare, 0), "dashgate refused reason=path_invalid dashboard=- subject=- session=-");
    let Some((Format::Jwt(policy), audience)) = plugin.gate().judges(1, 0) else { panic!("report takes tokens") };
    let token = token("\"ada lovelace\"");
    let session = verify(token.as_bytes(), policy, audience, Time::from_seconds(NOW)).expect("a session");
    let fingerprint = session.fingerprint().to_owned();
    assert!(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fingerprint}");
    let (code, sessions) = ("connect_token_stale", vec![Arc::new(session)]);
    let full = Record { code, dashboard: Some(1), sessions, ..Record::default() };
    let expected = format!(
        "dashgate refused reason=connect_token_stale dashboard=report subject=\"ada lovelace\" session={fingerprint}"
    );
    assert_eq!(line(plugin.gate(), &full, 0), expected);
    assert_eq!(line(plugin.gate(), &full, 7), format!("{expected} lines_left_out=7"));
    let gone = Record { code: "path_invalid", dashboard: Some(99), ..Record::default() };
    assert!(line(plugin.gate(), &gone, 0).contains("dashboard=- "));
}

#[test]
fn keeps_a_subject_in_its_place() {
    for (subject, expected) in [
        ("ada", "\"ada\""),
        ("a\" session=\"0", "\"a\\\" session=\\\"0\""),
        ("a\\", "\"a\\\\\""),
        ("a\nb\r\t\0", "\"a\\nb\\r\\t\\0\""),
        ("\u{202e}", "\"\\u{202e}\""),
        ("é", "\"é\""),
        ("\u{2028}", "\"\\u{2028}\""),
        ("\u{1b}[31m", "\"\\u{1b}[31m\""),
    ] {
        assert_eq!(clipped(subject), expected);
    }
    assert_eq!(clipped(&"x".repeat(64)), format!("\"{}\"", "x".repeat(64)));
    assert_eq!(clipped(&"x".repeat(65)), format!("\"{}\"", "x".repeat(64)));
}

#[test]
fn knows_which_subjects_need_no_escape() {
    for plain in ["", "ada", "ada lovelace~!'", &"x".repeat(64)] {
        assert!(is_plain(plain), "{plain}");
        assert_eq!(clipped(plain), format!("\"{plain}\""));
    }
    for odd in ["a\"b", "a\\b", "é", "a\nb", "\u{7f}", "\u{1f}", &"x".repeat(65)] {
        assert!(!is_plain(odd), "{odd}");
    }
}

#[test]
fn writes_twenty_lines_at_once_and_then_five_a_second() {
    let (mut limiter, now) = (Limiter::default(), NOW * SECOND);
    for _ in 0..20 {
        assert_eq!(limiter.admit(now), Some(0));
    }
    for _ in 0..7 {
        assert_eq!(limiter.admit(now), None);
    }
    assert_eq!(limiter.admit(now + SECOND / 5 - 1), None);
    assert_eq!(limiter.admit(now + SECOND / 5), Some(8));
    assert_eq!(limiter.admit(now + SECOND / 5), None);
    let later = now + 10 * SECOND;
    assert_eq!(limiter.admit(later), Some(1));
    let admitted = (0..100).filter(|_| limiter.admit(later).is_some()).count();
    assert_eq!(admitted, 19);
    let within_a_second = (0..1000).filter(|step| limiter.admit(later + step * SECOND / 1000).is_some()).count();
    assert_eq!(within_a_second, 4);
}

#[test]
fn is_not_silenced_by_a_clock_that_was_set_back() {
    let (mut limiter, now) = (Limiter::default(), NOW * SECOND);
    for _ in 0..30 {
        limiter.admit(now);
    }
    assert_eq!(limiter.admit(now - 3600 * SECOND), Some(10));
    let admitted = (0..100).filter(|_| limiter.admit(now - 3600 * SECOND).is_some()).count();
    assert_eq!(admitted, 19);
    assert_eq!(limiter.admit(u64::MAX), Some(81));
}
