//! Group texting (B-211…B-225): phones and numbers of the account that write to each other by group messages.
//!
//! The members are the *native* phones (an address without a number in front of it) and the *projected* numbers. With
//! one of each there is a group; from three numbers on its messages are group messages.

use std::collections::BTreeSet;

use confab_store::params;
use confab_types::{Address, ApiError, ConversationSid};

use super::row::{Participant, columns, lost_race, many};
use crate::error::Error;
use crate::sync::sid;
use crate::{Cx, Result, Transaction};

/// Numbers from which on messages are group messages; two write to each other (B-216).
const LEAST: usize = 3;

/// The participants of a conversation with an address or a number of their own; at most some dozens.
pub(super) fn addressed(tx: &mut Transaction<'_>, conversation: ConversationSid) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 \
             AND (address IS NOT NULL OR projected_address IS NOT NULL) ORDER BY sid"
        ),
        params![conversation.to_string()],
    )?)
}

/// The numbers of a group.
pub(super) struct Group<'a> {
    numbers: BTreeSet<&'a str>,
    has_native: bool,
    has_projected: bool,
}

impl<'a> Group<'a> {
    pub(super) fn of(addressed: &'a [Participant]) -> Self {
        let natives = || addressed.iter().filter(|p| p.is_native());
        let projected = || addressed.iter().filter_map(|p| p.projected_address.as_deref());
        Self {
            numbers: natives()
                .filter_map(|p| p.address.as_deref())
                .chain(projected())
                .collect(),
            has_native: natives().next().is_some(),
            has_projected: projected().next().is_some(),
        }
    }

    pub(super) fn has_native(&self) -> bool {
        self.has_native
    }

    pub(super) fn has_projected(&self) -> bool {
        self.has_projected
    }

    /// Whom a phone sees besides itself and the sender; nobody while two write to each other.
    pub(super) fn others(&self, from: &str, to: &str) -> Vec<String> {
        if self.numbers.len() < LEAST {
            return Vec::new();
        }
        let others = self.numbers.iter().filter(|n| **n != from && **n != to);
        others.map(|n| (*n).to_owned()).collect()
    }

    /// The set as one text; none where there is no group.
    fn key(&self) -> Option<String> {
        (self.has_native && self.has_projected).then(|| join(&self.numbers))
    }
}

fn join(numbers: &BTreeSet<&str>) -> String {
    numbers.iter().copied().collect::<Vec<_>>().join(",")
}

/// Refuses a member whose number somebody of the conversation has already, and one too many (B-214).
pub(super) fn admit(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    new: &Participant,
    number: &Address,
) -> Result<()> {
    let mut others = addressed(tx, new.conversation)?;
    others.retain(|p| p.sid != new.sid);
    let is = |has: &Option<String>| has.as_deref() == Some(number.as_str());
    if others.iter().any(|p| is(&p.address) || is(&p.projected_address)) {
        return Err(Error::code(50437));
    }
    let members = others.iter().filter(|p| p.group_number().is_some());
    if i64::try_from(members.count()).unwrap_or(i64::MAX) >= cx.limits.group_participants {
        return Err(Error::code(50436));
    }
    Ok(())
}

/// What a conversation does whose numbers another open one has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The change that made them the same is refused (B-215).
    Refuse,
    /// It has them too, and messages that come in stay with the other one: nobody is kept in a conversation since
    /// the rest would be the members of another.
    Yield,
}

/// Writes down the numbers of a group after its members changed. Where two transactions make the same group at the
/// same time, the unique index stops one of them, which runs again and finds the other.
pub(super) fn settle(tx: &mut Transaction<'_>, conversation: ConversationSid, taken: Taken) -> Result<()> {
    let addressed = addressed(tx, conversation)?;
    let mut key = Group::of(&addressed).key();
    if let Some(numbers) = &key
        && let Some(other) = holder(tx, numbers)?
        && other != conversation
    {
        if taken == Taken::Refuse {
            return Err(ApiError::new(50438)
                .message(format!(
                    "Group conversation with given participant list already exists in Conversation {other}"
                ))
                .into());
        }
        key = None;
    }
    tx.exec(
        "UPDATE conversation SET group_numbers = $2 WHERE sid = $1",
        params![conversation.to_string(), &key],
    )
    .map_err(lost_race)?;
    Ok(())
}

/// The open conversation that has a set of numbers.
fn holder(tx: &mut Transaction<'_>, numbers: &str) -> Result<Option<ConversationSid>> {
    let row = tx.first(
        "SELECT sid FROM conversation WHERE group_numbers = $1 AND state <> 'closed'",
        params![numbers],
    )?;
    row.map(|mut row| sid(&row.text()?)).transpose()
}

/// The phone of an open group that writes to exactly its other numbers (B-223). `to` is a number of the account that
/// the message came to, which the group must know as such: a number of another account may be a phone of the group.
pub(crate) fn by_numbers(
    tx: &mut Transaction<'_>,
    from: &str,
    to: &str,
    others: &[String],
) -> Result<Option<Participant>> {
    let mut numbers: BTreeSet<&str> = others.iter().map(String::as_str).collect();
    numbers.extend([from, to]);
    let Some(conversation) = holder(tx, &join(&numbers))? else {
        return Ok(None);
    };
    let addressed = addressed(tx, conversation)?;
    let is = |has: &Option<String>, number: &str| has.as_deref() == Some(number);
    if !addressed.iter().any(|p| is(&p.projected_address, to)) {
        return Ok(None);
    }
    let writer = addressed
        .into_iter()
        .find(|p| p.is_native() && is(&p.address, from));
    Ok(writer)
}
