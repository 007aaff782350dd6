//! `dashgate label`: the host label of a subject or session id, for portals that link to `https://{subject}.hub.example.org/`.

use crate::arguments::Label;
use crate::output::{Failure, Outcome, hint, print};

/// The most bytes of a host label (RFC 1035 section 2.3.4).
const MOST: usize = 63;

/// Runs the command.
///
/// # Errors
/// Where stdout is closed.
pub fn run(arguments: &Label) -> Result<Outcome, Failure> {
    let label = gate::label(&arguments.name);
    if label.len() > MOST {
        hint(&format!("it would have {} bytes, and a host label has {MOST} at most: use a path", label.len()));
        return Ok(Outcome::Refused);
    }
    print(&format!("{label}\n"))?;
    Ok(Outcome::Fine)
}
