//! Participants and users.

use confab_domain::credential::CredentialType;
use confab_domain::{Actor, binding};
use confab_testkit::TestServer;
use confab_types::{AccountSid, ServiceSid, Sid as _};
use serde_json::{Value, json};

use super::super::{CONVERSATIONS, World};
use super::{ALL, By, Expected, newcomer, sdk};

const USERS: &str = "/conversations/v1/Users";

impl Expected {
    /// B-465.
    fn participant(self, shown: &Value, kind: &str) -> Self {
        let names = [
            ("ConversationSid", "conversation_sid"),
            ("Identity", "identity"),
            ("RoleSid", "role_sid"),
            ("Attributes", "attributes"),
        ];
        let binding = [
            ("MessagingBinding.ProxyAddress", "proxy_address"),
            ("MessagingBinding.Address", "address"),
            ("MessagingBinding.ProjectedAddress", "projected_address"),
        ];
        self.texts(&names, shown)
            .texts(&binding, &shown["messaging_binding"])
            .text("MessagingBinding.Type", &json!(kind))
    }

    pub(super) fn participant_there(self, shown: &Value, kind: &str) -> Self {
        self.text("ParticipantSid", &shown["sid"])
            .date("DateCreated", &shown["date_created"])
            .participant(shown, kind)
    }

    fn user(self, shown: &Value) -> Self {
        let names = [
            ("ChatServiceSid", "chat_service_sid"),
            ("UserSid", "sid"),
            ("Identity", "identity"),
            ("RoleSid", "role_sid"),
            ("Attributes", "attributes"),
            ("FriendlyName", "friendly_name"),
        ];
        self.texts(&names, shown)
    }
}

/// The calls of a new participant, and what REST shows of it.
async fn added(world: &mut World, by: By, people: &str, kind: &str) -> Value {
    let [asked, told] = world.calls(["onParticipantAdd", "onParticipantAdded"]).await;
    let shown = world
        .shown(&format!("{people}/{}", told.text("ParticipantSid")))
        .await;
    let pre = Expected::new(world, asked.event(), by);
    pre.participant(&shown, kind).check(&asked); // B-455
    let post = Expected::new(world, told.event(), by);
    post.participant_there(&shown, kind).check(&told); // B-456
    shown
}

async fn changed(world: &mut World, by: By, path: &str, kind: &str) -> Value {
    let [asked, told] = world.calls(["onParticipantUpdate", "onParticipantUpdated"]).await;
    let shown = world.shown(path).await;
    Expected::new(world, asked.event(), by)
        .participant_there(&shown, kind)
        .any_date("DateUpdated")
        .check(&asked); // B-457
    Expected::new(world, told.event(), by)
        .participant_there(&shown, kind)
        .dates(&shown)
        .text("LastReadMessageIndex", &shown["last_read_message_index"])
        .check(&told); // B-424, B-458
    shown
}

async fn removed(world: &mut World, by: By, shown: &Value, kind: &str) {
    let [asked, told] = world.calls(["onParticipantRemove", "onParticipantRemoved"]).await;
    let pre = Expected::new(world, asked.event(), by);
    pre.participant_there(shown, kind).dates(shown).check(&asked); // B-459
    let post = Expected::new(world, told.event(), by);
    let post = post.participant_there(shown, kind).dates(shown);
    post.any_date("DateRemoved").check(&told); // B-460
}

/// B-424, B-455, B-456, B-457, B-458, B-459, B-460, B-465, B-466: each kind of participant, by scripts.
#[tokio::test]
async fn participants_of_scripts() {
    let mut world = World::new(&ALL).await;
    let sms = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
        ("Attributes", r#"{"a":"ü"}"#),
    ];
    let whatsapp = [
        ("MessagingBinding.Address", "whatsapp:+15558675310"),
        ("MessagingBinding.ProxyAddress", "whatsapp:+15017122661"),
    ];
    let projected = [
        ("Identity", "bob"),
        ("MessagingBinding.ProjectedAddress", "+15017122662"),
    ];
    // Members of a group text.
    let native = [("MessagingBinding.Address", "+15558675311")];
    let stand_in = [("MessagingBinding.ProjectedAddress", "+15017122663")];
    let chat = [
        ("Identity", "alice"),
        ("Attributes", r#"{"b": 2}"#),
        ("DateCreated", "2020-02-03T04:05:06.789Z"),
    ];
    for (form, kind) in [
        (&sms[..], "SMS"),
        (&whatsapp, "WHATSAPP"),
        (&projected, "CHAT"),
        (&native, "SMS"),
        (&stand_in, "SMS"),
        (&chat, "CHAT"),
    ] {
        let sid = world.conversation().await;
        let path = format!("{CONVERSATIONS}/{sid}");
        let people = format!("{path}/Participants");
        if let Some(("Identity", identity)) = form.first() {
            world
                .server
                .post(USERS, &[("Identity", identity)])
                .await
                .expect(201);
        }
        world
            .server
            .post(&format!("{path}/Messages"), &[("Body", "x")])
            .await
            .expect(201);
        world.post(&people, form).await.expect(201);
        let shown = added(&mut world, By::Rest, &people, kind).await;
        let path = format!("{people}/{}", shown["sid"].as_str().unwrap());
        world.post(&path, &[]).await.expect(200);
        changed(&mut world, By::Rest, &path, kind).await;
        let other = [("Attributes", r#"{"c":null}"#)];
        world.post(&path, &other).await.expect(200);
        let mut shown = changed(&mut world, By::Rest, &path, kind).await;
        if kind != "SMS" {
            world
                .post(&path, &[("LastReadMessageIndex", "0")])
                .await
                .expect(200);
            shown = changed(&mut world, By::Rest, &path, kind).await;
            assert_eq!(shown["last_read_message_index"], 0);
        }
        world.delete(&path).await.expect(204);
        removed(&mut world, By::Rest, &shown, kind).await;
    }
    assert!(world.sink.came().is_none());
}

/// B-381, B-424, B-455, B-456, B-457, B-458, B-459, B-460: joining, adding, editing, reading, leaving and removing by SDK
/// users.
#[tokio::test]
async fn participants_of_sdk_users() {
    let mut world = World::new(&ALL).await;
    let by = By::Sdk("alice");
    let mut alice = newcomer(&mut world, "alice").await;
    newcomer(&mut world, "bob").await.close().await;
    let made = sdk(&world, &mut alice, "POST", "/Conversations", json!({})).await;
    world.calls(["onConversationAdd", "onConversationAdded"]).await;
    let sid = made["sid"].as_str().unwrap().to_owned();
    let own = format!("/Conversations/{sid}/Participants");
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    let me = json!({"identity": "alice", "attributes": "{\"me\":1}"});
    sdk(&world, &mut alice, "POST", &own, me).await;
    added(&mut world, by, &people, "CHAT").await;
    for (body, kind) in [
        (json!({"identity": "bob"}), "CHAT"),
        (
            json!({"attributes": "{\"x\":1}", "messaging_binding": {"address": "+15558675310",
                "proxy_address": "+15017122661"}}),
            "SMS",
        ),
    ] {
        sdk(&world, &mut alice, "POST", &own, body).await;
        let shown = added(&mut world, by, &people, kind).await;
        let sid = shown["sid"].as_str().unwrap();
        let participant = format!("{own}/{sid}");
        let body = json!({"attributes": "{\"y\":2}"});
        sdk(&world, &mut alice, "POST", &participant, body).await;
        let shown = changed(&mut world, by, &format!("{people}/{sid}"), kind).await;
        sdk(&world, &mut alice, "DELETE", &participant, json!({})).await;
        removed(&mut world, by, &shown, kind).await;
    }
    world
        .server
        .post(
            &format!("{CONVERSATIONS}/{sid}/Messages"),
            &[("Body", "to be read")],
        )
        .await
        .expect(201);
    let mine = format!("/Users/alice/Conversations/{sid}");
    let read = json!({"last_read_message_index": 0});
    sdk(&world, &mut alice, "POST", &mine, read).await;
    let shown = changed(&mut world, by, &format!("{people}/alice"), "CHAT").await;
    assert_eq!(shown["last_read_message_index"], 0);
    sdk(&world, &mut alice, "DELETE", &format!("{own}/alice"), json!({})).await;
    removed(&mut world, by, &shown, "CHAT").await;
    assert!(world.sink.came().is_none());
}

/// B-421, B-422, B-426, B-462, B-463, B-464, B-466: users by scripts and by themselves.
#[tokio::test]
async fn users_by_whatever_makes_and_changes_them() {
    let mut world = World::new(&ALL).await;
    let full = [
        ("Identity", "ü & b"),
        ("FriendlyName", "B"),
        ("Attributes", "{\"a\": 1}"),
    ];
    for form in [&full[..], &full[..1]] {
        let made = world.post(USERS, form).await.expect(201);
        let path = format!("{USERS}/{}", made.text_of("sid"));
        let [told] = world.calls(["onUserAdded"]).await;
        let shown = world.shown(&path).await;
        let expected = Expected::new(&world, told.event(), By::Rest).user(&shown);
        expected.date("DateCreated", &shown["date_created"]).check(&told);
        for form in [&[][..], &[("FriendlyName", "C"), ("Attributes", "{}")]] {
            world.post(&path, form).await.expect(200);
            edited(&mut world, By::Rest, &path).await;
        }
        world.delete(&path).await.expect(204);
    }
    // By somebody else's request, and by connecting.
    let sid = world.conversation().await;
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    world.post(&people, &[("Identity", "carol")]).await.expect(201);
    let [_, _, told] = world
        .calls(["onParticipantAdd", "onParticipantAdded", "onUserAdded"])
        .await;
    let shown = world.shown(&format!("{USERS}/carol")).await;
    let expected = Expected::new(&world, told.event(), By::Rest).user(&shown);
    expected.date("DateCreated", &shown["date_created"]).check(&told);
    let mut alice = world.server.client("alice").await;
    let by = By::Sdk("alice");
    let [told] = world.calls(["onUserAdded"]).await;
    let path = format!("{USERS}/alice");
    let shown = world.shown(&path).await;
    let expected = Expected::new(&world, told.event(), by).user(&shown);
    expected.date("DateCreated", &shown["date_created"]).check(&told);
    let values = json!({"friendly_name": "A", "attributes": "{\"z\":[]}"});
    sdk(&world, &mut alice, "POST", "/Users/alice", values).await;
    edited(&mut world, by, &path).await;
    assert!(world.sink.came().is_none());
}

/// The two calls of a user's change.
async fn edited(world: &mut World, by: By, path: &str) {
    let [asked, told] = world.calls(["onUserUpdate", "onUserUpdated"]).await;
    let shown = world.shown(path).await;
    let pre = Expected::new(world, asked.event(), by);
    pre.user(&shown).any_date("DateUpdated").check(&asked); // B-463
    Expected::new(world, told.event(), by)
        .user(&shown)
        .dates(&shown)
        .text("isOnline", &shown["is_online"])
        .text("isNotifiable", &shown["is_notifiable"])
        .check(&told); // B-464
}

/// B-423, B-464: who comes and goes, and can be pushed to, is told of his user only, and nobody is asked.
#[tokio::test]
async fn reachability_is_told_of_users() {
    let server = TestServer::start_with(|config| config.realtime.offline_grace_secs = 0).await;
    let mut world = World::on(server, &ALL).await;
    let path = format!(
        "/conversations/v1/Services/{}/Configuration",
        world.server.service_sid
    );
    let set = [("ReachabilityEnabled", "true")];
    world.server.post(&path, &set).await.expect(200);
    let sid = world.conversation().await;
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    let person = [("Identity", "alice")];
    world.server.post(&people, &person).await.expect(201);
    let alice = world.server.client("alice").await;
    reached(&mut world, json!([true, null])).await;
    let register = binding::Register {
        account: AccountSid::parse(&world.server.account_sid).unwrap(),
        service: ServiceSid::parse(&world.server.service_sid).unwrap(),
        identity: "alice".into(),
        endpoint: Some("phone".into()),
        kind: CredentialType::Fcm,
        address: "token of the device".into(),
        credential: None,
        message_types: Vec::new(),
    };
    let engine = world.server.engine().clone();
    engine.execute(Actor::System, register).await.unwrap();
    reached(&mut world, json!([true, true])).await;
    alice.close().await;
    reached(&mut world, json!([false, true])).await;
    // What is shown stands in the report of any other change too.
    let path = format!("{USERS}/alice");
    world.post(&path, &[("FriendlyName", "A")]).await.expect(200);
    edited(&mut world, By::Rest, &path).await;
    assert!(world.sink.came().is_none());
}

/// The call of a change of both, and that REST shows the same.
async fn reached(world: &mut World, both: Value) {
    let [told] = world.calls(["onUserUpdated"]).await;
    let shown = world.shown(&format!("{USERS}/alice")).await;
    Expected::new(world, told.event(), By::Nobody)
        .user(&shown)
        .dates(&shown)
        .text("isOnline", &both[0])
        .text("isNotifiable", &both[1])
        .check(&told);
    assert_eq!(json!([shown["is_online"], shown["is_notifiable"]]), both);
}
