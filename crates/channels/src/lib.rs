//! The ways out of chat: carriers that take messages to phones, and the dispatcher that does the durable work of
//! sending to them.

mod dispatcher;
mod simulator;

use async_trait::async_trait;
use confab_types::{AccountSid, MediaSid};

pub use dispatcher::Dispatcher;
pub use simulator::Simulator;

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// The account that sends.
    pub account: AccountSid,
    /// Its SID on the carrier: the idempotency key. The same one may come twice, and must then go out once.
    pub channel_message: String,
    /// The account's number or sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The other numbers of a group message: the phone shows them, and an answer goes to all.
    pub others: Vec<String>,
    /// Text.
    pub body: String,
    /// A medium instead of text (B-282). It may be gone by now, with its message.
    pub media: Option<MediaSid>,
}

/// Why a carrier did not take a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarrierError {
    /// It never will: the receipt becomes `failed` with this code.
    #[error("refused with code {code}: {reason}")]
    Refused {
        /// Code of the public catalogue.
        code: i64,
        /// For the log; never the text of the message.
        reason: String,
    },
    /// It may do so later: the message is sent again.
    #[error("not possible now: {0}")]
    Unavailable(String),
}

/// Takes messages to phones.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// Hands a message over. `Ok` means that the carrier has it for good; what becomes of it then comes back as
    /// status reports.
    async fn send(&self, outbound: &Outbound) -> Result<(), CarrierError>;
}
