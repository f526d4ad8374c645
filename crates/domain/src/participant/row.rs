//! The row.

use confab_store::{Row, params};
use confab_types::{
    AccountSid, Address, Channel, ConversationSid, ParticipantSid, RoleSid, ServiceSid, Timestamp, UserSid,
};

use crate::error::Error;
use crate::sync::{opt_sid, sid};
use crate::{Result, Transaction};

/// A participant.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Its SID.
    pub sid: ParticipantSid,
    /// Its account.
    pub account: AccountSid,
    /// Its service.
    pub service: ServiceSid,
    /// Its conversation.
    pub conversation: ConversationSid,
    /// Its user, when it has an identity.
    pub user: Option<UserSid>,
    /// Its identity, when it chats.
    pub identity: Option<String>,
    /// Its address, when it does not.
    pub address: Option<String>,
    /// The account's number that writes to it.
    pub proxy_address: Option<String>,
    /// Its role in the conversation.
    pub role_sid: Option<RoleSid>,
    /// JSON text.
    pub attributes: String,
    /// Index up to which it has read.
    pub last_read_index: Option<i64>,
    /// When it said so.
    pub last_read_at: Option<Timestamp>,
    /// `default` or `muted`.
    pub notification_level: String,
    /// Count of the conversation at its last change.
    pub seq: i64,
    /// Count of the conversation at its creation.
    pub created_seq: i64,
    /// Count of its user at the last change of the user's own part.
    pub user_seq: i64,
    /// Count of its user when it joined.
    pub user_created_seq: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Participant {
    /// The channel of a participant outside chat.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        self.address
            .as_deref()
            .and_then(Address::parse)
            .map(|a| a.channel())
    }
}

macro_rules! columns {
    () => {
        "sid, account_sid, service_sid, conversation_sid, user_sid, identity, address, proxy_address, role_sid, \
         attributes, last_read_index, last_read_at, notification_level, seq, created_seq, user_seq, \
         user_created_seq, created_at, updated_at"
    };
}
pub(super) use columns;

pub(super) fn read(mut row: Row) -> Result<Participant> {
    Ok(Participant {
        sid: sid(&row.text()?)?,
        account: sid(&row.text()?)?,
        service: sid(&row.text()?)?,
        conversation: sid(&row.text()?)?,
        user: opt_sid(row.opt_text()?)?,
        identity: row.opt_text()?,
        address: row.opt_text()?,
        proxy_address: row.opt_text()?,
        role_sid: opt_sid(row.opt_text()?)?,
        attributes: row.text()?,
        last_read_index: row.opt_int()?,
        last_read_at: row.opt_int()?.map(Timestamp),
        notification_level: row.text()?,
        seq: row.int()?,
        created_seq: row.int()?,
        user_seq: row.int()?,
        user_created_seq: row.int()?,
        created_at: Timestamp(row.int()?),
        updated_at: Timestamp(row.int()?),
    })
}

pub(super) fn many(rows: Vec<Row>) -> Result<Vec<Participant>> {
    rows.into_iter().map(read).collect()
}

pub(super) fn insert(tx: &mut Transaction<'_>, new: &Participant) -> Result<()> {
    tx.exec(
        concat!(
            "INSERT INTO participant (",
            columns!(),
            ", open) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1)"
        ),
        params![
            new.sid.to_string(),
            new.account.to_string(),
            new.service.to_string(),
            new.conversation.to_string(),
            new.user.map(|u| u.to_string()),
            &new.identity,
            &new.address,
            &new.proxy_address,
            new.role_sid.map(|r| r.to_string()),
            &new.attributes,
            new.last_read_index,
            new.last_read_at.map(|t| t.0),
            &new.notification_level,
            new.seq,
            new.created_seq,
            new.user_seq,
            new.user_created_seq,
            new.created_at.0,
            new.updated_at.0
        ],
    )
    .map_err(lost_race)?;
    Ok(())
}

/// Another transaction took the identity or the pair since it was looked up: the next run finds it and names it.
fn lost_race(error: confab_store::Error) -> Error {
    match error {
        confab_store::Error::Unique(text) => confab_store::Error::Retry(text).into(),
        other => other.into(),
    }
}

pub(super) fn save(tx: &mut Transaction<'_>, changed: &Participant) -> Result<()> {
    tx.exec(
        "UPDATE participant SET proxy_address = $2, role_sid = $3, attributes = $4, last_read_index = $5, \
         last_read_at = $6, notification_level = $7, seq = $8, user_seq = $9, created_at = $10, updated_at = $11 \
         WHERE sid = $1",
        params![
            changed.sid.to_string(),
            &changed.proxy_address,
            changed.role_sid.map(|r| r.to_string()),
            &changed.attributes,
            changed.last_read_index,
            changed.last_read_at.map(|t| t.0),
            &changed.notification_level,
            changed.seq,
            changed.user_seq,
            changed.created_at.0,
            changed.updated_at.0
        ],
    )
    .map_err(lost_race)?;
    Ok(())
}
