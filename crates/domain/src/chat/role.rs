//! Roles in the words of Chat (B-836, B-837): the same roles, whose permissions have other names there.

use confab_store::params;
use confab_types::{AccountSid, ServiceSid};

use crate::error::Error;
use crate::role::{self, Role, RoleType};
use crate::{Command, Counted, Cx, Result, Transaction, permission, text};

/// Names of permissions in Conversations and in Chat, where those differ (B-837).
const NAMES: [(&str, &str); 10] = [
    ("createConversation", "createChannel"),
    ("joinConversation", "joinChannel"),
    ("deleteConversation", "destroyChannel"),
    ("leaveConversation", "leaveChannel"),
    ("addParticipant", "addMember"),
    ("removeParticipant", "removeMember"),
    ("editConversationName", "editChannelName"),
    ("editConversationAttributes", "editChannelAttributes"),
    ("editAnyParticipantAttributes", "editAnyMemberAttributes"),
    ("editOwnParticipantAttributes", "editOwnMemberAttributes"),
];

/// The name of a permission in Chat.
fn in_chat(name: &str) -> &str {
    NAMES
        .iter()
        .find(|(conversations, _)| *conversations == name)
        .map_or(name, |(_, chat)| chat)
}

/// The name in Conversations of a permission of Chat; `None` for a name that Chat does not have.
fn in_conversations(name: &str) -> Option<&str> {
    match NAMES.iter().find(|(_, chat)| *chat == name) {
        Some((conversations, _)) => Some(conversations),
        None => (in_chat(name) == name).then_some(name),
    }
}

/// Names of a role's permissions in Chat.
#[must_use]
pub fn permissions(role: &Role) -> Vec<&str> {
    let shared = role.permissions.iter().map(|name| in_chat(name));
    let own = role.may_invite.then_some(permission::INVITE);
    shared.chain(own).collect()
}

/// The word of Chat for the level of a role.
#[must_use]
pub fn kind(role: &Role) -> &'static str {
    match role.kind {
        RoleType::Service => "deployment",
        RoleType::Conversation => "channel",
    }
}

/// Makes a role.
#[derive(Clone, Debug)]
pub struct Create {
    /// The account.
    pub account: AccountSid,
    /// The service.
    pub service: ServiceSid,
    /// Its name, at most 64 characters.
    pub friendly_name: String,
    /// `deployment` or `channel`.
    pub kind: String,
    /// Chat's names of permissions, at least one.
    pub permissions: Vec<String>,
}

impl Command for Create {
    type Output = Role;

    /// # Errors
    /// 400/50105 for another type, 400/50104 for a permission that is none of Chat or of the other type.
    fn apply(&self, tx: &mut Transaction<'_>, cx: &mut Cx<'_>) -> Result<Role> {
        let kind = match self.kind.as_str() {
            "deployment" => RoleType::Service,
            "channel" => RoleType::Conversation,
            _ => return Err(Error::code(50105)),
        };
        let (own, shared): (Vec<&String>, Vec<&String>) = self
            .permissions
            .iter()
            .partition(|name| *name == permission::INVITE);
        let permissions = shared
            .into_iter()
            .map(|name| in_conversations(name).map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::code(50104))?;
        if permissions.is_empty() && !own.is_empty() {
            // A row of this permission alone would show as one without any.
            return Err(Error::code(50104));
        }
        let create = role::Create {
            account: self.account,
            service: self.service,
            friendly_name: self.friendly_name.clone(),
            kind: kind.name().to_owned(),
            permissions,
        };
        let mut made = create.apply(tx, cx)?;
        if !own.is_empty() {
            made.may_invite = true;
            let mut names = made.permissions.clone();
            names.push(permission::INVITE.to_owned());
            tx.push(
                "UPDATE role SET permissions = $2 WHERE sid = $1",
                params![made.sid.to_string(), text::to_json(&names)],
            )?;
        }
        Ok(made)
    }

    fn counted(&self) -> Counted<'_> {
        Counted::Service(self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_mapped_both_ways_b837() {
        for (conversations, chat) in NAMES {
            assert_eq!(in_chat(conversations), chat);
            assert_eq!(in_conversations(chat), Some(conversations));
            assert_eq!(in_conversations(conversations), None, "{conversations}");
        }
        assert_eq!(
            (in_chat("sendMessage"), in_conversations("sendMessage")),
            ("sendMessage", Some("sendMessage"))
        );
    }
}
