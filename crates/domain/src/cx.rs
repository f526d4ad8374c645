//! What a command gets besides its transaction, and what it leaves behind for after the commit.

use std::net::IpAddr;
use std::sync::Arc;

use confab_types::{AccountSid, Channel, ConversationSid, KeySid, ServiceSid, Sid, Timestamp, UserSid};

use crate::alert::Level;
use crate::conversation::Conversation;
use crate::event::Event;
use crate::hook::delivery::{Courier, Handed};
use crate::hook::{Answer, Asks, Forgetful, Memory, Rehearsal};
use crate::message::Message;
use crate::participant::Participant;
use crate::sync::Tombstone;
use crate::user::User;
use crate::{Result, Transaction};

/// Something that changes rows. All faces (REST, SDK, carriers, timers) build the same commands.
pub trait Command: Send + Sync + 'static {
    /// What the caller gets.
    type Output: Send + 'static;

    /// Checks permission and state, then changes the rows. May run more than once for one call.
    ///
    /// # Errors
    /// An [`crate::Error::Api`] with the documented code; nothing is changed then.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Self::Output>;

    /// What the action of a caller is counted with where actions a second are limited (B-744).
    fn counted(&self) -> Counted<'_> {
        Counted::Nothing
    }

    /// What a webhook may want to be asked before it (B-396).
    fn asks(&self) -> Asks {
        Asks::Nothing
    }

    /// Where [`Command::asks`] cannot tell: the service and event that it comes to, if to any.
    ///
    /// # Errors
    /// The database's.
    fn look(&self, _: &mut Transaction<'_>) -> Result<Option<(ServiceSid, Event)>> {
        Ok(None)
    }

    /// Whether something is left to do when a webhook refused it ([`Cx::answer`]), instead of telling the caller so
    /// (B-403): a phone's message was taken in for good.
    fn outlives_refusal(&self) -> bool {
        false
    }
}

/// What actions are counted together (B-744).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted<'a> {
    /// It is not counted (B-745: reads never are).
    Nothing,
    /// Conversations made and deleted, users and roles: by service.
    Service(ServiceSid),
    /// Changes of a conversation, its participants and messages: by the conversation of a service, under SID or unique
    /// name.
    Conversation(ServiceSid, &'a str),
}

/// Makes the bits of new SIDs.
pub trait Ids {
    /// 128 bits that were never given before; those of a later moment sort after those of an earlier one, so that
    /// rows are appended to indexes instead of scattered over them.
    fn bits(&mut self, now: Timestamp) -> u128;
}

/// A user of the chat SDK who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// His account.
    pub account: AccountSid,
    /// The service of his token.
    pub service: ServiceSid,
    /// His user.
    pub user: UserSid,
    /// His identity.
    pub identity: String,
}

/// Who acts. Roles and membership bind clients only (B-661).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A caller of the REST API with a key or token of the account.
    Rest,
    /// A user of the chat SDK.
    Client(Arc<Client>),
    /// A carrier that brings a message or a status.
    Carrier,
    /// The server itself: timers, first start.
    System,
}

impl Actor {
    /// The client, when one acts.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        match self {
            Self::Client(client) => Some(client),
            _ => None,
        }
    }
}

/// A caller of REST, for the log of what such callers changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The account whose token or key he has.
    pub account: AccountSid,
    /// The key that he was let in by; none for the account's token.
    pub key: Option<KeySid>,
    /// Where the request came from, where that is known.
    pub ip: Option<IpAddr>,
}

impl Requester {
    /// SID of what he was let in by.
    pub(crate) fn sid(&self) -> String {
        self.key
            .map_or_else(|| self.account.to_string(), |key| key.to_string())
    }
}

/// Who acts, and whether webhooks hear of it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who acts.
    pub actor: Actor,
    /// Whom the log of changes names; without one nothing is logged.
    pub requester: Option<Requester>,
    /// Whether webhooks are called: for a caller of REST only on demand, for all others always (B-381, B-382).
    pub announces: bool,
}

impl Origin {
    /// A caller of REST.
    #[must_use]
    pub fn rest(webhook_enabled: bool) -> Self {
        Self {
            actor: Actor::Rest,
            requester: None,
            announces: webhook_enabled,
        }
    }

    /// The same with whom the log of changes names.
    #[must_use]
    pub fn by(mut self, requester: Requester) -> Self {
        self.requester = Some(requester);
        self
    }
}

impl From<Actor> for Origin {
    fn from(actor: Actor) -> Self {
        Self {
            announces: !matches!(actor, Actor::Rest),
            requester: None,
            actor,
        }
    }
}

/// Sizes and counts that the owner of the server may set (B-741, B-742, B-748).
#[derive(Clone, Debug)]
pub struct Limits {
    /// Characters of a friendly or unique name.
    pub friendly_name_chars: usize,
    /// Bytes of the attributes of a conversation or user.
    pub conversation_attributes_bytes: usize,
    /// Bytes of the attributes of a message.
    pub message_attributes_bytes: usize,
    /// Bytes of the attributes of a participant.
    pub participant_attributes_bytes: usize,
    /// Characters of an identity or address.
    pub identity_chars: usize,
    /// Bytes of a message body among chat users.
    pub message_body_bytes: usize,
    /// Characters of a message body where a phone listens.
    pub sms_body_chars: usize,
    /// Bytes of one medium, and of all media of one message together (B-281).
    pub media_bytes: i64,
    /// Media of one chat user that no message has taken yet.
    pub unattached_media: i64,
    /// Bytes of these together, while they come in as many as they may become. One medium may have more alone.
    pub unattached_media_bytes: i64,
    /// Participants of a conversation.
    pub participants: i64,
    /// Of them outside chat.
    pub non_chat_participants: i64,
    /// Phones and projected numbers of a group text (B-214).
    pub group_participants: i64,
    /// Open conversations of one identity.
    pub conversations_per_identity: i64,
    /// Actions a second of a service or conversation (B-744); none for no limit.
    pub actions_per_second: Option<usize>,
    /// Whether a proxy address that nobody owns is claimed on the simulator (B-169).
    pub auto_claim: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            friendly_name_chars: 256,
            conversation_attributes_bytes: 16 * 1024,
            message_attributes_bytes: 4 * 1024,
            participant_attributes_bytes: 4 * 1024,
            identity_chars: 256,
            message_body_bytes: 32 * 1024,
            sms_body_chars: 1600,
            media_bytes: 150 * 1024 * 1024,
            // In five minutes, after which they are collected: ten messages full of media.
            unattached_media: 100,
            unattached_media_bytes: 1500 * 1024 * 1024,
            participants: 1000,
            non_chat_participants: 50,
            group_participants: 10,
            conversations_per_identity: 1000,
            actions_per_second: None,
            auto_claim: true,
        }
    }
}

/// Context of one run of a command.
pub struct Cx<'a> {
    /// The time at which the command happens.
    pub now: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// Whom the log of changes names.
    pub(crate) requester: Option<Requester>,
    /// The owner's limits.
    pub limits: &'a Limits,
    /// Name of the server that runs it, under which it has jobs and lanes.
    pub server: &'a str,
    /// Whether webhooks hear of what the actor does: see [`Origin`].
    pub announces: bool,
    /// What a webhook that was asked about this has answered.
    pub answer: Answer,
    /// The channel that a carrier's message came by.
    pub(crate) channel: Option<Channel>,
    /// Identity of an SDK client who is about to become an actor.
    pub(crate) newcomer: Option<String>,
    /// Where webhooks are remembered.
    pub(crate) memory: &'a dyn Memory,
    /// Who makes calls as soon as they are committed.
    pub(crate) courier: Option<&'a dyn Courier>,
    /// What would have been asked, while nothing of the run is kept.
    pub(crate) rehearsal: Option<Rehearsal>,
    ids: &'a mut dyn Ids,
    effects: Vec<Effect>,
}

impl<'a> Cx<'a> {
    /// A context for one run.
    pub fn new(now: Timestamp, origin: impl Into<Origin>, limits: &'a Limits, ids: &'a mut dyn Ids) -> Self {
        let origin = origin.into();
        Self {
            now,
            actor: origin.actor,
            requester: origin.requester,
            announces: origin.announces,
            limits,
            server: "",
            answer: Answer::default(),
            channel: None,
            newcomer: None,
            memory: &Forgetful,
            courier: None,
            rehearsal: None,
            ids,
            effects: Vec::new(),
        }
    }

    /// The same on a server with a name.
    #[must_use]
    pub fn on(mut self, server: &'a str) -> Self {
        self.server = server;
        self
    }

    /// The same with a memory of webhooks.
    #[must_use]
    pub fn remembering(mut self, memory: &'a dyn Memory) -> Self {
        self.memory = memory;
        self
    }

    /// The same where calls can be made as soon as they are committed.
    #[must_use]
    pub fn delivering(mut self, courier: Option<&'a dyn Courier>) -> Self {
        self.courier = courier;
        self
    }

    /// The same with the answer of a webhook.
    #[must_use]
    pub fn answered(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// The same for a run of which nothing is kept but what would have been asked.
    #[must_use]
    pub fn rehearsing(mut self) -> Self {
        self.rehearsal = Some(Rehearsal::default());
        self
    }

    /// What would have been asked.
    #[must_use]
    pub fn into_rehearsal(self) -> Rehearsal {
        self.rehearsal.unwrap_or_default()
    }

    /// 128 bits that were never given before.
    pub(crate) fn bits(&mut self) -> u128 {
        self.ids.bits(self.now)
    }

    /// A new SID.
    pub fn sid<S: Sid>(&mut self) -> S {
        S::from_bits(self.ids.bits(self.now))
    }

    /// Leaves something for after the commit.
    pub fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Leaves one step of a stream for after the commit.
    pub fn commit(&mut self, stream: Stream, seq: i64, changes: Vec<Change>) {
        self.effects.push(Effect::Commit(Commit { stream, seq, changes }));
    }

    /// Runs something of which nothing follows: its changes will not be kept.
    pub(crate) fn unheard<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let heard = self.effects.len();
        let asked = self.rehearsal.replace(Rehearsal::default());
        let result = run(self);
        self.rehearsal = asked;
        self.effects.truncate(heard);
        result
    }

    /// What the run left, in order.
    #[must_use]
    pub fn into_effects(self) -> Vec<Effect> {
        self.effects
    }
}

/// What must happen after a commit. Losing one (a crash) loses nothing but time: the rows tell the same.
#[derive(Debug)]
pub enum Effect {
    /// A stream moved by one step.
    Commit(Commit),
    /// Jobs were written.
    JobsWaiting,
    /// Calls of webhooks were written.
    DeliveriesWaiting,
    /// A call was written that this server makes at once.
    Handed(Handed),
    /// Whoever listens to the services of an account changed: what was remembered of it is stale.
    HooksChanged {
        /// The account.
        account: AccountSid,
    },
    /// A key, an account or its defaults changed: what was remembered of them is stale.
    CredentialsChanged {
        /// The key that ended, if it was one.
        key: Option<KeySid>,
        /// The account.
        account: AccountSid,
    },
    /// An alert was recorded: the log tells of it.
    Alerted {
        /// Whose alert it is.
        account: AccountSid,
        /// A code of the public catalogue.
        error_code: i64,
        /// How bad it is.
        level: Level,
        /// SID of what it happened to.
        resource: Option<String>,
    },
}

/// A sequence of changes that clients follow without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// The conversation, its messages and participants (E3, E4, E5).
    Conversation(ConversationSid),
    /// A user's conversations and info (E1, E2).
    User(UserSid),
}

/// One step of a stream: from `seq - 1` to `seq`.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Which stream.
    pub stream: Stream,
    /// Its count after the step; the event id of all changes in it.
    pub seq: i64,
    /// What changed; at most one change an item.
    pub changes: Vec<Change>,
}

/// What changed, as clients see it.
#[derive(Clone, Debug)]
pub enum Change {
    /// The conversation itself (E3).
    Conversation(Arc<Conversation>),
    /// The conversation is gone, with messages and participants (E3, E4, E5).
    ConversationRemoved,
    /// A new message (E4).
    MessageAdded(Arc<Message>),
    /// A message with another text, attributes or delivery (E4).
    MessageUpdated(Arc<Message>),
    /// A message is gone (E4).
    MessageRemoved(Arc<Tombstone>),
    /// A new participant (E5).
    ParticipantAdded(Arc<Participant>),
    /// A participant changed (E5).
    ParticipantUpdated(Arc<Participant>),
    /// A participant is gone (E5).
    ParticipantRemoved(Arc<Tombstone>),
    /// The user is in one more conversation (E1).
    Joined(Arc<Participant>),
    /// The user's own part of a conversation changed: horizon, notification level (E1).
    Membership(Arc<Participant>),
    /// The user is out of a conversation (E1).
    Left(Arc<Tombstone>),
    /// As [`Change::Left`], of a conversation that is removed in the same commit.
    LeftRemoved(Arc<Tombstone>),
    /// The user's name, attributes (E2).
    User(Arc<User>),
    /// The user is gone.
    UserRemoved,
}
