//! JSON texts that are stored and given back as they came (B-018).

use serde::de::IgnoredAny;

/// Whether a text is one JSON value of any kind (B-020).
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}
