//! Who listens to whom: services beside each other, accounts below each other, one URL for everything.

use confab_testkit::{Reply, Sink};
use reqwest::Method;
use serde_json::json;

use super::{CONVERSATIONS, World};

const EVENTS: [&str; 2] = ["onMessageAdd", "onMessageAdded"];

/// B-411, B-415: one URL may serve both, each event once.
#[tokio::test]
async fn one_url_serves_both() {
    let mut world = World::new(&EVENTS).await;
    let url = world.sink.url("/both");
    let form = [("PreWebhookUrl", url.as_str()), ("PostWebhookUrl", &url)];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    let sid = world.conversation().await;
    world.say(&sid, "x").await;
    let calls = world.sink.expect(&EVENTS).await;
    assert!(calls.iter().all(|call| call.uri == "/both"));
    assert!(world.sink.came().is_none());
}

/// B-412, B-416: who would refuse is not asked about what his filters leave out.
#[tokio::test]
async fn what_is_filtered_out_goes_ahead_at_once() {
    let mut world = World::new(&["onConversationUpdate", "onMessageAdded"]).await;
    world.sink.answer(|_| Reply::status(403));
    let sid = world.conversation().await;
    world.say(&sid, "not asked").await;
    world.sink.expect(&["onMessageAdded"]).await;
    let path = format!("{CONVERSATIONS}/{sid}");
    assert_eq!(world.post(&path, &[]).await.expect(403).code(), Some(50056));
    world.sink.expect(&["onConversationUpdate"]).await;
    world.delete(&path).await.expect(204);
    assert!(world.sink.came().is_none());
}

/// B-417, B-418: each service has its listener or the account's; a URL of either kind takes both over.
#[tokio::test]
async fn services_beside_each_other() {
    let mut world = World::new(&EVENTS).await;
    let mut sinks = Vec::new();
    let mut services = Vec::new();
    for kind in ["PreWebhookUrl", "PostWebhookUrl", ""] {
        let made = world
            .server
            .post("/conversations/v1/Services", &[("FriendlyName", "s")])
            .await
            .expect(201);
        let service = format!("/conversations/v1/Services/{}", made.text_of("sid"));
        let sink = Sink::start().await;
        let url = sink.url("/own");
        if !kind.is_empty() {
            let form = [
                (kind, url.as_str()),
                ("Filters", EVENTS[0]),
                ("Filters", EVENTS[1]),
            ];
            let path = format!("{service}/Configuration/Webhooks");
            world.server.post(&path, &form).await.expect(200);
        }
        let conversations = format!("{service}/Conversations");
        let sid = world
            .server
            .post(&conversations, &[])
            .await
            .expect(201)
            .text_of("sid");
        services.push((format!("{conversations}/{sid}/Messages"), made.text_of("sid")));
        sinks.push(sink);
    }
    for round in 0..2 {
        for (at, expected) in [(0, &EVENTS[..1]), (1, &EVENTS[1..])] {
            let body = format!("{round} {at}");
            world.post(&services[at].0, &[("Body", &body)]).await.expect(201);
            let calls = sinks[at].expect(expected).await;
            assert_eq!(calls[0].text("Body"), body);
        }
        world
            .post(&services[2].0, &[("Body", "the account's")])
            .await
            .expect(201);
        let calls = world.sink.expect(&EVENTS).await;
        assert_eq!(calls[1].text("ChatServiceSid"), services[2].1);
    }
    assert!(world.sink.came().is_none());
    assert!(sinks.iter_mut().all(|sink| sink.came().is_none()));
}

/// B-387, B-395, B-412: a subaccount has webhooks of its own, and those of its parent hear nothing of it.
#[tokio::test]
async fn accounts_below_each_other() {
    let mut world = World::new(&EVENTS).await;
    let mut own = Sink::start().await;
    let made = world
        .server
        .post("/2010-04-01/Accounts.json", &[("FriendlyName", "sub")])
        .await
        .expect(201);
    let (sid, token) = (made.text_of("sid"), made.text_of("auth_token"));
    let rest = world.server.rest.with(&sid, &token);
    let loud = |path: &str, form: &[(&str, &str)]| {
        let request = rest
            .request(Method::POST, path)
            .header("X-Twilio-Webhook-Enabled", "true")
            .form(form);
        rest.send(request)
    };
    let conversation = rest.post(CONVERSATIONS, &[]).await.expect(201).text_of("sid");
    let messages = format!("{CONVERSATIONS}/{conversation}/Messages");
    // Not its parent's, though it has none.
    loud(&messages, &[("Body", "unheard")]).await.unwrap().expect(201);
    let url = own.url("/sub");
    let form = [("PostWebhookUrl", url.as_str()), ("Filters", "onMessageAdded")];
    rest.post("/conversations/v1/Configuration/Webhooks", &form)
        .await
        .expect(200);
    loud(&messages, &[("Body", "heard")]).await.unwrap().expect(201);
    let call = own.next().await;
    assert_eq!(
        (call.text("AccountSid"), call.text("Body")),
        (sid.as_str(), "heard")
    );
    let conversation = world.conversation().await;
    world.say(&conversation, "the parent's").await;
    let calls = world.sink.expect(&EVENTS).await;
    assert!(
        calls
            .iter()
            .all(|call| call.text("AccountSid") == world.server.account_sid)
    );
    assert!(world.sink.came().is_none() && own.came().is_none());
}

/// B-385, B-426, B-556: what has no event, with the header too; a user's conversation only as what it is of a participant.
#[tokio::test]
async fn what_has_no_event() {
    let mut world = World::new(&super::parameters::ALL).await;
    let sid = world.conversation().await;
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    let person = [("Identity", "alice")];
    let v1 = |path: &str| format!("/conversations/v1/{path}");
    world.server.post(&people, &person).await.expect(201);
    world
        .server
        .post(&people, &[("Identity", "bob")])
        .await
        .expect(201);
    let role = [
        ("FriendlyName", "r"),
        ("Type", "conversation"),
        ("Permission", "sendMessage"),
    ];
    let role = world.post(&v1("Roles"), &role).await.expect(201).text_of("sid");
    let role = v1(&format!("Roles/{role}"));
    world
        .post(&role, &[("Permission", "leaveConversation")])
        .await
        .expect(200);
    world.delete(&role).await.expect(204);
    let key = [("Type", "fcm"), ("Secret", "secret")];
    let key = world
        .post(&v1("Credentials"), &key)
        .await
        .expect(201)
        .text_of("sid");
    world.delete(&v1(&format!("Credentials/{key}"))).await.expect(204);
    let service = world
        .post(&v1("Services"), &[("FriendlyName", "s")])
        .await
        .expect(201);
    let service = v1(&format!("Services/{}", service.text_of("sid")));
    let reachable = [("ReachabilityEnabled", "true")];
    world
        .post(&format!("{service}/Configuration"), &reachable)
        .await
        .expect(200);
    world
        .post(&format!("{service}/Configuration/Notifications"), &[])
        .await
        .expect(200);
    world.post(&v1("Configuration"), &[]).await.expect(200);
    let hook = [
        ("Target", "webhook"),
        ("Configuration.Url", "http://127.0.0.1:9/"),
        ("Configuration.Filters", "onMessageAdded"),
    ];
    let hooks = format!("{CONVERSATIONS}/{sid}/Webhooks");
    let hook = world.post(&hooks, &hook).await.expect(201).text_of("sid");
    world.delete(&format!("{hooks}/{hook}")).await.expect(204);
    // Nor what goes with a service or a user that is removed.
    let inner = format!("{service}/Conversations");
    world.server.post(&inner, &[]).await.expect(201);
    world.delete(&service).await.expect(204);
    let own = |identity: &str| v1(&format!("Users/{identity}/Conversations/{sid}"));
    let muted = [("NotificationLevel", "muted")];
    world.server.post(&own("alice"), &muted).await.expect(200);
    world.server.delete(&own("alice")).await.expect(204);
    world.delete(&v1("Users/alice")).await.expect(204);
    // As a participant who goes by a loud request of a script.
    world.delete(&own("bob")).await.expect(204);
    let mut last = world.sink.next().await;
    if last.event() == "onParticipantRemove" {
        last = world.sink.next().await;
    }
    assert_eq!(
        (last.event(), last.text("Identity")),
        ("onParticipantRemoved", "bob")
    );
    assert!(world.sink.came().is_none());
}

/// B-509, B-450: what a new webhook is told of earlier messages is what it would have been told, of nobody.
#[tokio::test]
async fn earlier_messages_are_told_in_full() {
    let world = World::new(&[]).await;
    let mut own = Sink::start().await;
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}");
    world
        .server
        .post(&format!("{path}/Participants"), &[("Identity", "alice")])
        .await
        .expect(201);
    let form = [("Body", "ü"), ("Author", "alice"), ("Attributes", "{\"a\":1}")];
    let messages = format!("{path}/Messages");
    let message = world.server.post(&messages, &form).await.expect(201);
    let url = own.url("/");
    let hook = [
        ("Target", "webhook"),
        ("Configuration.Url", url.as_str()),
        ("Configuration.Filters", "onMessageAdded"),
        ("Configuration.ReplayAfter", "0"),
    ];
    world
        .server
        .post(&format!("{path}/Webhooks"), &hook)
        .await
        .expect(201);
    let replayed = own.next().await;
    assert_eq!(
        replayed.names(),
        [
            "AccountSid",
            "Attributes",
            "Author",
            "Body",
            "ChatServiceSid",
            "ConversationSid",
            "DateCreated",
            "EventType",
            "Index",
            "MessageSid",
            "MessagingServiceSid",
            "ParticipantSid",
            "RetryCount",
        ]
    );
    let shown = &message.json;
    for (name, field) in [
        ("MessageSid", "sid"),
        ("Body", "body"),
        ("Author", "author"),
        ("Attributes", "attributes"),
        ("ParticipantSid", "participant_sid"),
        ("ConversationSid", "conversation_sid"),
    ] {
        assert_eq!(json!(replayed.text(name)), shown[field], "{name}");
    }
}
