//! render: the files under `envoy/` are what it prints, and a deployment that says too little or too much is refused by path.

mod common;

use common::*;

/// Every shipped file, the target and the section it is rendered for, and what it is rendered from.
const SHIPPED: &[(&str, &str, &str, &str)] = &[
    ("envoy/edge.yaml", "edge", "edge", "envoy/policy.yaml"),
    ("envoy/per-session.yaml", "edge", "edge", "envoy/per-session.policy.yaml"),
    ("envoy/gateway/dashgate.yaml", "envoy-gateway", "envoy-gateway", "envoy/policy.yaml"),
    ("envoy/istio/envoyfilter.yaml", "istio-envoyfilter", "istio", "envoy/policy.yaml"),
    ("envoy/istio/trafficextension.yaml", "istio-trafficextension", "istio", "envoy/policy.yaml"),
    ("envoy/istio/wasmplugin.yaml", "istio-wasmplugin", "istio", "envoy/policy.yaml"),
    ("envoy/istio/gateway-api-envoyfilter.yaml", "istio-envoyfilter", "istio-gateway-api", "envoy/policy.yaml"),
    (
        "envoy/istio/gateway-api-trafficextension.yaml",
        "istio-trafficextension",
        "istio-gateway-api",
        "envoy/policy.yaml",
    ),
    ("envoy/istio/gateway-api-wasmplugin.yaml", "istio-wasmplugin", "istio-gateway-api", "envoy/policy.yaml"),
    ("envoy/istio/sidecar-envoyfilter.yaml", "istio-envoyfilter", "istio-sidecar", "envoy/istio-sidecar.policy.yaml"),
    (
        "envoy/istio/sidecar-trafficextension.yaml",
        "istio-trafficextension",
        "istio-sidecar",
        "envoy/istio-sidecar.policy.yaml",
    ),
    ("envoy/istio/sidecar-wasmplugin.yaml", "istio-wasmplugin", "istio-sidecar", "envoy/istio-sidecar.policy.yaml"),
];

#[test]
fn the_shipped_files_are_what_it_prints() {
    for (path, target, section, source) in SHIPPED {
        let written = std::fs::read_to_string(repository(path)).unwrap();
        let source = repository(source);
        let made = dashgate(&["render", "--for", target, "--section", section, source.to_str().unwrap()]).expect(0);
        assert!(
            written == made,
            "{path} is not what `dashgate render --for {target} --section {section}` prints: write it anew"
        );
    }
}

/// Renders the edge's file with one text replaced, and expects these lines on stderr and nothing on stdout.
fn refused(from: &str, to: &str, lines: &[&str]) {
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    assert!(text.contains(from), "{from} is not in the file");
    let output = dashgate_reading(&["render", "--for", "edge", "-"], &text.replacen(from, to, 1));
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    let expected: String = lines.iter().map(|line| format!("error: -: {line}\n")).collect();
    assert_eq!(output.stderr.replace("\n-: ", "\nerror: -: "), expected);
}

#[test]
fn names_what_a_deployment_lacks_and_what_it_does_not_know() {
    refused("  edge:", "  egde:", &["deployment.egde: is not a known key", "deployment.edge: is missing"]);
    refused(
        "    node: dashgate-edge",
        "    nodes: dashgate-edge",
        &["deployment.edge.nodes: is not a known key", "deployment.edge.node: is missing"],
    );
    refused(
        "listen: 127.0.0.1:8443",
        "listen: localhost:8443",
        &["deployment.edge.listen: must be an address with a port, such as 127.0.0.1:8443"],
    );
    refused(
        "module: target/dashgate.wasm",
        "module: \"a, b\"",
        &["deployment.edge.module: must be a plain text, such as a path or a name"],
    );
    refused(
        "bokeh: \"127.0.0.1:5006\"",
        "boker: \"127.0.0.1:5006\"",
        &[
            "deployment.upstreams.boker: is not the name of a dashboard",
            "deployment.upstreams.bokeh: must be where it runs: 127.0.0.1:5006, a name with a port, or unix:PATH",
        ],
    );
    refused("policy:", "police:", &["police: is not a known key; there are deployment and policy"]);
}

#[test]
fn names_the_policys_own_problems() {
    refused("keep: [bokeh]", "keep: [boker]", &["policy.dashboards[1].keep[0]: is not the name of a session kind"]);
}

/// Renders an Istio file with one text replaced, and expects this one problem.
fn refused_by_istio(source: &str, section: &str, from: &str, to: &str, problem: &str) {
    let text = std::fs::read_to_string(repository(source)).unwrap();
    assert!(text.contains(from), "{from} is not in the file");
    let arguments = ["render", "--for", "istio-trafficextension", "--section", section, "-"];
    let output = dashgate_reading(&arguments, &text.replacen(from, to, 1));
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    assert_eq!(output.stderr, format!("error: -: {problem}\n"));
}

#[test]
fn names_what_istio_cannot_say() {
    let gateway = |from, to, problem| refused_by_istio("envoy/policy.yaml", "istio", from, to, problem);
    gateway(
        "max_token_age_seconds: 120",
        "form: true",
        "policy.connect.form: nothing here can hold a form for the gate: false, or left out",
    );
    gateway(
        "{name: tensorboard, ",
        "{name: tensorboard, backends: [{network: 10.20.0.0/16, ports: 1024-65535}], ",
        "policy: dashboard tensorboard: Istio's routes cannot follow a session to its own backend",
    );
    gateway(
        "workload: istio=",
        "workload: istio:",
        "deployment.istio.workload: must be a label, such as istio=ingressgateway",
    );
    gateway("port: 8443", "port: 84430", "deployment.istio.port: must be a port number");
    gateway(
        "dashgate@sha256:00",
        "dashgate@sha256:0g",
        "deployment: module must be file:///PATH or oci://IMAGE@sha256:DIGEST, the manifest's",
    );
    gateway(
        "dashgate@sha256:",
        "dashgate:latest #",
        "deployment: module must be file:///PATH or oci://IMAGE@sha256:DIGEST, the manifest's",
    );
    refused_by_istio(
        "envoy/istio-sidecar.policy.yaml",
        "istio-sidecar",
        "{name: tensorboard,",
        "{name: tensorboard-,",
        "policy: dashboard tensorboard-: names a Service, whose name cannot end in -",
    );
    refused_by_istio(
        "envoy/istio-sidecar.policy.yaml",
        "istio-sidecar",
        "  dashboards:\n",
        "  dashboards:\n  - {name: other, url: \"https://other.localhost/\", sessions: [portal]}\n",
        "policy: a sidecar stands beside one dashboard: the policy must hold that one alone",
    );
}

#[test]
fn forms_go_out_switched_off_where_nothing_can_hold_them() {
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    let render = |target, text: &str| dashgate_reading(&["render", "--for", target, "-"], text).expect(0);
    assert!(render("istio-trafficextension", &text).contains("    connect:\n        form: false "));
    assert!(!render("istio-envoyfilter", &text).contains("form:"));
    let short = text
        .replace("  connect:\n    from:", "  connect: {from:")
        .replace("[https://portal.localhost:8443]\n    login_url", "[https://portal.localhost:8443], login_url");
    let short = short.replace("/login\n    max_token_age_seconds: 120\n", "/login, max_token_age_seconds: 120}\n");
    assert!(render("istio-wasmplugin", &short).contains("connect: {form: false, from: "));
}

#[test]
fn names_what_envoy_gateway_cannot_say() {
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    let refused = |from: &str, to: &str, problem: &str| {
        assert!(text.contains(from), "{from} is not in the file");
        let output = dashgate_reading(&["render", "--for", "envoy-gateway", "-"], &text.replacen(from, to, 1));
        assert_eq!((output.code, output.stdout.as_str()), (2, ""));
        assert_eq!(output.stderr, format!("error: -: {problem}\n"));
    };
    refused(
        "{name: tensorboard, ",
        "{name: tensorboard-, ",
        "deployment.upstreams.tensorboard: is not the name of a dashboard\n\
         error: -: deployment.upstreams.tensorboard-: must be where it runs: 127.0.0.1:5006, a name with a port, or unix:PATH",
    );
    refused(
        "dashgate:0.1.0@sha256:0",
        "dashgate:0.1.0@sha256:g",
        "deployment: module must be oci://IMAGE:TAG@sha256:DIGEST, the manifest's",
    );
    refused("redirect: 8080", "redirect: http", "deployment.envoy-gateway.redirect: must be a port number");
    refused(
        "bokeh: \"bokeh:5006\"",
        "boker: \"bokeh:5006\"",
        "deployment.upstreams.boker: is not the name of a dashboard\n\
         error: -: deployment.upstreams.bokeh: must be where it runs: 127.0.0.1:5006, a name with a port, or unix:PATH",
    );
}

#[test]
fn envoy_gateway_is_led_to_services_hosts_addresses_and_sockets() {
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    let rendered = |place: &str| {
        let text = text.replacen("\"tensorboard:6006\"", place, 1).replacen(
            "https://tensorboard.localhost:8443/",
            "https://{subject}.b.localhost/x/",
            1,
        );
        dashgate_reading(&["render", "--for", "envoy-gateway", "-"], &text).expect(0)
    };
    let service = rendered("\"tensorboard:6006\"");
    assert!(
        service.contains("    backendRefs: [{name: tensorboard, port: 6006}]\n")
            && !service.contains("kind: Backend\n")
    );
    assert!(
        service.contains("  hostnames: [\"*.b.localhost\"]\n")
            && service.contains("    - path: {type: PathPrefix, value: /x}\n")
    );
    assert!(service.contains("    - path: {type: PathPrefix, value: /.dashgate}"));
    for (place, endpoint) in [
        ("\"10.1.2.3:6006\"", "{ip: {address: 10.1.2.3, port: 6006}}"),
        ("\"[fd00::1]:6006\"", "{ip: {address: \"fd00::1\", port: 6006}}"),
        ("\"board.example.org:6006\"", "{fqdn: {hostname: board.example.org, port: 6006}}"),
        ("unix:/run/board.sock", "{unix: {path: /run/board.sock}}"),
    ] {
        let backend = rendered(place);
        assert!(
            backend.contains("    backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: tensorboard}]\n"),
            "{place}"
        );
        assert!(backend.contains(&format!("spec: {{endpoints: [{endpoint}]}}\n")), "{place}");
    }
}
