//! The carrier without a network: its handsets are rows of the same database.

use async_trait::async_trait;
use confab_domain::{Actor, Error, handset};
use confab_engine::Engine;

use crate::{Carrier, CarrierError, Outbound};

/// Delivers to simulated handsets.
pub struct Simulator {
    engine: Engine,
}

impl Simulator {
    /// A simulator over the server's own engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl Carrier for Simulator {
    fn name(&self) -> &'static str {
        "simulator"
    }

    async fn send(&self, outbound: &Outbound) -> Result<(), CarrierError> {
        let receive = handset::Receive {
            account: outbound.account,
            sid: outbound.channel_message.clone(),
            from: outbound.from.clone(),
            to: outbound.to.clone(),
            others: outbound.others.clone(),
            body: outbound.body.clone(),
            media: outbound.media,
        };
        self.engine
            .execute(Actor::Carrier, receive)
            .await
            .map_err(|error| match error {
                Error::Api(error) => CarrierError::Refused {
                    code: i64::from(error.code),
                    reason: error.to_string(),
                },
                error => CarrierError::Unavailable(error.to_string()),
            })
    }
}
