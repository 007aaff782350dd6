//! Counting what test programs say: cargo's harness, pytest, and our own scripts each end with a line of numbers.

use crate::step::{Outcome, Problem, announce};

/// Names the file that gets a task's last line as well: CI adds up the lines of several tasks.
const LAST_LINE: &str = "DASHGATE_LAST_LINE";

/// How a suite ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, or could not be run for a mistake.
    pub failed: u64,
    /// Tests left out, for a reason that was printed.
    pub skipped: u64,
}

impl Counts {
    /// One failure: the suite as a whole did not run.
    pub const BROKEN: Self = Self { passed: 0, failed: 1, skipped: 0 };

    /// Reads a suite's output. A suite that fails without counting a failure, or counts nothing at all, is one failure:
    /// a suite that ran no test has proved nothing.
    pub fn read(output: &str, succeeded: bool) -> Self {
        let mut counts = output.lines().filter_map(count).fold(Self::default(), Self::add);
        if (!succeeded && counts.failed == 0) || counts == Self::default() {
            counts.failed += 1;
        }
        counts
    }

    /// Both together.
    pub fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Prints them as a task's last line, on its own, since scripts read it; any failure is the task's.
    pub fn close(self) -> Outcome {
        println!("{}", self.line());
        if let Some(file) = std::env::var_os(LAST_LINE) {
            std::fs::write(&file, self.line() + "\n")
                .map_err(|error| Problem::new(format!("writing {}: {error}", file.display())))?;
        }
        if self.failed == 0 { Ok(()) } else { Err(Problem::said()) }
    }

    /// `12 passed, 0 failed`, and `, 3 skipped` where some were.
    pub fn line(self) -> String {
        let mut line = format!("{} passed, {} failed", self.passed, self.failed);
        if self.skipped > 0 {
            line.push_str(&format!(", {} skipped", self.skipped));
        }
        line
    }
}

/// How something that may not be possible here ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It ran.
    Ran(Counts),
    /// It did not, and why.
    LeftOut(String),
}

impl Ending {
    /// What comes of something that is missing: left out, or a failure where it could be had and CI=true says that nothing may be left out.
    pub fn without(what: &str, why: &str, could_be_had: bool) -> Self {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        Self::absent(what, why, could_be_had && is_ci)
    }

    fn absent(what: &str, why: &str, is_required: bool) -> Self {
        if is_required {
            announce(&format!("FAILED: {what}, because {why}; CI must not be without it"));
            return Self::Ran(Counts::BROKEN);
        }
        announce(&format!("left out: {what}, because {why}"));
        Self::LeftOut(why.to_string())
    }

    /// Reads the output of a `pytest -rs`. Where it ended well with no test run, the first reason is the whole's.
    pub fn read(output: &str, succeeded: bool) -> Self {
        let counts = Counts::read(output, succeeded);
        let reason = output.lines().find_map(|line| line.strip_prefix("SKIPPED [")?.split_once(": "));
        match reason {
            Some((_, reason)) if succeeded && counts == Counts::BROKEN => Self::LeftOut(reason.to_string()),
            _ => Self::Ran(counts),
        }
    }

    /// What it adds to a sum: what did not run is one test left out.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Ran(counts) => *counts,
            Self::LeftOut(_) => Counts { skipped: 1, ..Counts::default() },
        }
    }

    /// The numbers, or the reason.
    pub fn line(&self) -> String {
        match self {
            Self::Ran(counts) => counts.line(),
            Self::LeftOut(why) => format!("left out: {why}"),
        }
    }
}

/// The numbers of one line, if it is a summary: only numbered words this knows, at least one of them decisive.
fn count(line: &str) -> Option<Counts> {
    let line = line.trim().trim_matches('=').trim();
    // What comes before the numbers: `test result: ok. ` of cargo's harness, a file's name in our own scripts.
    let line = line.rsplit_once(": ").map_or(line, |(_, rest)| rest);
    let line = line.strip_prefix("ok. ").or_else(|| line.strip_prefix("FAILED. ")).unwrap_or(line);
    let mut counts = Counts::default();
    let mut decisive = false;
    for part in line.split([',', ';']) {
        let mut words = part.split_whitespace();
        let number = words.next()?.parse::<u64>();
        let (Ok(number), Some(word)) = (number, words.next()) else {
            // cargo's harness ends its line with `finished in 0.01s`; anything else is no summary.
            if decisive && part.trim_start().starts_with("finished in ") {
                continue;
            }
            return None;
        };
        match word {
            "passed" => (counts.passed, decisive) = (number, true),
            "failed" => (counts.failed, decisive) = (number, true),
            "error" | "errors" => counts.failed += number,
            "skipped" | "ignored" | "xfailed" | "xpassed" | "deselected" => counts.skipped += number,
            "warning" | "warnings" | "measured" | "filtered" => {}
            _ => return None,
        }
    }
    decisive.then_some(counts)
}

#[cfg(test)]
mod tests {
    use super::{Counts, Ending};

    #[track_caller]
    fn check(output: &str, succeeded: bool, expected: (u64, u64, u64)) {
        let (passed, failed, skipped) = expected;
        assert_eq!(Counts::read(output, succeeded), Counts { passed, failed, skipped });
    }

    #[test]
    fn adds_up_the_binaries_of_a_cargo_test() {
        let output = "running 2 tests\ntest a ... ok\n\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.12s\n";
        check(output, false, (3, 3, 1));
    }

    #[test]
    fn reads_a_pytest_summary_with_errors_as_failures() {
        check(
            "....\n============ 2 failed, 39 passed, 1 skipped, 4 errors in 63.20s (0:01:03) ============\n",
            false,
            (39, 6, 1),
        );
        check("57 passed in 12.01s\n", true, (57, 0, 0));
        check("57 passed, 2 warnings in 12.01s\n", true, (57, 0, 0));
    }

    #[test]
    fn reads_the_summary_of_our_own_scripts() {
        check("  tried  expected  got\n31 passed, 0 failed\n", true, (31, 0, 0));
        check("jwt.json: 883 passed, 0 failed\nbokeh.json: 421 passed, 1 failed\n", false, (1304, 1, 0));
    }

    #[test]
    fn takes_a_failure_without_a_count_as_one_failure() {
        check("error[E0425]: cannot find value\n", false, (0, 1, 0));
        check("5 passed, 0 failed\n", false, (5, 1, 0));
    }

    #[test]
    fn takes_a_suite_without_any_test_as_one_failure() {
        check("nothing here\n", true, (0, 1, 0));
        check(
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
            true,
            (0, 1, 0),
        );
    }

    #[test]
    fn does_not_count_prose() {
        check("2 failed attempts, then a page\n3 passed, 0 failed\n", true, (3, 0, 0));
    }

    #[test]
    fn names_skipped_tests_only_where_there_are_some() {
        assert_eq!(Counts { passed: 1, failed: 2, skipped: 0 }.line(), "1 passed, 2 failed");
        assert_eq!(Counts { passed: 1, failed: 2, skipped: 3 }.line(), "1 passed, 2 failed, 3 skipped");
    }

    #[test]
    fn fails_for_what_is_required_and_missing() {
        assert_eq!(Ending::absent("x", "no image", true), Ending::Ran(Counts::BROKEN));
        assert_eq!(Ending::absent("x", "no image", false), Ending::LeftOut("no image".to_string()));
    }

    #[test]
    fn tells_what_was_left_out_as_a_whole_from_what_ran() {
        let left_out = "s\nSKIPPED [1] tests/tls/test_x.py:64: there is no such program: none\n1 skipped in 0.10s\n";
        assert_eq!(Ending::read(left_out, true), Ending::LeftOut("there is no such program: none".to_string()));
        let ran = "s.\nSKIPPED [1] tests/tls/test_x.py:64: not here\n1 passed, 1 skipped in 0.10s\n";
        assert_eq!(Ending::read(ran, true), Ending::Ran(Counts { passed: 1, failed: 0, skipped: 1 }));
        assert_eq!(Ending::read("nothing\n", true), Ending::Ran(Counts::BROKEN));
        assert_eq!(Ending::read(left_out, false), Ending::Ran(Counts::BROKEN));
    }
}
