//! Connect forms, off: where the gate cannot hold a request's body, a form would wait for ever. Connect by fragment needs none.

use crate::tree::{Node, Value};

const OFF: &str = "form: false";

/// The policy's text with forms off, said where its `connect` begins.
///
/// # Errors
/// Where the policy itself says that they are on.
pub fn off(text: &str, policy: &Node) -> Result<String, String> {
    let Some(connect) = policy.member("connect").filter(|connect| !connect.members().is_empty()) else {
        return Ok(text.to_owned());
    };
    match connect.member("form").map(|form| &form.value) {
        Some(Value::Bool(false)) => return Ok(text.to_owned()),
        Some(_) => {
            return Err("policy.connect.form: nothing here can hold a form for the gate: false, or left out".to_owned());
        }
        None => {}
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let found = lines.iter().position(|line| line.starts_with("connect:"));
    let begin = found.ok_or("policy.connect: must begin a line of its own")?;
    if let Some((before, after)) = lines[begin].split_once('{') {
        lines[begin] = format!("{before}{{{OFF}, {after}");
    } else {
        let indent: String =
            lines.get(begin + 1).map(|line| line.chars().take_while(|one| *one == ' ').collect()).unwrap_or_default();
        lines.insert(
            begin + 1,
            format!("{indent}{OFF}    # nothing here can hold a form for the gate: connect by fragment"),
        );
    }
    Ok(lines.join("\n"))
}
