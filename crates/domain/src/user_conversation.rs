//! A user's own view of a conversation that he takes part in (rest.md §2.8, B-553…B-557): the conversation, his part in
//! it, and what he has not read.

use confab_types::{ServiceSid, Timestamp, UserSid};

use crate::conversation::{self, Conversation};
use crate::error::Error;
use crate::event::Event;
use crate::hook::Asks;
use crate::participant::{self, Horizon, Participant};
use crate::user::{self, User};
use crate::{
    Command, Counted, Cx, Order, Page, Result, Transaction, Window, message, participant_conversation,
};

/// A conversation of a user.
#[derive(Clone, Debug)]
pub struct UserConversation {
    /// The user.
    pub user: UserSid,
    /// The conversation.
    pub conversation: Conversation,
    /// The user's part in it.
    pub participant: Participant,
    /// Messages after his read horizon, at most 1000; `None` while he has none (B-574, B-575).
    pub unread: Option<i64>,
}

fn view(
    tx: &mut Transaction<'_>,
    user: UserSid,
    conversation: Conversation,
    participant: Participant,
) -> Result<UserConversation> {
    let unread = participant
        .last_read_index
        .map(|index| message::unread(tx, &conversation, index))
        .transpose()?;
    Ok(UserConversation {
        user,
        conversation,
        participant,
        unread,
    })
}

/// The conversations of a user by their SIDs (B-553). A page costs the same however many there are.
///
/// # Errors
/// The database's.
pub fn list(tx: &mut Transaction<'_>, user: UserSid, window: &Window) -> Result<Page<UserConversation>> {
    let page = participant::of_user(tx, user, Order::Ascending, window)?;
    let page = participant_conversation::of_user(tx, user, page)?;
    let mut items = Vec::with_capacity(page.items.len());
    for item in page.items {
        items.push(view(tx, user, item.conversation, item.participant)?);
    }
    Ok(Page {
        items,
        next: page.next,
        previous: page.previous,
    })
}

/// The conversation of a user by SID or unique name (B-554).
///
/// # Errors
/// 404/20404 when he is not in it (B-557), or the database's.
pub fn fetch(tx: &mut Transaction<'_>, user: &User, key: &str) -> Result<UserConversation> {
    let found = conversation::fetch(tx, user.service, key)?;
    let participant = part(tx, user, &found)?;
    view(tx, user.sid, found, participant)
}

/// The user's part in a conversation. His identity may be that of another user who was there before him.
fn part(tx: &mut Transaction<'_>, user: &User, conversation: &Conversation) -> Result<Participant> {
    participant::by_identity(tx, conversation.sid, &user.identity)?
        .filter(|p| p.user == Some(user.sid))
        .ok_or_else(|| Error::code(20404))
}

/// Changes a user's part in a conversation.
#[derive(Clone, Debug)]
pub struct Update {
    /// The service.
    pub service: ServiceSid,
    /// SID or identity of the user.
    pub user: String,
    /// SID or unique name of the conversation.
    pub conversation: String,
    /// `default` or `muted`.
    pub notification_level: Option<String>,
    /// New read horizon.
    pub horizon: Option<Horizon>,
    /// Time of the horizon, instead of the present.
    pub last_read_at: Option<Timestamp>,
}

impl Command for Update {
    type Output = UserConversation;

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<UserConversation> {
        let user = user::fetch(tx, self.service, &self.user)?;
        // Held: the participant may be somebody else a moment later, in a group.
        let found = conversation::hold(tx, self.service, &self.conversation, 20404)?;
        let part = part(tx, &user, &found)?;
        let update = participant::Update {
            horizon: self.horizon.clone(),
            last_read_at: self.last_read_at,
            notification_level: self.notification_level.clone(),
            ..participant::Update::of(self.service, &found.sid.to_string(), &part.sid.to_string())
        };
        let changed = update.apply(tx, cx)?;
        // With the row's lock now: messages may have come meanwhile.
        let conversation = conversation::fetch(tx, self.service, &found.sid.to_string())?;
        view(tx, user.sid, conversation, changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ParticipantUpdate)
    }
}

/// Takes a user out of a conversation, as removing his participant does (B-556).
#[derive(Clone, Debug)]
pub struct Delete {
    /// The service.
    pub service: ServiceSid,
    /// SID or identity of the user.
    pub user: String,
    /// SID or unique name of the conversation.
    pub conversation: String,
}

impl Command for Delete {
    type Output = ();

    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<()> {
        let user = user::fetch(tx, self.service, &self.user)?;
        // Held: the participant may be somebody else a moment later, in a group.
        let found = conversation::hold(tx, self.service, &self.conversation, 20404)?;
        let part = part(tx, &user, &found)?;
        let remove = participant::Remove {
            service: self.service,
            conversation: found.sid.to_string(),
            key: part.sid.to_string(),
        };
        remove.apply(tx, cx)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ParticipantRemove)
    }
}
