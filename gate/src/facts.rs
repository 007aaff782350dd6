//! What a session says besides its subject: groups, its public id, its backend. Read from a verified payload, and only where
//! some dashboard asks for it.

use crate::json::Json;
use crate::reason::Reason;

/// A way into a payload: members from the outside in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<String>);

impl Path {
    /// Reads `member.member`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }

    /// The value there.
    #[must_use]
    pub fn find<'a>(&self, payload: &'a Json<'a>) -> Option<&'a Json<'a>> {
        self.0.iter().try_fold(payload, |value, name| value.member(name))
    }
}

/// Where a session kind's facts are; `None` where no dashboard asks, or nothing says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// The groups: a list of texts, or one text.
    pub groups: Option<Path>,
    /// The public id: a text.
    pub id: Option<Path>,
    /// The backend: a text.
    pub backend: Option<Path>,
}

impl Paths {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_none() && self.id.is_none() && self.backend.is_none()
    }

    /// Reads the facts of a payload.
    ///
    /// # Errors
    /// `claims_malformed` where one is there and has another shape. What is not there is no error.
    pub(crate) fn read(&self, payload: &Json<'_>) -> Result<Facts, Reason> {
        if self.is_empty() {
            return Ok(Facts::default());
        }
        let found = |path: &Option<Path>| path.as_ref().and_then(|path| path.find(payload));
        let one = |path| found(path).map(text).transpose();
        let groups = match found(&self.groups) {
            None => Vec::new(),
            Some(Json::List(items)) => items.iter().map(text).collect::<Result<_, _>>()?,
            Some(single) => vec![text(single)?],
        };
        Ok(Facts { groups, id: one(&self.id)?, backend: one(&self.backend)? })
    }
}

/// What a session says besides its subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub groups: Vec<String>,
    pub id: Option<String>,
    pub backend: Option<String>,
}

/// A text that may end up in a header: not empty, no control characters, 256 bytes at most.
fn text(value: &Json<'_>) -> Result<String, Reason> {
    let fine = |text: &&str| (1..=256).contains(&text.len()) && !text.chars().any(char::is_control);
    value.text().filter(fine).map(str::to_owned).ok_or(Reason::ClaimsMalformed)
}
