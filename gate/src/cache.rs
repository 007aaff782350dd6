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
    known: HashMap<(Tail, Place), Known, Quick>,
    bytes: usize,
}

/// The end of a credential. It is its signature's, so each verified one has another; [`Known::is`] says which one it is.
type Tail = [u8; 8];

struct Known {
    credential: Box<[u8]>,
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
        let place = (credential.last_chunk().copied().unwrap_or_default(), place);
        if let Some(known) = self.known.get(&place)
            && known.is(credential, now)
        {
            return Ok(Arc::clone(&known.session));
        }
        let session = Arc::new(verify()?);
        self.keep(place, Known { credential: credential.into(), since: now, session: Arc::clone(&session) });
        Ok(session)
    }

    fn keep(&mut self, place: (Tail, Place), known: Known) {
        let length = known.credential.len();
        if self.known.len() >= MAX_SESSIONS || self.bytes.saturating_add(length) > MAX_BYTES {
            *self = Self::default();
        }
        self.bytes = self.bytes.saturating_add(length);
        if let Some(replaced) = self.known.insert(place, known) {
            self.bytes = self.bytes.saturating_sub(replaced.credential.len());
        }
    }
}

impl Known {
    /// Whether this is the session of `credential`, and still is one. Constant time, by the library: how much of a
    /// signature is right must not show.
    fn is(&self, credential: &[u8], now: Time) -> bool {
        self.since <= now
            && now < self.session.end()
            && self.credential.len() == credential.len()
            && self.credential.ct_eq(credential).to_bool()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").field("sessions", &self.known.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use super::{Cache, MAX_BYTES, MAX_SESSIONS, Place};
    use crate::reason::Reason;
    use crate::secret::Key;
    use crate::session::Session;
    use crate::time::Time;

    const HERE: Place = (3, 1);

    /// A cache whose sessions end at second 100, and how often it had to verify.
    #[derive(Default)]
    struct Counted {
        cache: Cache,
        verified: Cell<usize>,
    }

    impl Counted {
        fn show(&mut self, credential: &[u8], place: Place, second: u64) -> usize {
            let verify = || {
                self.verified.set(self.verified.get().saturating_add(1));
                let key = Key::new("main", &[7; 32], Some(Time::from_seconds(100))).map(Arc::new);
                key.map(|key| Session::new(&key, credential)).ok_or(Reason::SignatureInvalid)
            };
            let session = self.cache.session(credential, place, Time::from_seconds(second), verify);
            let fresh = Key::new("main", &[7; 32], None).map(|key| Session::new(&Arc::new(key), credential));
            let same = session.ok().zip(fresh).is_some_and(|(got, fresh)| got.fingerprint() == fresh.fingerprint());
            assert!(same, "another session than the credential's");
            self.verified.get()
        }
    }

    #[test]
    fn verifies_once_while_the_session_lasts() {
        let mut counted = Counted::default();
        assert_eq!(counted.show(b"payload.signature-a", HERE, 50), 1);
        assert_eq!(counted.show(b"payload.signature-b", HERE, 50), 2);
        for second in [50, 51, 99] {
            assert_eq!(counted.show(b"payload.signature-a", HERE, second), 2);
            assert_eq!(counted.show(b"payload.signature-b", HERE, second), 2);
        }
    }

    #[test]
    fn verifies_again_at_the_end_and_before_the_beginning() {
        for second in [49, 100, 101] {
            let mut counted = Counted::default();
            counted.show(b"payload.signature", HERE, 50);
            assert_eq!(counted.show(b"payload.signature", HERE, second), 2, "{second}");
        }
    }

    #[test]
    fn knows_a_credential_by_all_of_it_and_only_where_it_was_verified() {
        let credential = b"some-header.some-payload.some-signature";
        let mut counted = Counted::default();
        counted.show(credential, HERE, 50);
        let mut expected = 1;
        for at in 0..credential.len() {
            let mut other = *credential;
            if let Some(byte) = other.get_mut(at) {
                *byte ^= 1;
            }
            expected += 1;
            assert_eq!(counted.show(&other, HERE, 50), expected, "{at}");
            // The two have one end, so one place: the last one shown has it.
            counted.show(credential, HERE, 50);
            expected = counted.verified.get();
        }
        for place in [(3, 0), (2, 1), (1, 3)] {
            expected += 1;
            assert_eq!(counted.show(credential, place, 50), expected, "{place:?}");
        }
        for other in [&credential[1..], b"t", b""] {
            expected += 1;
            assert_eq!(counted.show(other, HERE, 50), expected);
        }
    }

    #[test]
    fn keeps_nothing_that_did_not_verify() {
        let mut cache = Cache::default();
        let refused =
            cache.session(b"payload.signature", HERE, Time::from_seconds(1), || Err(Reason::SignatureInvalid));
        assert_eq!((refused.err(), cache.known.len(), cache.bytes), (Some(Reason::SignatureInvalid), 0, 0));
    }

    #[test]
    fn lets_all_go_when_it_is_full() {
        let mut counted = Counted::default();
        for number in 0..MAX_SESSIONS {
            counted.show(format!("payload.signature-{number:08}").as_bytes(), HERE, 50);
        }
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (MAX_SESSIONS, MAX_SESSIONS * 26));
        counted.show(b"payload.one-more", HERE, 50);
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (1, 16));
        let half = |last: u8| [vec![b'x'; MAX_BYTES / 2 - 8], vec![last; 8]].concat();
        counted.show(&half(b'a'), HERE, 50);
        assert_eq!(counted.cache.known.len(), 2);
        counted.show(&half(b'b'), HERE, 50);
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (1, MAX_BYTES / 2));
        counted.show(&half(b'a'), HERE, 50);
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (2, MAX_BYTES));
    }

    #[test]
    fn counts_a_replaced_credential_no_more() {
        let mut counted = Counted::default();
        counted.show(b"longer-payload.signature", HERE, 50);
        counted.show(b"payload.signature", HERE, 50);
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (1, 17));
    }

    #[test]
    fn shows_no_credential() {
        let mut counted = Counted::default();
        counted.show(b"payload.signature", HERE, 50);
        assert_eq!(format!("{:?}", counted.cache), "Cache { sessions: 1, .. }");
    }
}
