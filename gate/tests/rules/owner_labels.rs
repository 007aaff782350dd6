//! Names as labels of hosts and segments of paths, and the cookies of sessions that paths name.

use gate::label;
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::owners::{HUB, PATHS, USERS, of, policy, shown, with_id};
use crate::stage::{Sent, header};

#[wasm_bindgen_test(unsupported = test)]
fn takes_exactly_one_label_for_a_name() {
    let gate = policy().gate();
    for host in ["hub.example.org", "a.ada.hub.example.org", "ada.hub.example.org.example.org", "ada.hub.example.com"] {
        let told = shown(&gate, &format!("https://{host}/"), &of("ada", HUB));
        assert_eq!(told, "refuse 404 dashboard_not_found -", "{host}");
    }
    for host in ["a_da.hub.example.org", "-ada.hub.example.org", "ada-.hub.example.org", "xn--ada.hub.example.org"] {
        let told = shown(&gate, &format!("https://{host}/"), &of("ada", HUB));
        assert_eq!(told, "refuse 404 dashboard_not_found -", "{host}");
    }
    let told = shown(&gate, "https://.hub.example.org/", &of("ada", HUB));
    assert_eq!(told, "refuse 400 authority_invalid -");
    assert_eq!(shown(&gate, "https://ada.hub.example.org:8443/", &of("ada", HUB)), "refuse 404 dashboard_not_found -");
}

#[wasm_bindgen_test(unsupported = test)]
fn sends_people_to_sign_in_with_the_hosts_label() {
    let gate = policy().gate();
    let location = |url: &str| header(&Sent::navigation(url).answer(&gate), "location").join(" ");
    let login = "https://portal.example.org/login?dashboard=";
    assert_eq!(location("https://ADA.hub.example.org/lab?x=1"), format!("{login}hub&label=ada&next=/lab%3Fx%3D1"));
    assert_eq!(location("https://k3.runs.example.org/"), format!("{login}runs&label=k3&next=/"));
    assert_eq!(location("https://users.example.org/user/ada/"), format!("{login}users&next=/user/ada/"));
    let dotted = Sent::get("https://ada.hub.example.org./lab").answer(&gate);
    assert_eq!((dotted.status, header(&dotted, "location")), (308, vec!["https://ada.hub.example.org/lab"]));
}

#[wasm_bindgen_test(unsupported = test)]
fn holds_many_sessions_of_one_browser_by_their_paths() {
    let gate = policy().gate();
    let (one, two) = (with_id(json!("One@1"), PATHS), with_id(json!("two"), PATHS));
    let connected = Sent::post("https://paths.example.org/.dashgate/connect?next=/s/One@1/").with_bearer(&one);
    let cookie = header(&connected.answer(&gate), "set-cookie")[0].to_owned();
    let name = "__Host-dashgate-paths_x--4fne-401";
    assert!(cookie.starts_with(&format!("{name}={one}; Secure; HttpOnly; SameSite=Lax; Path=/; Max-Age=")), "{cookie}");
    let cookies = format!("theme=dark; {name}={one}; __Host-dashgate-paths_two={two}");
    let get = |path: &str| Sent::get(&format!("https://paths.example.org{path}")).with("cookie", &cookies);
    assert_eq!(get("/s/One@1/").told(&gate), "permit session paths");
    assert_eq!(get("/s/two/").told(&gate), "permit session paths");
    assert_eq!(get("/s/three/").told(&gate), "refuse 401 session_missing paths");
    // Neither goes up, and another's session under this one's name opens nothing.
    assert!(get("/s/two/").edits(&gate).contains(&"cookie: theme=dark".to_owned()));
    let swapped =
        Sent::get("https://paths.example.org/s/two/").with("cookie", format!("__Host-dashgate-paths_two={one}"));
    assert_eq!(swapped.told(&gate), "refuse 403 session_not_named paths");
    let plain = Sent::get("https://paths.example.org/s/two/").with("cookie", format!("__Host-dashgate-paths={two}"));
    assert_eq!(plain.told(&gate), "refuse 401 session_missing paths");

    let out = Sent::post("https://paths.example.org/.dashgate/logout").with("cookie", &cookies).answer(&gate);
    let cleared: Vec<&str> = header(&out, "set-cookie").iter().filter_map(|line| line.split('=').next()).collect();
    assert!(cleared.contains(&name) && cleared.contains(&"__Host-dashgate-paths_two"), "{cleared:?}");
    assert!(!cleared.contains(&"theme"), "{cleared:?}");

    let described = |query: &str| {
        let url = format!("https://paths.example.org/.dashgate/session{query}");
        let answer = Sent::get(&url).with("cookie", &cookies).with("sec-fetch-site", "same-origin").answer(&gate);
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    };
    let (status, body) = described("?path=/s/two/");
    assert_eq!((status, body.contains("\"subject\":\"ada\"")), (200, true), "{body}");
    assert_eq!(described("?path=/s/three/").0, 401);
    assert_eq!(described("").0, 401);
}

#[wasm_bindgen_test(unsupported = test)]
fn encodes_names_as_labels_that_no_other_name_has() {
    for (name, expected) in [
        ("ada", "ada"),
        ("a-b2", "a-b2"),
        ("7", "7"),
        ("Ada", "x--41da"),
        ("ada@example.org", "x-ada-40example-2eorg"),
        ("ä", "x--c3-a4"),
        ("x-ada", "x-x-2dada"),
        ("x", "x"),
        ("-ada", "x--2dada"),
        ("ada-", "x-ada-2d"),
        ("xn--ada", "x-xn-2d-2dada"),
        ("ab--c", "x-ab-2d-2dc"),
        ("a--bc", "a--bc"),
        ("", "x-"),
    ] {
        assert_eq!(label(name), expected, "{name}");
    }
    let (fits, not) = ("a".repeat(63), "a".repeat(64));
    assert_eq!((label(&fits), label(&not)), (fits.clone(), format!("x-{not}")));
    // All short names over an alphabet of odd characters.
    let alphabet = ['a', 'x', '-', '2', 'd', '.', 'A'];
    let mut names = vec![String::new()];
    for _ in 0..4 {
        names =
            names.iter().flat_map(|name| alphabet.map(|next| format!("{name}{next}"))).chain(names.clone()).collect();
    }
    names.sort();
    names.dedup();
    let mut labels: Vec<String> = names.iter().map(|name| label(name)).collect();
    labels.sort();
    labels.dedup();
    assert_eq!(labels.len(), names.len());
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_no_owner_set_the_session_cookies_of_a_shared_origin() {
    let gate = policy().gate();
    for (url, token, expected) in [
        ("https://users.example.org/user/ada/", of("ada", USERS), true),
        ("https://paths.example.org/s/k3/", with_id(json!("k3"), PATHS), true),
        ("https://ada.hub.example.org/", of("ada", HUB), false),
    ] {
        let gate::Decision::Permit(permit) = Sent::get(url).with_bearer(&token).decide(&gate) else { panic!("{url}") };
        let shares = format!("{:?}", permit.response()).contains("own_cookies: true");
        assert_eq!(shares, expected, "{url}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn does_nothing_for_a_segment_that_is_longer_than_any_name() {
    let gate = policy().gate();
    for (name, expected) in
        [("a".repeat(256), "permit session users"), ("a".repeat(257), "refuse 403 subject_not_owner users")]
    {
        let url = format!("https://users.example.org/user/{name}/");
        assert_eq!(shown(&gate, &url, &of(&name[..256], USERS)), expected, "{}", name.len());
    }
    let escaped = "%40".repeat(256);
    assert_eq!(
        shown(&gate, &format!("https://users.example.org/user/{escaped}/"), &of(&"@".repeat(256), USERS)),
        "permit session users"
    );
    let long = format!("https://paths.example.org/s/{}/", "@".repeat(50_000));
    assert_eq!(Sent::get(&long).told(&gate), "refuse 401 session_missing paths");
}
