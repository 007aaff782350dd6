//! The table: medians over rounds of what a scenario adds to its base, the ratio to `jwt_authn`, and whether the goals hold.

use super::Samples;
use super::envoy::Envoy;
use super::formats::{self, STATES};
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

/// The table and the goals.
pub fn text(samples: &[Samples]) -> Outcome<String> {
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
    Ok(text)
}

/// A goal and whether it holds.
fn goal(what: &str, ratio: f64, limit: f64) -> String {
    let verdict = if ratio <= limit { "holds" } else { "DOES NOT HOLD" };
    format!("{verdict:<14}{what}: {ratio:.2}, at most {limit:.2}\n")
}

fn line<'a>(one: &'a Samples, all: &[Samples]) -> Outcome<Line<'a>> {
    let base = all
        .iter()
        .find(|other| other.name == one.base)
        .ok_or_else(|| Problem::new(format!("`{}` has no base", one.name)))?;
    // Round by round, so that what slowed a whole round falls out.
    let added: Vec<f64> = one.nanos.iter().zip(&base.nanos).map(|(nanos, base)| nanos - base).collect();
    Ok(Line {
        name: &one.name,
        is_base: one.name == one.base,
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
pub fn memory(envoys: &[Envoy], told: &[(&str, &str)]) -> Outcome<String> {
    let each = told.iter().map(|(name, words)| {
        let envoy = envoys.iter().find(|envoy| envoy.name == *name);
        let megabytes = envoy.ok_or_else(|| Problem::new(format!("no Envoy `{name}` runs")))?.resident_megabytes()?;
        Ok(format!("{megabytes:.0} MB {words}"))
    });
    Ok(format!("memory: {}\n", each.collect::<Outcome<Vec<_>>>()?.join(", ")))
}

/// The table of `bench formats`: of each format what it adds in parts of what `jwt_authn` adds in the same round.
pub fn formats(samples: &[Samples]) -> Outcome<String> {
    let yardstick = per_round(samples, YARDSTICK)?;
    let ratio = |name: &str| -> Outcome<[f64; 3]> {
        let ratios: Vec<f64> = per_round(samples, name)?.iter().zip(&yardstick).map(|(one, of)| one / of).collect();
        Ok([0.5, 0.25, 0.75].map(|part| quantile(&ratios, part)))
    };
    let cell = |name: &str| ratio(name).map(|[median, from, to]| format!("{median:.2} ({from:.2} to {to:.2})"));
    let microseconds = quantile(&yardstick, 0.5) / 1000.0;
    let mut text = format!(
        "\nCPU of Envoy beyond no filter, in parts of what jwt_authn (HS256, {microseconds:.1} microseconds) adds in the same \
         round:\nmedians over rounds, with their middle half\n\n{:<12}",
        ""
    );
    STATES.iter().for_each(|state| text.push_str(&format!("{state:>24}")));
    text.push('\n');
    for name in formats::names() {
        let cells = STATES.map(|state| cell(&format!("{name}, {state}")));
        text.push_str(&format!("{name:<12}"));
        for cell in cells {
            text.push_str(&format!("{:>24}", cell?));
        }
        text.push('\n');
    }
    text.push('\n');
    for name in ["jwt_authn, forged", "jwt_authn EdDSA", "jwt_authn EdDSA, forged"] {
        text.push_str(&format!("{name:<26}{:>22}\n", cell(name)?));
    }
    text.push('\n');
    for name in formats::names() {
        let forged = per_round(samples, &format!("{name}, forged"))?;
        for state in ["for the first time", "seen before"] {
            let permit = per_round(samples, &format!("{name}, {state}"))?;
            let ratios: Vec<f64> = forged.iter().zip(&permit).map(|(one, of)| one / of).collect();
            let what = format!("{name}: refusing a forged one costs no more than a permit, {state}, within a tenth");
            text.push_str(&goal(&what, quantile(&ratios, 0.5), 1.1));
        }
    }
    Ok(text)
}

/// What a scenario added to its base, round by round, in nanoseconds.
fn per_round(samples: &[Samples], name: &str) -> Outcome<Vec<f64>> {
    let find = |name: &str| {
        let found = samples.iter().find(|one| one.name == name);
        found.ok_or_else(|| Problem::new(format!("`{name}` was not measured")))
    };
    let one = find(name)?;
    let base = find(one.base)?;
    Ok(one.nanos.iter().zip(&base.nanos).map(|(nanos, base)| nanos - base).collect())
}
