//! The part of a policy that concerns one dashboard, as it is written: what stands beside that dashboard need know no other
//! dashboard's keys. Decides nothing about the policy itself.

use crate::tree::Node;

/// The policy's text without the other dashboards, the session kinds that this one does not name, and the keys that are left
/// over then.
///
/// # Errors
/// Where there is no such dashboard, or the text is laid out so that no line can be left out of it.
pub fn to(text: &str, dashboard: &str) -> Result<String, String> {
    let policy = Node::parse(text)?;
    let list = |name: &str| policy.member(name).map(Node::items).unwrap_or_default();
    let kinds = policy.member("sessions").map(Node::members).unwrap_or_default();
    let own = list("dashboards").iter().find(|item| named(item, "name") == Some(dashboard));
    let own = own.ok_or_else(|| format!("{dashboard} is not the name of a dashboard"))?;
    let has_kind = |kind: &str| texts(own, "sessions").any(|name| name == kind);
    let has_key =
        |id| kinds.iter().any(|(kind, node)| has_kind(kind) && texts(node, "keys").any(|key| Some(key) == id));
    let kept: [(&str, Vec<bool>); 3] = [
        ("keys", list("keys").iter().map(|key| has_key(named(key, "id"))).collect()),
        ("sessions", kinds.iter().map(|(kind, _)| has_kind(kind)).collect()),
        ("dashboards", list("dashboards").iter().map(|item| named(item, "name") == Some(dashboard)).collect()),
    ];
    let mut lines: Vec<&str> = text.lines().collect();
    for (section, kept) in kept {
        lines = without(&lines, section, &kept)?;
    }
    Ok(lines.join("\n"))
}

fn named<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    node.member(name).and_then(Node::text)
}

fn texts<'a>(node: &'a Node, name: &str) -> impl Iterator<Item = &'a str> {
    node.member(name).map(Node::items).unwrap_or_default().iter().filter_map(Node::text)
}

/// The lines without those entries of a section that are not kept; a section that keeps none goes as well.
fn without<'a>(lines: &[&'a str], section: &str, kept: &[bool]) -> Result<Vec<&'a str>, String> {
    if kept.iter().all(|kept| *kept) {
        return Ok(lines.to_vec());
    }
    let header = format!("{section}:");
    let begins = |line: &str| line.starts_with(|first: char| first.is_ascii_alphabetic());
    let start = lines.iter().position(|line| line.trim_end() == header).map_or(lines.len(), |at| at + 1);
    let (before, rest) = lines.split_at(start);
    let length = rest.iter().position(|line| begins(line)).unwrap_or(rest.len());
    let (body, after) = rest.split_at(length);

    // Entries begin where the first one begins; what is between, comments too, belongs to the one before.
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_entry = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let first = body.iter().find(is_entry).map_or(0, |line| indent(line));
    let mut entry = None;
    let mut written = before.to_vec();
    for line in body {
        if is_entry(&line) && indent(line) == first {
            entry = Some(entry.map_or(0, |entry| entry + 1));
        }
        if entry.is_none_or(|entry: usize| kept.get(entry) == Some(&true)) {
            written.push(line);
        }
    }
    if entry.map_or(0, |last| last + 1) != kept.len() {
        return Err(format!("{section}: must be a block with one entry a line, so that some can be left out"));
    }
    if !kept.contains(&true) {
        written.truncate(start - 1);
    }
    written.extend(after);
    Ok(written)
}
