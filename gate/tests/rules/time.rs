//! Points in time, and the text forms of times and timeouts.

use gate::Time;
use gate::time::{decode_timeout, encode_timeout, parse_utc};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn counts_without_overflow() {
    let time = Time::from_seconds(5);
    assert_eq!((time.seconds(), time.nanos()), (5, 5_000_000_000));
    assert_eq!(Time::from_nanos(1_999_999_999).seconds(), 1);
    assert_eq!(time.plus_seconds(2), Time::from_seconds(7));
    assert_eq!(time.nanos_since(Time::from_seconds(3)), 2_000_000_000);
    assert_eq!(time.nanos_since(Time::from_seconds(6)), 0);
    assert_eq!(Time::from_seconds(u64::MAX), Time::FAR);
    assert_eq!(Time::FAR.plus_seconds(u64::MAX), Time::FAR);
    assert!(Time::from_seconds(18_446_744_073) < Time::FAR);
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_fractions_that_are_times() {
    assert_eq!(Time::from_fraction(1.5), Some(Time::from_nanos(1_500_000_000)));
    assert_eq!(Time::from_fraction(0.0), Some(Time::from_nanos(0)));
    assert_eq!(Time::from_fraction(1e30), Some(Time::FAR));
    for odd in [-0.1, -1e30, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Time::from_fraction(odd), None);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_utc_times() {
    // By Python: calendar.timegm.
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01Z", 1),
        ("1970-12-31T23:59:59Z", 31_535_999),
        ("1999-12-31T23:59:59Z", 946_684_799),
        ("2000-02-29T12:34:56Z", 951_827_696),
        ("2000-03-01T00:00:00Z", 951_868_800),
        ("2024-02-29T00:00:00Z", 1_709_164_800),
        ("2025-03-01T00:00:00Z", 1_740_787_200),
        ("2026-01-31T00:00:00Z", 1_769_817_600),
        ("2026-03-31T00:00:00Z", 1_774_915_200),
        ("2026-04-30T00:00:00Z", 1_777_507_200),
        ("2026-05-31T00:00:00Z", 1_780_185_600),
        ("2026-06-30T00:00:00Z", 1_782_777_600),
        ("2026-07-31T00:00:00Z", 1_785_456_000),
        ("2026-08-31T00:00:00Z", 1_788_134_400),
        ("2026-09-30T00:00:00Z", 1_790_726_400),
        ("2026-10-31T00:00:00Z", 1_793_404_800),
        ("2026-11-30T00:00:00Z", 1_795_996_800),
        ("2026-12-01T00:00:00Z", 1_796_083_200),
        ("2027-01-15T08:00:00Z", 1_800_000_000),
        ("2100-03-01T00:00:00Z", 4_107_542_400),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ] {
        assert_eq!(parse_utc(text), Ok(Time::from_seconds(seconds)), "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_what_is_no_utc_time() {
    for odd in [
        "",
        "2026-12-01",
        "2026-12-01T00:00:00",
        "2026-12-01T00:00:00+00:00",
        "2026-12-01t00:00:00Z",
        "2026-12-01T00:00:00z",
        "2026-12-01 00:00:00Z",
        "2026-12-01T00:00:00.5Z",
        "1969-12-31T23:59:59Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-06-31T00:00:00Z",
        "2026-09-31T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-12-01T24:00:00Z",
        "2026-12-01T00:60:00Z",
        "2026-12-01T00:00:60Z",
        "2026/12/01T00:00:00Z",
        "+026-12-01T00:00:00Z",
        "202a-12-01T00:00:00Z",
        "2026-1\u{661}-1T00:00:00Z",
        "2026-12-01T00:00:00ZZ",
        "2026-12-01T00-00-00Z",
    ] {
        assert_eq!(parse_utc(odd), Err("must be a UTC time such as 2026-12-01T00:00:00Z"), "{odd}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn writes_a_timeout_in_the_finest_unit_that_fits() {
    for (nanos, text) in [
        (0, "1n"),
        (1, "1n"),
        (99_999_999, "99999999n"),
        (100_000_000, "100000u"),
        (100_000_999, "100000u"),
        (99_999_999_999, "99999999u"),
        (100_000_000_000, "100000m"),
        (99_999_999_999_999, "99999999m"),
        (100_000_000_000_000, "100000S"),
        (99_999_999_999_999_999, "99999999S"),
        (100_000_000_000_000_000, "1666666M"),
        (u64::MAX, "5124095H"),
    ] {
        let written = encode_timeout(nanos);
        let expected = if nanos == u64::MAX { written.clone() } else { text.to_owned() };
        assert_eq!(written, expected, "{nanos}");
        assert!(written.len() <= 9 && !written.starts_with('0'), "{written}");
        let read = decode_timeout(written.as_bytes()).expect("a timeout");
        assert!(read <= nanos.max(1), "{written}");
    }
    // 2^64 nanoseconds are 307 million minutes, nine digits, so hours are what is left.
    assert_eq!(encode_timeout(u64::MAX), "5124095H");
    assert_eq!(encode_timeout(99_999_999 * 60_000_000_000), "99999999M");
    assert_eq!(encode_timeout(100_000_000 * 60_000_000_000), "1666666H");
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_a_clients_timeout() {
    for (text, nanos) in [
        ("1n", 1),
        ("2u", 2_000),
        ("3m", 3_000_000),
        ("4S", 4_000_000_000),
        ("5M", 300_000_000_000),
        ("6H", 21_600_000_000_000),
        ("00000001S", 1_000_000_000),
        ("99999999S", 99_999_999_000_000_000),
        ("0S", 0),
        ("99999999H", u64::MAX),
    ] {
        assert_eq!(decode_timeout(text.as_bytes()), Some(nanos), "{text}");
    }
    for odd in ["", "S", "1", "1s", "1h", "-1S", "+1S", "1.5S", "100000000S", " 1S", "1S ", "1 S", "\u{661}S"] {
        assert_eq!(decode_timeout(odd.as_bytes()), None, "{odd}");
    }
}
