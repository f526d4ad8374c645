//! Lengths of time as the API writes them: ISO 8601 durations in days or smaller units (B-116).

use jiff::SpanRelativeTo;
use jiff::fmt::temporal::SpanParser;

/// A length of time in microseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

impl Duration {
    /// So many whole seconds.
    #[must_use]
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// Whether it is no time at all, as `PT0S`.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Reads an ISO 8601 duration of days (24 hours each), hours, minutes and seconds. Years, months and weeks are
    /// refused: the first two are no fixed length, and the API names none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A minute and a month are the same letter on different sides of the `T`.
        let days = text.split(['T', 't']).next()?;
        if days.contains(['Y', 'y', 'M', 'm', 'W', 'w']) {
            return None;
        }
        let span = SpanParser::new().parse_span(text).ok()?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        let micros = i64::try_from(length.as_micros()).ok()?;
        (micros >= 0).then_some(Self(micros))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_and_smaller_are_read_b116() {
        for (text, seconds) in [
            ("PT0S", 0),
            ("P0D", 0),
            ("PT60S", 60),
            ("PT1M", 60),
            ("PT10M", 600),
            ("PT24H", 86_400),
            ("P1D", 86_400),
            ("P1DT1H1M1S", 90_061),
            ("P400D", 400 * 86_400),
        ] {
            assert_eq!(Duration::parse(text), Some(Duration::seconds(seconds)), "{text}");
        }
        assert_eq!(Duration::parse("PT60.5S"), Some(Duration(60_500_000)));
        assert!(Duration::parse("PT0S").unwrap().is_zero());
    }

    #[test]
    fn years_months_weeks_and_what_is_no_duration_are_refused_b116() {
        for text in [
            "P6M",
            "P1Y",
            "P1W",
            "P0Y",
            "P1YT1M",
            "P",
            "PT",
            "",
            " PT1M",
            "PT1M ",
            "60",
            "1 minute",
            "-PT60S",
            "PT-60S",
            "P99999999999999999999D",
            "2026-01-01T00:00:00Z",
        ] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-P0-9DTHMSW.]{0,24}") {
            let _ = Duration::parse(&text);
        }
    }
}
