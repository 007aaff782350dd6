//! The part of docs/proof.md that is the command's: a table with how each part last ended, when and on what. It runs nothing.

use super::PARTS;
use crate::step::{Outcome, Problem};
use crate::summary::Ending;

/// The page's name.
pub const PAGE: &str = "docs/proof.md";

// Between these two lines all is written anew; the rest of the page is by hand.
const BEGIN: &str = "<!-- `cargo xtask full` writes from here -->";
const END: &str = "<!-- to here -->";
const HEAD: &str = "| part | what it runs | last result | date, UTC | on |\n|---|---|---|---|---|\n";
/// What stands where nothing was tried yet.
const NEVER: &str = "not run yet";
const LEFT_OUT: &str = "left out: ";

/// How the parts of one run ended.
pub struct Results<'a> {
    /// Each by its name.
    pub endings: &'a [(&'static str, Ending)],
    /// When.
    pub day: &'a str,
    /// On what, and of which commit.
    pub place: &'a str,
}

/// The page with these results in their lines. A part that was left out keeps what it came to when it last ran.
pub fn written(page: &str, results: &Results) -> Outcome<String> {
    let parts = page.split_once(BEGIN).and_then(|(above, rest)| Some((above, rest.split_once(END)?)));
    let Some((above, (old, below))) = parts else {
        return Err(Problem::new(format!("{PAGE} lacks one of the lines `{BEGIN}` and `{END}`")));
    };
    let old: Vec<Row> = old.lines().filter_map(Row::read).collect();
    let mut table = HEAD.to_string();
    for part in PARTS {
        let known = old.iter().find(|row| row.name == part.name).cloned();
        let row = match results.endings.iter().find(|(name, _)| *name == part.name) {
            Some((_, Ending::LeftOut(_))) if known.as_ref().is_some_and(Row::has_run) => known,
            Some((_, ending)) => Some(Row::new(part.name, &ending.line(), results)),
            None => known,
        };
        let row = row.unwrap_or_else(|| Row::of(part.name, NEVER, "", ""));
        let cells = [part.name, part.about, &row.result, &row.day, &row.place].map(|cell| cell.replace('|', "/"));
        table.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    Ok(format!("{above}{BEGIN}\n{table}{END}{below}"))
}

/// One line of the table.
#[derive(Clone)]
struct Row {
    name: &'static str,
    result: String,
    day: String,
    place: String,
}

impl Row {
    fn of(name: &'static str, result: &str, day: &str, place: &str) -> Self {
        Self { name, result: result.to_string(), day: day.to_string(), place: place.to_string() }
    }

    fn new(name: &'static str, result: &str, results: &Results) -> Self {
        Self::of(name, result, results.day, results.place)
    }

    /// A line, if it is one of a part that there still is.
    fn read(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
        let [name, _, result, day, place] = cells.try_into().ok()?;
        let part = PARTS.iter().find(|part| part.name == name)?;
        Some(Self::of(part.name, result, day, place))
    }

    fn has_run(&self) -> bool {
        self.result != NEVER && !self.result.starts_with(LEFT_OUT)
    }
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, NEVER, PARTS, Results, written};
    use crate::summary::{Counts, Ending};

    fn step(page: &str, day: &str, endings: &[(&'static str, Ending)]) -> String {
        written(page, &Results { endings, day, place: "Linux" }).unwrap()
    }

    fn ran(passed: u64, failed: u64) -> Ending {
        Ending::Ran(Counts { passed, failed, skipped: 0 })
    }

    /// The last three cells of a part's line.
    fn result(page: &str, name: &str) -> String {
        let line = page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        line.split(" | ").skip(2).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn writes_its_part_of_the_page_and_keeps_the_rest() {
        let page = format!("# Proof\n\nBefore.\n\n{BEGIN}\nrubbish\n{END}\n\nAfter.\n");
        let new = step(&page, "2026-11-22", &[("fuzz", ran(11, 0))]);
        assert!(new.starts_with(&format!("# Proof\n\nBefore.\n\n{BEGIN}\n| part |")), "{new}");
        assert!(new.ends_with(&format!("|\n{END}\n\nAfter.\n")), "{new}");
        assert!(!new.contains("rubbish"), "{new}");
        for part in PARTS {
            let expected = if part.name == "fuzz" { "11 passed, 0 failed | 2026-11-22 | Linux |" } else { NEVER };
            assert!(result(&new, part.name).starts_with(expected), "{new}");
        }
        // What it wrote it reads: nothing new changes nothing.
        assert_eq!(step(&new, "2026-11-23", &[]), new);
    }

    #[test]
    fn a_run_replaces_the_line_and_a_part_left_out_does_not() {
        let compose = |page: &str, day: &str, ending: Ending| step(page, day, &[("compose", ending)]);
        let left_out = |why: &str| Ending::LeftOut(why.to_string());
        let page = format!("{BEGIN}\n{END}\n");
        let page = compose(&page, "2026-11-20", left_out("no engine | here"));
        assert_eq!(result(&page, "compose"), "left out: no engine / here | 2026-11-20 | Linux |");
        let page = compose(&page, "2026-11-21", left_out("no image"));
        assert_eq!(result(&page, "compose"), "left out: no image | 2026-11-21 | Linux |");
        let page = compose(&page, "2026-11-22", ran(70, 1));
        assert_eq!(result(&page, "compose"), "70 passed, 1 failed | 2026-11-22 | Linux |");
        assert_eq!(compose(&page, "2026-11-23", left_out("no image")), page);
        let page = compose(&page, "2026-11-24", ran(71, 0));
        assert_eq!(result(&page, "compose"), "71 passed, 0 failed | 2026-11-24 | Linux |");
    }

    #[test]
    fn touches_no_page_without_its_marks() {
        let nothing = Results { endings: &[], day: "", place: "" };
        for page in ["", BEGIN, END, &format!("{END}\n{BEGIN}\n")] {
            assert!(written(page, &nothing).is_err(), "{page}");
        }
    }

    #[test]
    fn the_page_stands_as_it_would_be_written() {
        let page = include_str!("../../../docs/proof.md");
        assert_eq!(step(page, "", &[]), page);
    }
}
