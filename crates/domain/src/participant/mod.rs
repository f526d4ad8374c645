//! Participants (rest.md §2.4): an identity, or an address behind a number of the account.

mod add;
mod binding;
mod find;
mod list;
mod remove;
mod row;
mod update;

pub use add::{Add, Fields};
pub(crate) use find::{by_address, by_author, by_pair};
pub use find::{by_identity, fetch, find, of_client, of_client_if};
pub(crate) use list::{changes, non_chat, of_conversation_all, of_user_all, user_changes};
pub use list::{list, of_user};
pub use remove::Remove;
pub(crate) use remove::{leave_user_stream, remove};
pub use row::Participant;
pub use update::{Horizon, Update};
