//! One service as compose sees it: what it extends, then itself, then what overrides it. Decides what its fields say, in their short
//! and long forms; not whether that is wise.

use crate::place::Place;
use crate::yaml::{OVERRIDE, RESET};

/// A service.
#[derive(Clone)]
pub struct Service<'a> {
    pub name: &'a str,
    /// A later one adds to those before, or takes their place.
    pub layers: Vec<Place<'a>>,
}

/// Something mounted into a container.
pub struct Mount<'a> {
    /// A volume's name, or a path of the machine's, which has a slash.
    pub source: String,
    pub target: String,
    pub place: Place<'a>,
}

impl<'a> Service<'a> {
    /// Where it stands.
    pub fn place(&self) -> &Place<'a> {
        &self.layers[0]
    }

    /// A field, as the last layer that has it says.
    pub fn field(&self, name: &str) -> Option<Place<'a>> {
        let mut found = None;
        for place in self.layers.iter().filter_map(|layer| layer.member(name)) {
            found = if place.member(RESET).is_some() { None } else { place.member(OVERRIDE).or(Some(place)) };
        }
        found
    }

    /// The values of a field that layers add to: the items of lists, or the value itself.
    pub fn list(&self, name: &str) -> Vec<Place<'a>> {
        let mut found = Vec::new();
        for place in self.layers.iter().filter_map(|layer| layer.member(name)) {
            let instead = place.member(OVERRIDE);
            if instead.is_some() || place.member(RESET).is_some() {
                found.clear();
            }
            if place.member(RESET).is_none() {
                found.push(instead.unwrap_or(place));
            }
        }
        found.into_iter().flat_map(|place| if place.scalar().is_some() { vec![place] } else { place.items() }).collect()
    }

    /// A scalar field, with the defaults of its variables put in.
    pub fn text(&self, name: &str) -> Option<String> {
        self.field(name).and_then(|place| place.scalar()).map(|text| filled(&text))
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text == "true")
    }

    /// A map of names, or a list of `NAME=value`: each name with its value as it is written.
    pub fn pairs(&self, path: &[&str]) -> Vec<(String, String, Place<'a>)> {
        let mut found: Vec<(String, String, Place<'a>)> = Vec::new();
        for place in self.layers.iter().filter_map(|layer| layer.deep(path)) {
            let place = place.member(OVERRIDE).unwrap_or(place);
            let listed = place.items().into_iter().filter_map(|item| {
                let text = item.node.text()?;
                let (name, value) = text.split_once('=').unwrap_or((text, ""));
                Some((name.to_owned(), value.to_owned(), item))
            });
            let mapped = place.members().into_iter();
            let mapped = mapped.map(|(name, place)| (name.to_owned(), place.scalar().unwrap_or_default(), place));
            for pair in listed.chain(mapped) {
                found.retain(|(name, ..)| *name != pair.0);
                found.push(pair);
            }
        }
        found
    }

    /// The words of a command, in either form.
    pub fn words(&self, name: &str) -> Vec<(String, Place<'a>)> {
        let Some(command) = self.field(name) else { return Vec::new() };
        let places = if command.items().is_empty() { vec![command] } else { command.items() };
        let words = |place: Place<'a>| {
            let text = filled(&place.scalar().unwrap_or_default());
            text.split_whitespace().map(|word| (word.to_owned(), place.clone())).collect::<Vec<_>>()
        };
        places.into_iter().flat_map(words).collect()
    }

    /// The networks that it is on, each with its settings there.
    pub fn networks(&self) -> Vec<(String, Place<'a>)> {
        if self.text("network_mode").is_some_and(|mode| mode != "bridge" && mode != "default") {
            return Vec::new();
        }
        let mut found: Vec<(String, Place<'a>)> = Vec::new();
        for place in self.layers.iter().filter_map(|layer| layer.member("networks")) {
            let instead = place.member(OVERRIDE);
            if instead.is_some() || place.member(RESET).is_some() {
                found.clear();
            }
            let place = instead.unwrap_or(place);
            found.extend(place.items().into_iter().filter_map(|item| Some((filled(item.node.text()?), item))));
            let named = place.members().into_iter().filter(|(name, _)| *name != RESET);
            found.extend(named.map(|(name, place)| (name.to_owned(), place)));
        }
        if found.is_empty() {
            found.push(("default".to_owned(), self.place().clone()));
        }
        found
    }

    /// The service or container whose network it shares.
    pub fn neighbour(&self) -> Option<String> {
        let mode = self.text("network_mode")?;
        mode.split_once(':')
            .filter(|(kind, _)| matches!(*kind, "service" | "container"))
            .map(|(_, name)| name.to_owned())
    }

    /// The names and addresses by which others find it.
    pub fn hosts(&self) -> Vec<String> {
        let mut names = vec![self.name.to_owned()];
        names.extend(self.text("container_name"));
        names.extend(self.text("hostname"));
        for (_, settings) in self.networks() {
            names.extend(settings.list("aliases").iter().filter_map(|alias| alias.node.text()).map(str::to_owned));
            names.extend(["ipv4_address", "ipv6_address"].iter().filter_map(|name| settings.word(name)));
        }
        names
    }

    /// What is mounted into it.
    pub fn mounts(&self) -> Vec<Mount<'a>> {
        let read = |place: Place<'a>| {
            let (source, target) = match place.scalar() {
                Some(text) => {
                    let text = filled(&text);
                    let mut parts = text.split(':');
                    let source = parts.next().unwrap_or_default().to_owned();
                    let target = parts.next().unwrap_or_default().to_owned();
                    (source, target)
                }
                None => {
                    let said = |names: &[&str]| names.iter().find_map(|name| place.word(name)).unwrap_or_default();
                    (filled(&said(&["source", "src"])), said(&["target", "destination", "dst"]))
                }
            };
            let source = match source.as_str() {
                "." | "/" => source,
                _ => source.trim_end_matches('/').to_owned(),
            };
            Mount { source, target, place }
        };
        self.list("volumes").into_iter().map(read).filter(|mount| !mount.target.is_empty()).collect()
    }

    /// Whether it runs Envoy: by its name, its image, its command, or where a file is mounted.
    pub fn is_envoy(&self) -> bool {
        let image = self.text("image").unwrap_or_default();
        let repository = image.split('@').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        let runs = ["command", "entrypoint"]
            .iter()
            .flat_map(|field| self.words(field))
            .any(|(word, _)| word.rsplit('/').next() == Some("envoy"));
        let target = self.field("build").and_then(|build| build.word("target"));
        runs || self.name == "envoy"
            || target.as_deref() == Some("envoy")
            || (repository.contains("envoy") && !repository.contains("exporter"))
            || (image.is_empty() && self.name.contains("envoy"))
            || self.mounts().iter().any(|mount| mount.target.starts_with("/etc/envoy/"))
    }

    /// Whether it is a store of data, which speaks no HTTP to browsers.
    pub fn is_store(&self) -> bool {
        const STORES: [&str; 9] =
            ["postgres", "postgresql", "mysql", "mariadb", "redis", "valkey", "mongo", "memcached", "timescaledb"];
        let image = self.text("image").unwrap_or_default();
        let repository = image.split(['@', ':']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        STORES.contains(&repository)
    }
}

/// The deepest default within a default that is looked at.
const MAX_DEFAULTS: usize = 16;

/// A text with the default of each variable that has one; a variable without is nothing.
pub fn filled(text: &str) -> String {
    filled_within(text, 0)
}

fn filled_within(text: &str, depth: usize) -> String {
    let mut rest = text;
    let mut filled = String::new();
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            filled.push('$');
            rest = after;
        } else if let Some((variable, after)) = after.strip_prefix('{').and_then(braced) {
            if depth < MAX_DEFAULTS {
                filled.push_str(&filled_within(default(variable).unwrap_or_default(), depth + 1));
            }
            rest = after;
        } else {
            rest = after.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        }
    }
    filled + rest
}

/// What stands before the brace that closes, and what after it: a default may hold variables of its own.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1_usize;
    for (at, letter) in text.char_indices() {
        depth = match letter {
            '{' => depth + 1,
            '}' => depth - 1,
            _ => depth,
        };
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

/// The default in a variable such as `NAME:-default`.
fn default(variable: &str) -> Option<&str> {
    let end = variable.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
    let rest = &variable[end..];
    rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'))
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn puts_the_defaults_of_variables_in() {
        for (text, told) in [
            ("${A:-127.0.0.1}:${B:-8443}:8443", "127.0.0.1:8443:8443"),
            ("${A-x}$B.${C:?must be said}", "x."),
            ("$$A ${A:-${B:-c}} ${A", "$A c {A"),
        ] {
            assert_eq!(filled(text), told);
        }
        assert_eq!(filled(&format!("{}x{}", "${A:-".repeat(100_000), "}".repeat(100_000))), "");
    }
}
