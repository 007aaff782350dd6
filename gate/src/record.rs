//! What a decision consists of besides its kind: changes to headers, and what the operator is told.

use std::fmt;
use std::sync::Arc;

use crate::reason::Reason;
use crate::session::Session;
use crate::shown::Shown;

/// One change to a header map.
#[derive(Clone, PartialEq, Eq)]
pub enum Edit {
    /// Remove all lines of that name.
    Remove(&'static str),
    /// Replace all lines of that name by one.
    Set(&'static str, Vec<u8>),
    /// Add a line.
    Add(&'static str, Vec<u8>),
}

impl fmt::Debug for Edit {
    /// Without the value, which may hold what a client keeps to itself.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Remove(name) => ("Remove", name),
            Self::Set(name, _) => ("Set", name),
            Self::Add(name, _) => ("Add", name),
        };
        formatter.debug_tuple(kind).field(name).finish()
    }
}

/// How a request ended, in one word: a metric label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Forwarded.
    Permit,
    /// Refused.
    #[default]
    Refuse,
    /// Answered by the gate, as it should be.
    Answer,
}

impl Verdict {
    /// `permit`, `refuse` or `answer`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Refuse => "refuse",
            Self::Answer => "answer",
        }
    }
}

/// What a decision tells the operator: metric labels, filter state, the log line. Never a credential.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// How it ended.
    pub verdict: Verdict,
    /// Why: a [`Reason`]'s code, or what was permitted (`session`, `public`, `open`) or answered.
    pub code: &'static str,
    /// The reason, where it was refused.
    pub reason: Option<Reason>,
    /// Index of the dashboard among [`Gate::dashboard_names`], once known.
    pub dashboard: Option<usize>,
    /// The sessions that verified, in the order of the dashboard's kinds.
    pub sessions: Vec<Arc<Session>>,
    /// Where credentials were found: of a permit those that verified, of a refused session all that were shown.
    pub carriers: Shown,
}

impl Record {
    /// Whose session it is: the first that names someone.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.sessions.iter().find_map(|session| session.subject())
    }

    /// The first session's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        self.sessions.first().map(|session| session.fingerprint())
    }

    /// Ids of the keys that verified the sessions.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.sessions.iter().map(|session| session.key_id())
    }
}
