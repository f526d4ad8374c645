//! Filters by a date (B-885). The operator is a part of the parameter's name: what a caller writes as `DateSent<=2019-06-11`
//! comes in as `DateSent<` with a value, so both comparisons include the date itself.

use std::marker::PhantomData;

use confab_types::{ApiError, Form, Span, Timestamp};
use serde_json::{Value, json};

use crate::kit::input::Kind;

/// From the first moment to the one before the second.
pub(super) type Period = (Option<Timestamp>, Option<Timestamp>);

/// The period that three filters leave together.
pub(super) fn period(filters: [Period; 3]) -> Period {
    let since = filters.iter().filter_map(|filter| filter.0).max();
    let until = filters.iter().filter_map(|filter| filter.1).min();
    (since, until)
}

/// How a date limits.
pub(super) trait Limit: Send + 'static {
    /// What it leaves.
    fn leaves(span: Span) -> Period;
}

/// The parameter itself: that day of UTC, also when a time is given, which clients in languages without a type for dates
/// do.
pub(super) struct On;
/// The name with `<`: that date, or that second, and before. A midnight is a date, which is all that the official
/// libraries of Python and Node.js can say: `date(2019, 6, 11)` goes out as `2019-06-11T00:00:00Z`.
pub(super) struct Until;
/// The name with `>`: that date, or that second, and after.
pub(super) struct Since;

impl Limit for On {
    fn leaves(span: Span) -> Period {
        let day = span.day();
        (Some(day.start), Some(day.end))
    }
}

impl Limit for Until {
    fn leaves(span: Span) -> Period {
        (None, Some(span.of_date().end))
    }
}

impl Limit for Since {
    fn leaves(span: Span) -> Period {
        (Some(span.start), None)
    }
}

/// A filter by a date; text that is none is refused with 20001, an empty one filters nothing.
pub(super) struct Date<L>(PhantomData<L>);

impl<L: Limit> Kind for Date<L> {
    type Value = Period;

    fn read(form: &Form, name: &str) -> Result<Period, ApiError> {
        let text = form.get(name).unwrap_or_default().trim();
        // The published description also writes the operator into the value.
        let leaves = match text {
            "" => return Ok((None, None)),
            _ if text.starts_with("<=") => Until::leaves,
            _ if text.starts_with(">=") => Since::leaves,
            _ => L::leaves,
        };
        Span::parse(text.trim_start_matches(['<', '>', '=']))
            .map(leaves)
            .ok_or_else(|| ApiError::invalid(name))
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<L: Limit>(text: &str) -> Option<[Option<String>; 2]> {
        let mut form = Form::default();
        form.push("DateSent", text);
        let (since, until) = Date::<L>::read(&form, "DateSent").ok()?;
        Some([since, until].map(|at| at.map(Timestamp::iso_seconds)))
    }

    #[test]
    fn each_form_of_comparison_includes_its_date_b885() {
        let at = |text: &str| Some(text.to_owned());
        let day = [at("2019-06-11T00:00:00Z"), at("2019-06-12T00:00:00Z")];
        assert_eq!(read::<On>("2019-06-11"), Some(day.clone()));
        assert_eq!(read::<On>("2019-06-11T22:05:25Z"), Some(day));
        for read in [
            read::<Until>("2019-06-11"),
            read::<Until>("2019-06-11T00:00:00Z"),
            read::<On>("<=2019-06-11"),
        ] {
            assert_eq!(read, Some([None, at("2019-06-12T00:00:00Z")]));
        }
        for read in [read::<Since>("2019-06-11"), read::<On>(">=2019-06-11")] {
            assert_eq!(read, Some([at("2019-06-11T00:00:00Z"), None]));
        }
        assert_eq!(
            read::<Until>("2019-06-11T22:05:25Z"),
            Some([None, at("2019-06-11T22:05:26Z")])
        );
        assert_eq!(
            read::<Since>("2019-06-11T22:05:25Z"),
            Some([at("2019-06-11T22:05:25Z"), None])
        );
        assert_eq!(read::<Since>(""), Some([None, None]));
        assert_eq!(read::<Since>("soon"), None);
    }
}
