//! Sessions verified a moment ago: a credential that comes again is compared instead of verified again.
//!
//! Only what verified gets in, so nobody without a key can put anything there or push anything out, and only from its second
//! showing on, so that sessions shown once push none out that is in use. What it answers is what verifying would answer:
//! until the session's end nothing that was checked can turn, but for a clock that was set back, which it does not trust.
//! It belongs to one policy and goes with it.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use ctutils::CtEq;

use crate::reason::Reason;
use crate::session::Session;
use crate::table::Quick;
use crate::time::Time;

/// The most sessions held; then all are let go, the ended ones among them.
const MAX_SESSIONS: usize = 16_384;
/// The most bytes of credentials and of what they say held; then all are let go.
const MAX_BYTES: usize = 8_388_608;
/// Bits that say what was shown before: so many that sixteen thousand set few of them twice.
const SHOWN_BITS: usize = 262_144;

/// What a credential was verified for: a dashboard, and one of its session kinds.
pub(crate) type Place = (usize, usize);

/// The sessions of one policy.
#[derive(Default)]
pub(crate) struct Cache {
    known: HashMap<(Tail, Place), Known, Quick>,
    bytes: usize,
    /// A bit for each credential that verified once; two may have one bit, which does no harm. Empty at first.
    shown: Vec<u32>,
    /// How many bits were set.
    shown_once: usize,
}

/// The end of a credential. It is its signature's, so two verified ones hardly ever share it; [`Known::is`] says which one it
/// is, and what comparing tails could tell is the least part of a signature.
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
        if self.was_shown(place) {
            self.keep(place, Known { credential: credential.into(), since: now, session: Arc::clone(&session) });
        }
        Ok(session)
    }

    /// Whether a credential was shown before, and that it was from now on.
    fn was_shown(&mut self, place: (Tail, Place)) -> bool {
        if self.shown_once >= MAX_SESSIONS {
            (self.shown, self.shown_once) = (Vec::new(), 0);
        }
        if self.shown.is_empty() {
            self.shown.resize(SHOWN_BITS / 32, 0);
        }
        let bit = usize::try_from(self.known.hasher().hash_one(place) >> 40).unwrap_or_default() % SHOWN_BITS;
        let Some(word) = self.shown.get_mut(bit / 32) else { return false };
        let mask = 1 << (bit % 32);
        let was_shown = *word & mask != 0;
        if !was_shown {
            *word |= mask;
            self.shown_once = self.shown_once.saturating_add(1);
        }
        was_shown
    }

    fn keep(&mut self, place: (Tail, Place), known: Known) {
        let length = known.length();
        if self.known.len() >= MAX_SESSIONS || self.bytes.saturating_add(length) > MAX_BYTES {
            (self.known, self.bytes) = (HashMap::default(), 0);
        }
        self.bytes = self.bytes.saturating_add(length);
        if let Some(replaced) = self.known.insert(place, known) {
            self.bytes = self.bytes.saturating_sub(replaced.length());
        }
    }
}

impl Known {
    fn length(&self) -> usize {
        self.credential.len().saturating_add(self.session.size())
    }

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
#[expect(clippy::panic, reason = "a test fails by it")]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::{Cache, MAX_BYTES, MAX_SESSIONS, Place};
    use crate::decide::Decision;
    use crate::policy::Gate;
    use crate::reason::Reason;
    use crate::request::Request;
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

    impl Counted {
        /// How often a credential is verified that is shown so often, after all that was shown before.
        fn verifications(&mut self, credential: &[u8], times: usize) -> usize {
            let before = self.verified.get();
            for _ in 0..times {
                self.show(credential, HERE, 50);
            }
            self.verified.get().saturating_sub(before)
        }
    }

    #[test]
    fn verifies_twice_while_the_session_lasts() {
        let mut counted = Counted::default();
        assert_eq!(counted.verifications(b"payload.signature-a", 5), 2);
        assert_eq!(counted.verifications(b"payload.signature-b", 5), 2);
        for second in [50, 51, 99] {
            assert_eq!(counted.show(b"payload.signature-a", HERE, second), 4);
            assert_eq!(counted.show(b"payload.signature-b", HERE, second), 4);
        }
    }

    #[test]
    fn verifies_again_at_the_end_and_before_the_beginning() {
        for second in [49, 100, 101] {
            let mut counted = Counted::default();
            counted.verifications(b"payload.signature", 2);
            assert_eq!(counted.show(b"payload.signature", HERE, second), 3, "{second}");
        }
    }

    #[test]
    fn knows_a_credential_by_all_of_it_and_only_where_it_was_verified() {
        let credential = b"some-header.some-payload.some-signature";
        let mut counted = Counted::default();
        for at in 0..credential.len() {
            assert!(counted.verifications(credential, 3) <= 2, "{at}");
            let mut other = *credential;
            if let Some(byte) = other.get_mut(at) {
                *byte ^= 1;
            }
            // Where the two have one end they have one place, which the last one shown has.
            assert!(counted.verifications(&other, 1) == 1, "{at}");
        }
        assert!(counted.verifications(credential, 3) <= 2);
        let before = counted.verified.get();
        for (more, place) in [(1, (3, 0)), (2, (2, 1)), (3, (1, 3))] {
            assert_eq!(counted.show(credential, place, 50), before.saturating_add(more), "{place:?}");
        }
        for other in [&credential[1..], b"t", b""] {
            assert_eq!(counted.verifications(other, 1), 1);
        }
    }

    #[test]
    fn keeps_nothing_that_did_not_verify() {
        let mut cache = Cache::default();
        for _ in 0..3 {
            let refused =
                cache.session(b"payload.signature", HERE, Time::from_seconds(1), || Err(Reason::SignatureInvalid));
            assert_eq!(refused.err(), Some(Reason::SignatureInvalid));
        }
        assert_eq!((cache.known.len(), cache.bytes, cache.shown.len(), cache.shown_once), (0, 0, 0, 0));
    }

    #[test]
    fn keeps_no_session_that_was_shown_once() {
        let mut counted = Counted::default();
        for number in 0..MAX_SESSIONS {
            counted.show(format!("payload.signature-{number:08}").as_bytes(), HERE, 50);
        }
        // Some share a bit with an earlier one: about half of 16,384² / 262,144.
        let kept = counted.cache.known.len();
        assert!((300..700).contains(&kept), "{kept}");
        assert_eq!(counted.cache.shown_once, MAX_SESSIONS.saturating_sub(kept));
    }

    #[test]
    fn forgets_what_was_shown_once_before_the_bits_are_full() {
        let mut counted = Counted::default();
        for number in 0..MAX_SESSIONS * 2 {
            if counted.cache.shown_once < MAX_SESSIONS {
                counted.show(format!("payload.signature-{number:08}").as_bytes(), HERE, 50);
            }
        }
        // 32 KiB of bits, of which that many are set.
        assert_eq!(counted.cache.shown.len(), 8192);
        let set = |cache: &Cache| cache.shown.iter().map(|word| word.count_ones()).sum::<u32>();
        assert_eq!(usize::try_from(set(&counted.cache)), Ok(MAX_SESSIONS));
        counted.show(b"payload.one-more", HERE, 50);
        assert_eq!((set(&counted.cache), counted.cache.shown_once), (1, 1));
    }

    #[test]
    fn lets_all_go_when_it_is_full() {
        let mut counted = Counted::default();
        for number in 0..MAX_SESSIONS {
            counted.verifications(format!("payload.signature-{number:08}").as_bytes(), 2);
        }
        // Whose bit was forgotten between its two showings is not there; that happened once at most.
        let held = counted.cache.known.len();
        assert!(held >= MAX_SESSIONS.saturating_sub(1), "{held}");
        assert_eq!(counted.cache.bytes, held.saturating_mul(26));
        counted.verifications(b"payload.one-more", 2);
        counted.verifications(b"payload.two-more", 2);
        let held = counted.cache.known.len();
        assert!((1..=2).contains(&held), "{held}");
        assert_eq!(counted.cache.bytes, held.saturating_mul(16));
    }

    #[test]
    fn lets_all_go_when_it_holds_too_many_bytes() {
        let mut counted = Counted::default();
        let half = |last: u8| [vec![b'x'; MAX_BYTES / 2 - 8], vec![last; 8]].concat();
        counted.verifications(&half(b'a'), 2);
        counted.verifications(&half(b'b'), 2);
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (2, MAX_BYTES));
        counted.verifications(b"payload.signature", 2);
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (1, 17));
    }

    #[test]
    fn counts_a_replaced_credential_no_more() {
        let mut counted = Counted::default();
        counted.verifications(b"longer-payload.signature", 2);
        counted.verifications(b"payload.signature", 2);
        assert_eq!((counted.cache.known.len(), counted.cache.bytes), (1, 17));
    }

    #[test]
    fn counts_the_subjects_bytes_too() {
        let mut cache = Cache::default();
        let Some(key) = Key::new("main", &[7; 32], None).map(Arc::new) else { panic!("a key") };
        for _ in 0..2 {
            let mut session = Session::new(&key, b"signature");
            session.subject = Some("ada".to_owned());
            let kept = cache.session(b"payload.signature", HERE, Time::from_seconds(1), || Ok(session));
            assert_eq!(kept.ok().and_then(|session| session.subject().map(str::len)), Some(3));
        }
        assert_eq!((cache.known.len(), cache.bytes), (1, 20));
    }

    #[test]
    fn is_asked_by_the_gate_and_forgets_when_told() {
        let policy = br#"{"keys": [{"id": "main", "env": "MAIN", "encoding": "utf8"}],
            "sessions": {"portal": {"format": "jwt", "keys": ["main"]}},
            "dashboards": [{"name": "report", "url": "https://report.example.org/", "sessions": ["portal"]}]}"#;
        let secret = "a key of more than thirty-two bytes";
        let Ok(gate) = Gate::load(policy, &|_| Some(secret.to_owned())) else { panic!("a policy") };
        let claims = br#"{"aud":"https://report.example.org/","sub":"ada","exp":1000}"#;
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims));
        let signature =
            Key::new("main", secret.as_bytes(), None).map(|key| key.sign(signed.as_bytes())).unwrap_or_default();
        let cookie = format!("__Host-dashgate-report={signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        let headers: [(&[u8], &[u8]); 4] = [
            (b":authority", b"report.example.org"),
            (b":method", b"GET"),
            (b":path", b"/"),
            (b"cookie", cookie.as_bytes()),
        ];
        let held = || gate.cache.lock().map(|cache| cache.known.len()).ok();
        for expected in [0, 1, 1] {
            let decision = gate.decide(&Request::new(headers, true), Time::from_seconds(500));
            assert!(matches!(decision, Decision::Permit(_)), "{decision:?}");
            assert_eq!(held(), Some(expected));
        }
        gate.forget_sessions();
        assert_eq!(held(), Some(0));
    }

    #[test]
    fn shows_no_credential() {
        let mut counted = Counted::default();
        counted.verifications(b"payload.signature", 2);
        assert_eq!(format!("{:?}", counted.cache), "Cache { sessions: 1, .. }");
    }
}
