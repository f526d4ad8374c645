//! Conversations and their states.

use confab_testkit::{TestClock, TestServer};
use serde_json::{Value, json};

use super::super::{CONVERSATIONS, World};
use super::{ALL, By, Expected, newcomer, sdk};

impl Expected {
    fn conversation(self, shown: &Value) -> Self {
        let names = [
            ("FriendlyName", "friendly_name"),
            ("UniqueName", "unique_name"),
            ("Attributes", "attributes"),
            ("ChatServiceSid", "chat_service_sid"),
            ("MessagingServiceSid", "messaging_service_sid"),
            ("State", "state"),
        ];
        self.texts(&names, shown)
    }

    fn conversation_there(self, shown: &Value) -> Self {
        self.text("ConversationSid", &shown["sid"])
            .dates(shown)
            .conversation(shown)
    }
}

/// The two calls of a change, and what REST shows behind it.
async fn changed(world: &mut World, by: By, path: &str) -> Value {
    let [asked, told] = world
        .calls(["onConversationUpdate", "onConversationUpdated"])
        .await;
    let shown = world.shown(path).await;
    let pre = Expected::new(world, asked.event(), by);
    pre.conversation_there(&shown)
        .any_date("DateUpdated")
        .check(&asked); // B-443
    let post = Expected::new(world, told.event(), by);
    post.conversation_there(&shown).check(&told); // B-444
    shown
}

async fn removed(world: &mut World, by: By, shown: &Value) {
    let [asked, told] = world
        .calls(["onConversationRemove", "onConversationRemoved"])
        .await;
    let pre = Expected::new(world, asked.event(), by);
    pre.conversation_there(shown).check(&asked); // B-445
    let post = Expected::new(world, told.event(), by);
    let post = post.conversation_there(shown).any_date("DateRemoved");
    post.check(&told); // B-446
}

async fn added(world: &mut World, by: By, sid: &str) {
    let [asked, told] = world.calls(["onConversationAdd", "onConversationAdded"]).await;
    let shown = world.shown(&format!("{CONVERSATIONS}/{sid}")).await;
    let pre = Expected::new(world, asked.event(), by);
    pre.conversation(&shown).check(&asked); // B-441
    let post = Expected::new(world, told.event(), by);
    post.conversation_there(&shown).check(&told); // B-442
}

/// B-428, B-429, B-430, B-432, B-441, B-442, B-443, B-444, B-445, B-446, B-466: by scripts, with all values and with none.
#[tokio::test]
async fn conversations_of_scripts() {
    let mut world = World::new(&ALL).await;
    let service = world
        .server
        .post("/messaging/v1/Services", &[("FriendlyName", "m")]);
    let service = service.await.expect(201).text_of("sid");
    let full = [
        ("FriendlyName", "Ä & b"),
        ("UniqueName", "unique-1"),
        ("Attributes", r#"{"a": [1, "ü"]}"#),
        ("MessagingServiceSid", service.as_str()),
        ("State", "inactive"),
        ("DateCreated", "2020-02-03T04:05:06.789Z"),
    ];
    let without = [("MessagingServiceSid", "")];
    for form in [&full[..], &[], &without] {
        let made = world.post(CONVERSATIONS, form).await.expect(201);
        let sid = made.text_of("sid");
        added(&mut world, By::Rest, &sid).await;
        let path = format!("{CONVERSATIONS}/{sid}");
        world.post(&path, &[]).await.expect(200);
        changed(&mut world, By::Rest, &path).await;
        let other = [
            ("FriendlyName", "another"),
            ("UniqueName", ""),
            ("Attributes", "{\"b\":null}"),
        ];
        world.post(&path, &other).await.expect(200);
        let shown = changed(&mut world, By::Rest, &path).await;
        assert_eq!(shown["friendly_name"], "another");
        world.delete(&path).await.expect(204);
        removed(&mut world, By::Rest, &shown).await;
    }
    assert!(world.sink.came().is_none());
}

/// B-381, B-387, B-388, B-441, B-442, B-443, B-444, B-445, B-446: by SDK users, without any header.
#[tokio::test]
async fn conversations_of_sdk_users() {
    let mut world = World::new(&ALL).await;
    let by = By::Sdk("alice");
    let mut alice = newcomer(&mut world, "alice").await;
    for body in [
        json!({}),
        json!({"friendly_name": "mine", "unique_name": "u", "attributes": "{\"x\":1}"}),
    ] {
        let made = sdk(&world, &mut alice, "POST", "/Conversations", body).await;
        let sid = made["sid"].as_str().unwrap().to_owned();
        added(&mut world, by, &sid).await;
        let own = format!("/Conversations/{sid}");
        let people = format!("{own}/Participants");
        sdk(&world, &mut alice, "POST", &people, json!({"identity": "alice"})).await;
        world.calls(["onParticipantAdd", "onParticipantAdded"]).await;
        let path = format!("{CONVERSATIONS}/{sid}");
        let values = json!({"friendly_name": "other", "attributes": "{\"y\":2}"});
        sdk(&world, &mut alice, "POST", &own, values).await;
        let shown = changed(&mut world, by, &path).await;
        assert_eq!(shown["attributes"], r#"{"y":2}"#);
        sdk(&world, &mut alice, "DELETE", &own, json!({})).await;
        removed(&mut world, by, &shown).await;
    }
    assert!(world.sink.came().is_none());
}

/// B-114, B-115, B-384, B-389, B-421, B-447: by callers, messages and timers.
#[tokio::test]
async fn states_by_whatever_changes_them() {
    let clock = TestClock::new();
    let server = TestServer::start_at(clock.clone()).await;
    let mut world = World::on(server, &["onConversationStateUpdated"]).await;
    let service = world
        .server
        .post("/messaging/v1/Services", &[("FriendlyName", "m")]);
    let service = service.await.expect(201).text_of("sid");
    let mut alice = world.server.client("alice").await;
    for service in [service.as_str(), ""] {
        let form = &[("MessagingServiceSid", service)];
        let made = world.server.post(CONVERSATIONS, form).await.expect(201);
        let sid = made.text_of("sid");
        let path = format!("{CONVERSATIONS}/{sid}");
        let people = format!("{path}/Participants");
        let person = [("Identity", "alice")];
        world.server.post(&people, &person).await.expect(201);
        let phone = [
            ("MessagingBinding.Address", "+15558675310"),
            ("MessagingBinding.ProxyAddress", "+15017122661"),
        ];
        // Phones need a messaging service.
        if !service.is_empty() {
            world.server.post(&people, &phone).await.expect(201);
        }
        let messages = format!("/Conversations/{sid}/Messages");
        let body = json!({ "body": "x" });
        let said = [("Body", "x")];
        for (by, from, to) in [
            (By::Rest, "active", "inactive"),
            (By::Sdk("alice"), "inactive", "active"),
            (By::Nobody, "active", "inactive"),
            (By::Channel("SMS"), "inactive", "active"),
            (By::Nobody, "active", "inactive"),
            (By::Rest, "inactive", "active"),
            (By::Rest, "active", "closed"),
        ] {
            let by = match by {
                By::Channel(_) if service.is_empty() => By::Sdk("alice"),
                by => by,
            };
            let reason = match (by, to) {
                (By::Nobody, _) => {
                    world
                        .server
                        .post(&path, &[("Timers.Inactive", "PT1M")])
                        .await
                        .expect(200);
                    clock.advance(60);
                    "TIMER"
                }
                (By::Sdk(_), _) => {
                    sdk(&world, &mut alice, "POST", &messages, body.clone()).await;
                    "EVENT"
                }
                (By::Channel(_), _) => {
                    let handset = "/simulator/v1/Handsets/%2B15558675310/Messages";
                    let sent = [("To", "+15017122661"), ("Body", "x")];
                    world.server.post(handset, &sent).await.expect(201);
                    "EVENT"
                }
                // Without the header.
                (By::Rest, "active") => {
                    let path = format!("{path}/Messages");
                    world.server.post(&path, &said).await.expect(201);
                    "EVENT"
                }
                (By::Rest, _) => {
                    world.post(&path, &[("State", to)]).await.expect(200);
                    "API"
                }
            };
            let [call] = world.calls(["onConversationStateUpdated"]).await;
            let shown = world.shown(&path).await;
            Expected::new(&world, call.event(), by)
                .text("ConversationSid", &shown["sid"])
                .text("ChatServiceSid", &shown["chat_service_sid"])
                .text("MessagingServiceSid", &shown["messaging_service_sid"])
                .text("StateFrom", &json!(from))
                .text("StateTo", &json!(to))
                .text("Reason", &json!(reason))
                .any_date("StateUpdated")
                .check(&call);
            assert_eq!(shown["state"], to);
            assert_eq!(call.get("MessagingServiceSid").is_some(), !service.is_empty());
        }
        world.server.delete(&path).await.expect(204);
    }
    assert!(world.sink.came().is_none());
}

/// B-427, B-441, B-442, B-447, B-456: with its participants, whom a job lets in.
#[tokio::test]
async fn conversations_with_participants() {
    let mut world = World::new(&ALL).await;
    for identity in ["alice", "bob"] {
        let path = "/conversations/v1/Users";
        world
            .server
            .post(path, &[("Identity", identity)])
            .await
            .expect(201);
    }
    let form = [
        ("FriendlyName", "both"),
        ("Participant", r#"{"identity":"alice","attributes":"{\"a\":1}"}"#),
        (
            "Participant",
            r#"{"messaging_binding":{"address":"+15558675310","proxy_address":"+15017122661"}}"#,
        ),
    ];
    let path = "/conversations/v1/ConversationWithParticipants";
    let made = world.post(path, &form).await.expect(202).json;
    assert_eq!(made["state"], "initializing");
    let [asked, told, first, second, state] = world
        .calls([
            "onConversationAdd",
            "onConversationAdded",
            "onParticipantAdded",
            "onParticipantAdded",
            "onConversationStateUpdated",
        ])
        .await;
    let by = By::Rest;
    let pre = Expected::new(&world, asked.event(), by);
    pre.conversation(&made).check(&asked);
    let post = Expected::new(&world, told.event(), by);
    post.conversation_there(&made).check(&told);
    let path = format!("{CONVERSATIONS}/{}", made["sid"].as_str().unwrap());
    for (call, kind) in [(first, "CHAT"), (second, "SMS")] {
        let shown = world
            .shown(&format!("{path}/Participants/{}", call.text("ParticipantSid")))
            .await;
        let expected = Expected::new(&world, call.event(), by);
        expected.participant_there(&shown, kind).check(&call);
    }
    let shown = world.shown(&path).await;
    Expected::new(&world, state.event(), by)
        .text("ConversationSid", &shown["sid"])
        .text("ChatServiceSid", &shown["chat_service_sid"])
        .text("MessagingServiceSid", &shown["messaging_service_sid"])
        .text("StateFrom", &json!("initializing"))
        .text("StateTo", &json!("active"))
        .text("Reason", &json!("EVENT"))
        .any_date("StateUpdated")
        .check(&state);
    assert!(world.sink.came().is_none());
}
