//! Members (rest.md §5.3): participants that chat.

use std::collections::BTreeSet;

use confab_types::{ApiError, ConversationSid, ServiceSid, Timestamp};

use super::{channel, in_words_of_chat, service};
use crate::conversation;
use crate::error::Error;
use crate::list::merge;
use crate::participant::{self, Fields, Participant};
use crate::{Command, Counted, Cx, Order, Page, Result, Transaction, Window};

/// A member of a channel by SID or identity.
///
/// # Errors
/// 404/50402, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, channel: ConversationSid, key: &str) -> Result<Participant> {
    participant::find(tx, channel, key)?
        .filter(|member| member.identity.is_some())
        .ok_or_else(|| Error::code(50402))
}

/// Identities that one list may ask for: each is a look-up of its own.
const IDENTITIES: usize = 100;

/// The members of a channel, oldest first; of the identities only, where some are given.
///
/// # Errors
/// 400/20001 for too many identities, or the database's.
pub fn list(
    tx: &mut Transaction<'_>,
    channel: ConversationSid,
    identities: &[String],
    window: &Window,
) -> Result<Page<Participant>> {
    if identities.is_empty() {
        return participant::members(tx, channel, window);
    }
    if identities.len() > IDENTITIES {
        return Err(ApiError::invalid("Identity").into());
    }
    let mut pages = Vec::with_capacity(identities.len());
    for identity in identities.iter().collect::<BTreeSet<_>>() {
        pages.push(participant::members_called(tx, channel, identity, window)?);
    }
    Ok(merge(pages, participant::list_key, Order::Ascending, window))
}

/// Adds a member.
#[derive(Clone, Debug)]
pub struct Add {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the channel.
    pub channel: String,
    /// His identity.
    pub identity: String,
    /// SID of a channel role.
    pub role: Option<String>,
    /// JSON text.
    pub attributes: Option<String>,
    /// Instead of the present.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

impl Command for Add {
    type Output = Participant;

    /// # Errors
    /// 404/50300 without the channel, 409/50404 for a member, 400/50403 in a full channel (B-844), and those of
    /// adding a participant.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Participant> {
        let fields = Fields {
            identity: Some(self.identity.clone()),
            role: self.role.clone(),
            attributes: self.attributes.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            ..Fields::default()
        };
        let channel = conversation::hold_channel(tx, self.service, &self.channel, 50300)?;
        let limit = service::channel_members(tx, self.service)?;
        let full = channel.participants_count - channel.non_chat_count >= limit;
        if full && participant::by_identity(tx, channel.sid, &self.identity)?.is_none() {
            return Err(Error::code(50403));
        }
        let added = if channel.public {
            participant::add(tx, cx, channel.sid, &fields)
        } else {
            let add = participant::Add {
                service: self.service,
                conversation: channel.sid.to_string(),
                fields,
            };
            add.apply(tx, cx)
        };
        added.map_err(in_words_of_chat)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.channel)
    }
}

/// Takes a member out.
#[derive(Clone, Debug)]
pub struct Remove {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the channel.
    pub channel: String,
    /// SID or identity.
    pub key: String,
}

impl Command for Remove {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let channel = channel::parent(tx, self.service, &self.channel)?;
        let member = fetch(tx, channel.sid, &self.key)?;
        participant::remove(tx, cx, &member).map_err(in_words_of_chat)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.channel)
    }
}
