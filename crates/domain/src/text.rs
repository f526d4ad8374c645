//! Checks of texts that several resources share.

use confab_types::{ApiError, json};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Result;

/// An optional text of which the empty one clears: the meaning of a name parameter.
#[must_use]
pub fn cleared(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Refuses a text of over `limit` characters with the given code.
pub(crate) fn at_most(text: &str, limit: usize, code: u32) -> Result<()> {
    if text.chars().count() > limit {
        Err(ApiError::new(code).into())
    } else {
        Ok(())
    }
}

/// Checks attributes: any JSON value (B-020) of at most `limit` bytes of UTF-8 (B-743). An empty text means none.
pub(crate) fn attributes(text: Option<&str>, limit: usize) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    if text.is_empty() {
        return Ok(Some("{}".into()));
    }
    if text.len() > limit {
        return Err(ApiError::new(50303).into());
    }
    if !json::is_json(text) {
        return Err(ApiError::new(50304).into());
    }
    Ok(Some(text.to_owned()))
}

/// JSON for a column.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    // Our own types have text keys only, so there is nothing that JSON lacks.
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads a column that [`to_json`] wrote.
///
/// # Errors
/// For any other text.
pub(crate) fn of_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| confab_store::Error::Decode(e.to_string()).into())
}
