//! What can be rendered: for each target its section of a deployment, what that says, and the template it begins with.
//!
//! A new target is a row here and a template beside the others.

use crate::arguments::Target;

/// What a field holds.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the edge needs no words and no flags")]
pub enum Kind {
    /// A name or a path, which stands for itself in YAML.
    Plain,
    /// An IP address and a port: the template has `.host` and `.port`.
    Address,
    /// Some lines of text, which become a comment.
    Remark,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`; left out, it is `false`.
    Flag,
}

/// One field of a section.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it is when it is left out; without this it must be there.
    pub default: Option<&'static str>,
}

/// What one target needs to know.
pub struct Section {
    /// Its name in the deployment.
    pub name: &'static str,
    /// The template the output begins with.
    pub template: &'static str,
    /// What it says.
    pub fields: &'static [Field],
}

/// The templates, each named as the others include it.
pub const TEMPLATES: &[(&str, &str)] = &[
    ("edge.yaml", include_str!("templates/edge.yaml")),
    ("routes.yaml", include_str!("templates/routes.yaml")),
    ("cluster.yaml", include_str!("templates/cluster.yaml")),
];

const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, default: None }
}

const fn may(name: &'static str, kind: Kind, default: &'static str) -> Field {
    Field { name, kind, default: Some(default) }
}

const EDGE: Section = Section {
    name: "edge",
    template: "edge.yaml",
    fields: &[
        may("remark", Kind::Remark, ""),
        must("node", Kind::Plain),
        must("listen", Kind::Address),
        may("redirect", Kind::Address, ""),
        must("metrics", Kind::Address),
        must("admin", Kind::Plain),
        must("tls", Kind::Plain),
        must("module", Kind::Plain),
    ],
};

/// An edge whose parts are containers: what it says of them differs, what is made of it does not.
const COMPOSE: Section = Section { name: "compose", ..EDGE };

/// The section of a target.
pub fn section(target: Target) -> &'static Section {
    match target {
        Target::Edge => &EDGE,
        Target::Compose => &COMPOSE,
    }
}

/// Every section's name: a file may hold several.
pub const NAMES: &[&str] = &[EDGE.name, COMPOSE.name];
