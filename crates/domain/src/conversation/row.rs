//! The row of a conversation.

use confab_store::Row;
use confab_types::{AccountSid, ConversationSid, Duration, MessagingServiceSid, ServiceSid, Timestamp};

use super::{State, Timers};
use crate::Result;
use crate::sync::{opt_sid, sid};

/// A conversation.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Its SID.
    pub sid: ConversationSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Whether it is a public channel of Chat, which Conversations and the SDK do not see (B-832).
    pub public: bool,
    /// What it sends through.
    pub messaging_service: Option<MessagingServiceSid>,
    /// Its name.
    pub friendly_name: Option<String>,
    /// Its name in paths, unique in the service.
    pub unique_name: Option<String>,
    /// JSON text.
    pub attributes: String,
    /// Its state.
    pub state: State,
    /// When the state last changed.
    pub state_at: Timestamp,
    /// What ends its states by itself.
    pub timers: Timers,
    /// `system` or the identity that made it.
    pub created_by: String,
    /// Sender address for e-mail.
    pub email_address: Option<String>,
    /// Sender name for e-mail.
    pub email_name: Option<String>,
    /// Count of all changes in it.
    pub seq: i64,
    /// Count at the last change of the conversation itself.
    pub document_seq: i64,
    /// Index of the next message.
    pub next_index: i64,
    /// Index of the last message that still exists.
    pub last_message_index: Option<i64>,
    /// Its time.
    pub last_message_at: Option<Timestamp>,
    /// Messages that exist.
    pub messages_count: i64,
    /// Participants.
    pub participants_count: i64,
    /// Of them outside chat.
    pub non_chat_count: i64,
    /// Webhooks of its own.
    pub webhooks: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Conversation {
    /// Whether an identity made it. `system` stands for REST callers, whatever a chat user may be called.
    #[must_use]
    pub fn is_creator(&self, identity: &str) -> bool {
        self.created_by == identity && identity != SYSTEM
    }
}

/// Who made what no chat user made.
pub(super) const SYSTEM: &str = "system";

/// The word for a public channel; that for all others is [`PRIVATE`].
pub(crate) const PUBLIC: &str = "public";
/// The word for what Conversations and the SDK see.
pub(crate) const PRIVATE: &str = "private";

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, messaging_service_sid, friendly_name, unique_name, attributes, state, \
         state_at, timer_inactive, timer_closed, timers_from, created_by, email_address, email_name, seq, \
         document_seq, next_index, last_message_index, last_message_at, messages_count, participants_count, \
         non_chat_count, created_at, updated_at, channel_type, webhooks"
    };
}
pub(super) use columns;

pub(super) fn read(mut row: Row) -> Result<Conversation> {
    Ok(Conversation {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: sid(&row.text()?)?,
        messaging_service: opt_sid(row.opt_text()?)?,
        friendly_name: row.opt_text()?,
        unique_name: row.opt_text()?,
        attributes: row.text()?,
        state: State::read(&row.text()?)?,
        state_at: Timestamp(row.int()?),
        timers: Timers {
            inactive: row.opt_int()?.map(Duration),
            closed: row.opt_int()?.map(Duration),
            from: Timestamp(row.int()?),
        },
        created_by: row.text()?,
        email_address: row.opt_text()?,
        email_name: row.opt_text()?,
        seq: row.int()?,
        document_seq: row.int()?,
        next_index: row.int()?,
        last_message_index: row.opt_int()?,
        last_message_at: row.opt_int()?.map(Timestamp),
        messages_count: row.int()?,
        participants_count: row.int()?,
        non_chat_count: row.int()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
        public: row.text()? == PUBLIC,
        webhooks: row.int()?,
    })
}
