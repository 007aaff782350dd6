//! `dashgate schema`: the JSON Schema of a policy, or its reference page, both made from the gate's own table.

use crate::arguments::Schema;
use crate::output::{Failure, Outcome, print};

const INTRODUCTION: &str = include_str!("schema/introduction.md");
const EXAMPLE: &str = include_str!("schema/example.yaml");

/// Runs the command.
///
/// # Errors
/// Where stdout is closed.
pub fn run(arguments: &Schema) -> Result<Outcome, Failure> {
    let text = if arguments.reference {
        INTRODUCTION.replace("{{example}}", EXAMPLE) + &gate::config::reference()
    } else {
        format!("{:#}\n", gate::config::schema())
    };
    print(&text)?;
    Ok(Outcome::Fine)
}
