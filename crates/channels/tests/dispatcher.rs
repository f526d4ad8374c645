//! From a message in a conversation to a phone and back to its receipt.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::sync::Arc;

use async_trait::async_trait;
use confab_channels::{Carrier, CarrierError, Dispatcher, Outbound, Simulator};
use confab_domain::message::Message;
use confab_domain::receipt::Status;
use confab_domain::{
    Actor, Change, Commit, Window, content, conversation, handset, message, participant, receipt,
};
use confab_jobs::Worker;
use confab_testkit::{TestEngine, engine, soon};
use confab_types::{Address, ConversationSid};
use tokio::sync::{mpsc, oneshot};

const PHONE: &str = "+15558675310";
const OTHER_PHONE: &str = "+15558675311";
const NUMBER: &str = "+15017122661";

struct Server {
    engine: TestEngine,
    commits: mpsc::Receiver<Commit>,
    // The worker ends when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl Server {
    async fn start(carrier: impl FnOnce(&TestEngine) -> Arc<dyn Carrier>) -> Self {
        let engine = engine().await;
        let commits = engine.commits();
        let dispatcher = Dispatcher::new((*engine).clone(), carrier(&engine));
        let (stop, stops) = oneshot::channel::<()>();
        let worker = Worker::new((*engine).clone(), Arc::new(dispatcher), Arc::new(|_, _| {}));
        tokio::spawn(worker.run(async move {
            let _ = stops.await;
        }));
        Self {
            engine,
            commits,
            _stop: stop,
        }
    }

    async fn conversation(&self) -> ConversationSid {
        let service = self.engine.account.default_service;
        let fields = conversation::Fields::default();
        let create = conversation::Create {
            account: self.engine.account.sid,
            service,
            fields,
        };
        self.engine.execute(Actor::Rest, create).await.unwrap().sid
    }

    async fn add(&self, conversation: ConversationSid, fields: participant::Fields) {
        let add = participant::Add {
            service: self.engine.account.default_service,
            conversation: conversation.to_string(),
            fields,
        };
        self.engine.execute(Actor::Rest, add).await.unwrap();
    }

    async fn with_phone(&self) -> ConversationSid {
        let sid = self.conversation().await;
        let fields = participant::Fields {
            address: Some(PHONE.into()),
            proxy_address: Some(NUMBER.into()),
            ..participant::Fields::default()
        };
        self.add(sid, fields).await;
        sid
    }

    /// A group of two phones and alice, whom they know by a number.
    async fn with_group(&self) -> ConversationSid {
        let sid = self.conversation().await;
        for address in [PHONE, OTHER_PHONE] {
            let native = participant::Fields {
                address: Some(address.into()),
                ..participant::Fields::default()
            };
            self.add(sid, native).await;
        }
        let alice = participant::Fields {
            identity: Some("alice".into()),
            projected_address: Some(NUMBER.into()),
            ..participant::Fields::default()
        };
        self.add(sid, alice).await;
        sid
    }

    async fn post(&self, conversation: ConversationSid, body: &str) -> Message {
        self.post_as(None, conversation, body).await
    }

    async fn post_as(&self, author: Option<&str>, conversation: ConversationSid, body: &str) -> Message {
        let create = message::Create {
            service: self.engine.account.default_service,
            conversation: conversation.to_string(),
            author: author.map(str::to_owned),
            body: Some(body.to_owned()),
            subject: None,
            attributes: None,
            content: content::Reference::default(),
            created_at: None,
            updated_at: None,
            media: Vec::new(),
        };
        self.engine.execute(Actor::Rest, create).await.unwrap()
    }

    /// Waits until the summary of a message says that all of its receipts reached a status.
    async fn reaches(&mut self, word: &str) {
        let all = format!("\"{word}\":\"all\"");
        let reached = async {
            while let Some(commit) = self.commits.recv().await {
                for change in commit.changes {
                    if let Change::MessageUpdated(message) = change
                        && message
                            .delivery
                            .as_deref()
                            .is_some_and(|summary| summary.contains(&all))
                    {
                        return;
                    }
                }
            }
        };
        soon(word, reached).await;
    }

    /// Waits until receipts of a message say both that it was delivered and that it failed.
    async fn fails_in_part(&mut self) {
        let happened = async {
            while let Some(commit) = self.commits.recv().await {
                for change in commit.changes {
                    if let Change::MessageUpdated(message) = change
                        && message.delivery.as_deref().is_some_and(|summary| {
                            summary.contains("\"delivered\":\"some\"")
                                && summary.contains("\"failed\":\"some\"")
                        })
                    {
                        return;
                    }
                }
            }
        };
        soon("one failure and one delivery", happened).await;
    }

    async fn receipts(&self, message: &Message) -> Vec<receipt::Receipt> {
        let sid = message.sid;
        let window = Window {
            cursor: None,
            size: 10,
        };
        let read = self.engine.read(move |tx| receipt::list(tx, sid, &window));
        read.await.unwrap().items
    }

    async fn receipt(&self, message: &Message) -> receipt::Receipt {
        let mut receipts = self.receipts(message).await;
        assert_eq!(receipts.len(), 1);
        receipts.remove(0)
    }

    /// What a phone shows.
    async fn phone(&self, address: &str) -> Vec<handset::HandsetMessage> {
        let (account, phone) = (self.engine.account.sid, Address::parse(address).unwrap());
        let window = Window {
            cursor: None,
            size: 10,
        };
        let read = self
            .engine
            .read(move |tx| handset::list(tx, account, &phone, &window));
        read.await.unwrap().items
    }
}

#[tokio::test]
async fn the_simulator_delivers_and_reports_sent_then_delivered() {
    let mut server = Server::start(|engine| Arc::new(Simulator::new((**engine).clone()))).await;
    let conversation = server.with_phone().await;
    let message = server.post(conversation, "hello").await;
    server.reaches("sent").await;
    server.reaches("delivered").await;
    let receipt = server.receipt(&message).await;
    assert_eq!(receipt.status, Some(Status::Delivered));
    let got = server.phone(PHONE).await;
    assert_eq!(got.len(), 1);
    assert_eq!((got[0].from.as_str(), got[0].body.as_str()), (NUMBER, "hello"));
    assert_eq!(
        (&got[0].sid, got[0].status.as_str()),
        (&receipt.channel_message, "delivered")
    );
}

/// What buttons a template has, a phone gets its words.
#[tokio::test]
async fn a_phone_gets_the_text_of_a_template_b787() {
    let mut server = Server::start(|engine| Arc::new(Simulator::new((**engine).clone()))).await;
    let conversation = server.with_phone().await;
    let account = server.engine.account.sid;
    let fields = content::Fields {
        language: Some("en".into()),
        types: Some(serde_json::json!({
            "twilio/quick-reply": {"body": "Coming, {{1}}?", "actions": [{"title": "Yes"}, {"title": "No"}]},
            "twilio/text": {"body": "Coming, {{1}}? Answer YES or NO."},
        })),
        ..content::Fields::default()
    };
    let template = content::Create { account, fields };
    let template = server.engine.execute(Actor::Rest, template).await.unwrap();
    let create = message::Create {
        service: server.engine.account.default_service,
        conversation: conversation.to_string(),
        author: None,
        body: None,
        subject: None,
        attributes: None,
        content: content::Reference {
            sid: Some(template.sid.to_string()),
            variables: Some(r#"{"1":"Ann"}"#.into()),
        },
        created_at: None,
        updated_at: None,
        media: Vec::new(),
    };
    server.engine.execute(Actor::Rest, create).await.unwrap();
    server.reaches("delivered").await;
    let phone = Address::parse(PHONE).unwrap();
    let window = Window {
        cursor: None,
        size: 10,
    };
    let got = server
        .engine
        .read(move |tx| handset::list(tx, account, &phone, &window))
        .await
        .unwrap();
    let texts: Vec<&str> = got.items.iter().map(|m| m.body.as_str()).collect();
    assert_eq!(texts, ["Coming, Ann? Answer YES or NO."]);
}

#[tokio::test]
async fn the_same_message_twice_is_one_message_on_the_phone() {
    let server = Server::start(|engine| Arc::new(Simulator::new((**engine).clone()))).await;
    let simulator = Simulator::new((*server.engine).clone());
    let account = server.engine.account.sid;
    let outbound = Outbound {
        account,
        channel_message: "SM00000000000000000000000000000001".into(),
        from: NUMBER.into(),
        to: PHONE.into(),
        others: Vec::new(),
        body: "once".into(),
        media: None,
    };
    simulator.send(&outbound).await.unwrap();
    simulator.send(&outbound).await.unwrap();
    assert_eq!(server.phone(PHONE).await.len(), 1);
}

/// Refuses everything.
struct Refusing;

#[async_trait]
impl Carrier for Refusing {
    fn name(&self) -> &'static str {
        "refusing"
    }

    async fn send(&self, _: &Outbound) -> Result<(), CarrierError> {
        Err(CarrierError::Refused {
            code: 30006,
            reason: "a landline".into(),
        })
    }
}

#[tokio::test]
async fn a_refused_message_has_a_failed_receipt_with_the_code() {
    let mut server = Server::start(|_| Arc::new(Refusing)).await;
    let conversation = server.with_phone().await;
    let message = server.post(conversation, "hello").await;
    server.reaches("failed").await;
    let receipt = server.receipt(&message).await;
    assert_eq!(
        (receipt.status, receipt.error_code),
        (Some(Status::Failed), 30006)
    );
}

#[tokio::test]
async fn phones_of_a_group_see_each_other_b217() {
    let mut server = Server::start(|engine| Arc::new(Simulator::new((**engine).clone()))).await;
    let group = server.with_group().await;
    server.post_as(Some("alice"), group, "hello").await;
    server.reaches("delivered").await;
    for (phone, other) in [(PHONE, OTHER_PHONE), (OTHER_PHONE, PHONE)] {
        let got = server.phone(phone).await;
        assert_eq!(got.len(), 1);
        assert_eq!(
            (got[0].from.as_str(), got[0].others.as_slice()),
            (NUMBER, &[other.to_owned()][..])
        );
        assert!(got[0].sid.starts_with("MM"));
    }
}

/// Refuses one phone, as a carrier does for one that has opted out, and passes the others on.
struct Without {
    refused: &'static str,
    carrier: Simulator,
}

#[async_trait]
impl Carrier for Without {
    fn name(&self) -> &'static str {
        "without"
    }

    async fn send(&self, outbound: &Outbound) -> Result<(), CarrierError> {
        if outbound.to == self.refused {
            return Err(CarrierError::Refused {
                code: 21610,
                reason: "opted out".into(),
            });
        }
        self.carrier.send(outbound).await
    }
}

#[tokio::test]
async fn one_of_a_group_who_opted_out_does_not_keep_it_from_the_others_b224() {
    let mut server = Server::start(|engine| {
        Arc::new(Without {
            refused: PHONE,
            carrier: Simulator::new((**engine).clone()),
        })
    })
    .await;
    let group = server.with_group().await;
    let message = server.post_as(Some("alice"), group, "hello").await;
    server.fails_in_part().await;
    let mut statuses: Vec<_> = server
        .receipts(&message)
        .await
        .into_iter()
        .map(|r| (r.status, r.error_code))
        .collect();
    statuses.sort();
    assert_eq!(
        statuses,
        [(Some(Status::Delivered), 0), (Some(Status::Failed), 21610)]
    );
    assert!(server.phone(PHONE).await.is_empty());
    assert_eq!(server.phone(OTHER_PHONE).await.len(), 1);
}
