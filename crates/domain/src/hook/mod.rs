//! Who is told of what happens (behaviours §10…§12): webhooks of an account or service, of a conversation, and the sinks
//! of event streams.
//!
//! A command says what happened with [`fire`], in the transaction of the change. What has to be told to somebody becomes
//! a row of [`delivery`] in the same transaction; nothing else is written, so where nobody listens nothing is paid.
//!
//! A webhook that is asked *before* something happens (B-396) needs to know what would happen. Nothing tells that so well
//! as doing it: the command is rehearsed, in a transaction that is taken back, and what it fired is what is asked about
//! ([`Rehearsal`]). So a refusal by the server itself comes before anybody is asked, and both calls speak of one change
//! in one way.

mod configuration;
pub mod delivery;
mod fire;
pub mod give_up;
pub mod log;
mod occurrence;
mod parameters;
mod question;
pub mod repeat;
mod sinks;

pub use configuration::{Forgetful, Hooks, Memory, Urls, of};
pub(crate) use fire::{fire, replay};
pub(crate) use occurrence::{Cause, Occurrence, Verb};
pub use parameters::Parameters;
pub use question::{Answer, Asks, Question, Rehearsal};
pub(crate) use sinks::test;
pub use sinks::{Listening, is_of_stream};
