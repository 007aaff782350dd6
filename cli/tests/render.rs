//! render: the files under `envoy/` are what it prints, and a deployment that says too little or too much is refused by path.

mod common;

use common::*;

/// Every shipped file, the target it is rendered for, and what it is rendered from.
const SHIPPED: &[(&str, &str, &str)] = &[
    ("envoy/edge.yaml", "edge", "envoy/policy.yaml"),
    ("envoy/per-session.yaml", "edge", "envoy/per-session.policy.yaml"),
    ("envoy/compose.yaml", "compose", "envoy/compose.policy.yaml"),
];

#[test]
fn the_shipped_files_are_what_it_prints() {
    for (path, target, source) in SHIPPED {
        let written = std::fs::read_to_string(repository(path)).unwrap();
        let made = dashgate(&["render", "--for", target, repository(source).to_str().unwrap()]).expect(0);
        assert!(written == made, "{path} is not what `dashgate render --for {target} {source}` prints: write it anew");
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
