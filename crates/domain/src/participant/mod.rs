//! Participants (rest.md §2.4): an identity, an address behind a number of the account, or a member of a group text.

mod add;
mod binding;
mod find;
mod group;
mod identity;
mod kind;
mod list;
mod recipients;
mod remove;
mod row;
mod update;

pub(crate) use add::add;
pub(crate) use add::add_first;
pub use add::{Add, Fields};
pub(crate) use find::{by_address, by_author, by_pair};
pub use find::{by_identity, fetch, find, of_client, of_client_if};
pub(crate) use group::by_numbers;
pub(crate) use list::{
    changes, list_key, members_called, of_address, of_conversation_all, of_identity_public, of_user_all,
    of_user_found, user_changes,
};
pub use list::{list, members, of_user, users};
pub(crate) use recipients::{Delivery, deliveries};
pub use remove::Remove;
pub(crate) use remove::{leave_user_stream, remove};
pub use row::{Binding, Participant};
pub(crate) use update::read_up_to;
pub use update::{Horizon, Update};
