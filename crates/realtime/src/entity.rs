//! The five Sync entities (realtime.md §4.2) and their names and SIDs. An entity's SID is made of the SID of what it
//! shows, so that nothing has to be stored to find one from the other.

use confab_domain::Stream;
use confab_types::{ConversationSid, Sid, UserSid};

/// One Sync entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    /// E1: a user's conversations, a map.
    Conversations(UserSid),
    /// E2: a user's name and attributes, a map.
    UserInfo(UserSid),
    /// E3: a conversation, a document.
    Document(ConversationSid),
    /// E4: its messages, a list.
    Messages(ConversationSid),
    /// E5: its participants, a map.
    Roster(ConversationSid),
}

/// Kind of an entity, as the protocol names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One object.
    Document,
    /// Items by number.
    List,
    /// Items by key.
    Map,
}

impl Kind {
    /// The word in events and subscriptions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::List => "list",
            Self::Map => "map",
        }
    }

    /// The word in paths.
    #[must_use]
    pub fn collection(self) -> &'static str {
        match self {
            Self::Document => "Documents",
            Self::List => "Lists",
            Self::Map => "Maps",
        }
    }

    /// Code of an entity of this kind that is not there.
    #[must_use]
    pub fn missing(self) -> u32 {
        match self {
            Self::Document => 54100,
            Self::List => 54150,
            Self::Map => 54200,
        }
    }
}

/// Tells the two maps of one user apart: the first bit of a SID's time is never set before the year 6000.
const INFO_BIT: u128 = 1 << 127;

impl Entity {
    /// Its kind.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Document(_) => Kind::Document,
            Self::Messages(_) => Kind::List,
            Self::Conversations(_) | Self::UserInfo(_) | Self::Roster(_) => Kind::Map,
        }
    }

    /// Its SID: ET, ES or MP and 32 digits.
    #[must_use]
    pub fn sid(self) -> String {
        match self {
            Self::Document(c) => format!("ET{:032x}", c.bits()),
            Self::Messages(c) => format!("ES{:032x}", c.bits()),
            Self::Roster(c) => format!("MP{:032x}", c.bits()),
            Self::Conversations(u) => format!("MP{:032x}", u.bits()),
            Self::UserInfo(u) => format!("MP{:032x}", u.bits() ^ INFO_BIT),
        }
    }

    /// Its name. `{CH}.channel` and `{CH}.roster` are fixed in the client, the others are ours.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Document(c) => format!("{c}.channel"),
            Self::Messages(c) => format!("{c}.messages"),
            Self::Roster(c) => format!("{c}.roster"),
            Self::Conversations(u) => format!("{u}.my_conversations"),
            Self::UserInfo(u) => format!("{u}.info"),
        }
    }

    /// The stream whose commits change it.
    #[must_use]
    pub fn stream(self) -> Stream {
        match self {
            Self::Document(c) | Self::Messages(c) | Self::Roster(c) => Stream::Conversation(c),
            Self::Conversations(u) | Self::UserInfo(u) => Stream::User(u),
        }
    }

    /// Its bit in a subscriber's mask within the stream.
    #[must_use]
    pub fn bit(self) -> u8 {
        match self {
            Self::Document(_) | Self::Conversations(_) => 1,
            Self::Messages(_) | Self::UserInfo(_) => 2,
            Self::Roster(_) => 4,
        }
    }

    /// Finds an entity by name or SID. `own` is the caller's user: of the maps of users only his own conversations
    /// can be meant, so a SID needs no table to be told from a roster's.
    #[must_use]
    pub fn find(kind: Kind, key: &str, own: UserSid) -> Option<Self> {
        let entity = match key.split_once('.') {
            Some((sid, "channel")) => Self::Document(ConversationSid::parse(sid)?),
            Some((sid, "messages")) => Self::Messages(ConversationSid::parse(sid)?),
            Some((sid, "roster")) => Self::Roster(ConversationSid::parse(sid)?),
            Some((sid, "my_conversations")) => Self::Conversations(UserSid::parse(sid)?),
            Some((sid, "info")) => Self::UserInfo(UserSid::parse(sid)?),
            Some(_) => return None,
            None => {
                let prefix = match kind {
                    Kind::Document => "ET",
                    Kind::List => "ES",
                    Kind::Map => "MP",
                };
                // Any SID type reads the digits; the prefix was checked here.
                let digits = key.strip_prefix(prefix)?;
                let bits = ConversationSid::parse(&format!("CH{digits}"))?.bits();
                match kind {
                    Kind::Document => Self::Document(ConversationSid::from_bits(bits)),
                    Kind::List => Self::Messages(ConversationSid::from_bits(bits)),
                    Kind::Map if bits & INFO_BIT != 0 => Self::UserInfo(UserSid::from_bits(bits ^ INFO_BIT)),
                    Kind::Map if bits == own.bits() => Self::Conversations(own),
                    Kind::Map => Self::Roster(ConversationSid::from_bits(bits)),
                }
            }
        };
        (entity.kind() == kind).then_some(entity)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_and_sids_lead_back(bits in 0u128..1 << 127, own in 0u128..1 << 127) {
            prop_assume!(bits != own);
            let (own, other) = (UserSid::from_bits(own), UserSid::from_bits(bits));
            let conversation = ConversationSid::from_bits(bits);
            for entity in [
                Entity::Conversations(own), Entity::UserInfo(own), Entity::UserInfo(other),
                Entity::Document(conversation), Entity::Messages(conversation), Entity::Roster(conversation),
            ] {
                prop_assert_eq!(Entity::find(entity.kind(), &entity.sid(), own), Some(entity));
                prop_assert_eq!(Entity::find(entity.kind(), &entity.name(), own), Some(entity));
            }
        }

        #[test]
        fn guesses_find_nothing_or_something_of_the_kind(key in "(MP|ES|ET|CH|US)?[0-9a-f.é]{0,34}(.info|.roster)?") {
            for kind in [Kind::Document, Kind::List, Kind::Map] {
                if let Some(entity) = Entity::find(kind, &key, UserSid::from_bits(1)) {
                    prop_assert_eq!(entity.kind(), kind);
                }
            }
        }
    }
}
