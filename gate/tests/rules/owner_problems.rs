//! What a configuration that says who may open what cannot mean, and what it is warned of.

use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::owners::{HUB, policy};
use crate::stage::Policy;

#[wasm_bindgen_test(unsupported = test)]
fn reports_urls_and_lists_that_cannot_be_meant() {
    let expected =
        "must hold {subject} or {session} once, as the first label of the host or the last segment of the path";
    for url in [
        "https://{subject}hub.example.org/",
        "https://a{subject}.hub.example.org/",
        "https://hub.{subject}.example.org/",
        "https://{subject}.{session}.example.org/",
        "https://{subject}.hub.example.org/{session}/",
        "https://hub.example.org/{subject}/lab/",
        "https://hub.example.org/x{subject}/",
        "https://hub.example.org/{subject}x/",
        "https://{subject}/",
        "https://hub.example.org/{subject}",
        "https://hub.example.org/{subject}/{subject}/",
    ] {
        let problems = policy().on("hub", "url", json!(url)).problems();
        assert_eq!(problems, [format!("dashboards[7].url: {expected}")], "{url}");
    }
    for (url, problem) in [
        ("https://{subject}.org/", "has a wildcard over a whole top-level domain"),
        ("https://{user}.hub.example.org/", "must be a canonical URL"),
        ("https://{subject}.HUB.example.org/", "must be a canonical URL"),
        ("https://{subject}.hub.example.org:443/", "must be a canonical URL"),
    ] {
        let problems = policy().on("hub", "url", json!(url)).problems();
        assert!(problems.len() == 1 && problems[0].contains(problem), "{url}: {problems:?}");
    }
    let twice = policy().with(
        "/dashboards/-",
        json!({"name": "again", "url": "https://{session}.hub.example.org/", "sessions": ["portal"]}),
    );
    assert_eq!(twice.problems(), ["dashboards[11].url: is the url of an earlier dashboard"]);
    let public = policy().on("users", "public", json!(["/user/static/"]));
    assert_eq!(
        public.problems(),
        ["dashboards[8].public: must be empty where the path names somebody: it could be a name"]
    );
    let cookie = policy().on("paths", "cookie", json!("__Host-mine"));
    assert_eq!(
        cookie.problems(),
        ["dashboards[10].cookie: cannot be chosen where the path names the session: each has its own"]
    );
    for (field, value) in [("subjects", json!(["ada"])), ("groups", json!(["staff"]))] {
        let open = Policy::new().on("portal", field, value);
        assert_eq!(open.problems(), [format!("dashboards[0].{field}: asks for sessions, and open: true for none")]);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn reports_session_kinds_that_cannot_say_what_is_asked_for() {
    let needs = |field: &str, what: &str| {
        vec![format!(
            "dashboards[7].{field}: needs session kinds that say it: set {what}_from there, or require all with one that does"
        )]
    };
    let bokeh = |sessions: Value| policy().on("hub", "sessions", sessions);
    assert_eq!(bokeh(json!(["bokeh"])).problems(), needs("url", "subject"));
    assert_eq!(bokeh(json!(["portal", "bokeh"])).problems(), needs("url", "subject"));
    assert!(bokeh(json!(["portal", "bokeh"])).on("hub", "require", json!("all")).problems().is_empty());
    let grouped =
        bokeh(json!(["bokeh"])).on("hub", "url", json!("https://hub.example.org/")).on("hub", "groups", json!(["a"]));
    assert_eq!(grouped.problems(), needs("groups", "groups"));
    let session = bokeh(json!(["bokeh"])).on("hub", "url", json!("https://{session}.hub.example.org/"));
    assert_eq!(session.problems(), needs("url", "session_id"));
}

fn warnings(policy: Policy) -> Vec<String> {
    policy.gate().warnings().iter().map(ToString::to_string).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_where_every_owners_page_is_an_origin() {
    let warned = |url: &str, origin: &str| {
        warnings(policy().on("hub", "url", json!(url)).on("hub", "origins", json!([origin]))).contains(
            &"dashboards[7].origins[0]: lets the pages of every owner in as if they were this one's own".to_owned(),
        )
    };
    assert!(warned(HUB, "https://*.hub.example.org"));
    assert!(warned("https://{subject}.hub.example.org/lab/", "https://*.hub.example.org"));
    assert!(!warned(HUB, "https://*.example.org"));
    assert!(!warned(HUB, "https://ben.hub.example.org"));
    assert!(!warned("https://hub.example.org/", "https://*.hub.example.org"));
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_that_paths_share_one_origin() {
    let shared = policy().on("users", "shared_origin", json!(false));
    let found = warnings(shared);
    assert!(
        found.iter().any(|text| text.starts_with("dashboards[8].url: shares its origin with everybody")),
        "{found:?}"
    );
    assert!(!warnings(policy()).iter().any(|text| text.contains("everybody")));
}

#[wasm_bindgen_test(unsupported = test)]
fn reports_lists_that_name_nobody() {
    for field in ["subjects", "groups", "backends"] {
        let empty = Policy::new().on("report", field, json!([]));
        let message = "lists none; leave it out where it is not meant to narrow anything";
        assert_eq!(empty.problems(), [format!("dashboards[1].{field}: {message}")]);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_where_two_kinds_name_their_own_people() {
    let message = "takes one name for one person, whichever of these kinds says it: whoever is ada there is ada here";
    let second = json!({"format": "jwt", "keys": ["main"], "carriers": ["bearer"]});
    let two = |field: &str, value: Value| {
        let policy =
            policy().with("/sessions/second", second.clone()).on("report", "sessions", json!(["portal", "second"]));
        warnings(policy.on("report", field, value)).contains(&format!("dashboards[1].sessions: {message}"))
    };
    assert!(two("subjects", json!(["ada"])));
    assert!(two("url", json!("https://{subject}.report.example.org/")));
    assert!(!two("groups", json!(["staff"])));
    assert!(!two("preflight", json!({})));
    let all = policy().with("/sessions/second", second).on("hub", "sessions", json!(["portal", "second"]));
    assert!(warnings(all.clone()).contains(&format!("dashboards[7].sessions: {message}")));
    assert!(!warnings(all.on("hub", "require", json!("all"))).contains(&format!("dashboards[7].sessions: {message}")));
}
