//! Phones and numbers of an account that write to each other in one conversation (rest.md §2.4, B-211…B-225).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod members;
mod messages;
mod numbers;
mod people;
mod reading;

use confab_domain::job::Kind;
use confab_domain::message::Message;
use confab_domain::participant::{self, Fields, Participant};
use confab_domain::receipt::Receipt;
use confab_domain::{Actor, Command, Error, Order, Window, conversation, handset, job, message, receipt};
use confab_testkit::{TestEngine, engine};
use confab_types::{Address, ConversationSid};

const ANN: &str = "+15558675310";
const BEN: &str = "+15558675311";
const CAT: &str = "+15558675312";

/// Numbers of the account; claimed by their first use.
const DESK: &str = "+15017122661";
const DOOR: &str = "+15017122662";

/// An engine with the words of these stories.
struct Texting {
    engine: TestEngine,
}

impl Texting {
    async fn start() -> Self {
        Self {
            engine: engine().await,
        }
    }

    async fn run<C: Command>(&self, command: C) -> Result<C::Output, u32> {
        self.run_as(Actor::Rest, command).await
    }

    async fn run_as<C: Command>(&self, actor: Actor, command: C) -> Result<C::Output, u32> {
        match self.engine.execute(actor, command).await {
            Ok(output) => Ok(output),
            Err(Error::Api(error)) => Err(error.code),
            Err(error) => panic!("{error}"),
        }
    }

    async fn conversation(&self) -> ConversationSid {
        let create = conversation::Create {
            account: self.engine.account.sid,
            service: self.engine.account.default_service,
            fields: conversation::Fields::default(),
        };
        self.run(create).await.unwrap().sid
    }

    /// A conversation with these participants.
    async fn with(&self, all: &[Fields]) -> ConversationSid {
        let sid = self.conversation().await;
        for fields in all {
            self.add(sid, fields.clone()).await.unwrap();
        }
        sid
    }

    async fn add(&self, conversation: ConversationSid, fields: Fields) -> Result<Participant, u32> {
        self.run(participant::Add {
            service: self.engine.account.default_service,
            conversation: conversation.to_string(),
            fields,
        })
        .await
    }

    async fn update(
        &self,
        of: &Participant,
        change: impl FnOnce(&mut participant::Update),
    ) -> Result<Participant, u32> {
        let (conversation, key) = (of.conversation.to_string(), of.sid.to_string());
        let mut update = participant::Update::of(of.service, &conversation, &key);
        change(&mut update);
        self.run(update).await
    }

    async fn remove(&self, of: &Participant) {
        let remove = participant::Remove {
            service: of.service,
            conversation: of.conversation.to_string(),
            key: of.sid.to_string(),
        };
        self.run(remove).await.unwrap();
    }

    async fn close(&self, sid: ConversationSid) {
        let fields = conversation::Fields {
            state: Some("closed".into()),
            ..conversation::Fields::default()
        };
        let close = conversation::Update {
            service: self.engine.account.default_service,
            key: sid.to_string(),
            fields,
        };
        self.run(close).await.unwrap();
    }

    async fn delete(&self, sid: ConversationSid) {
        let delete = conversation::Delete {
            service: self.engine.account.default_service,
            key: sid.to_string(),
        };
        self.run(delete).await.unwrap();
    }

    async fn post(&self, to: ConversationSid, author: Option<&str>) -> Result<Message, u32> {
        self.run(message::Create {
            service: self.engine.account.default_service,
            conversation: to.to_string(),
            author: author.map(str::to_owned),
            body: Some("hello".into()),
            subject: None,
            attributes: None,
            content: confab_domain::content::Reference::default(),
            created_at: None,
            updated_at: None,
            media: Vec::new(),
        })
        .await
    }

    async fn participants(&self, of: ConversationSid) -> Vec<Participant> {
        let read = move |tx: &mut confab_domain::Transaction<'_>| {
            participant::list(tx, of, Order::Ascending, &window())
        };
        self.engine.read(read).await.unwrap().items
    }

    async fn messages(&self, of: ConversationSid) -> Vec<Message> {
        let read = move |tx: &mut confab_domain::Transaction<'_>| {
            let found = conversation::by_sid(tx, of)?.unwrap();
            message::list(tx, &found, Order::Ascending, &window())
        };
        self.engine.read(read).await.unwrap().items
    }

    async fn receipts(&self, of: &Message) -> Vec<Receipt> {
        let sid = of.sid;
        let read = move |tx: &mut confab_domain::Transaction<'_>| receipt::list(tx, sid, &window());
        self.engine.read(read).await.unwrap().items
    }

    /// What is to be sent now: from, to, the others; and the SID on the carrier.
    async fn outbox(&self) -> Vec<(String, String, Vec<String>, String)> {
        let mut sent = Vec::new();
        for job in self.run_as(Actor::System, job::Claim { most: 64 }).await.unwrap() {
            if let Kind::Send {
                from,
                to,
                others,
                channel_message,
                ..
            } = job.kind
            {
                sent.push((from, to, others, channel_message));
            }
            self.run_as(Actor::System, job::Finish { id: job.id })
                .await
                .unwrap();
        }
        sent.sort();
        sent
    }

    /// A phone writes.
    async fn text(&self, from: &str, to: &str, others: &[&str]) {
        let send = handset::Send {
            account: self.engine.account.sid,
            handset: Address::parse(from).unwrap(),
            to: to.into(),
            others: others.iter().map(|o| (*o).to_owned()).collect(),
            body: format!("from {from}"),
            media: Vec::new(),
        };
        self.run_as(Actor::Carrier, send).await.unwrap();
    }
}

fn window() -> Window {
    Window {
        cursor: None,
        size: 1000,
    }
}

fn chat(identity: &str) -> Fields {
    Fields {
        identity: Some(identity.into()),
        ..Fields::default()
    }
}

fn known_as(identity: &str, number: &str) -> Fields {
    Fields {
        projected_address: Some(number.into()),
        ..chat(identity)
    }
}

fn native(address: &str) -> Fields {
    Fields {
        address: Some(address.into()),
        ..Fields::default()
    }
}

fn behind(address: &str, proxy: &str) -> Fields {
    Fields {
        proxy_address: Some(proxy.into()),
        ..native(address)
    }
}

fn number_alone(number: &str) -> Fields {
    Fields {
        projected_address: Some(number.into()),
        ..Fields::default()
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}
