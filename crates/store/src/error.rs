//! What can go wrong between a unit of work and the database.

use crate::Cause;

/// Error of the database. Never shown to API callers as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A unique index refused a row.
    #[error("a row with this key exists: {0}")]
    Unique(String),
    /// A row refers to one that is not there, or is referred to.
    #[error("a reference is broken: {0}")]
    Reference(String),
    /// The unit found that another transaction was quicker, and is to run again on what is there now.
    #[error("the transaction lost a race: {0}")]
    Retry(String),
    /// The database ended the transaction since it and another one waited for each other (PostgreSQL 40P01); it may
    /// run again.
    #[error("the transaction was in a deadlock: {0}")]
    Deadlock(String),
    /// The database ended the transaction since its snapshot was not true any more (PostgreSQL 40001); it may run
    /// again.
    #[error("the transaction could not be serialized: {0}")]
    Serialization(String),
    /// The database does not answer now; nothing of the unit is known to be stored.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A text holds the NUL character, which PostgreSQL cannot store; refused on both engines alike.
    #[error("a text holds the NUL character")]
    Nul,
    /// A row was not as the code expects it.
    #[error("unexpected row: {0}")]
    Decode(String),
    /// The schema is newer than this program, or a migration was edited.
    #[error("schema: {0}")]
    Schema(String),
    /// The closure panicked; its changes were rolled back.
    #[error("a unit of work panicked")]
    Panic,
    /// Anything else: a bug in a statement.
    #[error("database error: {0}")]
    Other(String),
}

impl Error {
    /// Why a unit that ended with this runs again; `None` where it does not.
    pub(crate) fn lost(&self) -> Option<Cause> {
        match self {
            Self::Retry(_) => Some(Cause::Race),
            Self::Deadlock(_) => Some(Cause::Deadlock),
            Self::Serialization(_) => Some(Cause::Serialization),
            _ => None,
        }
    }

    pub(crate) fn closed() -> Self {
        Self::Unavailable("the store is closed".into())
    }
}

/// Error type of a unit of work.
pub trait UnitError: From<Error> + Send + 'static {
    /// The database's error inside, if it is one.
    fn store(&self) -> Option<&Error>;
}

impl UnitError for Error {
    fn store(&self) -> Option<&Error> {
        Some(self)
    }
}
