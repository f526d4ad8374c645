//! Chat v2 and v3 (rest.md §5, §6): another face of conversation services. A conversation is a private channel, a chat
//! participant a member. What Conversations does not have is kept here: public channels, Chat's own settings, its names
//! of permissions.

pub mod channel;
pub mod event;
pub mod member;
pub mod message;
pub mod migration;
pub mod role;
pub mod service;
pub mod user;

use confab_types::ApiError;

use crate::error::Error;

/// Gives errors of conversations the codes that Chat has for the same things.
fn in_words_of_chat(error: Error) -> Error {
    let Error::Api(api) = &error else { return error };
    let code = match api.code {
        50109 => 50101,
        50350 => 50300,
        50353 => 50307,
        50390 => 50306,
        50417 => 50403,
        50432 => 50402,
        50433 => 50404,
        _ => return error,
    };
    ApiError::new(code).into()
}
