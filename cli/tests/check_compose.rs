//! check, of compose files that are read together: what overrides, includes and extends another is one stack with it. Each file's own
//! traps are in traps/compose.txt.

mod common;

use std::path::PathBuf;

use common::*;

const BASE: &str = "\
services:
  envoy:
    image: envoyproxy/envoy:v1.40.0
    ports: ['443:8443']
    volumes: ['./envoy.yaml:/etc/envoy/envoy.yaml:ro']
    networks: [edge, bokeh, panel]
  bokeh: {image: example/bokeh, networks: [bokeh]}
  panel: {image: example/panel, networks: [panel]}
networks: {edge: {}, bokeh: {}, panel: {}}
";
const PUBLISHED: &str = "is reached from outside past Envoy, and so without dashgate; leave ports out";

/// A directory with these files and the stack's Envoy configuration.
fn stack(name: &str, files: &[(&str, &str)]) -> impl Fn(&str) -> String + use<> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).unwrap();
    // The shipped metrics listener is bound to an address of the shipped stack's.
    let envoy = std::fs::read_to_string(repository("envoy/compose.yaml")).unwrap();
    std::fs::write(directory.join("envoy.yaml"), envoy.replace("address: 10.202.9.2,", "address: 127.0.0.1,")).unwrap();
    for (name, text) in files {
        std::fs::write(directory.join(name), text).unwrap();
    }
    move |name| directory.join(name).to_str().unwrap().to_owned()
}

/// The findings, each from the file's own name on.
fn findings(names: &[String]) -> Vec<String> {
    let mut arguments = vec!["check", "--no-keys"];
    arguments.extend(names.iter().map(String::as_str));
    let run = run(&arguments, "", &[]);
    let is_finding = |line: &&str| line.contains(": problem: ") || line.contains(": warning: ");
    run.stdout
        .lines()
        .filter(is_finding)
        .map(|line| line.rsplit_once('/').map_or(line, |(_, end)| end).to_owned())
        .collect()
}

#[test]
fn reads_the_override_that_compose_reads_by_itself() {
    let at = stack(
        "override",
        &[
            ("compose.yaml", BASE),
            ("compose.override.yaml", "services:\n  bokeh:\n    ports: ['5006:5006']\n"),
            ("production.yaml", "services:\n  panel: {restart: always}\n"),
        ],
    );
    let told = format!("compose.override.yaml:3: problem: services.bokeh.ports: {PUBLISHED}");
    assert_eq!(findings(&[at("compose.yaml")]), [told.as_str()]);
    // With files of one's own compose reads no override but these.
    assert_eq!(findings(&[at("compose.yaml"), at("production.yaml")]), Vec::<String>::new());
    assert_eq!(findings(&[at("compose.yaml"), at("compose.override.yaml")]), [told]);
}

#[test]
fn reads_what_a_file_includes_and_extends() {
    let at = stack(
        "include",
        &[
            ("compose.yaml", &format!("include: [{{path: [more.yaml]}}]\n{BASE}")),
            (
                "more.yaml",
                "services:\n  jupyterlab:\n    extends: {file: common.yaml, service: notebook}\n    networks: [panel]\n",
            ),
            ("common.yaml", "services:\n  notebook:\n    image: example/notebook\n    ports: ['8888:8888']\n"),
        ],
    );
    let met = "more.yaml:4: problem: services.jupyterlab.networks[0]: on network panel, panel and jupyterlab reach one another without \
               dashgate; give each a network of its own with Envoy";
    assert_eq!(
        findings(&[at("compose.yaml")]),
        [met.to_owned(), format!("common.yaml:4: problem: services.notebook.ports: {PUBLISHED}")]
    );
}

#[test]
fn an_override_may_take_away() {
    let at = stack(
        "reset",
        &[
            (
                "base.yaml",
                &BASE.replace("networks: [bokeh]}", "networks: [bokeh], ports: ['5006:5006'], privileged: true}"),
            ),
            ("closed.yaml", "services:\n  bokeh: {ports: !reset [], privileged: !reset false}\n"),
            (
                "moved.yaml",
                "services:\n  bokeh: {ports: !override ['5007:5006'], networks: !override [panel], privileged: false}\n",
            ),
        ],
    );
    assert_eq!(findings(&[at("base.yaml")]).len(), 2);
    assert_eq!(findings(&[at("base.yaml"), at("closed.yaml")]), Vec::<String>::new());
    let moved = findings(&[at("base.yaml"), at("moved.yaml")]);
    let [networks, ports] = moved.as_slice() else { panic!("{moved:#?}") };
    assert_eq!(*ports, format!("moved.yaml:2: problem: services.bokeh.ports.!override: {PUBLISHED}"));
    assert!(networks.contains("on network panel, bokeh and panel"), "{networks}");
}

#[test]
fn follows_merge_keys() {
    let text = BASE
        .replace("services:\n", "x-open: &open {ports: ['5006:5006']}\nservices:\n")
        .replace("bokeh: {image: example/bokeh,", "bokeh: {<<: [*open], image: example/bokeh,");
    let at = stack("merge", &[("compose.yaml", &text)]);
    assert_eq!(
        findings(&[at("compose.yaml")]),
        [format!("compose.yaml:1: problem: services.bokeh.ports: {PUBLISHED}")]
    );
}
