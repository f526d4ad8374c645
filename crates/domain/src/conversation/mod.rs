//! Conversations (rest.md §2.1): names, attributes, state, and the count that orders all that happens in one.

mod append;
mod create;
mod find;
mod list;
mod remove;
mod row;
mod state;
mod timers;
mod update;
mod with_participants;

pub(crate) use append::{Place, append, append_public};
pub(crate) use create::insert;
pub use create::{Create, Fields};
pub use find::{by_sid, fetch, find, find_channel, parent};
pub(crate) use find::{exists, hold, hold_all, hold_by_sid, hold_channel, lock, lock_open};
pub use list::{Filter, list};
pub(crate) use list::{list_key, of_address_between, of_user_between};
pub(crate) use remove::remove;
pub use remove::{Delete, Purge};
pub use row::Conversation;
pub(crate) use row::{PRIVATE, PUBLIC};
pub use state::State;
pub(crate) use timers::check as check_timer;
pub use timers::{RunTimers, Timer, Timers};
pub use update::Update;
pub(crate) use update::save;
pub use with_participants::{Abandon, CreateWithParticipants, Initialize};
