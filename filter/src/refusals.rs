//! The log line of a refusal: fixed fields, clipped and escaped, and no more of them than a log can bear.

use gate::{Gate, Record};

/// How many lines may come at once.
const BURST: u64 = 20;
/// How long it takes until one more may come.
const REFILL_NANOS: u64 = 200_000_000;

/// A token bucket over log lines (Streamlit asks again every two seconds, for ever).
#[derive(Debug, Default)]
pub struct Limiter {
    /// When the bucket will be full again.
    full_at: u64,
    suppressed: u64,
}

impl Limiter {
    /// Whether a line may be written now, and how many were left out before it.
    pub fn admit(&mut self, now: u64) -> Option<u64> {
        let full = BURST.saturating_mul(REFILL_NANOS);
        // More than a whole bucket ahead is a clock that was set back: it must not silence the log until it catches up.
        let full_at = if self.full_at.saturating_sub(now) > full { now } else { self.full_at.max(now) };
        let full_at = full_at.saturating_add(REFILL_NANOS);
        if full_at.saturating_sub(now) > full {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.full_at = full_at;
        Some(std::mem::take(&mut self.suppressed))
    }
}

/// The line for one refusal. Nothing of the request is in it but a subject whose signature was verified.
#[must_use]
pub fn line(gate: &Gate, record: &Record, left_out: u64) -> String {
    let dashboard = record.dashboard.and_then(|index| gate.dashboard_name(index)).unwrap_or("-");
    let subject = record.subject().map_or_else(|| "-".to_owned(), clipped);
    let session = record.fingerprint().unwrap_or("-");
    let mut line =
        format!("dashgate refused reason={} dashboard={dashboard} subject={subject} session={session}", record.code);
    if left_out > 0 {
        line.push_str(&format!(" lines_left_out={left_out}"));
    }
    line
}

/// Whether clipping and escaping would leave a text as it is, which they nearly always would.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\')
}

/// At most 64 characters, quoted and escaped: a subject cannot forge a field or a line.
#[must_use]
pub fn clipped(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}
