//! Messages (rest.md §2.2): the order of a conversation, and what is sent on to phones.

mod create;
mod delete;
mod delivery;
mod find;
mod list;
mod row;
mod unread;
mod update;

pub use create::Create;
pub use delete::Delete;
pub(crate) use delivery::set_delivery;
pub use find::fetch;
pub(crate) use find::{changed_after, created_seq_from};
pub use list::list;
pub use row::Message;
pub use unread::unread;
pub use update::Update;
