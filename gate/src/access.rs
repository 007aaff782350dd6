//! Who may open a dashboard, of those who have a session for it, and which backend a session leads to.

use std::sync::Arc;

use crate::backend::{self, Allowed};
use crate::place::{Named, Slot, Whose};
use crate::policy::Dashboard;
use crate::reason::Reason;
use crate::session::Session;
use crate::table::Table;

/// What a dashboard asks of a session besides being one.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// Subjects that may open it.
    pub subjects: Table<()>,
    /// Groups whose members may open it.
    pub groups: Table<()>,
    /// Where its sessions may lead; `None`: it has one backend for all.
    pub backends: Option<Vec<Allowed>>,
}

impl Access {
    /// Whether only listed subjects or groups may open it.
    pub fn is_listed(&self) -> bool {
        !self.subjects.is_empty() || !self.groups.is_empty()
    }

    fn lists(&self, sessions: &[Arc<Session>]) -> bool {
        sessions.iter().any(|session| {
            let by_name = session.subject().is_some_and(|subject| self.subjects.contains_key(subject.as_bytes()));
            by_name || session.facts.groups.iter().any(|group| self.groups.contains_key(group.as_bytes()))
        })
    }
}

impl Dashboard {
    /// Whether these sessions, all of one person, open the part of the dashboard that the URL names.
    pub(crate) fn admit(&self, sessions: &[Arc<Session>], whose: &Whose<'_>) -> Result<(), Reason> {
        self.admit_named(sessions, whose)?;
        if self.access.is_listed() && !self.access.lists(sessions) {
            return Err(Reason::SubjectNotAllowed);
        }
        if let Some(allowed) = &self.access.backends {
            let backend = backend(sessions)?.ok_or(Reason::BackendMissing)?;
            let backend = backend::parse(backend).ok_or(Reason::BackendMalformed)?;
            if !allowed.iter().any(|allowed| allowed.holds(&backend)) {
                return Err(Reason::BackendNotAllowed);
            }
        }
        Ok(())
    }

    /// The owner: every session that names anybody must name the one whom the URL names, and one must.
    fn admit_named(&self, sessions: &[Arc<Session>], whose: &Whose<'_>) -> Result<(), Reason> {
        let Some(Slot { named, .. }) = self.slot else { return Ok(()) };
        let names = |session: &&Arc<Session>| match named {
            Named::Subject => session.subject().is_some(),
            Named::Session => session.facts.id.is_some(),
        };
        let mut naming = sessions.iter().filter(names).peekable();
        match named {
            Named::Subject if naming.peek().is_none() => Err(Reason::SubjectMissing),
            Named::Subject if !naming.all(|session| whose.is(named, session)) => Err(Reason::SubjectNotOwner),
            Named::Session if naming.peek().is_none() || !naming.all(|session| whose.is(named, session)) => {
                Err(Reason::SessionNotNamed)
            }
            _ => Ok(()),
        }
    }
}

/// The one backend that sessions name.
pub(crate) fn backend(sessions: &[Arc<Session>]) -> Result<Option<&str>, Reason> {
    let mut named = sessions.iter().filter_map(|session| session.facts.backend.as_deref());
    let first = named.next();
    if named.any(|other| Some(other) != first) { Err(Reason::CredentialConflict) } else { Ok(first) }
}
