//! Fetch metadata: navigations pass, other sites' subresources do not, frames only where allowed.

use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Policy, Sent};

fn sent(site: &str, mode: &str, destination: &str) -> Sent {
    let sent = Sent::get("https://report.example.org/").with_session("report");
    let fields = [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", destination)];
    fields.into_iter().filter(|(_, value)| !value.is_empty()).fold(sent, |sent, (name, value)| sent.with(name, value))
}

#[track_caller]
fn check(sent: &Sent, expected: &str) {
    assert_eq!(sent.told(&Policy::new().gate()), expected);
}

const PERMIT: &str = "permit session report";

#[wasm_bindgen_test(unsupported = test)]
fn lets_the_dashboards_own_pages_and_plain_clients_in() {
    for site in ["", "same-origin", "none"] {
        for (mode, destination) in [("", ""), ("cors", "empty"), ("no-cors", "script"), ("navigate", "document")] {
            check(&sent(site, mode, destination), PERMIT);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_other_sites_but_for_navigations() {
    for site in ["same-site", "cross-site"] {
        for method in ["GET", "HEAD"] {
            check(&sent(site, "navigate", "document").replacing(":method", method), PERMIT);
        }
        for (mode, destination) in [
            ("no-cors", "script"),
            ("no-cors", "image"),
            ("cors", "empty"),
            ("", ""),
            ("navigate", "empty"),
            ("navigate", ""),
            ("", "document"),
            ("cors", "document"),
            ("navigate", "worker"),
            ("websocket", "websocket"),
        ] {
            check(&sent(site, mode, destination), "refuse 403 site_not_allowed report");
        }
        let method = sent(site, "navigate", "document").replacing(":method", "OPTIONS");
        check(&method, "refuse 403 site_not_allowed report");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_an_upgrade_that_calls_itself_a_navigation() {
    let upgrade = Sent::upgrade("https://report.example.org/").without("origin").with_session("report");
    let upgrade = upgrade.with("sec-fetch-site", "cross-site").with("sec-fetch-mode", "navigate");
    let gate = Policy::new().on("report", "missing_origin", json!("allow")).gate();
    let told = upgrade.with("sec-fetch-dest", "document").told(&gate);
    assert_eq!(told, "refuse 403 site_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_other_sites_of_an_allowed_origin_in() {
    let gate = Policy::new().on("report", "origins", json!(["https://a.example"])).gate();
    let fetched = sent("cross-site", "cors", "empty");
    assert_eq!(fetched.clone().with("origin", "https://a.example").told(&gate), PERMIT);
    assert_eq!(fetched.with("origin", "https://b.example").told(&gate), "refuse 403 origin_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_frames_but_of_its_own_origin() {
    for destination in ["iframe", "frame", "embed", "object", "fencedframe"] {
        check(&sent("same-origin", "navigate", destination), PERMIT);
        for site in ["", "none", "same-site", "cross-site"] {
            check(&sent(site, "navigate", destination), "refuse 403 frame_not_allowed report");
            let own = sent(site, "navigate", destination).with("origin", "https://report.example.org");
            check(&own, "refuse 403 frame_not_allowed report");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_frames_in_where_the_dashboard_is_embedded() {
    let gate = Policy::new().on("report", "embed_from", json!(["https://a.example"])).gate();
    assert_eq!(sent("cross-site", "navigate", "iframe").told(&gate), PERMIT);
    assert_eq!(sent("cross-site", "no-cors", "script").told(&gate), "refuse 403 site_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_fetch_metadata_that_no_browser_sends() {
    const REFUSED: &str = "refuse 403 fetch_metadata_invalid report";
    for odd in ["Same-Origin", "same_origin", "same-origin ", "same-origin, cross-site", "1"] {
        check(&sent(odd, "", ""), REFUSED);
        check(&sent("same-origin", odd, ""), REFUSED);
        check(&sent("same-origin", "", odd), REFUSED);
    }
    for odd in ["somewhere", "same-origin-ish", "self"] {
        check(&sent(odd, "", ""), REFUSED);
    }
    for name in ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"] {
        let plain = Sent::get("https://report.example.org/").with_session("report");
        check(&plain.clone().with(name, ""), REFUSED);
        check(&plain.with(name, "none").with(name, "none"), REFUSED);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_on_open_dashboards_too() {
    let gate = Policy::new().gate();
    let portal = Sent::get("https://portal.example.org/").with("sec-fetch-site", "cross-site");
    assert_eq!(portal.clone().with("sec-fetch-dest", "image").told(&gate), "refuse 403 site_not_allowed portal");
    assert_eq!(portal.with("sec-fetch-dest", "iframe").told(&gate), "refuse 403 frame_not_allowed portal");
}
