//! Sessions verified a moment ago: a credential that comes again is compared instead of verified again.
//!
//! Only what verified gets in, so nobody without a key can fill it. What it answers is what verifying would answer:
//! until the session's end nothing that was checked can turn, but for a clock that was set back, which it does not trust.
//! It belongs to one policy and goes with it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use ctutils::CtEq;

use crate::reason::Reason;
use crate::session::Session;
use crate::table::Quick;
use crate::time::Time;

/// The most sessions held; then all are let go, the ended ones among them.
const MAX_SESSIONS: usize = 16 * 1024;
/// The most bytes of credentials held; then all are let go.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What a credential was verified for: a dashboard, and one of its session kinds.
pub(crate) type Place = (usize, usize);

/// The sessions of one policy.
#[derive(Default)]
pub(crate) struct Cache {
    known: HashMap<u64, Known, Quick>,
    bytes: usize,
}

struct Known {
    credential: Box<[u8]>,
    place: Place,
    since: Time,
    session: Arc<Session>,
}

impl Cache {
    /// The session of a credential: known, or else verified now, and then known.
    ///
    /// # Errors
    /// Those of `verify`.
    pub fn session(
        &mut self,
        credential: &[u8],
        place: Place,
        now: Time,
        verify: impl FnOnce() -> Result<Session, Reason>,
    ) -> Result<Arc<Session>, Reason> {
        let tag = tag(credential, place);
        if let Some(known) = self.known.get(&tag)
            && known.is(credential, place, now)
        {
            return Ok(Arc::clone(&known.session));
        }
        let session = Arc::new(verify()?);
        self.keep(tag, Known { credential: credential.into(), place, since: now, session: Arc::clone(&session) });
        Ok(session)
    }

    fn keep(&mut self, tag: u64, known: Known) {
        let length = known.credential.len();
        if self.known.len() >= MAX_SESSIONS || self.bytes.saturating_add(length) > MAX_BYTES {
            *self = Self::default();
        }
        self.bytes = self.bytes.saturating_add(length);
        if let Some(replaced) = self.known.insert(tag, known) {
            self.bytes = self.bytes.saturating_sub(replaced.credential.len());
        }
    }
}

impl Known {
    /// Whether this is the session of `credential` there and then. Constant time, by the library: how much of a
    /// signature is right must not show.
    fn is(&self, credential: &[u8], place: Place, now: Time) -> bool {
        self.place == place
            && self.since <= now
            && now < self.session.end()
            && self.credential.len() == credential.len()
            && self.credential.ct_eq(credential).to_bool()
    }
}

/// Where to look: the end of a credential is its signature's, different for each. Which one it is, [`Known::is`] says.
fn tag(credential: &[u8], (dashboard, kind): Place) -> u64 {
    let tail = credential.last_chunk().copied().map(u64::from_le_bytes).unwrap_or_default();
    let place = u64::try_from(dashboard).unwrap_or_default() << 8 ^ u64::try_from(kind).unwrap_or_default();
    tail.rotate_left(24) ^ place
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").field("sessions", &self.known.len()).finish_non_exhaustive()
    }
}
