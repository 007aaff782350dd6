//! The table: medians over rounds of what a scenario adds to its base, the ratio to `jwt_authn`, and whether the goals hold.

use super::Samples;
use super::envoy::Envoy;
use crate::step::{Outcome, Problem};

/// The scenario every ratio is to.
const YARDSTICK: &str = "jwt_authn";

/// One measured line: microseconds a request, in all and beyond the base.
struct Line<'a> {
    name: &'a str,
    is_base: bool,
    whole: f64,
    added: f64,
    /// The middle half of the rounds.
    from: f64,
    to: f64,
}

/// The table, the goals, the memory and what was measured on.
pub fn text(samples: &[Samples], memory: &str, described: &str) -> Outcome<String> {
    let lines: Vec<Line<'_>> = samples.iter().map(|one| line(one, samples)).collect::<Outcome<_>>()?;
    let yardstick = added(&lines, YARDSTICK)?;
    if yardstick <= 0.0 {
        return Err(Problem::new("jwt_authn measures as free: the machine is too busy to measure on"));
    }
    let mut text = format!(
        "\nCPU of Envoy in microseconds a request, medians over rounds\n\n{:<43}{:>8}{:>9}{:>16}{:>14}\n",
        "", "in all", "added", "middle half", "of jwt_authn"
    );
    for line in &lines {
        if line.is_base {
            text.push_str(&format!("{:<43}{:>8.1}\n", line.name, line.whole));
        } else {
            let middle = format!("{:.1} to {:.1}", line.from, line.to);
            text.push_str(&format!(
                "{:<43}{:>8.1}{:>9.1}{middle:>16}{:>14.2}\n",
                line.name,
                line.whole,
                line.added,
                line.added / yardstick
            ));
        }
    }
    text.push('\n');
    let permit = added(&lines, "permit")?;
    text.push_str(&goal("a permit costs no more than jwt_authn", permit / yardstick, 1.0));
    let dearest = lines
        .iter()
        .filter(|line| line.name.starts_with("refusal") && !line.name.ends_with("spared"))
        .fold(("", 0.0), |known, line| if line.added > known.1 { (line.name, line.added) } else { known });
    let refusals = format!("a refusal costs no more than a permit (dearest: {})", dearest.0);
    text.push_str(&goal(&refusals, dearest.1 / permit, 1.0));
    for (what, base) in [
        ("1,000 dashboards", "permit"),
        ("100 keys", "permit"),
        ("10,000 origins", "permit, an allowed Origin"),
        ("10,000 sessions in turn", "permit"),
    ] {
        let ratio = added(&lines, &format!("permit, {what}"))? / added(&lines, base)?;
        text.push_str(&goal(&format!("{what} cost what one costs, within a tenth"), ratio, 1.1));
    }
    Ok(format!("{text}\n{memory}{described}"))
}

fn goal(what: &str, ratio: f64, limit: f64) -> String {
    let verdict = if ratio <= limit { "holds" } else { "DOES NOT HOLD" };
    format!("{verdict:<14}{what}: {ratio:.2}, at most {limit:.2}\n")
}

fn line<'a>(one: &'a Samples, all: &[Samples]) -> Outcome<Line<'a>> {
    let base = all
        .iter()
        .find(|other| other.scenario.name == one.scenario.base)
        .ok_or_else(|| Problem::new(format!("`{}` has no base", one.scenario.name)))?;
    // Round by round, so that what slowed a whole round falls out.
    let added: Vec<f64> = one.nanos.iter().zip(&base.nanos).map(|(nanos, base)| nanos - base).collect();
    Ok(Line {
        name: one.scenario.name,
        is_base: one.scenario.name == one.scenario.base,
        whole: quantile(&one.nanos, 0.5) / 1000.0,
        added: quantile(&added, 0.5) / 1000.0,
        from: quantile(&added, 0.25) / 1000.0,
        to: quantile(&added, 0.75) / 1000.0,
    })
}

fn added(lines: &[Line<'_>], name: &str) -> Outcome<f64> {
    let line = lines.iter().find(|line| line.name == name);
    line.map(|line| line.added).ok_or_else(|| Problem::new(format!("`{name}` was not measured")))
}

/// A quantile with the two nearest samples in proportion.
fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let place = part * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    at(low) + (at(high) - at(low)) * (place - place.floor())
}

/// What the Envoys hold in memory after all that.
pub fn memory(envoys: &[Envoy]) -> Outcome<String> {
    let of = |name: &str| -> Outcome<f64> {
        let envoy = envoys.iter().find(|envoy| envoy.name == name);
        envoy.ok_or_else(|| Problem::new(format!("no Envoy `{name}` runs")))?.resident_megabytes()
    };
    Ok(format!(
        "memory: {:.0} MB without a filter, {:.0} with jwt_authn, {:.0} with dashgate, {:.0} with six policies of it in one\n",
        of("none")?,
        of("jwt_authn")?,
        of("upstream-dashgate")?,
        of("dashgate")?
    ))
}
