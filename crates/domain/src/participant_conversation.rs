//! In which conversations an identity or an address takes part (rest.md §2.9, B-185…B-189).

use std::collections::BTreeMap;

use confab_types::{ConversationSid, ServiceSid, UserSid};

use crate::conversation::{self, Conversation};
use crate::participant::{self, Participant};
use crate::{Page, Result, Transaction, Window, user};

/// A participant with its conversation.
#[derive(Clone, Debug)]
pub struct ParticipantConversation {
    /// The conversation, in any state.
    pub conversation: Conversation,
    /// The participant.
    pub participant: Participant,
}

/// Whom to look for; compared exactly (B-188).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A chat user.
    Identity(String),
    /// An address outside chat.
    Address(String),
}

/// The participants of a service that somebody is, by the SIDs of their conversations (B-185). Whoever began as a
/// projected address alone is not among them (B-189).
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    who: &Who,
    window: &Window,
) -> Result<Page<ParticipantConversation>> {
    match who {
        Who::Identity(identity) => {
            let Some(user) = user::by_identity(tx, service, identity)? else {
                return Ok(Page::default());
            };
            let page = participant::of_user_found(tx, user.sid, window)?;
            of_user(tx, user.sid, page)
        }
        Who::Address(address) => {
            let page = participant::of_address(tx, service, address, window)?;
            let conversations = match span(&page) {
                Some(span) => conversation::of_address_between(tx, service, address, span)?,
                None => Vec::new(),
            };
            Ok(join(page, conversations))
        }
    }
}

/// A page of a user's participants with their conversations.
pub(crate) fn of_user(
    tx: &mut Transaction<'_>,
    user: UserSid,
    page: Page<Participant>,
) -> Result<Page<ParticipantConversation>> {
    let conversations = match span(&page) {
        Some(span) => conversation::of_user_between(tx, user, span)?,
        None => Vec::new(),
    };
    Ok(join(page, conversations))
}

/// The first and the last conversation of a page.
fn span(page: &Page<Participant>) -> Option<(ConversationSid, ConversationSid)> {
    let edges = page.items.first().zip(page.items.last());
    edges.map(|(first, last)| (first.conversation, last.conversation))
}

/// Puts each participant beside its conversation; both were read in one snapshot, so each has one.
fn join(page: Page<Participant>, conversations: Vec<Conversation>) -> Page<ParticipantConversation> {
    let by_sid: BTreeMap<_, _> = conversations.into_iter().map(|c| (c.sid, c)).collect();
    let items = page.items.into_iter().filter_map(|participant| {
        let conversation = by_sid.get(&participant.conversation)?.clone();
        Some(ParticipantConversation {
            conversation,
            participant,
        })
    });
    Page {
        items: items.collect(),
        next: page.next,
        previous: page.previous,
    }
}
