//! Points in time as people write them: Unix seconds, with a fraction or not, or RFC 3339 in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use gate::Time;
use gate::time::parse_utc;
use serde_json::Value;

/// Reads `1800000000`, `1800000000.5` or `2027-01-15T08:00:00Z`.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse(text: &str) -> Result<Time, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Time::from_seconds(seconds));
    }
    let fraction = text.parse::<f64>().ok().and_then(Time::from_fraction);
    fraction.or(parse_utc(text).ok()).ok_or_else(|| {
        "must be seconds since 1970 (1800000000, 1800000000.5) or a UTC time (2027-01-15T08:00:00Z)".to_owned()
    })
}

/// Reads the `now` of a JSON line: a number, or a text as above.
///
/// # Errors
/// A sentence that says what is expected.
pub fn from_json(value: &Value) -> Result<Time, String> {
    match value {
        Value::Number(number) => parse(&number.to_string()),
        Value::String(text) => parse(text),
        _ => parse(""),
    }
    .map_err(|message| format!("now {message}"))
}

/// What the machine's clock says.
pub fn clock() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// As a JSON number of seconds, whole where it is; `null` for no end.
pub fn to_json(time: Time) -> Value {
    if time == Time::FAR {
        Value::Null
    } else if time.nanos().is_multiple_of(1_000_000_000) {
        Value::from(time.seconds())
    } else {
        Value::from(time.nanos() as f64 / 1e9)
    }
}

/// As RFC 3339 in UTC, whole seconds.
pub fn utc(time: Time) -> String {
    let seconds = time.seconds();
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    // Days to a civil date, counted in eras of 400 years that begin on 1 March (H. Hinnant, "chrono-compatible dates").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", clock / 3600, clock / 60 % 60, clock % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_the_gate_reads() {
        for text in ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-12-31T00:00:01Z", "2100-03-01T12:00:00Z"] {
            assert_eq!(utc(parse(text).unwrap()), text);
        }
        for day in 0..80_000 {
            let time = Time::from_seconds(day * 86_400 + 1);
            assert_eq!(parse_utc(&utc(time)), Ok(time));
        }
    }

    #[test]
    fn reads_seconds_with_and_without_a_fraction() {
        assert_eq!(parse("1800000000"), Ok(Time::from_seconds(1_800_000_000)));
        assert_eq!(parse("1800000000.5").map(Time::nanos), Ok(1_800_000_000_500_000_000));
        for bad in ["", "-1", "NaN", "inf", "2027-01-15", "soon"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn writes_whole_seconds_whole_and_no_end_as_null() {
        assert_eq!(to_json(Time::from_seconds(5)).to_string(), "5");
        assert_eq!(to_json(Time::from_nanos(5_500_000_000)).to_string(), "5.5");
        assert_eq!(to_json(Time::FAR), Value::Null);
    }
}
