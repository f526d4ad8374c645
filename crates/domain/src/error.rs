//! What a command can answer: an error for the caller, or one of the database.

use confab_store::UnitError;
use confab_types::ApiError;

/// Error of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The caller asked for something that is not possible; may be shown.
    Api(ApiError),
    /// The database failed; logged, and shown as 500 or 503.
    Store(confab_store::Error),
}

/// Result of a command.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error for the caller by its code.
    #[must_use]
    pub fn code(code: u32) -> Self {
        Self::Api(ApiError::new(code))
    }

    /// Whether the database does not answer now: the caller may try again.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Store(confab_store::Error::Unavailable(_)))
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<confab_store::Error> for Error {
    fn from(error: confab_store::Error) -> Self {
        match error {
            // A name or text with a NUL character: no row can have it, and none may be written.
            confab_store::Error::Nul => {
                Self::Api(ApiError::new(20001).message("Parameters must not contain the NUL character"))
            }
            // Only services are referred to: it was deleted since the caller's path was looked up.
            confab_store::Error::Reference(_) => Self::code(20404),
            other => Self::Store(other),
        }
    }
}

impl UnitError for Error {
    fn store(&self) -> Option<&confab_store::Error> {
        match self {
            Self::Store(error) => Some(error),
            Self::Api(_) => None,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

/// Turns the refusal of a unique index into the error that the API documents for it: two callers may pass the check
/// before the insert at the same time, and one of them meets the index.
pub(crate) fn taken(error: confab_store::Error, as_caller_sees_it: ApiError) -> Error {
    match error {
        confab_store::Error::Unique(_) => Error::Api(as_caller_sees_it),
        other => other.into(),
    }
}
