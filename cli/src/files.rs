//! The files that `dashgate check` is given, as documents. Decides what each is: a policy, something of Envoy's, a Kubernetes
//! object, a compose file; not what is in it.

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
}

/// Reads them all, and what a compose file among them mounts for Envoy.
///
/// # Errors
/// Where one cannot be read. What is no YAML or JSON is a problem of that file.
pub fn read_all(names: &[String], report: &mut Report) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    let mut names = names.to_vec();
    let mut index = 0;
    while let Some(name) = names.get(index).cloned() {
        let documents = documents(&read(&name)?).unwrap_or_else(|message| {
            report.problem(Finding { file: index, path: String::new(), line: line_in(&message), message });
            Vec::new()
        });
        for document in &documents {
            if let Document::Compose(node) = document {
                let mounted = compose::configurations(node).into_iter().map(|path| beside(&name, &path));
                names.extend(mounted.filter(|path| Path::new(path).is_file()).collect::<Vec<_>>());
                let mut seen = Vec::new();
                names.retain(|name| {
                    !seen.contains(name) && {
                        seen.push(name.clone());
                        true
                    }
                });
            }
        }
        files.push(File { name, documents });
        index += 1;
    }
    Ok(files)
}

/// A path that a file names, from where that file lies.
fn beside(file: &str, path: &str) -> String {
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
