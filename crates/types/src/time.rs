//! Points in time: microseconds since 1970 in UTC, and the three ways in which the API writes them.

use jiff::tz::TimeZone;

use crate::Duration;

/// A point in time, microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Years that four digits can write, and that both databases and all clients take.
const MAX_MICROS: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// Whole seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment, `seconds` later (earlier when negative).
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This moment, so much later.
    #[must_use]
    pub fn plus(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length.0))
    }

    /// Reads an ISO 8601 date-time with `Z` or an offset, with or without a fraction (rest.md §1.3). A date-time
    /// or date without any offset is taken as UTC: the helper libraries of Java and C# send such ones.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let micros = match text.parse::<jiff::Timestamp>() {
            Ok(stamp) => stamp.as_microsecond(),
            Err(_) => {
                let civil = text.parse::<jiff::civil::DateTime>().ok()?;
                civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond()
            }
        };
        (0..=MAX_MICROS).contains(&micros).then_some(Self(micros))
    }

    fn civil(self) -> jiff::civil::DateTime {
        let stamp = jiff::Timestamp::from_microsecond(self.0.clamp(0, MAX_MICROS)).unwrap_or_default();
        TimeZone::UTC.to_datetime(stamp)
    }

    /// `2015-12-16T22:18:37Z`, as REST answers write it (B-015).
    #[must_use]
    pub fn iso_seconds(self) -> String {
        let t = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// `2015-12-16T22:18:37.123Z`, as webhooks and SDK clients get it (B-015).
    #[must_use]
    pub fn iso_millis(self) -> String {
        let t = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }

    /// `Wed, 16 Dec 2015 22:18:37 +0000`, as the 2010-04-01 API writes it (B-886).
    #[must_use]
    pub fn rfc2822(self) -> String {
        self.civil().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_back_in_utc_b016() {
        let at = Timestamp::parse("2015-12-16T23:18:37.5+01:00").unwrap();
        assert_eq!(at.iso_seconds(), "2015-12-16T22:18:37Z");
        assert_eq!(at.iso_millis(), "2015-12-16T22:18:37.500Z");
        assert_eq!(at.rfc2822(), "Wed, 16 Dec 2015 22:18:37 +0000");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2015-13-01T00:00:00Z",
            "12345",
            "1915-12-16T22:18:37Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        assert_eq!(Timestamp::parse("1970-01-01T00:00:01").unwrap().0, 1_000_000);
    }
}
