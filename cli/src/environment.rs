//! Where keys come from: a file of NAME=VALUE lines first, then this process's environment. Never shows a value.

use std::collections::BTreeMap;
use std::fs;

use crate::output::Failure;

/// Variables by name.
#[derive(Default)]
pub struct Environment {
    file: BTreeMap<String, String>,
    stand_in: bool,
}

impl Environment {
    /// This process's, behind those of a file.
    ///
    /// # Errors
    /// Where the file cannot be read or a line has no `=`; the line's text is not repeated.
    pub fn with_file(path: Option<&str>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
        let mut file = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else {
                return Err(Failure::new(format!("{path}:{}: is not NAME=VALUE", index + 1)));
            };
            file.insert(name.trim().to_owned(), value.to_owned());
        }
        Ok(Self { file, stand_in: false })
    }

    /// One in which every variable holds a key of some kind, each another: to check a policy where its keys are not.
    pub fn without_keys() -> Self {
        Self { stand_in: true, ..Self::default() }
    }

    /// Looks a variable up.
    pub fn look_up(&self, name: &str) -> Option<String> {
        if self.stand_in {
            // At least 64 hexadecimal digits, a multiple of four, are a key of at least 32 bytes in every encoding there is.
            let mut digits: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
            let whole = digits.len().next_multiple_of(4).max(64);
            digits.extend(std::iter::repeat_n('0', whole - digits.len()));
            return Some(digits);
        }
        self.file.get(name).cloned().or_else(|| std::env::var(name).ok())
    }
}
