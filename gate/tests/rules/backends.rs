//! Private backends: which the sessions may name, and what Envoy is told.

use gate::Gate;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, PORTAL, Policy, Sent, bokeh_id, token_of};

const RUNS: &str = "https://runs.example.org/";

fn policy(backends: Value) -> Policy {
    Policy::new()
        .with("/dashboards/-", json!({"name": "runs", "url": RUNS, "sessions": ["portal"], "backends": backends}))
}

fn token(backend: Value) -> String {
    let mut claims = json!({"iss": PORTAL, "aud": RUNS, "sub": "ada", "iat": NOW - 10, "exp": NOW + 3600});
    if !backend.is_null() {
        claims["backend"] = backend;
    }
    token_of(&claims)
}

/// The backend Envoy is told, or the reason of the refusal.
fn led(gate: &Gate, backend: &str) -> String {
    let sent = Sent::get(RUNS).with_bearer(&token(json!(backend)));
    let told = sent.told(gate);
    if told != "permit session runs" {
        return told.split(' ').nth(2).unwrap_or_default().to_owned();
    }
    let edits = sent.edits(gate);
    edits.iter().find_map(|edit| edit.strip_prefix("x-dashgate-backend: ")).expect("a backend").to_owned()
}

#[wasm_bindgen_test(unsupported = test)]
fn leads_a_session_to_its_own_backend_within_the_list() {
    let gate = policy(json!([
        {"network": "10.20.0.0/16", "ports": "1024-65535"},
        {"network": "192.168.7.9", "ports": "8888"},
        {"network": "2001:db8:7::/48", "ports": "6006-6010"},
    ]))
    .gate();
    for backend in [
        "10.20.0.17:43210",
        "10.20.0.0:1024",
        "10.20.255.255:65535",
        "192.168.7.9:8888",
        "[2001:db8:7::1]:6006",
        "[2001:db8:7:ffff::]:6010",
    ] {
        assert_eq!(led(&gate, backend), backend);
    }
    for backend in [
        "10.20.0.17:1023",
        "10.20.0.17:80",
        "10.21.0.17:43210",
        "10.19.255.255:43210",
        "192.168.7.9:8889",
        "192.168.7.8:8888",
        "[2001:db8:8::1]:6006",
        "[2001:db8:7::1]:6011",
        "[2001:db8:7::1]:6005",
        "node.example.org:43210",
        "localhost:8888",
    ] {
        assert_eq!(led(&gate, backend), "backend_not_allowed", "{backend}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_addresses_in_one_form_only() {
    let gate =
        policy(json!([{"network": "0.0.0.0/0", "ports": "1-65535"}, {"network": "::/0", "ports": "1-65535"}])).gate();
    assert_eq!(led(&gate, "10.20.0.17:43210"), "10.20.0.17:43210");
    for backend in [
        "10.20.0.17",
        "10.20.0.17:",
        ":43210",
        "10.20.0.17:0",
        "10.20.0.17:043210",
        "10.20.0.17:+80",
        "10.20.0.17:65536",
        "10.20.0.17:80:80",
        "10.20.0.17 :80",
        " 10.20.0.17:80",
        "10.20.0.17:80 ",
        "http://10.20.0.17:80",
        "10.20.0.17:80/",
        "10.20.0.17:80,10.20.0.18:80",
        "010.20.0.17:80",
        "10.20.17:80",
        "0x0a.20.0.17:80",
        "169148433:80",
        "10.20.0.17.:80",
        "u@10.20.0.17:80",
        "10.20.0.0x11:80",
        "2001:db8::1:80",
        "[2001:db8::1]",
        "[2001:db8::1]80",
        "[2001:DB8::1]:80",
        "[2001:db8:0::1]:80",
        "[2001:db8::1%eth0]:80",
        "[10.20.0.17]:80",
        "Node.example.org:80",
        "node.example.org.:80",
        "node..example.org:80",
        "-node.example.org:80",
        "node_.example.org:80",
        "nöde.example.org:80",
        "*.example.org:80",
        "node.example.1:80",
        ".example.org:80",
    ] {
        assert_eq!(led(&gate, backend), "backend_malformed", "{backend}");
    }
    for (backend, expected) in [
        (Value::Null, "refuse 403 backend_missing runs"),
        (json!(""), "refuse 401 claims_malformed runs"),
        (json!(7), "refuse 401 claims_malformed runs"),
        (json!(["10.20.0.17:80"]), "refuse 401 claims_malformed runs"),
        (json!("10.20.0.17:80\r\nx: y"), "refuse 401 claims_malformed runs"),
    ] {
        assert_eq!(Sent::get(RUNS).with_bearer(&token(backend.clone())).told(&gate), expected, "{backend}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_no_network_bring_along_what_must_be_listed_by_itself() {
    let gate =
        policy(json!([{"network": "0.0.0.0/0", "ports": "1-65535"}, {"network": "::/0", "ports": "1-65535"}])).gate();
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.88.99.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::7f00:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.20.0.17]",
        "[::ffff:0:a14:11]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2001::1]",
        "[2002:7f00:1::]",
        "[fd00:42::42]",
        "[fd00:ec2::254]",
        "[fd00:ec2::23]",
        "[fd20:ce::254]",
        "[fe80::1]",
        "[febf::1]",
        "[fec0::1]",
        "[ff02::1]",
    ] {
        assert_eq!(led(&gate, &format!("{address}:80")), "backend_not_allowed", "{address}");
    }
    for address in [
        "1.0.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.0",
        "100.100.100.201",
        "223.255.255.255",
        "192.0.1.0",
        "[2001:1::]",
        "[2003::1]",
        "[fd00:42::43]",
        "[fd00:ec3::1]",
        "[64:ff9c::1]",
        "[feff::1]",
    ] {
        let expected = if address == "[feff::1]" { "backend_not_allowed".to_owned() } else { format!("{address}:80") };
        assert_eq!(led(&gate, &format!("{address}:80")), expected, "{address}");
    }
    let listed = policy(json!([
        {"network": "127.0.0.1", "ports": "6006-6010"}, {"network": "169.254.169.254/32", "ports": "80"}, {"network": "::1", "ports": "6006"},
    ]))
    .gate();
    for backend in ["127.0.0.1:6006", "127.0.0.1:6010", "169.254.169.254:80", "[::1]:6006"] {
        assert_eq!(led(&listed, backend), backend);
    }
    for backend in ["127.0.0.1:6011", "127.0.0.2:6006", "169.254.169.253:80", "[::2]:6006"] {
        assert_eq!(led(&listed, backend), "backend_not_allowed", "{backend}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_names_under_a_listed_zone_only() {
    let gate = policy(json!([{"zone": "compute.example.org", "ports": "8000-9000"}])).gate();
    for backend in
        ["node17.compute.example.org:8888", "a.b.compute.example.org:8000", "xn--nde-sna.compute.example.org:9000"]
    {
        assert_eq!(led(&gate, backend), backend);
    }
    for backend in [
        "compute.example.org:8888",
        "evilcompute.example.org:8888",
        "node.compute.example.org.evil.com:8888",
        "node.compute.example.org:7999",
        "node.example.org:8888",
        "10.20.0.17:8888",
        "localhost:8888",
    ] {
        assert_eq!(led(&gate, backend), "backend_not_allowed", "{backend}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn lets_no_client_name_a_backend() {
    let gate = policy(json!([{"network": "10.20.0.0/16", "ports": "1024-65535"}])).gate();
    let sent =
        Sent::get(RUNS).with_bearer(&token(json!("10.20.0.17:43210"))).with("x-dashgate-backend", "10.20.0.18:43210");
    let edits = sent.edits(&gate);
    let named: Vec<&String> = edits.iter().filter(|edit| edit.contains("x-dashgate-backend")).collect();
    assert_eq!(named, ["x-dashgate-backend: 10.20.0.17:43210"]);
    // Where a dashboard has one backend for all, nothing of it goes up.
    let claims = json!({"iss": PORTAL, "aud": "https://report.example.org/", "sub": "ada", "iat": NOW, "exp": NOW + 60, "backend": "10.20.0.17:43210"});
    let elsewhere = Sent::get("https://report.example.org/").with_bearer(&token_of(&claims)).edits(&gate);
    assert!(!elsewhere.iter().any(|edit| edit.contains("backend")), "{elsewhere:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn tells_a_remembered_session_apart_by_its_own_backend() {
    let gate = policy(json!([{"network": "10.20.0.0/16", "ports": "1024-65535"}])).gate();
    for _ in 0..3 {
        for backend in ["10.20.0.17:43210", "10.20.0.18:43210"] {
            assert_eq!(led(&gate, backend), backend);
        }
        assert_eq!(led(&gate, "10.21.0.18:43210"), "backend_not_allowed");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn takes_the_backend_of_whichever_session_names_one() {
    let gate = policy(json!([{"network": "10.20.0.0/16", "ports": "1024-65535"}]))
        .on("runs", "sessions", json!(["portal", "bokeh"]))
        .on("runs", "require", json!("all"))
        .gate();
    let sent =
        Sent::get(&format!("{RUNS}?bokeh-session-id={}", bokeh_id('a'))).with_bearer(&token(json!("10.20.0.17:43210")));
    assert!(sent.edits(&gate).contains(&"x-dashgate-backend: 10.20.0.17:43210".to_owned()));
}

#[wasm_bindgen_test(unsupported = test)]
fn reports_backends_that_cannot_be_meant() {
    let network =
        "must be a network such as 10.20.0.0/16 or 2001:db8::/32 with no bit set after the prefix, or an address";
    let special = "is loopback, link-local, metadata, multicast or translated addresses: list each by itself";
    for (text, expected) in [
        ("10.20.0.1/16", network),
        ("10.20.0.0/33", network),
        ("10.20.0.0/", network),
        ("10.20.0.0/016", network),
        ("10.20/16", network),
        ("2001:DB8::/32", network),
        ("2001:db8::/129", network),
        ("", network),
        ("node.example.org", network),
        ("10.20.0.0/16/16", network),
        ("127.0.0.0/8", special),
        ("127.0.0.0/30", special),
        ("169.254.0.0/16", special),
        ("fe80::/64", special),
        ("::ffff:0.0.0.0/96", special),
    ] {
        let problems = policy(json!([{"network": text, "ports": "80"}])).problems();
        assert_eq!(problems, [format!("dashboards[7].backends[0].network: {expected}")], "{text}");
    }
    let zone = "must be a domain of two labels or more in lower case, such as compute.example.org";
    for text in [
        "example",
        "Compute.example.org",
        ".compute.example.org",
        "*.compute.example.org",
        "a.localhost",
        "10.20.0.17",
        "example.org.",
    ] {
        let problems = policy(json!([{"zone": text, "ports": "80"}])).problems();
        assert_eq!(problems, [format!("dashboards[7].backends[0].zone: {zone}")], "{text}");
    }
    let ports = "must be a port, or two with - between them, the smaller first";
    for text in ["", "0", "80-", "-80", "81-80", "65536", "080", "80-90-100", "80, 81", "all"] {
        let problems = policy(json!([{"network": "10.20.0.0/16", "ports": text}])).problems();
        assert_eq!(problems, [format!("dashboards[7].backends[0].ports: {ports}")], "{text}");
    }
    for entry in
        [json!({"ports": "80"}), json!({"network": "10.0.0.0/8", "zone": "compute.example.org", "ports": "80"})]
    {
        assert_eq!(policy(json!([entry])).problems(), ["dashboards[7].backends[0]: must hold one of network and zone"]);
    }
    let both =
        policy(json!([{"network": "10.0.0.0/8", "ports": "80"}, {"zone": "compute.example.org", "ports": "80"}]));
    assert_eq!(
        both.problems(),
        [
            "dashboards[7].backends: holds networks and zones: Envoy routes to addresses and to names by different clusters, so make two dashboards"
        ]
    );
    let one = json!([{"network": "10.0.0.0/8", "ports": "80"}]);
    assert_eq!(
        policy(one.clone()).on("runs", "public", json!(["/static/"])).problems(),
        ["dashboards[7].public: must be empty with backends: without a session there is none"]
    );
    assert_eq!(
        Policy::new().on("portal", "backends", one.clone()).problems(),
        ["dashboards[0].backends: asks for sessions, and open: true for none"]
    );
    assert_eq!(
        policy(one).on("runs", "sessions", json!(["bokeh"])).problems(),
        [
            "dashboards[7].backends: needs session kinds that say it: set backend_from there, or require all with one that does"
        ]
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn warns_of_a_list_that_is_none() {
    for (network, expected) in [
        ("0.0.0.0/0", true),
        ("::/0", true),
        ("128.0.0.0/1", true),
        ("10.0.0.0/7", true),
        ("16.0.0.0/4", true),
        ("10.0.0.0/8", false),
        ("2000::/31", true),
        ("2000::/32", false),
    ] {
        let gate = policy(json!([{"network": network, "ports": "80"}])).gate();
        let warned = gate.warnings().iter().any(|warning| {
            warning.to_string()
                == "dashboards[7].backends[0]: is a large part of all addresses: whoever signs sessions reaches what Envoy can"
        });
        assert_eq!(warned, expected, "{network}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_two_sessions_that_name_two_backends() {
    let gate = policy(json!([{"network": "10.20.0.0/16", "ports": "1024-65535"}]))
        .with("/sessions/portal/carriers", json!(["cookie"]))
        .with("/sessions/second", json!({"format": "jwt", "keys": ["main"], "issuer": PORTAL, "carriers": ["bearer"]}))
        .on("runs", "sessions", json!(["portal", "second"]))
        .on("runs", "require", json!("all"))
        .gate();
    let both = |one: &str, other: Value| {
        let cookie = format!("__Host-dashgate-runs={}", token(json!(one)));
        Sent::get(RUNS).with("cookie", cookie).with_bearer(&token(other)).told(&gate)
    };
    let (here, there) = ("10.20.0.17:43210", "10.20.0.18:43210");
    assert_eq!(both(here, json!(here)), "permit session runs");
    assert_eq!(both(here, Value::Null), "permit session runs");
    assert_eq!(both(here, json!(there)), "refuse 403 credential_conflict runs");
}
