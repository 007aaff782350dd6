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
