//! Channels (rest.md §5.2): conversations, and public channels that only Chat sees (B-831, B-832).

use std::sync::Arc;

use confab_store::params;
use confab_types::{AccountSid, ServiceSid, Timestamp};

use super::in_words_of_chat;
use crate::conversation::{self, Conversation, Fields, Filter, PUBLIC};
use crate::error::Error;
use crate::list::merge;
use crate::{Change, Command, Counted, Cx, Order, Page, Result, Stream, Transaction, Window, text};

/// The duration that takes a timer away.
const NEVER: &str = "PT0S";

/// Which channels a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Types {
    /// Public ones.
    Public,
    /// Conversations.
    Private,
    /// Both.
    All,
}

/// A channel that is itself what the path names, by SID or unique name.
///
/// # Errors
/// 404/20404, or the database's.
pub fn fetch(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Conversation> {
    conversation::find_channel(tx, service, key)?.ok_or_else(|| Error::code(20404))
}

/// A channel as the parent of what the path names.
///
/// # Errors
/// 404/50300, or the database's.
pub fn parent(tx: &mut Transaction<'_>, service: ServiceSid, key: &str) -> Result<Conversation> {
    conversation::find_channel(tx, service, key)?.ok_or_else(|| Error::code(50300))
}

/// The channels of a service, newest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    service: ServiceSid,
    types: Types,
    window: &Window,
) -> Result<Page<Conversation>> {
    let mut of = |public| {
        let filter = Filter {
            public,
            ..Filter::default()
        };
        conversation::list(tx, service, &filter, window)
    };
    match types {
        Types::Public => of(true),
        Types::Private => of(false),
        Types::All => Ok(merge(
            vec![of(true)?, of(false)?],
            conversation::list_key,
            Order::Descending,
            window,
        )),
    }
}

/// What may be set of a channel; `None` leaves a value, an empty text clears a name.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// At most 256 characters.
    pub friendly_name: Option<String>,
    /// Unique in the service, also among conversations.
    pub unique_name: Option<String>,
    /// JSON text.
    pub attributes: Option<String>,
    /// Identity that made it, at most 256 characters; `system` by default.
    pub created_by: Option<String>,
    /// Instead of the present.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

impl Values {
    fn of_conversation(&self) -> Fields {
        Fields {
            friendly_name: self.friendly_name.clone(),
            unique_name: self.unique_name.clone(),
            attributes: self.attributes.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            ..Fields::default()
        }
    }

    fn is_empty(&self) -> bool {
        self.created_by.is_none() && self.of_conversation().is_empty()
    }

    fn creator(&self, cx: &Cx<'_>) -> Result<Option<&str>> {
        let creator = self.created_by.as_deref().filter(|text| !text.is_empty());
        text::at_most(creator.unwrap_or_default(), cx.limits.identity_chars, 50207)?;
        Ok(creator)
    }
}

/// Makes a channel. It has no messaging service (B-848).
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Whether only Chat sees it.
    pub public: bool,
    /// Its values.
    pub values: Values,
}

impl Command for Create {
    type Output = Conversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        let creator = self.values.creator(cx)?;
        let mut fields = self.values.of_conversation();
        fields.messaging_service = Some(String::new());
        let mut create = conversation::Create {
            account: self.account,
            service: self.service,
            fields,
        };
        if !self.public {
            let made = create.apply(tx, cx).map_err(in_words_of_chat)?;
            return made_by(tx, made, creator);
        }
        // Nothing closes a public channel by itself: only conversations have states.
        create.fields.timer_inactive = Some(NEVER.into());
        create.fields.timer_closed = Some(NEVER.into());
        let mut new = create.build(tx, cx).map_err(in_words_of_chat)?;
        new.public = true;
        conversation::insert(tx, &new).map_err(in_words_of_chat)?;
        made_by(tx, new, creator)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

fn made_by(
    tx: &mut Transaction<'_>,
    mut channel: Conversation,
    creator: Option<&str>,
) -> Result<Conversation> {
    if let Some(creator) = creator {
        creator.clone_into(&mut channel.created_by);
        tx.push(
            "UPDATE conversation SET created_by = $2 WHERE sid = $1",
            params![channel.sid.to_string(), creator],
        )?;
    }
    Ok(channel)
}

/// Changes a channel.
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name.
    pub key: String,
    /// New values.
    pub values: Values,
}

impl Command for Update {
    type Output = Conversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        let creator = self.values.creator(cx)?;
        let found = conversation::hold_channel(tx, self.service, &self.key, 20404)?;
        let fields = self.values.of_conversation();
        if !found.public {
            let update = conversation::Update {
                service: self.service,
                key: found.sid.to_string(),
                fields: fields.clone(),
            };
            let changed = update.apply(tx, cx).map_err(in_words_of_chat)?;
            if creator.is_none() {
                return Ok(changed);
            }
        }
        if self.values.is_empty() {
            return Ok(found);
        }
        let mut changed = conversation::lock(tx, found.sid, 20404)?;
        fields.fill(tx, cx, &mut changed).map_err(in_words_of_chat)?;
        changed.updated_at = self.values.updated_at.unwrap_or(cx.now);
        changed.document_seq = changed.seq;
        conversation::save(tx, &changed).map_err(in_words_of_chat)?;
        let changed = made_by(tx, changed, creator)?;
        cx.commit(
            Stream::Conversation(changed.sid),
            changed.seq,
            vec![Change::Conversation(Arc::new(changed.clone()))],
        );
        Ok(changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.key)
    }
}

/// Removes a channel with all that is in it.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name.
    pub key: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = conversation::hold_channel(tx, self.service, &self.key, 20404)?;
        if found.public {
            conversation::remove(tx, cx, &found)
        } else {
            let delete = conversation::Delete {
                service: self.service,
                key: found.sid.to_string(),
            };
            delete.apply(tx, cx)
        }
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

/// Reads the types of a list: public channels where none is named.
///
/// # Errors
/// 400/20001 for another word.
pub fn types(words: &[String]) -> Result<Types> {
    let public = words.iter().any(|word| word == PUBLIC);
    let private = words.iter().any(|word| word == conversation::PRIVATE);
    if words
        .iter()
        .any(|word| word != PUBLIC && word != conversation::PRIVATE)
    {
        return Err(confab_types::ApiError::invalid("Type").into());
    }
    Ok(match (public, private) {
        (true, true) => Types::All,
        (false, true) => Types::Private,
        (_, false) => Types::Public,
    })
}
