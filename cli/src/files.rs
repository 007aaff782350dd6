//! The files that `dashgate check` is given, as documents, and those that they name. Decides what each is: a policy, something of
//! Envoy's, a Kubernetes object, a compose file; not what is in it.

use std::path::Path;

use crate::check::{Finding, Report};
use crate::output::Failure;
use crate::policy::{is_policy, read};
use crate::tree::Node;
use crate::yaml::{self, Reader};
use crate::{compose, kubernetes};

/// One file.
pub struct File {
    /// As it was given, or as a compose file names it.
    pub name: String,
    /// What it holds; nothing where it is neither YAML nor JSON.
    pub documents: Vec<Document>,
    /// Of a compose file: the first file of the stack that it is a part of; none where another one only borrows from it.
    pub stack: Option<usize>,
}

/// One document of a file.
pub enum Document {
    /// A policy by itself.
    Policy(Node),
    /// What `render` reads: a policy, and where its parts run.
    Rendered(Node),
    /// A bootstrap, or the resource of a filter or listener.
    Envoy(Node),
    /// A Kubernetes object, or a list of them.
    Kubernetes(Node),
    /// A compose file. The Envoy configuration it mounts is a file of its own.
    Compose(Node),
    /// Something that an Envoy's container mounts and that is not Envoy's.
    Other,
}

/// Why a file is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was given.
    Given,
    /// A compose file mounts it for Envoy.
    Mounted,
    /// It is a part of that file's stack: `include`, or the override that compose reads by itself.
    Part(usize),
    /// A service extends one of its own.
    Borrowed,
}

/// What compose reads without being told, and what it then reads, too.
const DEFAULTS: [(&str, &str); 4] = [
    ("compose.yaml", "compose.override.yaml"),
    ("compose.yml", "compose.override.yml"),
    ("docker-compose.yaml", "docker-compose.override.yaml"),
    ("docker-compose.yml", "docker-compose.override.yml"),
];

/// Reads them all, and what a compose file among them names.
///
/// # Errors
/// Where one cannot be read. What is no YAML or JSON is a problem of that file.
pub fn read_all(names: &[String], report: &mut Report) -> Result<Vec<File>, Failure> {
    let mut files: Vec<File> = Vec::new();
    let mut queue: Vec<(String, Origin)> = names.iter().map(|name| (name.clone(), Origin::Given)).collect();
    while let Some((name, origin)) = queue.get(files.len()).cloned() {
        let index = files.len();
        let mut documents = documents(&read(&name)?).unwrap_or_else(|message| {
            report.problem(Finding { file: index, path: String::new(), line: line_in(&message), message });
            Vec::new()
        });
        for document in documents.iter_mut().filter(|_| origin == Origin::Mounted) {
            if matches!(document, Document::Policy(policy) if policy.member("dashboards").is_none()) {
                *document = Document::Other;
            }
        }
        let stack = match origin {
            Origin::Part(root) => Some(root),
            Origin::Borrowed => None,
            // Files that are given together and lie together are what `docker compose -f A -f B` puts together.
            Origin::Given | Origin::Mounted => files
                .iter()
                .position(|file| is_compose(file) && directory(&file.name) == directory(&name))
                .and_then(|first| files[first].stack)
                .or(Some(index)),
        };
        for document in &documents {
            if let Document::Compose(node) = document {
                let mounted = compose::configurations(node).into_iter().map(|path| (path, Origin::Mounted));
                let borrowed = compose::borrowed(node).into_iter().map(|path| (path, Origin::Borrowed));
                let included = compose::included(node).into_iter();
                let included = included.filter_map(|path| Some((path, stack.map(Origin::Part)?)));
                let named = mounted.chain(borrowed).chain(included);
                queue.extend(named.map(|(path, origin)| (beside(&name, &path), origin)));
            }
        }
        let file = File { name, documents, stack };
        if origin == Origin::Given && is_compose(&file) && stack == Some(index) {
            let others = names.iter().filter(|other| **other != file.name);
            let alone = !others.filter(|other| directory(other) == directory(&file.name)).any(|other| {
                read(other).ok().and_then(|text| self::documents(&text).ok()).is_some_and(|found| holds_compose(&found))
            });
            let own = DEFAULTS.iter().find(|(default, _)| Path::new(&file.name).ends_with(default));
            queue.extend(own.filter(|_| alone).map(|(_, other)| (beside(&file.name, other), Origin::Part(index))));
        }
        files.push(file);
        let mut seen: Vec<String> = Vec::new();
        queue.retain(|(name, origin)| {
            let wanted = *origin == Origin::Given || Path::new(name).is_file();
            let is_new = wanted && !seen.contains(name);
            seen.extend(is_new.then(|| name.clone()));
            is_new
        });
    }
    Ok(files)
}

fn is_compose(file: &File) -> bool {
    holds_compose(&file.documents)
}

fn holds_compose(documents: &[Document]) -> bool {
    documents.iter().any(|document| matches!(document, Document::Compose(_)))
}

fn directory(name: &str) -> &Path {
    Path::new(name).parent().unwrap_or(Path::new(""))
}

/// A path that a file names, from where that file lies.
pub fn beside(file: &str, path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    match Path::new(file).parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(directory) => directory.join(path).to_string_lossy().into_owned(),
        None => path.to_owned(),
    }
}

fn documents(text: &str) -> Result<Vec<Document>, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return Ok(vec![sort(Node::parse(text)?)]);
    }
    let mut documents = yaml::parse_all(text, Reader::Envoy)?;
    if documents.iter().any(kubernetes::is_object) {
        documents = yaml::parse_all(text, Reader::Kubernetes)?;
        return Ok(documents.into_iter().map(Document::Kubernetes).collect());
    }
    if documents.iter().any(compose::is_compose) {
        documents = yaml::parse_all(text, Reader::Compose)?;
        return Ok(documents.into_iter().map(Document::Compose).collect());
    }
    // One document is all that Envoy and the gate read.
    Node::parse(text).map(|document| vec![sort(document)])
}

fn sort(document: Node) -> Document {
    if kubernetes::is_object(&document) || kubernetes::is_values(&document) {
        Document::Kubernetes(document)
    } else if compose::is_compose(&document) {
        Document::Compose(document)
    } else if document.member("policy").is_some() && document.member("deployment").is_some() {
        Document::Rendered(document)
    } else if is_policy(&document) {
        Document::Policy(document)
    } else {
        Document::Envoy(document)
    }
}

/// The line that a parser's message names.
fn line_in(message: &str) -> Option<usize> {
    let (_, rest) = message.rsplit_once("at line ")?;
    rest.split(' ').next()?.parse().ok()
}
