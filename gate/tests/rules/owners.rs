//! Who may open what: owners by the URL's host or path, listed subjects and groups.

use gate::Gate;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, PORTAL, Policy, Sent, bokeh_id, header, token_of};

pub const HUB: &str = "https://{subject}.hub.example.org/";
pub const USERS: &str = "https://users.example.org/user/{subject}/";
pub const RUNS: &str = "https://{session}.runs.example.org/";
pub const PATHS: &str = "https://paths.example.org/s/{session}/";

pub fn policy() -> Policy {
    Policy::new()
        .with("/dashboards/-", json!({"name": "hub", "url": HUB, "sessions": ["portal"]}))
        .with("/dashboards/-", json!({"name": "users", "url": USERS, "sessions": ["portal"], "shared_origin": true}))
        .with("/dashboards/-", json!({"name": "runs", "url": RUNS, "sessions": ["portal"]}))
        .with("/dashboards/-", json!({"name": "paths", "url": PATHS, "sessions": ["portal"], "shared_origin": true}))
}

/// Claims for that URL, with some members changed or added.
pub fn claims(audience: &str, changed: Value) -> Value {
    let mut claims = json!({"iss": PORTAL, "aud": audience, "sub": "ada", "iat": NOW - 10, "exp": NOW + 3600});
    for (name, value) in changed.as_object().expect("members") {
        claims[name] = value.clone();
    }
    claims
}

pub fn of(subject: &str, audience: &str) -> String {
    token_of(&claims(audience, json!({"sub": subject})))
}

pub fn with_id(id: Value, audience: &str) -> String {
    token_of(&claims(audience, json!({"sid": id})))
}

pub fn shown(gate: &Gate, url: &str, token: &str) -> String {
    Sent::get(url).with_bearer(token).told(gate)
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_a_host_to_the_subject_it_names_and_to_nobody_else() {
    let gate = policy().gate();
    for (subject, url, expected) in [
        ("ada", "https://ada.hub.example.org/", "permit session hub"),
        ("ada", "https://ADA.hub.example.org/lab?x=1", "permit session hub"),
        ("ada", "https://ada.hub.example.org:443/lab", "permit session hub"),
        ("ada", "https://ben.hub.example.org/", "refuse 403 subject_not_owner hub"),
        ("ada", "https://adaa.hub.example.org/", "refuse 403 subject_not_owner hub"),
        ("ada", "https://ad.hub.example.org/", "refuse 403 subject_not_owner hub"),
        ("Ada", "https://ada.hub.example.org/", "refuse 403 subject_not_owner hub"),
        ("ada@example.org", "https://x-ada-40example-2eorg.hub.example.org/", "permit session hub"),
        ("ada@example.org", "https://ada.hub.example.org/", "refuse 403 subject_not_owner hub"),
        // An encoded name is no second name for somebody else.
        ("x-ada-40example-2eorg", "https://x-ada-40example-2eorg.hub.example.org/", "refuse 403 subject_not_owner hub"),
        ("x-ada", "https://x-x-2dada.hub.example.org/", "permit session hub"),
    ] {
        assert_eq!(shown(&gate, url, &of(subject, HUB)), expected, "{subject} at {url}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn prefers_a_host_that_is_written_out() {
    let gate = policy()
        .with("/dashboards/-", json!({"name": "status", "url": "https://status.hub.example.org/", "open": true}))
        .gate();
    assert_eq!(Sent::get("https://status.hub.example.org/").told(&gate), "permit open status");
    assert_eq!(Sent::get("https://ada.hub.example.org/").told(&gate), "refuse 401 session_missing hub");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_a_port_in_the_url_for_a_part_of_the_place() {
    let gate = policy().on("hub", "url", json!("https://{subject}.hub.example.org:8443/lab/")).gate();
    let token = of("ada", "https://{subject}.hub.example.org:8443/lab/");
    assert_eq!(shown(&gate, "https://ada.hub.example.org:8443/lab/x", &token), "permit session hub");
    assert_eq!(shown(&gate, "https://ada.hub.example.org:8443/", &token), "refuse 404 dashboard_not_found -");
    assert_eq!(shown(&gate, "https://ada.hub.example.org/lab/", &token), "refuse 404 dashboard_not_found -");
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_a_path_to_the_subject_it_names_and_to_nobody_else() {
    let gate = policy().gate();
    for (subject, path, expected) in [
        ("ada", "/user/ada/", "permit session users"),
        ("ada", "/user/ada", "permit session users"),
        ("ada", "/user/ada/lab/tree?x=/user/ben/", "permit session users"),
        ("ada", "/user/ben/", "refuse 403 subject_not_owner users"),
        ("ada", "/user/adab", "refuse 403 subject_not_owner users"),
        ("ada", "/user/ad", "refuse 403 subject_not_owner users"),
        ("ada", "/user/Ada/", "refuse 403 subject_not_owner users"),
        ("ada", "/user/", "refuse 404 dashboard_not_found -"),
        ("ada", "/user", "refuse 404 dashboard_not_found -"),
        ("ada", "/users/ada/", "refuse 404 dashboard_not_found -"),
        ("ada@example.org", "/user/ada@example.org/", "permit session users"),
        ("ada@example.org", "/user/ada%40example.org/", "permit session users"),
        ("Adä", "/user/Ad%C3%A4/", "permit session users"),
        ("Adä", "/user/Ad%c3%a4/", "permit session users"),
        ("a da", "/user/a%20da/", "permit session users"),
        ("a+da", "/user/a+da/", "permit session users"),
        ("a da", "/user/a+da/", "refuse 403 subject_not_owner users"),
        // Decoded once, and nothing that a second time would change.
        ("ada@example.org", "/user/ada%2540example.org/", "refuse 403 subject_not_owner users"),
        ("ada%40example.org", "/user/ada%2540example.org/", "refuse 403 subject_not_owner users"),
        ("ada%40example.org", "/user/ada%40example.org/", "refuse 403 subject_not_owner users"),
        ("100%", "/user/100%/", "refuse 403 subject_not_owner users"),
        ("a", "/user/a%0a/", "refuse 403 subject_not_owner users"),
        ("\u{fffd}", "/user/%ff/", "refuse 403 subject_not_owner users"),
        ("ada", "/user/%61da/", "refuse 400 path_invalid -"),
        ("ben/ada", "/user/ben%2fada/", "refuse 400 path_invalid -"),
        ("..", "/user/%2e%2e/", "refuse 400 path_invalid -"),
    ] {
        let url = format!("https://users.example.org{path}");
        assert_eq!(shown(&gate, &url, &of(subject, USERS)), expected, "{subject} at {path}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn prefers_a_path_that_is_written_out_and_the_longer_one() {
    let gate = policy()
        .with(
            "/dashboards/-",
            json!({"name": "all", "url": "https://users.example.org/", "open": true, "shared_origin": true}),
        )
        .with(
            "/dashboards/-",
            json!({"name": "admin", "url": "https://users.example.org/user/admin/", "open": true,
                                      "shared_origin": true}),
        )
        .with(
            "/dashboards/-",
            json!({"name": "docs", "url": "https://users.example.org/user/ada/docs/", "open": true,
                                      "shared_origin": true}),
        )
        .gate();
    for (path, expected) in [
        ("/", "permit open all"),
        ("/user/", "permit open all"),
        ("/user/admin", "permit open admin"),
        ("/user/admin/x", "permit open admin"),
        ("/user/administrator", "refuse 401 session_missing users"),
        ("/user/ada/", "refuse 401 session_missing users"),
        ("/user/ada/docs", "permit open docs"),
        ("/user/ada/docs/x", "permit open docs"),
        ("/user/ada/doc", "refuse 401 session_missing users"),
        ("/user/ben/docs/x", "refuse 401 session_missing users"),
    ] {
        assert_eq!(Sent::get(&format!("https://users.example.org{path}")).told(&gate), expected, "{path}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_a_place_to_the_session_it_names() {
    let gate = policy().gate();
    for (id, url, expected) in [
        (json!("k3x9"), "https://k3x9.runs.example.org/", "permit session runs"),
        (json!("k3x9"), "https://k3x8.runs.example.org/", "refuse 403 session_not_named runs"),
        (Value::Null, "https://k3x9.runs.example.org/", "refuse 401 claims_malformed runs"),
        (json!(""), "https://k3x9.runs.example.org/", "refuse 401 claims_malformed runs"),
        (json!(39), "https://39.runs.example.org/", "refuse 401 claims_malformed runs"),
        (json!("K3"), "https://k3.runs.example.org/", "refuse 403 session_not_named runs"),
        (json!("K3"), "https://x--4b3.runs.example.org/", "permit session runs"),
    ] {
        assert_eq!(shown(&gate, url, &with_id(id.clone(), RUNS)), expected, "{id} at {url}");
    }
    for (path, expected) in [
        ("/s/k3x9/", "permit session paths"),
        ("/s/k3x9/data/runs", "permit session paths"),
        ("/s/k3x8/", "refuse 403 session_not_named paths"),
        ("/s/", "refuse 404 dashboard_not_found -"),
    ] {
        let url = format!("https://paths.example.org{path}");
        assert_eq!(shown(&gate, &url, &with_id(json!("k3x9"), PATHS)), expected, "{path}");
    }
    let none = token_of(&claims(RUNS, json!({})));
    assert_eq!(shown(&gate, "https://k3x9.runs.example.org/", &none), "refuse 403 session_not_named runs");
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_the_audience_as_it_is_configured_and_not_filled() {
    let gate = policy().gate();
    for (audience, expected) in [
        (HUB, "permit session hub"),
        // It could be the url of another dashboard, which is written out.
        ("https://ada.hub.example.org/", "refuse 403 audience_not_allowed hub"),
        ("https://{session}.hub.example.org/", "refuse 403 audience_not_allowed hub"),
        ("https://.hub.example.org/", "refuse 403 audience_not_allowed hub"),
        (USERS, "refuse 403 audience_not_allowed hub"),
    ] {
        assert_eq!(shown(&gate, "https://ada.hub.example.org/", &of("ada", audience)), expected, "{audience}");
    }
    let named = policy().on("hub", "audience", json!("hub-of-production")).gate();
    assert_eq!(shown(&named, "https://ada.hub.example.org/", &of("ada", "hub-of-production")), "permit session hub");
    assert_eq!(shown(&named, "https://ada.hub.example.org/", &of("ada", HUB)), "refuse 403 audience_not_allowed hub");
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_session_without_a_name_where_an_owner_is_asked_for() {
    let gate = policy().gate();
    for (sub, expected) in [(None, "refuse 401 subject_missing hub"), (Some(""), "refuse 401 subject_missing hub")] {
        let mut claims = json!({"iss": PORTAL, "aud": HUB, "iat": NOW, "exp": NOW + 60});
        sub.into_iter().for_each(|sub| claims["sub"] = json!(sub));
        assert_eq!(shown(&gate, "https://ada.hub.example.org/", &token_of(&claims)), expected);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn asks_the_owner_again_of_a_session_it_remembers() {
    let gate = policy().gate();
    let token = of("ada", HUB);
    for _ in 0..3 {
        assert_eq!(shown(&gate, "https://ada.hub.example.org/", &token), "permit session hub");
        assert_eq!(shown(&gate, "https://ben.hub.example.org/", &token), "refuse 403 subject_not_owner hub");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_no_hosts_origin_for_anothers() {
    let gate = policy().gate();
    let post = |origin: &str| {
        let sent = Sent::new("POST", "https://ada.hub.example.org/").with_bearer(&of("ada", HUB));
        sent.with("origin", origin).told(&gate)
    };
    assert_eq!(post("https://ada.hub.example.org"), "permit session hub");
    for origin in [
        "https://ben.hub.example.org",
        "https://*.hub.example.org",
        "https://hub.example.org",
        "http://ada.hub.example.org",
        "https://ada.hub.example.org:443",
        "https://ADA.hub.example.org",
        "https://a.ada.hub.example.org",
        PORTAL,
    ] {
        assert_eq!(post(origin), "refuse 403 origin_not_allowed hub", "{origin}");
    }
    let upgrade = Sent::upgrade("https://ada.hub.example.org/ws").with_bearer(&of("ada", HUB));
    assert_eq!(upgrade.told(&gate), "permit session hub");
    let foreign = upgrade.replacing("origin", "https://ben.hub.example.org");
    assert_eq!(foreign.told(&gate), "refuse 403 origin_not_allowed hub");
}

#[wasm_bindgen_test(unsupported = test)]
fn opens_a_dashboard_to_listed_subjects_and_groups_only() {
    let gate = Policy::new()
        .on("report", "subjects", json!(["ada", "eve@example.org"]))
        .on("report", "groups", json!(["staff", "admins"]))
        .gate();
    let refused = "refuse 403 subject_not_allowed report";
    for (changed, expected) in [
        (json!({"sub": "ada"}), "permit session report"),
        (json!({"sub": "eve@example.org"}), "permit session report"),
        (json!({"sub": "ben"}), refused),
        (json!({"sub": "Ada"}), refused),
        (json!({"sub": "ad"}), refused),
        (json!({"sub": "staff"}), refused),
        (json!({"sub": "ben", "groups": ["ada"]}), refused),
        (json!({"sub": "ben", "groups": ["students"]}), refused),
        (json!({"sub": "ben", "groups": []}), refused),
        (json!({"sub": "ben", "groups": "students staff"}), refused),
        (json!({"sub": "ben", "groups": ["students", "staff"]}), "permit session report"),
        (json!({"sub": "ben", "groups": "admins"}), "permit session report"),
        (json!({"sub": "", "groups": "admins"}), "permit session report"),
        (json!({"sub": "ada", "groups": {"staff": true}}), "refuse 401 claims_malformed report"),
        (json!({"sub": "ada", "groups": ["staff", 7]}), "refuse 401 claims_malformed report"),
        (json!({"sub": "ada", "groups": ["a\nb"]}), "refuse 401 claims_malformed report"),
        (json!({"sub": "ada", "groups": [""]}), "refuse 401 claims_malformed report"),
        (json!({"sub": "ada", "groups": ["g".repeat(257)]}), "refuse 401 claims_malformed report"),
        (json!({"sub": "ada", "groups": ["g".repeat(256)]}), "permit session report"),
    ] {
        let token = token_of(&claims("https://report.example.org/", changed.clone()));
        for _ in 0..3 {
            assert_eq!(shown(&gate, "https://report.example.org/", &token), expected, "{changed}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn finds_groups_where_the_session_kind_says_they_are() {
    let gate = Policy::new()
        .on("report", "groups", json!(["staff"]))
        .with("/sessions/portal/groups_from", json!("realm_access.roles"))
        .gate();
    let told = |changed| {
        shown(&gate, "https://report.example.org/", &token_of(&claims("https://report.example.org/", changed)))
    };
    assert_eq!(told(json!({"realm_access": {"roles": ["staff"]}})), "permit session report");
    assert_eq!(told(json!({"groups": ["staff"]})), "refuse 403 subject_not_allowed report");
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_nothing_that_no_dashboard_asks_for() {
    let gate = Policy::new().gate();
    let odd = json!({"groups": 7, "sid": 7, "backend": 7});
    let token = token_of(&claims("https://report.example.org/", odd));
    assert_eq!(shown(&gate, "https://report.example.org/", &token), "permit session report");
}

#[wasm_bindgen_test(unsupported = test)]
fn asks_one_person_of_all_kinds_together() {
    let gate = policy().on("hub", "sessions", json!(["portal", "bokeh"])).on("hub", "require", json!("all")).gate();
    let url = |host: &str| format!("https://{host}.hub.example.org/?bokeh-session-id={}", bokeh_id('a'));
    assert_eq!(shown(&gate, &url("ada"), &of("ada", HUB)), "permit session hub");
    assert_eq!(shown(&gate, &url("ben"), &of("ada", HUB)), "refuse 403 subject_not_owner hub");
}

#[wasm_bindgen_test(unsupported = test)]
fn connects_owners_only() {
    let gate = policy().gate();
    let connect = |host: &str, next: &str, token: &str| {
        let url = format!("https://{host}/.dashgate/connect?next={next}");
        Sent::post(&url).with_bearer(token).answer(&gate)
    };
    let answer = connect("ada.hub.example.org", "/lab", &of("ada", HUB));
    assert_eq!((answer.status, header(&answer, "location")), (303, vec!["/lab"]));
    assert!(header(&answer, "set-cookie")[0].starts_with("__Host-dashgate-hub=ey"));
    assert_eq!(connect("ben.hub.example.org", "/lab", &of("ada", HUB)).record.code, "subject_not_owner");
    let users = of("ada", USERS);
    assert_eq!(connect("users.example.org", "/user/ada/", &users).record.code, "connected");
    assert_eq!(connect("users.example.org", "/user/ben/", &users).record.code, "subject_not_owner");
    assert_eq!(connect("users.example.org", "/", &users).record.code, "connect_next_not_allowed");
    let foreign = Sent::new("POST", "https://ada.hub.example.org/.dashgate/connect?next=/")
        .with("origin", "https://ben.hub.example.org")
        .with_bearer(&of("ada", HUB));
    assert_eq!(foreign.answer(&gate).record.code, "origin_not_allowed");
}

#[wasm_bindgen_test(unsupported = test)]
fn demands_that_every_session_that_names_an_id_names_this_one() {
    let gate = policy()
        .with("/sessions/portal/carriers", json!(["cookie"]))
        .with("/sessions/second", json!({"format": "jwt", "keys": ["main"], "issuer": PORTAL, "carriers": ["bearer"]}))
        .on("runs", "sessions", json!(["portal", "second"]))
        .on("runs", "require", json!("all"))
        .gate();
    let both = |one: Value, other: Value| {
        let cookie = format!("__Host-dashgate-runs={}", token_of(&claims(RUNS, one)));
        let sent = Sent::get("https://k3.runs.example.org/").with("cookie", cookie);
        sent.with_bearer(&token_of(&claims(RUNS, other))).told(&gate)
    };
    let (here, there) = (json!({"sid": "k3"}), json!({"sid": "k4"}));
    assert_eq!(both(here.clone(), here.clone()), "permit session runs");
    assert_eq!(both(here.clone(), json!({})), "permit session runs");
    assert_eq!(both(json!({}), here.clone()), "permit session runs");
    assert_eq!(both(here.clone(), there.clone()), "refuse 403 session_not_named runs");
    assert_eq!(both(there, here), "refuse 403 session_not_named runs");
    assert_eq!(both(json!({}), json!({})), "refuse 403 session_not_named runs");
}

#[wasm_bindgen_test(unsupported = test)]
fn reads_of_a_kind_only_what_its_own_dashboards_ask() {
    let odd = json!({"groups": 7});
    let told = |policy: Policy| {
        let token = token_of(&claims("https://report.example.org/", odd.clone()));
        shown(&policy.gate(), "https://report.example.org/", &token)
    };
    let other = json!({"format": "jwt", "keys": ["main"], "carriers": ["bearer"]});
    let asks = json!({"name": "team", "url": "https://team.example.org/", "sessions": ["other"], "groups": ["staff"]});
    let policy = Policy::new().with("/sessions/other", other).with("/dashboards/-", asks);
    assert_eq!(told(policy.clone()), "permit session report");
    let same = policy.on("team", "sessions", json!(["portal"]));
    assert_eq!(told(same), "refuse 401 claims_malformed report");
}
