//! The types of a content template (rest.md §7). They stand in tables, so that a type can be compared with its
//! documentation line by line; the check of a request and the schema of the OpenAPI document are of the same tables.

mod check;
mod plain;
mod schema;
mod table;

pub(super) use check::check;
pub(super) use plain::{for_approval, plain_text};
pub use schema::schema;
