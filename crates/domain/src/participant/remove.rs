//! Taking one out.

use std::sync::Arc;

use confab_store::params;
use confab_types::ServiceSid;

use super::group::{self, Taken};
use super::row::Participant;
use super::{fetch, of_client};
use crate::conversation;
use crate::error::Error;
use crate::event::Event;
use crate::hook::{self, Asks, Occurrence, Verb};
use crate::role::{self, Permission};
use crate::sync::{self, Tombstone};
use crate::{Change, Command, Counted, Cx, Result, Stream, Transaction, user};

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

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.conversation)
    }

    fn asks(&self) -> Asks {
        Asks::About(self.service, Event::ParticipantRemove)
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
        params![locked.sid.to_string(), target.is_non_chat()],
    )?;
    if target.group_number().is_some() {
        group::settle(tx, locked.sid, Taken::Yield)?;
    }
    leave_roster(tx, cx, &target, locked.seq)?;
    hook::fire(tx, cx, &Occurrence::Participant(Verb::Removed, &target, &locked))
}

/// Removes a participant from what the others see (E5).
pub(super) fn leave_roster(
    tx: &mut Transaction<'_>,
    cx: &mut Cx<'_>,
    member: &Participant,
    seq: i64,
) -> Result<()> {
    let stone = Tombstone {
        seq,
        created_seq: member.created_seq,
        item: member.sid.to_string(),
        data: sync::removed_participant(member),
        removed_at: cx.now,
    };
    sync::bury(tx, &member.conversation.to_string(), sync::PARTICIPANT, &stone)?;
    cx.commit(
        Stream::Conversation(member.conversation),
        seq,
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
