//! Event streams: who listens to what, and that what events tell is what their schemas say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use confab_domain::conversation::{self, Conversation, State};
use confab_domain::media::Attachment;
use confab_domain::message::{self, Message};
use confab_domain::participant::{self, Participant};
use confab_domain::stream::catalogue::LATEST_VERSION;
use confab_domain::stream::data::{self, Origin};
use confab_domain::stream::{self, EventType, Listener, sink, subscribed_event, subscription};
use confab_domain::user::{self, User};
use confab_domain::{Actor, Command, content};
use confab_testkit::{TestEngine, engine};
use confab_types::{AccountSid, MediaSid, Sid as _, SinkSid, SubscriptionSid, Timestamp};
use serde_json::{Value, json};

use crate::{CALLERS, at_once};

async fn run<C: Command>(engine: &TestEngine, command: C) -> C::Output {
    engine.execute(Actor::Rest, command).await.unwrap()
}

fn new_sink(account: AccountSid, kind: &str, configuration: &Value) -> sink::Create {
    static MADE: AtomicU64 = AtomicU64::new(1);
    sink::Create {
        sid: SinkSid::from_bits(MADE.fetch_add(1, Ordering::Relaxed).into()),
        account,
        description: "a sink".into(),
        kind: kind.into(),
        configuration: configuration.to_string(),
        login: None,
    }
}

async fn webhook(engine: &TestEngine) -> SinkSid {
    let configuration = json!({ "destination": "https://example.com/events" });
    run(engine, new_sink(engine.account.sid, "webhook", &configuration))
        .await
        .sid
}

fn new_subscription(account: AccountSid, sink: SinkSid, types: &[(EventType, i64)]) -> subscription::Create {
    let written = |(kind, version): &(EventType, i64)| {
        json!({ "type": kind.name(), "schema_version": version }).to_string()
    };
    subscription::Create {
        account,
        description: "a subscription".into(),
        sink: sink.to_string(),
        types: types.iter().map(written).collect(),
    }
}

async fn listeners(engine: &TestEngine) -> Vec<Listener> {
    let account = engine.account.sid;
    engine
        .read(move |tx| stream::listeners(tx, account))
        .await
        .unwrap()
}

fn listener(sink: SinkSid, subscription: SubscriptionSid, types: &[(EventType, i64)]) -> Listener {
    Listener {
        sink,
        subscription,
        types: types.iter().copied().collect::<BTreeMap<_, _>>(),
    }
}

#[tokio::test]
async fn only_active_sinks_listen_and_only_to_their_types_b820_b821() {
    use EventType::{MessageAdded, UserAdded, UserUpdated};
    let engine = engine().await;
    let account = engine.account.sid;
    assert_eq!(listeners(&engine).await, []);
    let (one, other) = (webhook(&engine).await, webhook(&engine).await);
    let first = [(MessageAdded, 2), (UserAdded, 1)];
    let first_sid = run(&engine, new_subscription(account, one, &first)).await.sid;
    let second_sid = run(&engine, new_subscription(account, other, &[(UserUpdated, 2)]))
        .await
        .sid;
    let second = listener(other, second_sid, &[(UserUpdated, 2)]);
    let by_sid = |mut all: Vec<Listener>| {
        all.sort_by_key(|l| l.subscription);
        all
    };
    assert_eq!(
        by_sid(listeners(&engine).await),
        by_sid(vec![listener(one, first_sid, &first), second.clone()])
    );
    // Nothing of another account is heard.
    let strangers = engine
        .read(|tx| stream::listeners(tx, AccountSid::from_bits(9)))
        .await
        .unwrap();
    assert_eq!(strangers, []);
    for (kind, _) in first {
        let command = subscribed_event::Delete {
            account,
            subscription: first_sid,
            kind: kind.name().into(),
        };
        run(&engine, command).await;
    }
    assert_eq!(listeners(&engine).await, [second]);
    let command = subscription::Delete {
        account,
        subscription: second_sid,
    };
    run(&engine, command).await;
    assert_eq!(listeners(&engine).await, []);
}

#[tokio::test]
async fn a_sink_of_nats_is_active_once_its_test_came() {
    let engine = engine().await;
    let account = engine.account.sid;
    let configuration = json!({ "server": "nats://broker:4222", "subject": "chat.events" });
    let made = run(&engine, new_sink(account, "nats", &configuration)).await;
    assert_eq!(made.status, sink::Status::Initialized);
    let refused = new_subscription(account, made.sid, &[(EventType::UserAdded, 1)]);
    assert!(engine.execute(Actor::Rest, refused.clone()).await.is_err());
    let test = sink::Test {
        account,
        sink: made.sid,
    };
    let tested = run(&engine, test.clone()).await.unwrap();
    assert_eq!(tested.status, sink::Status::Validating);
    let validate = |test_id: Option<String>| sink::Validate {
        account,
        sink: made.sid,
        test_id: test_id.unwrap_or_default(),
    };
    assert!(!run(&engine, validate(Some("EZ0".into()))).await);
    let again = run(&engine, test).await.unwrap();
    assert!(
        !run(&engine, validate(tested.test_id)).await,
        "the last test counts"
    );
    assert!(run(&engine, validate(again.test_id.clone())).await);
    assert!(!run(&engine, validate(again.test_id)).await, "each counts once");
    let sid = made.sid;
    let found = engine
        .read(move |tx| sink::fetch(tx, account, sid))
        .await
        .unwrap();
    assert_eq!(found.status, sink::Status::Active);
    assert_eq!(
        found.target().unwrap(),
        sink::Target::Nats(sink::Nats {
            servers: vec!["nats://broker:4222".into()],
            subject: "chat.events".into(),
            jetstream: false,
        })
    );
    run(&engine, refused).await;
    assert_eq!(listeners(&engine).await.len(), 1);
}

#[tokio::test]
async fn a_sink_is_removed_or_used_by_those_who_come_at_once() {
    let engine = engine().await;
    let account = engine.account.sid;
    let sink = webhook(&engine).await;
    let (made, refused) = at_once(&engine, |n| Either {
        delete: n == CALLERS / 2,
        account,
        sink,
    })
    .await;
    let there = engine.read(move |tx| sink::find(tx, sink)).await.unwrap();
    match there {
        // In use when its removal came.
        Some(_) => assert_eq!((made.len(), refused), (CALLERS - 1, vec![20409])),
        // Removed first: there is nothing to subscribe to.
        None => assert_eq!((made.len(), refused), (1, vec![20001; CALLERS - 1])),
    }
    assert_eq!(listeners(&engine).await.is_empty(), there.is_none());
}

struct Either {
    delete: bool,
    account: AccountSid,
    sink: SinkSid,
}

impl Command for Either {
    type Output = ();

    fn apply(
        &self,
        tx: &mut confab_domain::Transaction<'_>,
        cx: &mut confab_domain::Cx<'_>,
    ) -> confab_domain::Result<()> {
        let (account, sink) = (self.account, self.sink);
        if self.delete {
            return sink::Delete { account, sink }.apply(tx, cx);
        }
        new_subscription(account, sink, &[(EventType::UserAdded, 1)])
            .apply(tx, cx)
            .map(|_| ())
    }
}

/// Asserts that a value is as a schema says.
fn assert_fits(value: &Value, schema: &Value, at: &str) {
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let kind = match value {
        Value::Null => "null",
        Value::String(_) => "string",
        Value::Number(n) if n.is_i64() => "integer",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        other => panic!("{at}: {other}"),
    };
    assert!(types.contains(&kind.into()), "{at}: {kind} and not {types:?}");
    if let (Some(text), Some(pattern)) = (value.as_str(), schema["pattern"].as_str()) {
        assert_eq!(
            (
                &text[..2],
                text.len(),
                text[2..].bytes().all(|b| b.is_ascii_hexdigit())
            ),
            (&pattern[1..3], 34, true),
            "{at}: {text}"
        );
    }
    if let (Some(text), Some("date-time")) = (value.as_str(), schema["format"].as_str()) {
        // B-428: milliseconds.
        assert_eq!(Timestamp::parse(text).unwrap().iso_millis(), text, "{at}");
    }
    for item in value.as_array().into_iter().flatten() {
        assert_fits(item, &schema["items"], at);
    }
    if let Some(object) = value.as_object() {
        for required in schema["required"].as_array().unwrap() {
            assert!(
                object.contains_key(required.as_str().unwrap()),
                "{at} has no {required}"
            );
        }
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert_fits(&object[name], property, &format!("{at}.{name}"));
        }
    }
}

/// Asserts that data fits both versions of its schema and has all that the newest tells, and no more.
fn assert_told(kind: EventType, data: &Value) {
    for version in 1..=LATEST_VERSION {
        assert_fits(data, &kind.schema(version).unwrap(), kind.name());
    }
    fn same(data: &Value, schema: &Value, at: &str) {
        let Some(object) = data.as_object() else { return };
        let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(
            names(object),
            names(schema["properties"].as_object().unwrap()),
            "{at}"
        );
        for (name, value) in object {
            let property = &schema["properties"][name];
            same(value, property, name);
            for item in value.as_array().into_iter().flatten() {
                same(item, &property["items"], name);
            }
        }
    }
    same(data, &kind.schema(LATEST_VERSION).unwrap(), kind.name());
}

struct Rows {
    conversation: Conversation,
    message: Message,
    chat: Participant,
    phone: Participant,
    user: User,
}

async fn rows(engine: &TestEngine) -> Rows {
    let (account, service) = (engine.account.sid, engine.account.default_service);
    let conversation = run(
        engine,
        conversation::Create {
            account,
            service,
            fields: conversation::Fields {
                friendly_name: Some("Räume".into()),
                unique_name: Some("rooms".into()),
                ..conversation::Fields::default()
            },
        },
    )
    .await;
    let add = |fields| participant::Add {
        service,
        conversation: conversation.sid.to_string(),
        fields,
    };
    let chat = run(
        engine,
        add(participant::Fields {
            identity: Some("alice".into()),
            ..participant::Fields::default()
        }),
    )
    .await;
    let phone = run(
        engine,
        add(participant::Fields {
            address: Some("+15558675310".into()),
            proxy_address: Some("+15017122661".into()),
            ..participant::Fields::default()
        }),
    )
    .await;
    let message = run(
        engine,
        message::Create {
            service,
            conversation: conversation.sid.to_string(),
            author: Some("alice".into()),
            body: Some("hello".into()),
            subject: None,
            attributes: None,
            content: content::Reference::default(),
            created_at: None,
            updated_at: None,
            media: Vec::new(),
        },
    )
    .await;
    let sid = conversation.sid.to_string();
    let (conversation, user) = engine
        .read(move |tx| {
            Ok((
                conversation::parent(tx, service, &sid)?,
                user::by_identity(tx, service, "alice")?.unwrap(),
            ))
        })
        .await
        .unwrap();
    Rows {
        conversation,
        message,
        chat,
        phone,
        user,
    }
}

#[tokio::test]
async fn a_message_is_told_as_its_schema_says_b814() {
    let engine = engine().await;
    let Rows {
        conversation: at,
        mut message,
        ..
    } = rows(&engine).await;
    let told = data::message_added(&at, &message);
    assert_told(EventType::MessageAdded, &told);
    assert_eq!(
        told,
        json!({
            "AccountSid": at.account, "ConversationSid": at.sid, "MessageSid": message.sid, "Index": 0,
            "Author": "alice", "ParticipantSid": message.participant, "MessageBody": "hello",
            "MessageSubject": null, "DateCreated": message.created_at.iso_millis(),
            "MessagingServiceSid": at.messaging_service, "ContentSid": null, "Media": null,
        })
    );
    assert!(told["ParticipantSid"].is_string() && told["MessagingServiceSid"].is_string());
    let medium = MediaSid::from_bits(3);
    message.media = vec![Attachment {
        sid: medium,
        size: 12,
        content_type: "image/png".into(),
        filename: None,
        category: None,
    }];
    message.body = None;
    let told = data::message_updated(&at, &message);
    assert_told(EventType::MessageUpdated, &told);
    assert_eq!(
        told["Media"],
        json!([{ "MediaSid": medium, "Filename": null, "ContentType": "image/png", "Size": 12 }])
    );
    assert_eq!(told["DateUpdated"], message.updated_at.iso_millis());
    let told = data::message_removed(&at, &message, Timestamp(1_000_000));
    assert_told(EventType::MessageRemoved, &told);
    assert_eq!(told["DateRemoved"], "1970-01-01T00:00:01.000Z");
}

#[tokio::test]
async fn a_conversation_is_told_as_its_schema_says_b815_b817() {
    let engine = engine().await;
    let mut at = rows(&engine).await.conversation;
    let told = data::conversation_added(&at, None);
    assert_told(EventType::ConversationAdded, &told);
    assert_eq!(
        [
            &told["FriendlyName"],
            &told["UniqueName"],
            &told["State"],
            &told["Bindings"]
        ],
        [&json!("Räume"), &json!("rooms"), &json!("active"), &Value::Null]
    );
    let first = Origin {
        body: Some("hi".into()),
        proxy_address: Some("+15017122661".into()),
        address: Some("+15558675310".into()),
        author_friendly_name: Some("Ann".into()),
        ..Origin::default()
    };
    at.email_address = Some("rooms@example.com".into());
    let told = data::conversation_added(&at, Some(&first));
    assert_told(EventType::ConversationAdded, &told);
    assert_eq!(
        [
            &told["MessageBody"],
            &told["MessageSubject"],
            &told["AuthorFriendlyName"]
        ],
        [&json!("hi"), &Value::Null, &json!("Ann")]
    );
    assert_eq!(
        told["MessagingBinding"],
        json!({
            "ProxyAddress": "+15017122661", "ProjectedAddress": null, "AuthorAddress": null,
            "Address": "+15558675310",
        })
    );
    assert_eq!(
        told["Bindings"],
        json!({ "Email": { "ProjectedAddress": "rooms@example.com", "Name": null } })
    );
    assert_told(EventType::ConversationUpdated, &data::conversation_updated(&at));
    assert_told(
        EventType::ConversationRemoved,
        &data::conversation_removed(&at, Timestamp(0)),
    );
    at.state = State::Inactive;
    let told = data::conversation_state_updated(&at, State::Active, "TIMER");
    assert_told(EventType::ConversationStateUpdated, &told);
    assert_eq!(
        [
            &told["StateFrom"],
            &told["StateTo"],
            &told["Reason"],
            &told["StateUpdated"]
        ],
        [
            &json!("active"),
            &json!("inactive"),
            &json!("TIMER"),
            &json!(at.state_at.iso_millis())
        ]
    );
}

#[tokio::test]
async fn participants_and_users_are_told_as_their_schemas_say_b816_b817() {
    let engine = engine().await;
    let Rows {
        chat, phone, user, ..
    } = rows(&engine).await;
    let told = data::participant_added(&chat);
    assert_told(EventType::ParticipantAdded, &told);
    assert_eq!(
        told["MessagingBinding"],
        json!({
            "ProxyAddress": null, "ProjectedAddress": null, "Address": null, "Type": "CHAT", "Level": null,
            "Name": null,
        })
    );
    let told = data::participant_updated(&phone);
    assert_told(EventType::ParticipantUpdated, &told);
    assert_eq!(
        (&told["Identity"], &told["RoleSid"]),
        (&Value::Null, &json!(phone.role_sid))
    );
    assert_eq!(
        [
            &told["MessagingBinding"]["Type"],
            &told["MessagingBinding"]["Address"]
        ],
        [&json!("SMS"), &json!("+15558675310")]
    );
    assert_told(
        EventType::ParticipantRemoved,
        &data::participant_removed(&phone, Timestamp(0)),
    );
    assert_told(EventType::UserAdded, &data::user_added(&user));
    let told = data::user_updated(&user);
    assert_told(EventType::UserUpdated, &told);
    assert_eq!(
        told,
        json!({
            "AccountSid": user.account, "UserSid": user.sid, "Identity": "alice", "FriendlyName": null,
            "RoleSid": user.role_sid, "DateCreated": user.created_at.iso_millis(),
            "DateUpdated": user.updated_at.iso_millis(),
        })
    );
    assert_told(EventType::Test, &data::test("EZ1"));
}
