//! Conversations over a real store: their states, their timers under a clock that the test moves, and what they are
//! made with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod configuration;
mod lifecycle;
mod mutations;
mod timers;
mod with_participants;

use std::ops::Deref;

use confab_domain::conversation::{self, Conversation, Fields, State};
use confab_domain::job::{self, Job, Kind};
use confab_domain::message::{self, Message};
use confab_domain::participant::{self, Participant};
use confab_domain::{Actor, Command, Error, Order, Page, Window};
use confab_testkit::{TestClock, TestEngine, engine_at};
use confab_types::{ConversationSid, ServiceSid, Timestamp};

const PHONE: &str = "+15558675310";
const NUMBER: &str = "+15017122661";

/// An engine with a clock that stands still, and a worker that works when the test says so.
struct World {
    engine: TestEngine,
    clock: TestClock,
    service: ServiceSid,
}

impl Deref for World {
    type Target = TestEngine;

    fn deref(&self) -> &TestEngine {
        &self.engine
    }
}

impl World {
    async fn new() -> Self {
        let clock = TestClock::new();
        let engine = engine_at(clock.clone()).await;
        let service = engine.account.default_service;
        Self {
            engine,
            clock,
            service,
        }
    }

    /// What a REST caller gets, or the code of his error.
    async fn rest<C: Command>(&self, command: C) -> Result<C::Output, u32> {
        self.engine.execute(Actor::Rest, command).await.map_err(code)
    }

    fn creation(&self, fields: Fields) -> conversation::Create {
        conversation::Create {
            account: self.engine.account.sid,
            service: self.service,
            fields,
        }
    }

    async fn create(&self, fields: Fields) -> Result<Conversation, u32> {
        self.rest(self.creation(fields)).await
    }

    async fn update(&self, sid: ConversationSid, fields: Fields) -> Result<Conversation, u32> {
        self.rest(conversation::Update {
            service: self.service,
            key: sid.to_string(),
            fields,
        })
        .await
    }

    async fn set_state(&self, sid: ConversationSid, word: &str) -> Result<Conversation, u32> {
        let state = Some(word.to_owned());
        self.update(
            sid,
            Fields {
                state,
                ..Fields::default()
            },
        )
        .await
    }

    async fn delete(&self, sid: ConversationSid) -> Result<(), u32> {
        self.rest(conversation::Delete {
            service: self.service,
            key: sid.to_string(),
        })
        .await
    }

    async fn post(&self, sid: ConversationSid, body: &str) -> Result<Message, u32> {
        self.rest(message::Create {
            service: self.service,
            conversation: sid.to_string(),
            author: None,
            body: Some(body.to_owned()),
            subject: None,
            attributes: None,
            content: confab_domain::content::Reference::default(),
            created_at: None,
            updated_at: None,
            media: Vec::new(),
        })
        .await
    }

    async fn add(&self, sid: ConversationSid, fields: participant::Fields) -> Result<Participant, u32> {
        self.rest(participant::Add {
            service: self.service,
            conversation: sid.to_string(),
            fields,
        })
        .await
    }

    async fn find(&self, sid: ConversationSid) -> Option<Conversation> {
        self.engine
            .read(move |tx| conversation::by_sid(tx, sid))
            .await
            .unwrap()
    }

    async fn get(&self, sid: ConversationSid) -> Conversation {
        self.find(sid).await.expect("the conversation is there")
    }

    async fn list(&self, state: Option<State>, window: Window) -> Page<Conversation> {
        let service = self.service;
        let filter = conversation::Filter {
            state,
            ..conversation::Filter::default()
        };
        self.engine
            .read(move |tx| conversation::list(tx, service, &filter, &window))
            .await
            .unwrap()
    }

    async fn participants(&self, sid: ConversationSid) -> Vec<Participant> {
        self.engine
            .read(move |tx| participant::list(tx, sid, Order::Ascending, &all()))
            .await
            .unwrap()
            .items
    }

    async fn messages(&self, sid: ConversationSid) -> Vec<Message> {
        let found = self.get(sid).await;
        self.engine
            .read(move |tx| message::list(tx, &found, Order::Ascending, &all()))
            .await
            .unwrap()
            .items
    }

    /// When the next job is due.
    async fn next_job(&self) -> Option<Timestamp> {
        let now = self.engine.now();
        self.engine.read(move |tx| job::next_due(tx, now)).await.unwrap()
    }

    /// Does all jobs that are due by now.
    async fn work(&self) {
        loop {
            let claimed = self
                .engine
                .execute(Actor::System, job::Claim { most: 100 })
                .await
                .unwrap();
            if claimed.is_empty() {
                return;
            }
            for job in claimed {
                self.run(job).await;
            }
        }
    }

    async fn run(&self, job: Job) {
        let again = match job.kind {
            Kind::Timers { conversation } => self.run_timers(conversation).await,
            Kind::Initialize {
                conversation,
                participants,
                state,
                announces: _,
            } => {
                let initialize = conversation::Initialize {
                    conversation,
                    participants,
                    state,
                };
                if let Err(Error::Api(cause)) = self.engine.execute(Actor::System, initialize).await {
                    let abandon = conversation::Abandon { conversation, cause };
                    self.engine.execute(Actor::System, abandon).await.unwrap();
                }
                None
            }
            Kind::Purge { conversation } => {
                let purge = conversation::Purge { conversation };
                while !self.engine.execute(Actor::System, purge.clone()).await.unwrap() {}
                None
            }
            _ => None,
        };
        let id = job.id;
        match again {
            Some(run_at) => {
                let postpone = job::Postpone {
                    id,
                    run_at,
                    error: None,
                };
                self.engine.execute(Actor::System, postpone).await.unwrap();
            }
            None => self
                .engine
                .execute(Actor::System, job::Finish { id })
                .await
                .unwrap(),
        }
    }

    async fn run_timers(&self, conversation: ConversationSid) -> Option<Timestamp> {
        self.engine
            .execute(Actor::System, conversation::RunTimers { conversation })
            .await
            .unwrap()
    }
}

fn code(error: Error) -> u32 {
    match error {
        Error::Api(error) => error.code,
        Error::Store(error) => panic!("{error}"),
    }
}

fn all() -> Window {
    Window {
        cursor: None,
        size: 1000,
    }
}

/// Nothing but timers.
fn timers(inactive: Option<&str>, closed: Option<&str>) -> Fields {
    Fields {
        timer_inactive: inactive.map(str::to_owned),
        timer_closed: closed.map(str::to_owned),
        ..Fields::default()
    }
}

fn chat(identity: &str) -> participant::Fields {
    participant::Fields {
        identity: Some(identity.into()),
        ..participant::Fields::default()
    }
}

fn phone(address: &str) -> participant::Fields {
    participant::Fields {
        address: Some(address.into()),
        proxy_address: Some(NUMBER.into()),
        ..participant::Fields::default()
    }
}
