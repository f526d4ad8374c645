//! Webhooks: signed calls to the URLs of an account, asked before something happens ([`Asker`]) or told of what happened
//! ([`Deliverer`]).
//!
//! Who is to be called, and what is said, [`confab_domain::hook`] decides in the transaction of the change.

mod alert;
mod asker;
mod call;
mod deliverer;
mod lane;
mod nats;
mod overrides;
mod places;
mod signature;
mod target;
mod tls;

pub use asker::Asker;
pub use call::{Caller, Observer};
pub use deliverer::{Deliverer, Options, back_off};
