//! The states of a conversation and what follows from a change of it.

use std::sync::Arc;

use confab_store::params;

use super::{Conversation, update};
use crate::error::Error;
use crate::hook::{self, Cause, Occurrence};
use crate::{Change, Cx, Result, Stream, Transaction};

/// State of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its participants are still being added; nobody can use or change it until then (B-137, B-141).
    Initializing,
    /// Messages flow.
    Active,
    /// Nothing happened for a while; the next message makes it active.
    Inactive,
    /// Read-only for good (B-111…B-113).
    Closed,
}

impl State {
    /// The word of the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Closed => "closed",
        }
    }

    /// Reads the word of the API where any state may stand: in a filter.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Initializing, Self::Active, Self::Inactive, Self::Closed]
            .into_iter()
            .find(|state| state.name() == word)
    }

    /// Reads the word of a state that a caller puts a conversation into.
    ///
    /// # Errors
    /// 50374 for an empty word, 50386 for `initializing`, 50378 for an unknown one (B-107).
    pub fn parse(word: &str) -> Result<Self> {
        match Self::named(word) {
            Some(Self::Initializing) => Err(Error::code(50386)),
            Some(state) => Ok(state),
            None if word.is_empty() => Err(Error::code(50374)),
            None => Err(Error::code(50378)),
        }
    }

    /// Reads the word of a row.
    pub(crate) fn read(word: &str) -> Result<Self> {
        Self::named(word)
            .ok_or_else(|| confab_store::Error::Decode(format!("a conversation's state: {word}")).into())
    }
}

impl Conversation {
    /// Refuses a change of what cannot change.
    ///
    /// # Errors
    /// 50377 when it is closed for good (B-109…B-112), 50386 while it is initializing (B-141).
    pub fn require_open(&self) -> Result<()> {
        match self.state {
            State::Active | State::Inactive => Ok(()),
            State::Closed => Err(Error::code(50377)),
            State::Initializing => Err(Error::code(50386)),
        }
    }
}

/// Puts a conversation into a state: the one place for what each change of a state brings with it, but for the
/// awakening by a message, which `append` does in its own statement. The caller holds the row and saves it.
///
/// The same state again is no change (B-110).
pub(super) fn enter(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    conversation: &mut Conversation,
    state: State,
) -> Result<()> {
    if conversation.state == state {
        return Ok(());
    }
    conversation.state = state;
    conversation.state_at = cx.now;
    conversation.timers.from = cx.now; // B-124
    if state == State::Closed {
        // B-172: the number pairs of a closed conversation are free.
        tx.push(
            "UPDATE participant SET open = 0 WHERE conversation_sid = $1",
            params![conversation.sid.to_string()],
        )?;
    }
    Ok(())
}

/// Tells of another state than there was before (B-110, B-115).
pub(super) fn tell(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    from: State,
    of: &Conversation,
    cause: Cause,
) -> Result<()> {
    if of.state == from {
        return Ok(());
    }
    hook::fire(tx, cx, &Occurrence::State { of, from, cause })
}

/// Saves a conversation that the server itself put into another state, and tells those who follow it. Its row is
/// locked and its count taken.
pub(super) fn save_entered(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &mut Conversation,
) -> Result<()> {
    conversation.updated_at = cx.now;
    conversation.document_seq = conversation.seq;
    update::save(tx, conversation)?;
    cx.commit(
        Stream::Conversation(conversation.sid),
        conversation.seq,
        vec![Change::Conversation(Arc::new(conversation.clone()))],
    );
    Ok(())
}
