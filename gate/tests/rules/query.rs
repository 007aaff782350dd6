//! Bokeh's parameters in a query: found exactly, refused in disguise, taken out with all else left as it was.

use gate::Reason;
use gate::query::{find, without};
use wasm_bindgen_test::wasm_bindgen_test;

#[track_caller]
fn check(query: &str, expected: Result<(Option<&str>, Option<&str>), Reason>) {
    let found = find(query.as_bytes());
    let expected = expected.map(|(id, token)| (id.map(str::as_bytes), token.map(str::as_bytes)));
    assert_eq!(found.map(|found| (found.session_id, found.token)), expected, "{query}");
    if let (Ok(found), Ok((id, token))) = (found, expected) {
        assert_eq!(found.any(), id.is_some() || token.is_some(), "{query}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn finds_bokehs_parameters_by_their_exact_names() {
    check("", Ok((None, None)));
    check("a=1&b", Ok((None, None)));
    check("bokeh-session-id=x", Ok((Some("x"), None)));
    check("a=1&bokeh-token=y&b=2", Ok((None, Some("y"))));
    check("bokeh-session-id=x&bokeh-token=y", Ok((Some("x"), Some("y"))));
    check("bokeh-session-id=x=y&bokeh-token==", Ok((Some("x=y"), Some("="))));
    check("bokeh-session-id", Ok((Some(""), None)));
    check("bokeh-session-ids=x&xbokeh-token=y&bokeh_token=z&a=bokeh-token", Ok((None, None)));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_parameter_that_occurs_twice() {
    check("bokeh-session-id=x&bokeh-session-id=x", Err(Reason::CredentialRepeated));
    check("bokeh-token=x&a=1&bokeh-token", Err(Reason::CredentialRepeated));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_parameter_in_disguise() {
    for odd in [
        "Bokeh-Session-Id=x",
        "BOKEH-TOKEN=x",
        "bokeh%2dsession-id=x",
        "%62okeh-token=x",
        "bokeh-token%20=x",
        "+bokeh-token=x",
        "bokeh-token+=x",
        "%00bokeh-session-id=x",
        "bokeh-session-id%a0=x",
        "%C2%A0bokeh-session-id=x",
        "bokeh-tok%65n",
        "a=1;bokeh-token=x",
        ";bokeh-token=x",
        "a;Bokeh-Token",
        "a=1;b=2;bokeh-session-id=x",
        "bokeh-token=y;bokeh-token=x",
        "bokeh-session-id=y;bokeh-token=x",
        "a=1&%42okeh-token=x",
        "bokeh-token;x",
        "bokeh-token;x=1",
        "bokeh-token;",
    ] {
        check(odd, Err(Reason::CredentialDisguised));
    }
    // What Tornado takes for a value is no name.
    check("bokeh-token=a;b", Ok((None, Some("a;b"))));
    check("x=%26bokeh-token=y", Ok((None, None)));
    check("x=?bokeh-token=y", Ok((None, None)));
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_the_parameters_out_and_leaves_the_rest_as_it_was() {
    for (query, kept) in [
        ("", "/app?"),
        ("bokeh-token=x", "/app"),
        ("bokeh-token=x&bokeh-session-id=y", "/app"),
        ("a=1&bokeh-token=x&b=%20&&c", "/app?a=1&b=%20&&c"),
        ("bokeh-session-id=x&a", "/app?a"),
        ("a=1&bokeh-session-id", "/app?a=1"),
        ("a=bokeh-token", "/app?a=bokeh-token"),
    ] {
        assert_eq!(without(b"/app", query.as_bytes()), kept.as_bytes(), "{query}");
    }
}
