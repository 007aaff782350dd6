//! What the command line is told: where credentials were found, and how a dashboard judges a session kind.

use gate::{Decision, Format, Shown};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent, bokeh_id, bokeh_token, token};

const EITHER: &str = "https://either.example.org/";

#[track_caller]
fn words(sent: &Sent) -> Vec<&'static str> {
    let gate = Policy::new().gate();
    let shown: Shown = match sent.decide(&gate) {
        Decision::Permit(permit) => permit.record().carriers,
        Decision::Answer(answer) => answer.record.carriers,
        other @ Decision::AwaitBody(_) => panic!("{other:?}"),
    };
    shown.words().collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_each_carrier_in_which_a_session_was_found() {
    let (token, id, bokeh) = (token("either"), bokeh_id('a'), bokeh_token('a'));
    let upgrade = |offer: String| Sent::upgrade(EITHER).with("sec-websocket-protocol", offer);
    let cookie = Sent::get(EITHER).with_session("either");
    assert_eq!(words(&cookie), ["cookie"]);
    assert_eq!(words(&Sent::get(EITHER).with_bearer(&token)), ["bearer"]);
    assert_eq!(words(&upgrade(format!("dashgate, {token}"))), ["subprotocol"]);
    assert_eq!(words(&upgrade(format!("bokeh, {bokeh}"))), ["bokeh_subprotocol"]);
    let query = |name: &str, value: &str| Sent::get(&format!("{EITHER}?{name}={value}"));
    assert_eq!(words(&query("bokeh-session-id", &id)), ["bokeh_session_id_parameter"]);
    assert_eq!(words(&query("bokeh-token", &bokeh)), ["bokeh_token_parameter"]);
    assert_eq!(words(&Sent::get(EITHER).with("bokeh-session-id", &id)), ["bokeh_session_id_header"]);
    assert_eq!(words(&cookie.with_bearer(&token)), ["cookie", "bearer"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_of_a_permit_what_verified_and_of_a_refusal_all_that_was_shown() {
    let by_either = Sent::get(EITHER).with_session("either").with("bokeh-session-id", "x");
    assert_eq!(words(&by_either), ["cookie"]);
    let neither = Sent::get(EITHER).with_bearer("x").with("bokeh-session-id", "x");
    assert_eq!(words(&neither), ["bearer", "bokeh_session_id_header"]);
    let by_all = Sent::get("https://plot.example.org/").with_session("plot").with("bokeh-session-id", bokeh_id('a'));
    assert_eq!(words(&by_all), ["cookie", "bokeh_session_id_header"]);
    // Not read there: the kind is JWT, or there is no upgrade, or the path needs no session.
    let report = "https://report.example.org/";
    assert!(words(&Sent::get(report).with("bokeh-session-id", bokeh_id('a'))).is_empty());
    assert!(words(&Sent::get(report).with("sec-websocket-protocol", "dashgate, x")).is_empty());
    assert!(words(&Sent::get(EITHER).with("sec-websocket-protocol", "bokeh, x")).is_empty());
    assert!(words(&Sent::get("https://report.example.org/static/a").with_session("report")).is_empty());
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_how_a_dashboard_judges_each_of_its_kinds() {
    let gate = Policy::new().gate();
    let Some((Format::Jwt(policy), audience)) = gate.judges(3, 0) else { panic!("no JWT kind") };
    let ids: Vec<&str> = policy.ring.keys().iter().map(|key| key.id()).collect();
    assert_eq!((ids.as_slice(), audience), (&["main", "old"][..], EITHER));
    assert!(matches!(gate.judges(3, 1), Some((Format::Bokeh(ring), EITHER)) if ring.keys().len() == 1));
    assert!(gate.judges(3, 2).is_none() && gate.judges(0, 0).is_none() && gate.judges(99, 0).is_none());
}
