//! Does the server's jobs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use confab_domain::hook::repeat;
use confab_domain::job::{Job, Kind};
use confab_domain::receipt::Status;
use confab_domain::{Actor, Command, Error, Origin, binding, conversation, handset, receipt, webhook};
use confab_engine::Engine;
use confab_jobs::{Handler, Outcome};
use confab_types::{AccountSid, ConversationSid, WebhookSid};

use crate::{Carrier, CarrierError, Outbound};

/// How long one run of a purge goes on: well below the patience of the worker, which would take more for a failure.
const PURGE_TIME: Duration = Duration::from_secs(10);

/// Knows every kind of job, and which carrier a number is on.
pub struct Dispatcher {
    engine: Engine,
    simulator: Arc<dyn Carrier>,
}

impl Dispatcher {
    /// A dispatcher that has one carrier for all numbers: the simulator, or what a test puts in its place.
    #[must_use]
    pub fn new(engine: Engine, simulator: Arc<dyn Carrier>) -> Self {
        Self { engine, simulator }
    }

    /// The carrier of an account's number.
    fn carrier(&self, _number: &str) -> &dyn Carrier {
        self.simulator.as_ref()
    }

    async fn send(&self, outbound: Outbound) -> Outcome {
        let carrier = self.carrier(&outbound.from);
        match carrier.send(&outbound).await {
            Ok(()) => Outcome::Done,
            Err(CarrierError::Refused { code, reason }) => {
                tracing::info!(
                    carrier = carrier.name(),
                    message = outbound.channel_message,
                    code,
                    reason,
                    "a message was refused"
                );
                let report = receipt::Report {
                    channel_message: outbound.channel_message,
                    status: Status::Failed,
                    error_code: Some(code),
                };
                self.done(report).await
            }
            Err(CarrierError::Unavailable(reason)) => Outcome::Failed {
                error: format!("{}: {reason}", carrier.name()),
            },
        }
    }

    async fn handset_delivers(&self, account: AccountSid, sid: String) -> Outcome {
        let delivered = handset::SetStatus {
            account,
            handset: None,
            sid,
            status: Status::Delivered,
            error_code: None,
        };
        self.done(delivered).await
    }

    async fn purge(&self, conversation: ConversationSid) -> Outcome {
        let started = Instant::now();
        loop {
            match self
                .engine
                .execute(Actor::System, conversation::Purge { conversation })
                .await
            {
                Ok(true) => return Outcome::Done,
                Ok(false) if started.elapsed() > PURGE_TIME => {
                    return Outcome::Again {
                        at: self.engine.now(),
                    };
                }
                Ok(false) => {}
                Err(error) => {
                    return Outcome::Failed {
                        error: error.to_string(),
                    };
                }
            }
        }
    }

    async fn timers(&self, conversation: ConversationSid) -> Outcome {
        let run = conversation::RunTimers { conversation };
        match self.engine.execute(Actor::System, run).await {
            Ok(Some(at)) => Outcome::Again { at },
            Ok(None) => Outcome::Done,
            Err(error) => Outcome::Failed {
                error: error.to_string(),
            },
        }
    }

    async fn replay_deliveries(&self, job: i64) -> Outcome {
        match self.engine.execute(Actor::System, repeat::Step { job }).await {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::Again {
                at: self.engine.now(),
            },
            Err(error) => Outcome::Failed {
                error: error.to_string(),
            },
        }
    }

    async fn replay(&self, webhook: WebhookSid) -> Outcome {
        match self
            .engine
            .execute(Actor::System, webhook::Replay { webhook })
            .await
        {
            Ok(true) => Outcome::Done,
            Ok(false) => Outcome::Again {
                at: self.engine.now(),
            },
            Err(error) => Outcome::Failed {
                error: error.to_string(),
            },
        }
    }

    async fn drop_bindings(&self) -> Outcome {
        match self.engine.execute(Actor::System, binding::DropUnrenewed).await {
            Ok(at) => Outcome::Again { at },
            Err(error) => Outcome::Failed {
                error: error.to_string(),
            },
        }
    }

    /// Ends what a caller of REST began: it is told of as his doing (B-427).
    async fn initialize(&self, initialize: conversation::Initialize, announces: bool) -> Outcome {
        let conversation = initialize.conversation;
        match self.engine.execute(Origin::rest(announces), initialize).await {
            Ok(()) => Outcome::Done,
            Err(Error::Api(cause)) => {
                tracing::warn!(%conversation, %cause, "the participants of a new conversation cannot be added");
                let abandon = conversation::Abandon { conversation, cause };
                match self.engine.execute(Actor::System, abandon).await {
                    Ok(()) => Outcome::Done,
                    Err(error) => Outcome::Failed {
                        error: error.to_string(),
                    },
                }
            }
            Err(error) => Outcome::Failed {
                error: error.to_string(),
            },
        }
    }

    /// Runs the command that a job ends with. What it speaks of may be gone by now, and then nothing is to be done.
    async fn done<C: Command>(&self, command: C) -> Outcome {
        match self.engine.execute(Actor::Carrier, command).await {
            Ok(_) => Outcome::Done,
            Err(Error::Api(error)) if error.status == 404 => Outcome::Done,
            Err(error) => Outcome::Failed {
                error: error.to_string(),
            },
        }
    }
}

#[async_trait]
impl Handler for Dispatcher {
    async fn run(&self, job: &Job) -> Outcome {
        match job.kind.clone() {
            Kind::Send {
                account,
                channel_message,
                from,
                to,
                others,
                body,
                media,
            } => {
                self.send(Outbound {
                    account,
                    channel_message,
                    from,
                    to,
                    others,
                    body,
                    media,
                })
                .await
            }
            Kind::HandsetDelivers { account, sid } => self.handset_delivers(account, sid).await,
            Kind::Purge { conversation } => self.purge(conversation).await,
            Kind::Timers { conversation } => self.timers(conversation).await,
            Kind::Initialize {
                conversation,
                participants,
                state,
                announces,
            } => {
                let initialize = conversation::Initialize {
                    conversation,
                    participants,
                    state,
                };
                self.initialize(initialize, announces).await
            }
            Kind::ReplayMessages { webhook } => self.replay(webhook).await,
            Kind::ReplayDeliveries(_) => self.replay_deliveries(job.id).await,
            Kind::DropBindings => self.drop_bindings().await,
            Kind::CollectMedia { .. } | Kind::RemoveMedia { .. } | Kind::Receive(_) => Outcome::Failed {
                error: "not a job of the dispatcher".into(),
            },
        }
    }
}
