//! Cookies: found by exact name, taken out while all else stays byte for byte.

use gate::Reason;
use gate::cookie::{check as check_fields, find, name_of_set_cookie, pairs, without};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn reads_pairs_as_servers_do() {
    let read: Vec<(&[u8], &[u8])> = pairs(b"a=1; b = 2 ;c;=d; ;e=f=g").map(|pair| (pair.name, pair.value)).collect();
    let expected: [(&[u8], &[u8]); 6] =
        [(b"a", b"1"), (b"b", b" 2 "), (b"c", b""), (b"", b"d"), (b"", b""), (b"e", b"f=g")];
    assert_eq!(read, expected);
}

#[track_caller]
fn check_find(fields: &[&str], expected: Result<Option<&str>, Reason>) {
    let fields: Vec<&[u8]> = fields.iter().map(|field| field.as_bytes()).collect();
    assert_eq!(find(&fields, b"sid"), expected.map(|value| value.map(str::as_bytes)));
}

#[wasm_bindgen_test(unsupported = test)]
fn finds_a_cookie_by_its_exact_name() {
    check_find(&[], Ok(None));
    check_find(&["a=1; sid=x; b=2"], Ok(Some("x")));
    check_find(&["a=1", "sid=x"], Ok(Some("x")));
    check_find(&["sid"], Ok(Some("")));
    check_find(&["a=1; sid= x "], Ok(Some(" x ")));
    check_find(&["SID=x; asid=x; sidb=x; s%69d=x; \"sid\"=x; a=sid=x"], Ok(None));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_cookie_that_occurs_twice() {
    check_find(&["sid=x; sid=x"], Err(Reason::CredentialRepeated));
    check_find(&["sid=x", "sid=y"], Err(Reason::CredentialRepeated));
    check_find(&["sid=x;a=1; sid"], Err(Reason::CredentialRepeated));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_cookie_whose_name_some_servers_read_with_a_space_at_its_end() {
    check_find(&["sid =x"], Err(Reason::CredentialDisguised));
    check_find(&["sid "], Err(Reason::CredentialDisguised));
    check_find(&["sid =x; sid=y"], Err(Reason::CredentialRepeated));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_bytes_that_cookie_parsers_disagree_about() {
    assert_eq!(check_fields(&[]), Ok(()));
    assert_eq!(check_fields(&[b"a=1", b"b=\" ~!\""]), Ok(()));
    for byte in (0x00..=0x1f).chain(0x7f..=0xff) {
        let odd = [b"a=1;".as_slice(), &[byte], b"sid=x"].concat();
        assert_eq!(check_fields(&[&odd]), Err(Reason::CookieInvalid), "{byte:02x}");
        assert_eq!(check_fields(&[b"a=1", &odd]), Err(Reason::CookieInvalid), "{byte:02x}");
    }
}

#[track_caller]
fn check_without(field: &str, expected: Option<&str>) {
    let kept = without(field.as_bytes(), |name| name == b"sid");
    assert_eq!(kept.as_deref(), expected.map(str::as_bytes), "{field}");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_cookie_out_and_leaves_the_rest_as_it_was() {
    check_without("a=1; b=2", None);
    check_without("", None);
    check_without("sid=x", Some(""));
    check_without("sid=x; sid=y", Some(""));
    check_without("sid=x; a=1;b=2 ;  c", Some("a=1;b=2 ;  c"));
    check_without("a=1; sid=x; b=2", Some("a=1; b=2"));
    check_without("a=\"1\"; sid = x ;b==2; ", Some("a=\"1\";b==2; "));
    check_without("a=1;sid", Some("a=1"));
}

#[wasm_bindgen_test(unsupported = test)]
fn names_the_cookie_a_browser_would_store() {
    for (line, name) in [
        ("sid=x; Path=/", "sid"),
        (" \t sid = x", "sid"),
        ("sid", "sid"),
        ("sid; Secure", "sid"),
        ("=sid=x", "sid"),
        (" = sid=x", "sid"),
        ("==sid", "sid"),
        ("", ""),
        ("=", ""),
        (";sid=x", ""),
        ("a b=c", "a b"),
    ] {
        assert_eq!(name_of_set_cookie(line.as_bytes()), name.as_bytes(), "{line}");
    }
}
