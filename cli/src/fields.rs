//! Which fields a message has: those it does not have are told, with the field that was probably meant. Decides nothing about
//! their values. A reader that drops what it does not know turns a misspelt setting into none at all.

use crate::check::Report;
use crate::place::Place;

/// What a value is made of.
pub enum Shape {
    /// Not looked into.
    Any,
    /// A message with these fields and no others.
    Fields(&'static [(&'static str, Shape)]),
    /// A list of such values.
    List(&'static Shape),
}

/// Tells every field that has no place there, and `what` becomes of it.
pub fn check(place: &Place<'_>, shape: &Shape, what: &str, report: &mut Report) {
    match shape {
        Shape::Any => {}
        Shape::List(inner) => place.items().iter().for_each(|item| check(item, inner, what, report)),
        Shape::Fields(fields) => {
            for (name, member) in place.members() {
                let known = fields.iter().find(|(known, _)| *known == name || camel_case(known) == name);
                if let Some((_, shape)) = known {
                    check(&member, shape, what, report);
                } else if name != "@type" {
                    let names: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
                    let meant = match nearest(name, names.iter().copied()) {
                        Some(meant) => format!("; {meant} is"),
                        None if names.len() < 5 => format!("; known are {}", names.join(", ")),
                        None => String::new(),
                    };
                    report.problem(member.finding(format!("is not a known field{meant}: {what}")));
                }
            }
        }
    }
}

/// The word that was probably meant, if there is one.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let farthest = 1 + word.len() / 5;
    let distances = known.map(|candidate| (distance(&plain(word), &plain(candidate)), candidate));
    distances.min().filter(|(distance, _)| *distance <= farthest).map(|(_, candidate)| candidate)
}

/// `failure_policy` and `failurePolicy` are one word.
fn plain(word: &str) -> Vec<char> {
    word.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect()
}

/// How many letters must be put in, taken out or changed.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.iter().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (above, candidate) in row.iter_mut().skip(1).zip(other) {
            let changed = diagonal + usize::from(letter != candidate);
            diagonal = *above;
            left = changed.min(*above + 1).min(left + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The name of a protobuf field in its JSON form.
pub fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        let known = ["failure_policy", "fail_open", "name"];
        for (word, meant) in [
            ("failure_polic", Some("failure_policy")),
            ("failurePolcy", Some("failure_policy")),
            ("failopen", Some("fail_open")),
            ("nam", Some("name")),
            ("configuration", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known.into_iter()), meant, "{word}");
        }
        assert_eq!(distance(&plain("kitten"), &plain("sitting")), 3);
    }
}
