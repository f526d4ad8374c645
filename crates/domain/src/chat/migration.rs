//! A public channel becomes a conversation (rest.md §6, B-833…B-835). There is no way back.

use std::sync::Arc;

use confab_store::params;
use confab_types::ServiceSid;

use crate::conversation::{self, Conversation, PRIVATE};
use crate::error::Error;
use crate::{
    Change, Command, Counted, Cx, Result, Stream, Transaction, messaging_service, participant, user,
};

/// Makes a channel private, and sets what its conversation sends through.
#[derive(Clone, Debug)]
pub struct Migrate {
    /// The service.
    pub service: ServiceSid,
    /// SID or unique name of the channel.
    pub key: String,
    /// `private`; `None` leaves the type as it is.
    pub kind: Option<String>,
    /// SID of a messaging service of the account; `None` leaves what there is.
    pub messaging_service: Option<String>,
}

impl Command for Migrate {
    type Output = Conversation;

    /// # Errors
    /// 404/20404; 400/50393 for another type; 400/50340, 50341 or 50342 for a messaging service that is empty, no SID
    /// or not the account's; 400/50377 for a closed conversation.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Conversation> {
        if self.kind.as_deref().is_some_and(|kind| kind != PRIVATE) {
            return Err(Error::code(50393));
        }
        let found = conversation::hold_channel(tx, self.service, &self.key, 20404)?;
        let sender = match self.messaging_service.as_deref() {
            None => found.messaging_service,
            Some("") => return Err(Error::code(50340)),
            Some(text) => messaging_service::named(tx, found.account, text)?,
        };
        let opened = found.public && self.kind.is_some();
        if !opened && sender == found.messaging_service {
            return Ok(found);
        }
        let mut changed = conversation::lock_open(tx, found.sid, 20404)?;
        changed.public = found.public && !opened;
        changed.messaging_service = sender;
        changed.document_seq = changed.seq;
        changed.updated_at = cx.now;
        conversation::save(tx, &changed)?;
        cx.commit(
            Stream::Conversation(changed.sid),
            changed.seq,
            vec![Change::Conversation(Arc::new(changed.clone()))],
        );
        if opened {
            tx.push(
                "UPDATE conversation SET channel_type = 'private' WHERE sid = $1",
                params![changed.sid.to_string()],
            )?;
            let_members_in(tx, cx, &changed)?;
        }
        Ok(changed)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Conversation(self.service, &self.key)
    }
}

/// Ties each member to his user, whose clients hear of the conversation by that. Its limit of conversations does not
/// count here: he was a member before.
fn let_members_in(tx: &mut Transaction<'_>, cx: &mut Cx<'_>, opened: &Conversation) -> Result<()> {
    let mut members = participant::of_conversation_all(tx, opened.sid)?;
    // Users are locked in the order of their names, as another channel with the same members may open at this time.
    members.sort_by(|a, b| a.identity.cmp(&b.identity));
    for mut member in members {
        let Some(identity) = &member.identity else {
            continue;
        };
        let user = user::ensure(tx, cx, opened.account, opened.service, identity, None)?;
        let seq = user::next_seq(tx, user.sid).map_err(user::retry_if_gone)?;
        tx.push(
            "UPDATE participant SET user_sid = $2, user_seq = $3, user_created_seq = $3 WHERE sid = $1",
            params![member.sid.to_string(), user.sid.to_string(), seq],
        )?;
        member.user = Some(user.sid);
        (member.user_seq, member.user_created_seq) = (seq, seq);
        cx.commit(
            Stream::User(user.sid),
            seq,
            vec![Change::Joined(Arc::new(member))],
        );
    }
    Ok(())
}
