//! Participants (rest.md §2.4): an identity, or an address behind a number of the account.

use std::sync::Arc;

use confab_store::{Row, params};
use confab_types::{
    AccountSid, Address, ApiError, Channel, ConversationSid, KeyPart, ParticipantSid, RoleSid, ServiceSid,
    Sid, Timestamp, UserSid,
};

use crate::conversation::{self, Conversation, State};
use crate::error::Error;
use crate::list::{Bound, Listing};
use crate::role::{self, Permission, RoleType};
use crate::sync::{self, Tombstone, opt_sid, sid};
use crate::{
    Change, Client, Command, Cx, Order, Page, Result, Stream, Transaction, Window, number, service, text,
    user,
};

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

pub(crate) fn read(mut row: Row) -> Result<Participant> {
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

fn many(rows: Vec<Row>) -> Result<Vec<Participant>> {
    rows.into_iter().map(read).collect()
}

/// A participant of a conversation by SID or identity (B-176); `None` when there is none.
///
/// # Errors
/// The database's.
pub fn find(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    key: &str,
) -> Result<Option<Participant>> {
    match ParticipantSid::parse(key) {
        Some(participant) => {
            let row = tx.first(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM participant WHERE sid = $1 AND conversation_sid = $2"
                ),
                params![participant.to_string(), conversation.to_string()],
            )?;
            row.map(read).transpose()
        }
        None => by_identity(tx, conversation, key),
    }
}

/// As [`find`].
///
/// # Errors
/// 404/50432 (B-177), or the database's.
pub fn fetch(tx: &mut Transaction<'_>, conversation: ConversationSid, key: &str) -> Result<Participant> {
    find(tx, conversation, key)?.ok_or_else(|| Error::code(50432))
}

/// A participant by identity.
///
/// # Errors
/// The database's.
pub fn by_identity(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    identity: &str,
) -> Result<Option<Participant>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND identity = $2"
        ),
        params![conversation.to_string(), identity],
    )?;
    row.map(read).transpose()
}

/// The participant whose identity or address an author is (B-234).
pub(crate) fn by_author(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    author: &str,
) -> Result<Option<Participant>> {
    if let Some(found) = by_identity(tx, conversation, author)? {
        return Ok(Some(found));
    }
    by_address(tx, conversation, author)
}

/// The participant with an address.
pub(crate) fn by_address(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    address: &str,
) -> Result<Option<Participant>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND address = $2"
        ),
        params![conversation.to_string(), address],
    )?;
    row.map(read).transpose()
}

/// The participant that a client is in a conversation.
///
/// # Errors
/// 403/50430 when he is none (B-711).
pub fn of_client(
    tx: &mut Transaction<'_>,
    conversation: &Conversation,
    client: &Client,
) -> Result<Participant> {
    of_client_if(tx, conversation.sid, client)?.ok_or_else(|| Error::code(50430))
}

/// As [`of_client`]; `None` when he is none. A connection may outlive its user: another user of the same identity is
/// not the one who was let in.
///
/// # Errors
/// The database's.
pub fn of_client_if(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    client: &Client,
) -> Result<Option<Participant>> {
    Ok(by_identity(tx, conversation, &client.identity)?.filter(|p| p.user == Some(client.user)))
}

/// All participants of a conversation; their number is limited (B-178).
pub(crate) fn of_conversation_all(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 ORDER BY sid"
        ),
        params![conversation.to_string()],
    )?)
}

/// The participants of a conversation outside chat.
pub(crate) fn non_chat(tx: &mut Transaction<'_>, conversation: ConversationSid) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND address IS NOT NULL ORDER BY sid"
        ),
        params![conversation.to_string()],
    )?)
}

/// All participants that a user is.
pub(crate) fn of_user_all(tx: &mut Transaction<'_>, user: UserSid) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 ORDER BY conversation_sid"
        ),
        params![user.to_string()],
    )?)
}

/// The participants that a user is, by conversation: the user's conversations.
///
/// # Errors
/// The database's.
pub fn of_user(
    tx: &mut Transaction<'_>,
    user: UserSid,
    order: Order,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND conversation_sid > $2 ORDER BY conversation_sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND conversation_sid < $2 \
             ORDER BY conversation_sid DESC LIMIT $3"
        ),
        params: params![user.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |p| vec![KeyPart::Text(p.conversation.to_string())],
    }
    .page(tx, order, window)
}

/// What a user changed in his conversations after a count.
pub(crate) fn user_changes(
    tx: &mut Transaction<'_>,
    user: UserSid,
    after: i64,
    most: i64,
) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE user_sid = $1 AND user_seq > $2 ORDER BY user_seq LIMIT $3"
        ),
        params![user.to_string(), after, most],
    )?)
}

/// The participants that changed after a count of their conversation.
pub(crate) fn changes(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    after: i64,
) -> Result<Vec<Participant>> {
    many(tx.query(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND seq > $2 ORDER BY seq"
        ),
        params![conversation.to_string(), after],
    )?)
}

/// The participants of a conversation, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Transaction<'_>,
    conversation: ConversationSid,
    order: Order,
    window: &Window,
) -> Result<Page<Participant>> {
    Listing {
        ascending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND sid > $2 ORDER BY sid LIMIT $3"
        ),
        descending: concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE conversation_sid = $1 AND sid < $2 ORDER BY sid DESC LIMIT $3"
        ),
        params: params![conversation.to_string()].to_vec(),
        bounds: &[Bound::Text],
        edge: None,
        read,
        key: |p| vec![KeyPart::Text(p.sid.to_string())],
    }
    .page(tx, order, window)
}

/// The participant of an open conversation that a number pair belongs to (B-301).
pub(crate) fn by_pair(
    tx: &mut Transaction<'_>,
    address: &str,
    proxy_address: &str,
) -> Result<Option<Participant>> {
    let row = tx.first(
        concat!(
            "SELECT ",
            columns!(),
            " FROM participant WHERE address = $1 AND proxy_address = $2 AND open = 1"
        ),
        params![address, proxy_address],
    )?;
    row.map(read).transpose()
}

/// Adds a participant. A client adds himself (joins), another identity or an address.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Identity of a chat participant.
    pub identity: Option<String>,
    /// Address of a participant outside chat.
    pub address: Option<String>,
    /// The account's number in front of it.
    pub proxy_address: Option<String>,
    /// Number of a chat participant in a group text.
    pub projected_address: Option<String>,
    /// JSON text of at most 4 KB.
    pub attributes: Option<String>,
    /// SID of a conversation role.
    pub role: Option<String>,
    /// Instead of the present.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

/// See [`Fields`].
#[derive(Clone, Debug)]
pub struct Add {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// What is added.
    pub fields: Fields,
}

impl Command for Add {
    type Output = Participant;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Participant> {
        let fields = &self.fields;
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        if let Some(client) = cx.actor.client().cloned() {
            let joins = fields.identity.as_deref() == Some(client.identity.as_str());
            let me = of_client_if(tx, found.sid, &client)?;
            if joins {
                // Who is in already gets the ordinary conflict below.
                if me.is_none() {
                    role::require(tx, &cx.actor, None, &[Permission::JoinConversation])?;
                }
            } else {
                let me = me.ok_or_else(|| Error::code(50430))?;
                let needed: &[Permission] = if fields.identity.is_some() {
                    &[Permission::AddParticipant]
                } else {
                    &[Permission::AddNonChatParticipant, Permission::AddParticipant]
                };
                role::require(tx, &cx.actor, Some(&me), needed)?;
            }
        }
        let attributes = text::attributes(
            fields.attributes.as_deref(),
            cx.limits.participant_attributes_bytes,
        )?;
        let kind = Kind::of(fields)?;
        let locked = conversation::lock_open(tx, found.sid, 50350)?;
        let role = match fields.role.as_deref().filter(|t| !t.is_empty()) {
            Some(text) => conversation_role(tx, locked.service, text)?,
            None => default_role(tx, cx, &locked, &kind)?,
        };
        if locked.participants_count >= cx.limits.participants {
            return Err(Error::code(50417));
        }
        let mut new = Participant {
            sid: cx.sid(),
            account: locked.account,
            service: locked.service,
            conversation: locked.sid,
            user: None,
            identity: None,
            address: None,
            proxy_address: None,
            role_sid: Some(role),
            attributes: attributes.unwrap_or_else(|| "{}".into()),
            last_read_index: None,
            last_read_at: None,
            notification_level: "default".into(),
            seq: locked.seq,
            created_seq: locked.seq,
            user_seq: 0,
            user_created_seq: 0,
            created_at: fields.created_at.unwrap_or(cx.now),
            updated_at: fields.updated_at.or(fields.created_at).unwrap_or(cx.now),
        };
        match kind {
            Kind::Chat { identity } => join_user(tx, cx, &locked, &mut new, identity)?,
            Kind::Address { address, proxy } => bind_pair(tx, cx, &locked, &mut new, &address, &proxy)?,
        }
        insert(tx, &new)?;
        let non_chat = i64::from(new.identity.is_none());
        tx.push(
            "UPDATE conversation SET participants_count = participants_count + 1, \
             non_chat_count = non_chat_count + $2 WHERE sid = $1",
            params![locked.sid.to_string(), non_chat],
        )?;
        let shared = Arc::new(new.clone());
        cx.commit(
            Stream::Conversation(locked.sid),
            locked.seq,
            vec![Change::ParticipantAdded(Arc::clone(&shared))],
        );
        // realtime.md §4.11: the newcomer opens the conversation on its own entry, so that comes last.
        if let Some(user) = new.user {
            cx.commit(Stream::User(user), new.user_seq, vec![Change::Joined(shared)]);
        }
        Ok(new)
    }
}

/// The kinds of rest.md §2.4 that this server has so far.
enum Kind<'a> {
    Chat { identity: &'a str },
    Address { address: Address, proxy: Address },
}

impl<'a> Kind<'a> {
    fn of(fields: &'a Fields) -> Result<Self> {
        let given = |text: &'a Option<String>| text.as_deref();
        if given(&fields.projected_address).is_some_and(|t| !t.is_empty()) {
            // Group texting is not built yet; the original says the same to accounts without it.
            return Err(Error::code(50452));
        }
        let identity = given(&fields.identity).filter(|t| !t.is_empty());
        match (identity, given(&fields.address), given(&fields.proxy_address)) {
            (Some(_), Some(a), _) | (Some(_), _, Some(a)) if !a.is_empty() => Err(Error::code(50211)),
            (Some(identity), _, _) => Ok(Self::Chat { identity }),
            (None, None, None) => Err(ApiError::missing("Identity").into()),
            (None, None, Some(_)) => Err(Error::code(50411)),
            (None, Some(""), _) => Err(Error::code(50411)),
            (None, Some(_), Some("")) => Err(Error::code(50412)),
            (None, Some(_), None) => Err(Error::code(50452)),
            (None, Some(address), Some(proxy)) => {
                let address = Address::parse(address).ok_or_else(|| Error::code(50407))?;
                let proxy = Address::parse(proxy).ok_or_else(|| Error::code(50408))?;
                if address == proxy {
                    return Err(Error::code(50409));
                }
                if address.channel() != proxy.channel() {
                    return Err(Error::code(50414));
                }
                Ok(Self::Address { address, proxy })
            }
        }
    }
}

fn conversation_role(tx: &mut Transaction<'_>, service: ServiceSid, text: &str) -> Result<RoleSid> {
    let sid = role::parse(text, 50109)?;
    if role::exists(tx, service, sid, RoleType::Conversation)? {
        Ok(sid)
    } else {
        Err(Error::code(50109))
    }
}

/// Who joins the conversation that he created gets the creator's role, others the ordinary one (B-165, B-664).
fn default_role(
    tx: &mut Transaction<'_>,
    cx: &Cx<'_>,
    conversation: &Conversation,
    kind: &Kind<'_>,
) -> Result<RoleSid> {
    let service = service::fetch(tx, conversation.account, conversation.service)?;
    let creator = match (cx.actor.client(), kind) {
        (Some(client), Kind::Chat { identity }) => {
            client.identity == *identity && conversation.is_creator(identity)
        }
        _ => false,
    };
    Ok(if creator {
        service.conversation_creator_role
    } else {
        service.conversation_role
    })
}

fn join_user(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    new: &mut Participant,
    identity: &str,
) -> Result<()> {
    user::check_identity(cx, identity)?;
    if by_identity(tx, conversation.sid, identity)?.is_some() {
        return Err(Error::code(50433));
    }
    let user = user::ensure(tx, cx, conversation.account, conversation.service, identity, None)?;
    // The count locks the user's row; who was deleted since the look-up is made anew by another run (B-544).
    new.user_seq = user::next_seq(tx, user.sid).map_err(user::retry_if_gone)?;
    let row = tx.first(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM participant \
         WHERE user_sid = $1 AND open = 1 LIMIT $2) AS joined",
        params![user.sid.to_string(), cx.limits.conversations_per_identity],
    )?;
    if row.map_or(Ok(0), |mut r| r.int())? >= cx.limits.conversations_per_identity {
        return Err(Error::code(50214));
    }
    new.user = Some(user.sid);
    new.identity = Some(identity.to_owned());
    new.user_created_seq = new.user_seq;
    Ok(())
}

fn bind_pair(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    new: &mut Participant,
    address: &Address,
    proxy: &Address,
) -> Result<()> {
    text::at_most(address.as_str(), cx.limits.identity_chars, 50407)?;
    text::at_most(proxy.as_str(), cx.limits.identity_chars, 50408)?;
    if conversation.messaging_service.is_none() {
        return Err(Error::code(50373));
    }
    if conversation.non_chat_count >= cx.limits.non_chat_participants {
        return Err(Error::code(50418));
    }
    if number::owner(tx, address)?.is_some() {
        return Err(Error::code(50407));
    }
    number::require(tx, cx, conversation.account, proxy)?;
    if let Some(other) = by_pair(tx, address.as_str(), proxy.as_str())? {
        return Err(pair_taken(other.conversation));
    }
    new.address = Some(address.to_string());
    new.proxy_address = Some(proxy.to_string());
    Ok(())
}

fn pair_taken(conversation: ConversationSid) -> Error {
    ApiError::new(50416)
        .message(format!(
            "A binding for this participant and proxy address already exists in Conversation {conversation}"
        ))
        .into()
}

fn insert(tx: &mut Transaction<'_>, new: &Participant) -> Result<()> {
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

/// New read horizon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// Nothing read yet: index and time become null (B-573).
    Unset,
    /// Read up to an index (B-578: also a lower one than before).
    At(i64),
}

/// Changes a participant (B-182).
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// SID or identity.
    pub key: String,
    /// JSON text.
    pub attributes: Option<String>,
    /// SID of a conversation role.
    pub role: Option<String>,
    /// New identity; refused for those that have one (B-221).
    pub identity: Option<String>,
    /// New proxy address; `null` takes it away.
    pub proxy_address: Option<String>,
    /// New read horizon.
    pub horizon: Option<Horizon>,
    /// Time of the horizon, instead of the present.
    pub last_read_at: Option<Timestamp>,
    /// New notification level of the user himself: `default` or `muted`.
    pub notification_level: Option<String>,
    /// Instead of what it is.
    pub created_at: Option<Timestamp>,
    /// Instead of the present.
    pub updated_at: Option<Timestamp>,
}

impl Update {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn of(service: ServiceSid, conversation: &str, key: &str) -> Self {
        Self {
            service,
            conversation: conversation.to_owned(),
            key: key.to_owned(),
            attributes: None,
            role: None,
            identity: None,
            proxy_address: None,
            horizon: None,
            last_read_at: None,
            notification_level: None,
            created_at: None,
            updated_at: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.attributes.is_none()
            && self.role.is_none()
            && self.identity.is_none()
            && self.proxy_address.is_none()
            && self.horizon.is_none()
            && self.last_read_at.is_none()
            && self.notification_level.is_none()
            && self.created_at.is_none()
            && self.updated_at.is_none()
    }

    /// Whether it changes what the user sees of his own part.
    fn touches_user(&self) -> bool {
        self.horizon.is_some() || self.last_read_at.is_some() || self.notification_level.is_some()
    }

    fn permit(
        &self,
        tx: &mut Transaction<'_>,
        cx: &Cx<'_>,
        conversation: &Conversation,
        target: &Participant,
    ) -> Result<()> {
        let Some(client) = cx.actor.client() else {
            return Ok(());
        };
        let me = of_client(tx, conversation, client)?;
        let own = me.sid == target.sid;
        if self.attributes.is_some() {
            let needed: &[Permission] = if own {
                &[
                    Permission::EditOwnParticipantAttributes,
                    Permission::EditAnyParticipantAttributes,
                ]
            } else {
                &[Permission::EditAnyParticipantAttributes]
            };
            role::require(tx, &cx.actor, Some(&me), needed)?;
        }
        if self.notification_level.is_some() {
            role::require(tx, &cx.actor, Some(&me), &[Permission::EditNotificationLevel])?;
        }
        if self.touches_user() && !own {
            return Err(Error::code(50107));
        }
        Ok(())
    }
}

impl Command for Update {
    type Output = Participant;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Participant> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        let target = fetch(tx, found.sid, &self.key)?;
        self.permit(tx, cx, &found, &target)?;
        if self.is_empty() {
            return if found.state == State::Closed {
                Err(Error::code(50377))
            } else {
                Ok(target)
            };
        }
        let locked = conversation::lock_open(tx, found.sid, 50350)?;
        let mut changed = fetch(tx, locked.sid, &target.sid.to_string())?;
        if let Some(attributes) =
            text::attributes(self.attributes.as_deref(), cx.limits.participant_attributes_bytes)?
        {
            changed.attributes = attributes;
        }
        if let Some(text) = self.role.as_deref().filter(|t| !t.is_empty()) {
            changed.role_sid = Some(conversation_role(tx, locked.service, text)?);
        }
        if let Some(identity) = &self.identity {
            // B-221, and 50211 for a participant outside chat.
            let same = changed.identity.as_ref() == Some(identity);
            match (&changed.identity, same) {
                (Some(_), true) => {}
                (Some(_), false) => return Err(Error::code(50444)),
                (None, _) => return Err(Error::code(50211)),
            }
        }
        if let Some(proxy) = &self.proxy_address {
            rebind(tx, cx, &locked, &mut changed, proxy)?;
        }
        match self.horizon {
            None => {}
            Some(Horizon::Unset) => (changed.last_read_index, changed.last_read_at) = (None, None),
            Some(Horizon::At(index)) => {
                changed.last_read_index = Some(index);
                changed.last_read_at = Some(self.last_read_at.unwrap_or(cx.now));
            }
        }
        if self.horizon.is_none() && self.last_read_at.is_some() {
            changed.last_read_at = self.last_read_at;
        }
        if let Some(level) = &self.notification_level {
            changed.notification_level.clone_from(level);
        }
        changed.created_at = self.created_at.unwrap_or(changed.created_at);
        changed.updated_at = self.updated_at.unwrap_or(cx.now);
        changed.seq = locked.seq;
        if let Some(user) = changed.user.filter(|_| self.touches_user()) {
            changed.user_seq = user::next_seq(tx, user)?;
        }
        save(tx, &changed)?;
        let shared = Arc::new(changed.clone());
        cx.commit(
            Stream::Conversation(locked.sid),
            locked.seq,
            vec![Change::ParticipantUpdated(Arc::clone(&shared))],
        );
        if let Some(user) = changed.user.filter(|_| self.touches_user()) {
            cx.commit(
                Stream::User(user),
                changed.user_seq,
                vec![Change::Membership(shared)],
            );
        }
        Ok(changed)
    }
}

/// Another proxy address, or none (B-183, B-184).
fn rebind(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    conversation: &Conversation,
    changed: &mut Participant,
    proxy: &str,
) -> Result<()> {
    if proxy == "null" {
        if changed.proxy_address.is_none() {
            return Err(Error::code(50440));
        }
        // Without a proxy the participant would be a native member of a group text, which is not built yet.
        return Err(Error::code(50452));
    }
    let Some(address) = changed.address.as_deref().and_then(Address::parse) else {
        return Err(Error::code(50441));
    };
    let proxy = Address::parse(proxy).ok_or_else(|| Error::code(50408))?;
    if address.channel() != proxy.channel() {
        return Err(Error::code(50414));
    }
    if address == proxy {
        return Err(Error::code(50409));
    }
    number::require(tx, cx, conversation.account, &proxy)?;
    match by_pair(tx, address.as_str(), proxy.as_str())? {
        Some(other) if other.sid != changed.sid => Err(pair_taken(other.conversation)),
        _ => {
            changed.proxy_address = Some(proxy.to_string());
            Ok(())
        }
    }
}

fn save(tx: &mut Transaction<'_>, changed: &Participant) -> Result<()> {
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

/// Takes a participant out; allowed in every state (B-113). Its messages keep their author (B-181).
#[derive(Clone, Debug)]
pub struct Remove {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// SID or identity.
    pub key: String,
}

impl Command for Remove {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let found = conversation::hold(tx, self.service, &self.conversation, 50350)?;
        if let Some(client) = cx.actor.client().cloned() {
            let me = of_client(tx, &found, &client)?;
            // By what it finds: an identity may look like another participant's SID.
            let own = fetch(tx, found.sid, &self.key)?.sid == me.sid;
            let needed = if own {
                Permission::LeaveConversation
            } else {
                Permission::RemoveParticipant
            };
            role::require(tx, &cx.actor, Some(&me), &[needed])?;
        }
        let target = fetch(tx, found.sid, &self.key)?;
        remove(tx, cx, &target)
    }
}

pub(crate) fn remove(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, target: &Participant) -> Result<()> {
    let locked = conversation::lock(tx, target.conversation, 50350)?;
    // Another transaction may have removed it before this one had the lock.
    let target = fetch(tx, locked.sid, &target.sid.to_string())?;
    leave_user_stream(tx, cx, &target, Change::Left)?;
    tx.push(
        "DELETE FROM participant WHERE sid = $1",
        params![target.sid.to_string()],
    )?;
    tx.push(
        "UPDATE conversation SET participants_count = participants_count - 1, \
         non_chat_count = non_chat_count - $2 WHERE sid = $1",
        params![locked.sid.to_string(), i64::from(target.identity.is_none())],
    )?;
    let stone = Tombstone {
        seq: locked.seq,
        created_seq: target.created_seq,
        item: target.sid.to_string(),
        data: sync::removed_participant(&target),
        removed_at: cx.now,
    };
    sync::bury(tx, &locked.sid.to_string(), sync::PARTICIPANT, &stone)?;
    cx.commit(
        Stream::Conversation(locked.sid),
        locked.seq,
        vec![Change::ParticipantRemoved(Arc::new(stone))],
    );
    Ok(())
}

/// Removes the conversation from what its user sees (E1).
pub(crate) fn leave_user_stream(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    member: &Participant,
    left: fn(Arc<Tombstone>) -> Change,
) -> Result<()> {
    let Some(user) = member.user else { return Ok(()) };
    let seq = match user::next_seq(tx, user) {
        // A row of before that names a user who is gone must not keep its conversation for ever.
        Err(Error::Api(_)) => return Ok(()),
        seq => seq?,
    };
    let stone = Tombstone {
        seq,
        created_seq: member.user_created_seq,
        item: member.conversation.to_string(),
        data: sync::left_conversation(member),
        removed_at: cx.now,
    };
    sync::bury(tx, &user.to_string(), sync::CONVERSATION, &stone)?;
    cx.commit(Stream::User(user), seq, vec![left(Arc::new(stone))]);
    Ok(())
}
