//! From a configuration's bytes to a policy, whole or not at all, with every problem by its path.

mod access;
mod compile;
mod cookies;
mod fields;
mod keys;
mod kinds;
mod openings;
mod reader;
mod schema;
mod shape;
mod sites;
mod texts;
mod url;

pub use fields::FORMATS;
pub use fields::{Field, Shape};
pub use schema::{reference, schema};
pub use shape::Problem;

use crate::json::Json;
use crate::policy::Gate;
use crate::structpb;

/// Looks an environment variable up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Gate {
    /// Reads a configuration: JSON text, or a `google.protobuf.Struct` as Envoy hands native YAML over.
    ///
    /// # Errors
    /// Every problem there is, each with its path; none holds a secret.
    pub fn load(document: &[u8], environment: Environment<'_>) -> Result<Self, Vec<Problem>> {
        let document = parse(document)?;
        let mut problems = Vec::new();
        shape::check(&document, &fields::DOCUMENT, "", &mut problems);
        // Meaning is checked on what has the right shape only; one level of nonsense is enough at a time.
        if problems.is_empty() { compile::compile(&document, environment) } else { Err(problems) }
    }
}

/// A `Struct` begins with the byte 0A, which JSON takes for a space: it is tried first where a document begins with it,
/// because no JSON text is a whole `Struct` by accident.
fn parse(document: &[u8]) -> Result<Json<'_>, Vec<Problem>> {
    if document.first() == Some(&0x0a)
        && let Ok(parsed) = structpb::parse(document)
    {
        return Ok(parsed);
    }
    Json::parse(document)
        .map_err(|message| vec![Problem::new("", format!("is neither JSON nor a google.protobuf.Struct: {message}"))])
}
