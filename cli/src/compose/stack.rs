//! The compose files of one stack together, as `docker compose` reads them: several files, `include`, `extends`. Decides which services
//! there are; what they say is in [`super::service`].

use super::service::Service;
use crate::files::{Document, File, beside};
use crate::place::Place;
use crate::tree::{Node, Value};

/// The most services that extend one another in a row.
const MAX_EXTENDED: usize = 16;

/// A stack.
pub struct Stack<'a> {
    pub services: Vec<Service<'a>>,
    /// The documents, the first file's first.
    pub roots: Vec<Place<'a>>,
}

impl<'a> Stack<'a> {
    /// A service by its name, or its container's.
    pub fn find(&self, name: &str) -> Option<&Service<'a>> {
        let named = |service: &&Service<'a>| service.name == name;
        let contained = |service: &&Service<'a>| service.text("container_name").as_deref() == Some(name);
        self.services.iter().find(named).or_else(|| self.services.iter().find(contained))
    }

    /// An entry of a map on the files' top level; the last file's counts.
    pub fn entry(&self, map: &str, name: &str) -> Option<Place<'a>> {
        self.roots
            .iter()
            .rev()
            .find_map(|root| root.member(map)?.members().into_iter().find(|(known, _)| *known == name))
            .map(|(_, place)| place)
    }
}

/// Whether a document is a compose file, or a part of one.
pub fn is_compose(document: &Node) -> bool {
    const KNOWN: [&str; 9] =
        ["version", "name", "services", "networks", "volumes", "configs", "secrets", "include", "models"];
    let is_known = |name: &str| KNOWN.contains(&name) || name.starts_with("x-");
    let services = document.member("services").map(Node::members).unwrap_or_default();
    let is_service = |service: &Node| ["image", "build", "extends"].iter().any(|name| service.member(name).is_some());
    let all_known = document.members().iter().all(|(name, _)| is_known(name));
    let has_services = !services.is_empty() && services.iter().all(|(_, node)| matches!(node.value, Value::Map(_)));
    services.iter().any(|(_, service)| is_service(service))
        || (all_known && (has_services || document.member("include").is_some()))
}

/// The files that it mounts for Envoy and that look like configuration, as it names them.
pub fn configurations(document: &Node) -> Vec<String> {
    let root = Place::root(document);
    let mut found = Vec::new();
    for (name, place) in services(&root) {
        let service = Service { name, layers: vec![place] };
        if !service.is_envoy() {
            continue;
        }
        found.extend(service.mounts().into_iter().map(|mount| mount.source));
        for config in service.list("configs") {
            let name = config.node.text().or_else(|| config.text("source")).unwrap_or_default();
            found.extend(root.deep(&["configs", name, "file"]).and_then(|file| file.scalar()));
        }
    }
    found.retain(|path| [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end)));
    found
}

/// The files whose services it extends.
pub fn borrowed(document: &Node) -> Vec<String> {
    let root = Place::root(document);
    services(&root).iter().filter_map(|(_, service)| service.deep(&["extends", "file"])?.scalar()).collect()
}

/// The files that it includes.
pub fn included(document: &Node) -> Vec<String> {
    let mut found = Vec::new();
    for entry in Place::root(document).list("include") {
        let path = entry.member("path").unwrap_or(entry);
        found.extend(path.scalar());
        found.extend(path.items().iter().filter_map(|item| item.scalar()));
    }
    found
}

/// The stacks of the files.
pub fn all(files: &[File]) -> Vec<Stack<'_>> {
    let mut stacks: Vec<(usize, Stack<'_>)> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let Some(first) = file.stack else { continue };
        for document in &file.documents {
            let Document::Compose(node) = document else { continue };
            let known = stacks.iter().position(|(known, _)| *known == first);
            let at = known.unwrap_or_else(|| {
                stacks.push((first, Stack { services: Vec::new(), roots: Vec::new() }));
                stacks.len() - 1
            });
            let root = Place::of_file(node, index);
            let stack = &mut stacks[at].1;
            for (name, place) in services(&root) {
                let layers = layers(files, &root, &place, 0);
                match stack.services.iter_mut().find(|service| service.name == name) {
                    Some(service) => service.layers.extend(layers),
                    None => stack.services.push(Service { name, layers }),
                }
            }
            stack.roots.push(root);
        }
    }
    stacks.into_iter().map(|(_, stack)| stack).collect()
}

/// A service after what it extends.
fn layers<'a>(files: &'a [File], root: &Place<'a>, service: &Place<'a>, depth: usize) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    if let Some(extends) = service.member("extends").filter(|_| depth < MAX_EXTENDED) {
        let name = extends.scalar().or_else(|| extends.word("service")).unwrap_or_default();
        let source = match extends.word("file") {
            None => Some(root.clone()),
            Some(file) => {
                let path = beside(&files[root.file].name, &file);
                let index = files.iter().position(|file| file.name == path);
                index.and_then(|index| match files[index].documents.as_slice() {
                    [Document::Compose(node)] => Some(Place::of_file(node, index)),
                    _ => None,
                })
            }
        };
        if let Some(source) = source
            && let Some((_, extended)) = services(&source).into_iter().find(|(known, _)| *known == name)
        {
            found = layers(files, &source, &extended, depth + 1);
        }
    }
    found.push(service.clone());
    found
}

fn services<'a>(root: &Place<'a>) -> Vec<(&'a str, Place<'a>)> {
    root.member("services").map(|services| services.members()).unwrap_or_default()
}
