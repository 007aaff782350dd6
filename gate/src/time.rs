//! Points in time and the text forms the gate reads and writes. Never the clock itself: `now` is a parameter.

/// Nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

const NANOS: u64 = 1_000_000_000;

impl Time {
    /// The farthest representable point; stands for "no end".
    pub const FAR: Self = Self(u64::MAX);

    /// From nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(NANOS))
    }

    /// From seconds since the epoch with a fraction; `None` unless finite and not negative.
    #[must_use]
    pub fn from_fraction(seconds: f64) -> Option<Self> {
        // `as` saturates, so no value can overflow here.
        (seconds.is_finite() && seconds >= 0.0).then_some(Self((seconds * 1e9) as u64))
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / NANOS
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// This point and `seconds` more.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(NANOS)))
    }

    /// Nanoseconds from `earlier` to here, 0 if it is not earlier.
    #[must_use]
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Reads an RFC 3339 time in UTC (`2026-12-01T00:00:00Z`), whole seconds, years 1970 to 9999.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_utc(text: &str) -> Result<Time, &'static str> {
    const EXPECTED: &str = "must be a UTC time such as 2026-12-01T00:00:00Z";
    let bytes = text.as_bytes();
    if bytes.len() != 20 {
        return Err(EXPECTED);
    }
    let mut digits = [0u64; 14];
    let mut filled = digits.iter_mut();
    for (byte, pattern) in bytes.iter().zip(b"dddd-dd-ddTdd:dd:ddZ") {
        match pattern {
            b'd' => match filled.next() {
                Some(slot) if byte.is_ascii_digit() => *slot = u64::from(byte & 0x0f),
                _ => return Err(EXPECTED),
            },
            fixed if fixed == byte => {}
            _ => return Err(EXPECTED),
        }
    }
    let number = |from: usize, count: usize| {
        digits.iter().skip(from).take(count).fold(0u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(*digit))
    };
    let (year, month, day) = (number(0, 4), number(4, 2), number(6, 2));
    let (hour, minute, second) = (number(8, 2), number(10, 2), number(12, 2));
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_in = |month: u64| match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if year < 1970
        || !(1..=12).contains(&month)
        || day == 0
        || day > days_in(month)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return Err(EXPECTED);
    }
    let days_before_year: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days_before_month: u64 = (1..month).map(days_in).sum();
    let days = days_before_year.saturating_add(days_before_month).saturating_add(day.saturating_sub(1));
    let clock = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    Ok(Time::from_seconds(days.saturating_mul(86_400).saturating_add(clock)))
}

const UNITS: [(u8, u64); 6] =
    [(b'n', 1), (b'u', 1_000), (b'm', 1_000_000), (b'S', NANOS), (b'M', 60 * NANOS), (b'H', 3600 * NANOS)];

/// A `grpc-timeout` value as Envoy reads it: 1 to 99,999,999 and the finest unit that fits, rounded down.
///
/// `0` would end a stream at once and a ninth digit would be ignored, so neither is ever written.
/// Source: gRPC over HTTP/2, "Timeout"; measured on Envoy 1.40.
#[must_use]
pub fn encode_timeout(nanos: u64) -> String {
    for (unit, size) in UNITS {
        let count = nanos.checked_div(size).unwrap_or(0);
        if count <= 99_999_999 {
            let mut text = count.max(1).to_string();
            text.push(char::from(unit));
            return text;
        }
    }
    "99999999H".to_owned()
}

/// Reads a client's `grpc-timeout` in nanoseconds; `None` unless it is 1 to 8 digits and a unit.
#[must_use]
pub fn decode_timeout(value: &[u8]) -> Option<u64> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = digits.iter().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit & 0x0f)));
    let (_, size) = UNITS.into_iter().find(|(name, _)| name == unit)?;
    Some(count.saturating_mul(size))
}
