//! render: the files under `envoy/` are what it prints, and a deployment that says too little or too much is refused by path.

mod common;

use common::*;

/// Every shipped file, the target and the section it is rendered for, and what it is rendered from.
const SHIPPED: &[(&str, &str, &str, &str)] = &[
    ("envoy/edge.yaml", "edge", "edge", "envoy/policy.yaml"),
    ("envoy/per-session.yaml", "edge", "edge", "envoy/per-session.policy.yaml"),
    ("envoy/sidecar.yaml", "sidecar", "sidecar", "envoy/policy.yaml"),
    ("envoy/compose.yaml", "compose", "compose", "envoy/compose.policy.yaml"),
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
    refused(
        "  edge:",
        "  egde:",
        &["deployment.egde: is not a known key", "deployment.edge: is missing: docs/render.md lists what it says"],
    );
    refused(
        "    node: dashgate-edge",
        "    nodes: dashgate-edge",
        &[
            "deployment.edge.nodes: is not a known key",
            "deployment.edge.node: is missing: Envoy's `node.id` and `node.cluster`, in metrics and spans",
        ],
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
    refused(
        "module: target/dashgate.wasm",
        "module: target/dashgate.wasm\n    collector: otel.example.org\n    traced_percent: 0",
        &[
            "deployment.edge.collector: must be an address or a name with a port, such as 127.0.0.1:4318",
            "deployment.edge.traced_percent: must be a whole number from 1 to 100",
        ],
    );
    refused("deployment:", "deployed:", &["deployed: is not a known key; there are deployment and policy"]);
    refused("policy:", "police:", &["police: is not a known key; there are deployment and policy"]);
}

#[test]
fn the_pages_example_is_whole_and_without_a_problem() {
    let page = std::fs::read_to_string(repository("docs/render.md")).unwrap();
    let example = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let made = dashgate_reading(&["render", "--for", "edge", "-"], example).expect(0);
    let found = dashgate_reading(&["check", "--no-keys", "-"], &made).expect(0);
    assert_eq!(found, "-: no problems, no warnings\n");
    let alone = example.split_once("policy:\n").expect("a policy").1;
    let output = dashgate_reading(&["render", "--for", "edge", "-"], &format!("policy:\n{alone}"));
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (2, "error: -: deployment: is missing: docs/render.md lists what it says, envoy/policy.yaml is an example\n")
    );
}

#[test]
fn names_the_policys_own_problems() {
    refused("keep: [bokeh]", "keep: [boker]", &["policy.dashboards[1].keep[0]: is not the name of a session kind"]);
}

#[test]
fn traces_go_where_the_deployment_says_and_nowhere_else() {
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    let plain = dashgate_reading(&["render", "--for", "edge", "-"], &text).expect(0);
    assert!(!plain.contains("tracing") && !plain.contains("collector"));
    for (collector, cluster) in [
        ("otel.example.org:4318", "type: STRICT_DNS\n    connect_timeout: 2s\n"),
        ("127.0.0.1:4318", "type: STATIC\n    connect_timeout: 2s\n"),
    ] {
        let said = format!("module: target/dashgate.wasm\n    collector: \"{collector}\"\n    traced_percent: 5");
        let made = text.replacen("module: target/dashgate.wasm", &said, 1);
        let made = dashgate_reading(&["render", "--for", "edge", "-"], &made).expect(0);
        assert!(made.contains("            random_sampling: {value: 5}\n"), "{made}");
        assert!(made.contains(&format!("{{uri: \"http://{collector}/v1/traces\", cluster: collector,")), "{made}");
        assert!(made.contains(&format!("  - name: collector\n    {cluster}")), "{made}");
    }
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
    let redirect = "deployment: redirect is for a classic Gateway: here nothing listens to plain HTTP";
    let (from, to) = ("    api: gateway-api\n", "    api: gateway-api\n    redirect: 80\n");
    refused_by_istio("envoy/policy.yaml", "istio-gateway-api", from, to, redirect);
    let (from, to) = ("    api: sidecar\n", "    api: sidecar\n    redirect: 80\n");
    refused_by_istio("envoy/istio-sidecar.policy.yaml", "istio-sidecar", from, to, redirect);
    gateway(
        "{name: tensorboard,",
        "{name: portal-grpc,",
        "policy: dashboard portal-grpc: another one's route for gRPC has that name; call it otherwise",
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

/// The shipped policy file with one text replaced, rendered.
fn rendered(target: &str, from: &str, to: &str) -> Run {
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    assert!(text.contains(from), "{from} is not in the file");
    dashgate_reading(&["render", "--for", target, "-"], &text.replacen(from, to, 1))
}

#[test]
fn a_sidecar_is_told_of_its_own_dashboard_alone() {
    let bokeh = rendered("sidecar", "dashboard: bokeh", "dashboard: bokeh").expect(0);
    assert!(bokeh.contains("host_env_keys: [DASHGATE_KEY, BOKEH_SECRET_KEY]"));
    assert!(!bokeh.contains("tensorboard") && !bokeh.contains("name: portal,"));
    let tensorboard = rendered("sidecar", "dashboard: bokeh", "dashboard: tensorboard").expect(0);
    assert!(tensorboard.contains("host_env_keys: [DASHGATE_KEY]") && !tensorboard.contains("encoding: utf8"));
    assert!(tensorboard.contains("max_lifetime_seconds: 43200") && !tensorboard.contains("format: bokeh"));
    let open = rendered("sidecar", "dashboard: bokeh", "dashboard: portal").expect(0);
    assert!(!open.contains("keys:\n") && !open.contains("sessions:\n") && open.contains("name: portal, url"));
}

#[test]
fn a_sidecar_without_a_dashboard_of_that_name_is_refused() {
    let output = rendered("sidecar", "dashboard: bokeh", "dashboard: boker");
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    assert!(output.stderr.ends_with("policy: boker is not the name of a dashboard\n"), "{}", output.stderr);
}

#[test]
fn a_policy_whose_lines_cannot_be_left_out_is_refused_and_not_cut_wrongly() {
    let keys = "  keys:\n  - {id: portal-2026-11, env: DASHGATE_KEY, encoding: base64url}\n  - {id: bokeh, env: BOKEH_SECRET_KEY, encoding: utf8}\n";
    let flow = "  keys: [{id: portal-2026-11, env: DASHGATE_KEY, encoding: base64url}, {id: bokeh, env: BOKEH_SECRET_KEY, encoding: utf8}]\n";
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    let text = text.replacen(keys, flow, 1).replacen("dashboard: bokeh", "dashboard: tensorboard", 1);
    let output = dashgate_reading(&["render", "--for", "sidecar", "-"], &text);
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    assert!(output.stderr.contains("keys: must be a block with one entry a line"), "{}", output.stderr);
}

#[test]
fn the_edges_name_is_no_pattern_that_others_match() {
    let output = rendered("sidecar", "dashboard: bokeh", "dashboard: bokeh").expect(0);
    assert!(output.contains(r"regex: 'edge\.dashgate\.example\.org'"));
}

#[test]
fn http3_is_a_listener_more_that_has_to_be_asked_for() {
    let without = rendered("edge", "    module:", "    module:").expect(0);
    assert!(!without.contains("quic") && !without.contains("alt-svc"));
    let with = rendered("edge", "    module:", "    http3: true\n    module:").expect(0);
    assert!(with.contains("udp_listener_config: {quic_options: {}}") && with.contains("alt-svc"));
    let no = rendered("edge", "    module:", "    http3: false\n    module:").expect(0);
    assert_eq!(no, without);
    let odd = rendered("edge", "    module:", "    http3: maybe\n    module:");
    assert!(odd.code == 2 && odd.stderr.contains("deployment.edge.http3: must be true or false"), "{}", odd.stderr);
}

#[test]
fn one_certificate_will_do() {
    let output = rendered("edge", "    tls_rsa: envoy/edge-tls-rsa.yaml\n", "").expect(0);
    assert!(!output.contains("edge-rsa\n") && output.contains("- name: edge\n"));
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
