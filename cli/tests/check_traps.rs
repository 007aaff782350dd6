//! check, trap by trap: a shipped file with one thing changed has exactly these findings. The cases are the files in traps/.
//!
//! A case begins with `@ FILE`, or `@ -` for a file of its own. Then `-` the text to find (once or more) and `+` what takes its place, line by line; `>` a document
//! that is added; `=` each finding, without file and line. Without `=` the change is no trap, and nothing may be said.

mod common;

use std::fmt::Write;

use common::*;

/// One case.
#[derive(Default)]
struct Case<'a> {
    /// The line of the traps file.
    line: usize,
    file: &'a str,
    changes: Vec<(String, String)>,
    added: String,
    findings: Vec<&'a str>,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut before = ' ';
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let mark = line.chars().next().unwrap();
        let rest = line.get(2..).unwrap_or_default();
        if mark == '@' {
            cases.push(Case { line: index + 1, file: rest, ..Case::default() });
            before = mark;
            continue;
        }
        let case = cases.last_mut().unwrap_or_else(|| panic!("line {}: no case has begun", index + 1));
        match mark {
            '-' if before == '-' => write!(case.changes.last_mut().unwrap().0, "\n{rest}").unwrap(),
            '-' => case.changes.push((rest.to_owned(), String::new())),
            '+' if before == '+' => write!(case.changes.last_mut().unwrap().1, "\n{rest}").unwrap(),
            '+' => rest.clone_into(&mut case.changes.last_mut().unwrap().1),
            '>' => writeln!(case.added, "{rest}").unwrap(),
            '=' => case.findings.push(rest),
            _ => panic!("line {}: begins with no mark", index + 1),
        }
        before = mark;
    }
    cases
}

/// What check says of a case, without file and line.
fn told(case: &Case<'_>) -> Vec<String> {
    let mut text = match case.file {
        "-" => String::new(),
        file => std::fs::read_to_string(repository(file)).unwrap_or_else(|error| panic!("{file}: {error}")),
    };
    for (old, new) in &case.changes {
        assert!(text.contains(old.as_str()), "line {}: {} does not hold {old:?}", case.line, case.file);
        text = text.replacen(old.as_str(), new, 1);
    }
    if case.file == "-" {
        text.clone_from(&case.added);
    } else if !case.added.is_empty() {
        text = format!("{}\n---\n{}", text.trim_end(), case.added);
    }
    let run = run(&["check", "--no-keys", "-"], &text, &[]);
    assert_eq!(run.stderr, "", "line {}", case.line);
    let is_finding = |line: &&str| line.contains(": problem: ") || line.contains(": warning: ");
    let findings: Vec<&str> = run.stdout.lines().filter(is_finding).collect();
    let problems = findings.iter().filter(|finding| finding.contains(": problem: ")).count();
    assert_eq!(run.code, i32::from(problems > 0), "line {}", case.line);
    findings.into_iter().filter_map(|finding| Some(finding.split_once(": ")?.1.to_owned())).collect()
}

fn assert_traps(name: &str, least: usize) {
    let text = std::fs::read_to_string(repository(&format!("cli/tests/traps/{name}"))).unwrap();
    let cases = cases(&text);
    assert!(cases.len() >= least, "{name} has {} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let told = told(case);
        if told != case.findings {
            write!(
                wrong,
                "{name}, line {}: {}\n  told  {told:#?}\n  meant {:#?}\n",
                case.line, case.file, case.findings
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn finds_the_traps_of_istio() {
    assert_traps("istio.txt", 100);
}

#[test]
fn finds_the_traps_of_envoy_gateway() {
    assert_traps("envoy-gateway.txt", 50);
}

#[test]
fn finds_the_traps_of_envoy() {
    assert_traps("envoy.txt", 15);
}

/// The Envoy configuration that the stack mounts is found from the repository's root.
#[test]
fn finds_the_traps_of_compose() {
    assert_traps("compose.txt", 50);
}

/// Whatever is shipped has none, alone and all together.
#[test]
fn finds_nothing_in_what_is_shipped() {
    let mut shipped = Vec::new();
    for directory in ["envoy", "envoy/istio", "envoy/gateway"] {
        for entry in std::fs::read_dir(repository(directory)).unwrap_or_else(|error| panic!("{directory}: {error}")) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // The files of certificates and the peer of a sidecar hold no gate.
            let holds = !name.contains("-tls") && name != "sidecar-edge.yaml";
            if holds && name.ends_with(".yaml") {
                shipped.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    assert!(shipped.len() >= 12, "{shipped:?}");
    for path in &shipped {
        let run = run(&["check", "--no-keys", path], "", &[]);
        assert_eq!(run.expect(0), format!("{path}: no problems, no warnings\n"));
    }
}

/// Nor what is printed where plain HTTP is redirected, which nothing shipped has.
#[test]
fn finds_nothing_in_a_rendered_redirect() {
    let text = std::fs::read_to_string(repository("envoy/policy.yaml")).unwrap();
    let credential = "    credential: dashboards-tls\n";
    let text = text.replacen(credential, &format!("{credential}    redirect: 80\n"), 1);
    for target in ["istio-envoyfilter", "istio-trafficextension", "istio-wasmplugin"] {
        let rendered = run(&["render", "--for", target, "-"], &text, &[]).expect(0);
        assert!(rendered.contains("redirected:"), "{target}");
        assert_eq!(run(&["check", "--no-keys", "-"], &rendered, &[]).expect(0), "-: no problems, no warnings\n");
    }
}

/// The words of the table's first column, one a row.
fn told_as(page: &str) -> Vec<&str> {
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| told as"));
    rows.filter_map(|row| row.strip_prefix("| ")?.split_once(" | ").map(|(words, _)| words)).collect()
}

/// docs/check.md has a row for every finding of the cases, and every row is the words of some finding of check's.
#[test]
fn the_page_has_every_finding() {
    let page = std::fs::read_to_string(repository("docs/check.md")).unwrap();
    let rows = told_as(&page);
    assert!(rows.len() > 100, "{}", rows.len());
    let texts: Vec<String> = ["istio.txt", "envoy-gateway.txt", "envoy.txt", "compose.txt"]
        .iter()
        .map(|name| std::fs::read_to_string(repository(&format!("cli/tests/traps/{name}"))).unwrap())
        .collect();
    let findings: Vec<&str> = texts.iter().flat_map(|text| cases(text)).flat_map(|case| case.findings).collect();
    // A policy's own problems have a page of their own.
    let of_policy = ["is not a known key", "must be a canonical URL", "dashboards: is missing"];
    let untold: Vec<&&str> =
        findings.iter().filter(|finding| !rows.iter().chain(&of_policy).any(|words| finding.contains(words))).collect();
    assert!(untold.is_empty(), "the page lacks {untold:#?}");
    // What no case can have: files without a gate.
    let elsewhere = std::fs::read_to_string(repository("cli/tests/check.rs")).unwrap();
    let idle: Vec<&&str> = rows
        .iter()
        .filter(|words| !findings.iter().any(|finding| finding.contains(**words)) && !elsewhere.contains(**words))
        .collect();
    assert!(idle.is_empty(), "no case has {idle:#?}");
}
