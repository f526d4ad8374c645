//! Messages of channels (rest.md §5.3): those of conversations (B-847).

use confab_types::{Cursor, ServiceSid, Timestamp};

use super::{channel, in_words_of_chat};
use crate::content::Reference;
use crate::conversation::Conversation;
use crate::error::Error;
use crate::message::{self, Message};
use crate::{Command, Counted, Cx, Order, Result, Transaction, Window};

/// A message of a channel by SID or index.
///
/// # Errors
/// 404/50500, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, channel: &Conversation, key: &str) -> Result<Message> {
    let index: i64 = match key.parse() {
        Ok(index) if index >= 0 => index,
        _ => return message::fetch(tx, channel, key),
    };
    let window = Window {
        cursor: Some(Cursor::after(index - 1)),
        size: 1,
    };
    let found = message::list(tx, channel, Order::Ascending, &window)?.items.pop();
    found
        .filter(|message| message.index == index)
        .ok_or_else(|| Error::code(50500))
}

/// Posts a message.
#[derive(Clone, Debug)]
pub struct Create {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the channel.
    pub channel: String,
    /// Its author; `system` by default.
    pub from: Option<String>,
    /// Its text.
    pub body: Option<String>,
    /// JSON text.
    pub attributes: Option<String>,
    /// Instead of the present.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
    /// SID of its medium.
    pub media: Option<String>,
}

impl Command for Create {
    type Output = Message;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Message> {
        let channel = channel::parent(tx, self.service, &self.channel)?;
        let create = message::Create {
            service: self.service,
            conversation: channel.sid.to_string(),
            author: self.from.clone(),
            body: self.body.clone(),
            subject: None,
            attributes: self.attributes.clone(),
            content: Reference::default(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            media: self.media.iter().cloned().collect(),
        };
        if channel.public {
            create.apply_in_public(tx, cx, channel.sid)
        } else {
            create.apply(tx, cx)
        }
        .map_err(in_words_of_chat)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.channel)
    }
}
