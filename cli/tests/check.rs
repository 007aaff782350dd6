//! check: every problem at once, by path and line. The traps of Envoy files have their tests beside `envoy/`.

mod common;

use common::*;
use serde_json::json;

#[test]
fn finds_nothing_in_what_we_ship() {
    for shipped in ["envoy/edge.yaml", "envoy/compose.yaml"] {
        let file = repository(shipped);
        let file = file.to_str().unwrap();
        assert_eq!(dashgate(&["check", file]).expect(0), format!("{file}: no problems, no warnings\n"));
        assert_eq!(
            run(&["check", "--no-keys", file], "", &[]).expect(0),
            format!("{file}: no problems, no warnings\n")
        );
    }
    let example = repository("cli/src/schema/example.yaml");
    let example = example.to_str().unwrap();
    assert_eq!(
        run(&["check", "--no-keys", example], "", &[]).expect(0),
        format!("{example}: no problems, no warnings\n")
    );
}

#[test]
fn lists_every_problem_of_a_policy_by_path_and_line() {
    let broken = POLICY
        .replace("format: jwt", "format: jwt, clock_skew_seconds: 301")
        .replace("name: training", "name: Training")
        .replace("bokeh.example.org/", "bokeh.example.org")
        .replace("keep:", "keeep:");
    let path = file("check-shape.yaml", &broken);
    let run = dashgate(&["check", &path]);
    let problems: Vec<&str> = run.stdout.lines().collect();
    let [skew, name, url, keep, count] = problems.as_slice() else { panic!("{}", run.stdout) };
    assert_eq!(
        *skew,
        format!("{path}:5: problem: sessions.portal.clock_skew_seconds: must be a whole number from 0 to 300")
    );
    assert!(name.starts_with(&format!("{path}:10: problem: dashboards[1].name: must be 1 to 63 lower-case")), "{name}");
    assert!(url.starts_with(&format!("{path}:11: problem: dashboards[2].url: must be a canonical URL")), "{url}");
    assert!(keep.starts_with(&format!("{path}:11: problem: dashboards[2].keeep: is not a known key;")), "{keep}");
    assert_eq!(*count, format!("{path}: 4 problems, no warnings"));
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
}

#[test]
fn says_which_keys_are_missing_and_how_to_do_without() {
    let path = policy("check-keys.yaml");
    let missing = run(&["check", &path], "", &[("DASHGATE_KEY", KEY)]);
    assert_eq!(
        (missing.code, missing.stdout, missing.stderr.as_str()),
        (
            1,
            format!(
                "{path}:3: problem: keys[1].env: BOKEH_SECRET_KEY is not set in the environment of the VM (host_env_keys)\n\
                 {path}: 1 problem, no warnings\n"
            ),
            "hint: --no-keys checks everything but the keys; --env-file FILE says where they are\n"
        )
    );
    assert_eq!(run(&["check", &path, "--no-keys"], "", &[]).expect(0), format!("{path}: no problems, no warnings\n"));
    let key = "not-base64url-but-a-secret-all-the-same!";
    let wrong = run(&["check", &path, "--json"], "", &[("DASHGATE_KEY", key), ("BOKEH_SECRET_KEY", BOKEH_KEY)]);
    assert!(!wrong.stdout.contains(key) && !wrong.stderr.contains(key));
    assert_eq!(objects(&wrong.expect(1))[0]["problems"][0]["path"], "keys[0].env");
}

#[test]
fn warns_of_what_is_allowed_but_unwise() {
    let path = file(
        "check-warnings.yaml",
        &POLICY
            .replace("url: https://bokeh.example.org/,", "url: https://tensorboard.example.org/bokeh/,")
            .replace(", public: [/static/]", ""),
    );
    let object = objects(&dashgate(&["check", "--json", &path]).expect(0)).remove(0);
    assert_eq!((&object["file"], &object["problems"]), (&json!(path), &json!([])));
    let places: Vec<_> =
        object["warnings"].as_array().unwrap().iter().map(|warning| (&warning["path"], &warning["line"])).collect();
    assert_eq!(places, [(&json!("dashboards[1].url"), &json!(10)), (&json!("dashboards[2].url"), &json!(11))]);
}

#[test]
fn says_where_a_file_cannot_be_read() {
    for (name, text, message) in [
        ("tab.yaml", "keys: []\n\tdashboards: []\n", ":2: problem: "),
        (
            "twice.yaml",
            "keys: []\ndashboards: []\nkeys: []\n",
            ":3: problem: the name \"keys\" occurs twice in one map at line 3",
        ),
        ("twice.json", "{\"keys\": [],\n \"keys\": []}\n", ":2: problem: duplicate member at line 2 column 7"),
        ("empty.yaml", "", ": problem: the file is empty"),
        ("list.yaml", "- a\n", ": problem: must be an object"),
        (
            "other.yaml",
            "static_resources: {listeners: []}\n",
            ": problem: holds neither a policy nor a dashgate filter",
        ),
    ] {
        let path = file(name, text);
        let run = dashgate(&["check", &path]);
        let without_line = run.stdout.replace(&format!("{path}:1:"), &format!("{path}:"));
        let begins = |text: &str| text.starts_with(&format!("{path}{message}"));
        assert!(begins(&run.stdout) || begins(&without_line), "{}", run.stdout);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{name}");
    }
    let run = dashgate(&["check", "/nowhere/policy.yaml"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_eq!(run.stderr, "error: /nowhere/policy.yaml: No such file or directory (os error 2)\n");
    let broken = file("broken.yaml", "keys: [\n");
    let run = dashgate(&["explain", "--config", &broken, "https://a/"]);
    assert!(run.code == 2 && run.stderr.starts_with(&format!("error: {broken}: ")) && run.stderr.contains("at line "));
}

#[test]
fn reads_stdin_and_json() {
    let text = dashgate_reading(&["check", "-"], POLICY);
    assert_eq!(text.expect(0), "-: no problems, no warnings\n");
    let policy = json!({"dashboards": [{"name": "a", "url": "https://a.example.org/", "open": true}]});
    let object = objects(&dashgate_reading(&["check", "--json", "-"], &policy.to_string()).expect(0)).remove(0);
    assert_eq!(object, json!({"file": "-", "problems": [], "warnings": []}));
}

/// A gate of Istio's alone, and a Gateway alone.
const EXTENSION: &str = "\
apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: {name: dashgate, namespace: istio-ingress}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  phase: AUTHN
  wasm:
    url: file:///dashgate.wasm
    failStrategy: FAIL_RELOAD
    pluginConfig: {dashboards: [{name: a, url: 'https://a.example.org/', open: true}]}
";
const GATEWAY: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: istio-ingress}
spec: {selector: {istio: ingressgateway}, servers: []}
";

/// The findings of a run, each from its file on.
fn findings(run: &Run) -> Vec<String> {
    let is_finding = |line: &&str| line.contains("problem: ") || line.contains("warning: ");
    run.stdout.lines().filter(is_finding).map(str::to_owned).collect()
}

#[test]
fn looks_at_files_together() {
    let extension = file("together-extension.yaml", EXTENSION);
    let gateway = file("together-gateway.yaml", GATEWAY);
    let elsewhere = file("together-elsewhere.yaml", &GATEWAY.replace("istio: ingressgateway", "istio: eastwest"));
    let unknown = format!(
        "{extension}:5: warning: TrafficExtension istio-ingress/dashgate: spec.selector.matchLabels: what this applies to is not in \
         the files given: whether it meets a gateway or workload is not known"
    );
    assert!(findings(&dashgate(&["check", &extension])).contains(&unknown));
    let together = dashgate(&["check", &extension, &gateway]);
    assert!(!findings(&together).iter().any(|finding| finding.contains("selector")), "{}", together.stdout);
    assert!(together.stdout.ends_with(&format!("{gateway}: no problems, no warnings\n")), "{}", together.stdout);
    let missed = format!(
        "{extension}:5: problem: TrafficExtension istio-ingress/dashgate: spec.selector.matchLabels: meets nothing in the files given, \
         so that the door stays open: Gateway istio-ingress/edge has istio: eastwest, not ingressgateway"
    );
    assert!(findings(&dashgate(&["check", &extension, &elsewhere])).contains(&missed));
    let objects = objects(&dashgate(&["check", "--json", &extension, &gateway]).expect(1));
    assert_eq!(
        (&objects[0]["file"], &objects[1]),
        (&json!(extension), &json!({"file": gateway, "problems": [], "warnings": []}))
    );
}

#[test]
fn reads_lists_and_json_as_it_reads_documents() {
    let document = findings(&dashgate_reading(&["check", "-"], &format!("{EXTENSION}---\n{GATEWAY}")));
    let messages = |findings: &[String]| -> Vec<String> {
        findings.iter().map(|finding| finding.split_once(": ").unwrap().1.to_owned()).collect()
    };
    assert!(
        document
            .iter()
            .any(|finding| finding.contains("problem: TrafficExtension istio-ingress/dashgate: has no lock:"))
    );
    let indented = |text: &str| text.trim_end().replace('\n', "\n  ");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}\n- {}\n", indented(EXTENSION), indented(GATEWAY));
    assert_eq!(messages(&findings(&dashgate_reading(&["check", "-"], &list))), messages(&document));
    let json = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "extensions.istio.io/v1alpha1", "kind": "TrafficExtension",
         "metadata": {"name": "dashgate", "namespace": "istio-ingress"},
         "spec": {"selector": {"matchLabels": {"istio": "ingressgateway"}}, "phase": "AUTHN", "wasm": {
             "url": "file:///dashgate.wasm", "failStrategy": "FAIL_RELOAD",
             "pluginConfig": {"dashboards": [{"name": "a", "url": "https://a.example.org/", "open": true}]}}}},
        {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "edge", "namespace": "istio-ingress"},
         "spec": {"selector": {"istio": "ingressgateway"}, "servers": []}}]});
    assert_eq!(messages(&findings(&dashgate_reading(&["check", "-"], &json.to_string()))), messages(&document));
}

/// A sidecar's bootstrap travels in a ConfigMap.
#[test]
fn reads_the_envoy_files_within_kubernetes_objects() {
    let edge = std::fs::read_to_string(repository("envoy/edge.yaml")).unwrap();
    let held = |edge: &str| {
        let indented: String = edge.lines().map(|line| format!("    {line}\n")).collect();
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: envoy}}\ndata:\n  note: static_resources\n  envoy.yaml: |\n{indented}"
        )
    };
    assert_eq!(run(&["check", "--no-keys", "-"], &held(&edge), &[]).expect(0), "-: no problems, no warnings\n");
    let open = run(&["check", "--no-keys", "-"], &held(&edge.replace("FAIL_RELOAD", "FAIL_OPEN")), &[]);
    // The seventh line of the object is the file's first.
    let line = 7 + edge.lines().position(|line| line.contains("FAIL_RELOAD")).unwrap();
    let path =
        "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[1].typed_config.config";
    assert_eq!(
        findings(&open),
        [format!(
            "-:{line}: problem: ConfigMap envoy: data.envoy.yaml.{path}.failure_policy: lets every request through unchecked once the \
             filter has failed; use FAIL_RELOAD"
        )]
    );
}

#[test]
fn says_where_no_gate_is_found() {
    let gateway = file("no-gate.yaml", GATEWAY);
    let told = format!("{gateway}: problem: no dashgate filter found in Gateway istio-ingress/edge\n");
    assert_eq!(dashgate(&["check", &gateway]).expect(1), format!("{told}{gateway}: 1 problem, no warnings\n"));
    let many = [GATEWAY; 6].join("---\n");
    let names = "Gateway istio-ingress/edge, Gateway istio-ingress/edge, Gateway istio-ingress/edge and 3 more";
    let told = dashgate_reading(&["check", "-"], &many).expect(1);
    assert!(told.starts_with(&format!("-: problem: no dashgate filter found in {names}\n")), "{told}");
    // A policy beside it is one: it is what is rendered.
    assert_eq!(dashgate(&["check", &gateway, &policy("no-gate-policy.yaml")]).code, 0);
}

#[test]
fn follows_a_compose_file_to_envoys_configuration() {
    let edge = std::fs::read_to_string(repository("envoy/edge.yaml")).unwrap();
    file(
        "compose-envoy.yaml",
        &edge.replace("FAIL_RELOAD", "FAIL_OPEN").replace("127.0.0.1, port_value: 8443", "0.0.0.0, port_value: 8443"),
    );
    let text = "\
services:
  envoy:
    image: envoyproxy/envoy:v1.40.0
    volumes: [./compose-envoy.yaml:/etc/envoy/envoy.yaml:ro]
    ports: ['127.0.0.1:8443:8443']
    environment: {DASHGATE_KEY: '${DASHGATE_KEY}', BOKEH_SECRET_KEY: not-to-be-repeated}
  bokeh:
    image: bokeh
    ports: ['5006:5006']
  panel: {image: panel, network_mode: host}
";
    let compose = file("compose.yaml", text);
    let run = run(&["check", "--no-keys", &compose], "", &[]);
    let configuration = compose.replace("compose.yaml", "compose-envoy.yaml");
    assert!(!run.stdout.contains("not-to-be-repeated"));
    let told = findings(&run);
    let [ports, network, environment, open] = told.as_slice() else { panic!("{}", run.stdout) };
    assert_eq!(
        *environment,
        format!(
            "{compose}:6: problem: services.envoy.environment.BOKEH_SECRET_KEY: gives BOKEH_SECRET_KEY in plain sight; use env_file or \
             a secret"
        )
    );
    assert_eq!(
        *ports,
        format!(
            "{compose}:9: problem: services.bokeh.ports: is reached from outside past Envoy, and so without dashgate; leave ports out"
        )
    );
    assert_eq!(
        *network,
        format!(
            "{compose}:10: problem: services.panel: shares the machine's network: all others reach it, or it all others, past Envoy"
        )
    );
    assert!(
        open.starts_with(&format!("{configuration}:")) && open.contains("lets every request through unchecked"),
        "{open}"
    );
    let sound = file(
        "compose-sound.yaml",
        &text.replace("./compose-envoy.yaml", "./nowhere.yaml").replace(", BOKEH_SECRET_KEY: not-to-be-repeated", ""),
    );
    assert!(
        findings(&dashgate(&["check", &sound]))
            .iter()
            .any(|finding| finding.ends_with("holds neither a policy nor a dashgate filter"))
    );
}
