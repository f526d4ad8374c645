//! What a date in a filter of 2010-04-01 means (B-885): a whole day where it is a date only, else the second that an
//! answer would show.

use jiff::civil;
use jiff::fmt::rfc2822;

use crate::Timestamp;

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

impl Span {
    /// Reads a filter's value in each of the forms that the published description shows: `2019-06-11`, ISO 8601,
    /// `2019-06-11 22:05:25.000`, RFC 2822, and `06/11/2019 22:05:25 MST`. What names no zone is UTC, and so
    /// is a zone that RFC 2822 does not know.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() == "2019-06-11".len() {
            return Timestamp::parse(text).map(|start| Self::around(start, DAY));
        }
        Timestamp::parse(text)
            .or_else(|| rfc_2822(text))
            .or_else(|| american(text))
            .map(|at| Self::around(at, SECOND))
    }

    /// The same span, or the whole day where it is the first second of one: the official libraries write a date as its
    /// midnight.
    #[must_use]
    pub fn of_date(self) -> Self {
        let day = self.day();
        if day.start == self.start { day } else { self }
    }

    /// The day of UTC in which it begins.
    #[must_use]
    pub fn day(self) -> Self {
        Self::around(self.start, DAY)
    }

    fn around(at: Timestamp, length: i64) -> Self {
        let start = at.0 - at.0.rem_euclid(length);
        Self {
            start: Timestamp(start),
            end: Timestamp(start + length),
        }
    }
}

fn rfc_2822(text: &str) -> Option<Timestamp> {
    let stamp = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Timestamp::parse(&stamp.to_string())
}

/// The zone has one of the names that RFC 2822 knows.
fn american(text: &str) -> Option<Timestamp> {
    let (date, zone) = text.rsplit_once(' ')?;
    let date = civil::DateTime::strptime("%m/%d/%Y %H:%M:%S", date).ok()?;
    rfc_2822(&format!("{} {zone}", date.strftime("%d %b %Y %H:%M:%S")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<(String, String)> {
        Span::parse(text).map(|span| (span.start.iso_seconds(), span.end.iso_seconds()))
    }

    #[test]
    fn a_date_is_a_day_and_a_time_a_second_b885() {
        let pair = |start: &str, end: &str| Some((start.to_owned(), end.to_owned()));
        let day = pair("2019-06-11T00:00:00Z", "2019-06-12T00:00:00Z");
        assert_eq!(shown("2019-06-11"), day);
        let second = pair("2019-06-11T22:05:25Z", "2019-06-11T22:05:26Z");
        for text in [
            "2019-06-11T22:05:25Z",
            "2019-06-11T22:05:25.999Z",
            "2019-06-12T00:05:25+02:00",
            "2019-06-11 22:05:25.000",
            "Tue, 11 Jun 2019 22:05:25 -0000",
            "Tue, 11 Jun 2019 22:05:25 +0000",
            "06/11/2019 15:05:25 MST",
            "06/11/2019 22:05:25 GMT",
            " 2019-06-11T22:05:25Z",
        ] {
            assert_eq!(shown(text), second, "{text}");
        }
        let day = Span::parse("2019-06-11T22:05:25Z").map(Span::day);
        assert_eq!(day, Span::parse("2019-06-11"));
        for (text, is_date) in [("2019-06-11T00:00:00Z", true), ("2019-06-11T00:00:01Z", false)] {
            let span = Span::parse(text).map(Span::of_date);
            assert_eq!(span == day, is_date, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused_b885() {
        for text in [
            "",
            "yesterday",
            "2019-6-1",
            "2019-13-01",
            "2019-02-30",
            "<2019-06-11",
            "06/31/2019 22:05:25 MST",
            "06/11/2019",
            "1919-06-11",
            "éééééé",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
