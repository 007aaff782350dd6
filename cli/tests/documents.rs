//! The generated documents are current, and the help is true.

mod common;

use common::*;

#[test]
fn the_reference_page_and_the_schema_are_current() {
    for (path, arguments) in
        [("docs/configuration.md", &["schema", "--reference"][..]), ("docs/dashgate.schema.json", &["schema"][..])]
    {
        let written = std::fs::read_to_string(repository(path)).unwrap();
        let made = dashgate(arguments).expect(0);
        let command = arguments.join(" ");
        assert!(written == made, "{path} is not what `dashgate {command}` prints: write it anew");
    }
}

#[test]
fn the_schema_names_every_key_of_the_example() {
    let schema: serde_json::Value = serde_json::from_str(&dashgate(&["schema"]).expect(0)).unwrap();
    let dashboard = &schema["properties"]["dashboards"]["items"];
    assert_eq!(dashboard["properties"]["require"]["enum"], serde_json::json!(["any", "all"]));
    assert_eq!(dashboard["additionalProperties"], false);
    for name in ["keys", "sessions", "connect", "dashboards", "reason_header"] {
        assert!(schema["properties"][name].is_object(), "{name}");
    }
}

/// The blocks of YAML on a page, without the indentation of the list that some stand in.
fn yaml_blocks(page: &str) -> Vec<String> {
    let mut lines = page.lines();
    let mut blocks = Vec::new();
    while let Some(fence) = lines.by_ref().find(|line| line.trim_start() == "```yaml") {
        let indent = fence.len() - fence.trim_start().len();
        let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
        blocks.push(block.map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n").collect());
    }
    blocks
}

/// Every block of YAML in the documents is YAML, and what is a whole policy has no problem.
#[test]
fn the_policies_in_the_documents_are_policies() {
    let mut pages = vec![repository("README.md"), repository("ARCHITECTURE.md")];
    for directory in ["docs", "docs/dashboards"] {
        let entries = std::fs::read_dir(repository(directory)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let (mut blocks, mut policies) = (0, 0);
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for (number, block) in yaml_blocks(&text).iter().enumerate() {
            let place = format!("{} block {}", page.display(), number + 1);
            let events: Result<Vec<_>, _> = saphyr_parser::Parser::new_from_str(block).collect();
            assert!(events.is_ok(), "{place}: {:?}", events.err());
            blocks += 1;
            let holds = |name: &str| block.lines().any(|line| line.starts_with(&format!("{name}:")));
            if holds("keys") && holds("sessions") && holds("dashboards") {
                let told = run(&["check", "--no-keys", "-"], block, &[]);
                assert!(!told.stdout.contains("problem: "), "{place}: {}", told.stdout);
                policies += 1;
            }
        }
    }
    assert!(blocks > 20 && policies > 5, "{blocks} {policies}");
}

#[test]
fn the_label_of_a_name_is_the_gates() {
    assert_eq!(dashgate(&["label", "ada"]).expect(0), "ada\n");
    assert_eq!(dashgate(&["label", "ada@example.org"]).expect(0), "x-ada-40example-2eorg\n");
    let long = dashgate(&["label", &"a".repeat(64)]);
    assert_eq!(
        (long.code, long.stdout.as_str(), long.stderr.as_str()),
        (1, "", "hint: it would have 66 bytes, and a host label has 63 at most: use a path\n")
    );
}

#[test]
fn every_command_has_help_with_an_example() {
    let general = dashgate(&["--help"]).expect(0);
    for command in ["keygen", "mint", "verify", "explain", "check", "render", "schema", "label"] {
        assert!(general.contains(&format!("\n  {command} ")), "{general}");
        let help = dashgate(&[command, "--help"]).expect(0);
        assert!(help.contains(&format!("Usage: dashgate {command} ")), "{help}");
        assert!(help.contains("\nExample") && help.contains(&format!("dashgate {command}")), "{help}");
    }
}

/// The examples of the help are run as they stand, in a directory that has the files they name.
#[test]
fn the_examples_in_the_help_work() {
    let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("examples");
    for inner in ["envoy", "docs"] {
        std::fs::create_dir_all(directory.join(inner)).unwrap();
    }
    std::fs::write(directory.join("policy.yaml"), POLICY).unwrap();
    std::fs::copy(repository("envoy/edge.yaml"), directory.join("envoy/edge.yaml")).unwrap();
    let policy = policy("documents.yaml");
    let mint = |audience: &[&str]| {
        let arguments =
            ["mint", "--config", &policy, "--dashboard", "report", "--session", "portal", "--subject", "ada"];
        dashgate(&[&arguments[..], audience].concat()).expect(0)
    };
    let token = mint(&[]);
    std::fs::write(directory.join("token"), mint(&["--claim", "aud=https://report.example.org/"])).unwrap();
    std::fs::write(directory.join("tokens.jsonl"), format!("\"{}\"\n", token.trim_end())).unwrap();
    std::fs::write(directory.join("requests.jsonl"), "{\"authority\": \"bokeh.example.org\", \"path\": \"/\"}\n")
        .unwrap();

    let mut count = 0;
    for command in ["keygen", "mint", "verify", "explain", "check", "schema"] {
        let help = dashgate(&[command, "--help"]).expect(0);
        let (_, examples) = help.split_once("\nExample").unwrap();
        for line in examples.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()) {
            let program = env!("CARGO_BIN_EXE_dashgate");
            let output = std::process::Command::new("sh")
                .args([
                    "-c",
                    &line
                        .replace("dashgate ", &format!("{program} "))
                        .replace(&format!("envoy/{program} "), "envoy/dashgate "),
                ])
                .current_dir(&directory)
                .env("DASHGATE_KEY", KEY)
                .env("BOKEH_SECRET_KEY", BOKEH_KEY)
                .env("TOKEN", token.trim_end())
                .output()
                .unwrap();
            // 1 is a verdict: the foreign Origin, and the token of another key id.
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            let refused =
                line.contains("evil.example") || line.contains("--key-env") || line.contains("report.example.org/app");
            assert_eq!(output.status.code(), Some(i32::from(refused)), "{line}\n{stderr}");
            assert!(!stderr.contains("error:"), "{line}\n{stderr}");
            count += 1;
        }
    }
    assert_eq!(count, 10);
}

#[test]
fn bad_arguments_are_told_without_repeating_what_could_be_a_token() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.signature";
    for arguments in
        [&["verify", "x", token][..], &["keygen", token][..], &["explain", "--now", token, "https://a/"][..]]
    {
        let run = dashgate(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains("'****'"), "{}", run.stderr);
        assert!(!run.stderr.contains(token), "{}", run.stderr);
    }
    assert_eq!(dashgate(&[]).code, 2);
    assert_eq!(
        dashgate(&["verify", "x"]).stderr,
        "error: give --config FILE, or --format with --key-env and --encoding\n"
    );
}
