//! `dashgate keygen`: a fresh key, 32 bytes of the operating system's randomness.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gate::session::hexadecimal;

use crate::arguments::{Encoding, Keygen};
use crate::output::{Failure, Outcome, hint, print, print_json};

/// Runs the command.
///
/// # Errors
/// Where the operating system has no randomness.
pub fn run(arguments: &Keygen) -> Result<Outcome, Failure> {
    let mut bytes = [0u8; 32];
    random(&mut bytes)?;
    let key = match arguments.encoding {
        Encoding::Base64url => URL_SAFE_NO_PAD.encode(bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Hex => hexadecimal(&bytes),
    };
    let encoding = arguments.encoding.word();
    if arguments.json {
        print_json(&serde_json::json!({"key": key, "encoding": encoding, "bytes": bytes.len()}))?;
    } else {
        print(&format!("{key}\n"))?;
    }
    hint(&format!(
        "put it into Envoy's environment and name it in the policy: \
         {{id: portal-1, env: DASHGATE_KEY, encoding: {encoding}}}"
    ));
    hint(&format!("export DASHGATE_KEY=\"$(dashgate keygen --encoding {encoding})\" keeps it out of sight"));
    Ok(Outcome::Fine)
}

/// Fills a buffer from the operating system.
///
/// # Errors
/// Where it has no randomness.
pub fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| Failure::new(format!("no randomness: {error}")))
}
