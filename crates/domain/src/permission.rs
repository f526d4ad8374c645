//! What a role may allow (behaviours §16).

use confab_types::ApiError;

use crate::Result;
use crate::error::Error;
use crate::role::RoleType;

macro_rules! permissions {
    ($($variant:ident = $name:literal, $level:ident);* $(;)?) => {
        /// Something that a role may allow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are the API's own words")]
        pub enum Permission { $($variant),* }

        impl Permission {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word of the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level),* }
            }
        }
    };
}

/// Which roles may list a permission (B-651, B-652, B-653).
enum Level {
    Service,
    Conversation,
    Both,
}

impl Level {
    fn has(&self, kind: RoleType) -> bool {
        match self {
            Self::Service => kind == RoleType::Service,
            Self::Conversation => kind == RoleType::Conversation,
            Self::Both => true,
        }
    }
}

permissions! {
    AddParticipant = "addParticipant", Both;
    AddNonChatParticipant = "addNonChatParticipant", Both;
    CreateConversation = "createConversation", Service;
    DeleteAnyMessage = "deleteAnyMessage", Both;
    DeleteConversation = "deleteConversation", Both;
    DeleteOwnMessage = "deleteOwnMessage", Conversation;
    EditAnyMessage = "editAnyMessage", Both;
    EditAnyMessageAttributes = "editAnyMessageAttributes", Both;
    EditAnyParticipantAttributes = "editAnyParticipantAttributes", Both;
    EditAnyUserInfo = "editAnyUserInfo", Both;
    EditConversationAttributes = "editConversationAttributes", Both;
    EditConversationName = "editConversationName", Both;
    EditNotificationLevel = "editNotificationLevel", Both;
    EditOwnMessage = "editOwnMessage", Both;
    EditOwnMessageAttributes = "editOwnMessageAttributes", Both;
    EditOwnParticipantAttributes = "editOwnParticipantAttributes", Both;
    EditOwnUserInfo = "editOwnUserInfo", Both;
    JoinConversation = "joinConversation", Service;
    LeaveConversation = "leaveConversation", Conversation;
    ReadChannelMetadata = "readChannelMetadata", Both;
    RemoveParticipant = "removeParticipant", Both;
    SendMediaMessage = "sendMediaMessage", Conversation;
    SendMessage = "sendMessage", Conversation;
}

/// What only Chat has, and nothing asks for (B-836).
pub(crate) const INVITE: &str = "inviteMember";

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// Whether the set has a permission.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set that a role row lists; names that this program does not know are passed over.
    pub(crate) fn of_json(text: &str) -> Self {
        let names: Vec<String> = serde_json::from_str(text).unwrap_or_default();
        Permission::ALL
            .iter()
            .filter(|permission| names.iter().any(|n| n == permission.name()))
            .fold(Self::default(), |set, permission| {
                Self(set.0 | 1 << *permission as u32)
            })
    }
}

/// The permissions that a caller lists for a role, each once, in his order.
///
/// # Errors
/// 400/20001 for none, 400/50104 for an unknown one or one of the other level (B-654).
pub(crate) fn check(kind: RoleType, names: &[String]) -> Result<Vec<String>> {
    let mut list: Vec<String> = Vec::new();
    for name in names {
        let known = Permission::ALL
            .iter()
            .any(|permission| permission.name() == name && permission.level().has(kind));
        if !known {
            return Err(Error::code(50104));
        }
        if !list.contains(name) {
            list.push(name.clone());
        }
    }
    if list.is_empty() {
        return Err(ApiError::missing("Permission").into());
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [&str; 12] = [
        "addParticipant",
        "deleteAnyMessage",
        "deleteConversation",
        "editAnyMessage",
        "editAnyMessageAttributes",
        "editAnyUserInfo",
        "editConversationAttributes",
        "editConversationName",
        "editOwnMessage",
        "editOwnMessageAttributes",
        "editOwnUserInfo",
        "removeParticipant",
    ];
    const ALSO: [&str; 5] = [
        "addNonChatParticipant",
        "editNotificationLevel",
        "editAnyParticipantAttributes",
        "editOwnParticipantAttributes",
        "readChannelMetadata",
    ];
    const SERVICE: [&str; 2] = ["createConversation", "joinConversation"];
    const CONVERSATION: [&str; 4] = [
        "deleteOwnMessage",
        "leaveConversation",
        "sendMediaMessage",
        "sendMessage",
    ];

    fn takes(kind: RoleType, name: &str) -> bool {
        match check(kind, &[name.to_owned()]) {
            Ok(list) => list == [name],
            Err(error) => {
                assert_eq!(error, Error::code(50104), "{name}");
                false
            }
        }
    }

    #[test]
    fn each_level_has_its_list_b651_b652_b653_b654() {
        for name in BOTH.iter().chain(&ALSO) {
            assert!(takes(RoleType::Service, name), "{name}");
            assert!(takes(RoleType::Conversation, name), "{name}");
        }
        for name in SERVICE {
            assert!(takes(RoleType::Service, name), "{name}");
            assert!(!takes(RoleType::Conversation, name), "{name}");
        }
        for name in CONVERSATION {
            assert!(!takes(RoleType::Service, name), "{name}");
            assert!(takes(RoleType::Conversation, name), "{name}");
        }
        let known = BOTH.len() + ALSO.len() + SERVICE.len() + CONVERSATION.len();
        assert_eq!(Permission::ALL.len(), known);
        for name in ["SendMessage", "sendmessage", "everything", ""] {
            assert!(!takes(RoleType::Service, name), "{name}");
            assert!(!takes(RoleType::Conversation, name), "{name}");
        }
    }
}
