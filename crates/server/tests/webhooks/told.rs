//! What is told afterwards, to whom.

use confab_testkit::Sink;
use serde_json::json;

use super::{CONVERSATIONS, World};

/// B-382, B-383, B-387, B-388, B-390, B-391: only with the header, with who did it.
#[tokio::test]
async fn rest_is_told_of_on_demand_only() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    world.server.post(&path, &[("Body", "silent")]).await.expect(201);
    let message = world.say(&sid, "loud").await;
    let call = world.sink.next().await;
    assert_eq!((call.method.as_str(), call.uri.as_str()), ("POST", "/post"));
    assert_eq!(
        call.header("content-type"),
        "application/x-www-form-urlencoded; charset=utf-8"
    );
    assert_eq!(call.text("Body"), "loud");
    assert_eq!(call.text("MessageSid"), message);
    assert_eq!((call.text("Source"), call.get("ClientIdentity")), ("API", None));
    assert_eq!((call.text("RetryCount"), call.text("Index")), ("0", "1"));
    assert_eq!(call.text("AccountSid"), world.server.account_sid);
    assert_eq!(call.header("I-Twilio-Idempotency-Token").len(), 36);
    assert_eq!(call.header("X-Twilio-Signature").len(), 28);
}

/// B-412, B-413, B-414, B-415: filters say what, and replace each other.
#[tokio::test]
async fn filters_are_an_allow_list() {
    let mut world = World::new(&["onConversationUpdated"]).await;
    let sid = world.conversation().await;
    world.say(&sid, "not in the list").await;
    let path = format!("{CONVERSATIONS}/{sid}");
    world.post(&path, &[("FriendlyName", "a")]).await.expect(200);
    world.sink.expect(&["onConversationUpdated"]).await;
    world.configure(&["onMessageAdded", "onMessageAdd"]).await;
    world.post(&path, &[("FriendlyName", "b")]).await.expect(200);
    world.say(&sid, "in the list").await;
    let calls = world.sink.expect(&["onMessageAdd", "onMessageAdded"]).await;
    assert_eq!((calls[0].uri.as_str(), calls[1].uri.as_str()), ("/pre", "/post"));
    // An empty list is for nothing, though there are URLs.
    world.configure(&[""]).await;
    world.say(&sid, "nobody listens").await;
    world.configure(&["onConversationUpdated"]).await;
    world.post(&path, &[("FriendlyName", "c")]).await.expect(200);
    world.sink.expect(&["onConversationUpdated"]).await;
    assert!(world.sink.came().is_none());
}

/// B-417, B-418: a service with a URL of its own is not the account's any more.
#[tokio::test]
async fn a_service_takes_the_place_of_the_account() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let mut own = Sink::start().await;
    let sid = world.conversation().await;
    world.say(&sid, "to the account").await;
    assert_eq!(world.sink.next().await.text("Body"), "to the account");
    let path = format!(
        "/conversations/v1/Services/{}/Configuration/Webhooks",
        world.server.service_sid
    );
    let url = own.url("/own");
    let set = [
        ("PostWebhookUrl", url.as_str()),
        ("Filters", "onMessageAdded"),
        ("Method", "GET"),
    ];
    world.server.post(&path, &set).await.expect(200);
    world.say(&sid, "to the service, äöü & +").await;
    let call = own.next().await;
    assert_eq!((call.method.as_str(), call.body.as_str()), ("GET", ""));
    assert!(call.uri.starts_with("/own?AccountSid="), "{}", call.uri);
    assert_eq!(call.text("Body"), "to the service, äöü & +");
    assert_eq!(call.text("RetryCount"), "0");
    // Without a URL it is the account's again.
    world
        .server
        .post(&path, &[("PostWebhookUrl", "")])
        .await
        .expect(200);
    world.say(&sid, "to the account again").await;
    assert_eq!(world.sink.next().await.text("Body"), "to the account again");
    assert!(own.came().is_none());
}

/// B-381, B-387: what SDK users do is always told of, with who they are.
#[tokio::test]
async fn sdk_users_are_told_of_by_name() {
    let mut world = World::new(&["onUserAdded", "onParticipantAdded", "onMessageAdded"]).await;
    let sid = world.conversation().await;
    let mut socket = world.server.client("alice").await;
    let added = world.sink.expect(&["onUserAdded"]).await.remove(0);
    assert_eq!(
        (added.text("Source"), added.text("ClientIdentity")),
        ("SDK", "alice")
    );
    assert_eq!(added.text("Identity"), "alice");
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    world
        .server
        .post(&people, &[("Identity", "alice")])
        .await
        .expect(201);
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        world.server.service_sid
    );
    let (status, _) = socket
        .request("POST", &path, &[], Some(&json!({ "body": "hello" })))
        .await;
    assert_eq!(status, 201);
    // He was let in by a silent request.
    let call = world.sink.expect(&["onMessageAdded"]).await.remove(0);
    assert_eq!(
        (call.text("Source"), call.text("ClientIdentity")),
        ("SDK", "alice")
    );
    assert_eq!(call.text("Author"), "alice");
    assert!(call.text("ParticipantSid").starts_with("MB"));
}

/// B-362, B-363, B-389, B-364: each status of each receipt, whoever wrote, and of nobody.
#[tokio::test]
async fn every_status_of_a_receipt_is_told_of() {
    let mut world = World::new(&["onDeliveryUpdated"]).await;
    let sid = world.conversation().await;
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    world.server.post(&people, &phone).await.expect(201);
    let path = format!("{CONVERSATIONS}/{sid}/Messages");
    let message = world.server.post(&path, &[("Body", "hi")]).await.expect(201);
    let calls = world
        .sink
        .expect(&["onDeliveryUpdated", "onDeliveryUpdated"])
        .await;
    assert_eq!(
        (calls[0].text("Status"), calls[1].text("Status")),
        ("sent", "delivered")
    );
    for call in &calls {
        assert_eq!(call.text("MessageSid"), message.text_of("sid"));
        assert!(call.text("DeliveryReceiptSid").starts_with("DY"));
        assert!(call.text("ChannelMessageSid").starts_with("SM"));
        assert_eq!((call.get("Source"), call.get("ErrorCode")), (None, None));
    }
}

/// B-114, B-115, B-384: a state that a message changes is told of without the header, one that a caller sets with it.
#[tokio::test]
async fn states_are_told_of_with_their_reason() {
    let mut world = World::new(&["onConversationStateUpdated"]).await;
    let sid = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{sid}");
    world
        .server
        .post(&path, &[("State", "inactive")])
        .await
        .expect(200);
    let messages = format!("{path}/Messages");
    world
        .server
        .post(&messages, &[("Body", "wake up")])
        .await
        .expect(201);
    let call = world.sink.next().await;
    let change = |call: &confab_testkit::Call| {
        ["StateFrom", "StateTo", "Reason"].map(|name| call.text(name).to_owned())
    };
    assert_eq!(change(&call), ["inactive", "active", "EVENT"]);
    // B-110: the same state again is none.
    world.post(&path, &[("State", "active")]).await.expect(200);
    world.post(&path, &[("State", "closed")]).await.expect(200);
    let call = world.sink.next().await;
    assert_eq!(change(&call), ["active", "closed", "API"]);
    assert_eq!(call.text("Source"), "API");
}

/// B-136, B-427: a conversation with participants is told of from its beginning to its opening, in order.
#[tokio::test]
async fn a_conversation_with_participants_is_told_of_in_order() {
    let mut world = World::new(&[
        "onConversationAdd",
        "onConversationAdded",
        "onParticipantAdd",
        "onParticipantAdded",
        "onConversationStateUpdated",
    ])
    .await;
    let path = "/conversations/v1/ConversationWithParticipants";
    let form = [
        ("FriendlyName", "two"),
        ("Participant", r#"{"identity":"alice"}"#),
        ("Participant", r#"{"identity":"bob"}"#),
    ];
    world.post(path, &form).await.expect(202);
    let calls = world
        .sink
        .expect(&[
            "onConversationAdd",
            "onConversationAdded",
            "onParticipantAdded",
            "onParticipantAdded",
            "onConversationStateUpdated",
        ])
        .await;
    assert_eq!(calls[2].text("Identity"), "alice");
    assert_eq!(calls[4].text("StateFrom"), "initializing");
    assert!(calls.iter().all(|call| call.text("Source") == "API"));
    // Without the header nobody hears of any of it; the next loud request shows that nothing came before it.
    world.server.post(path, &form).await.expect(202);
    world.post(CONVERSATIONS, &[]).await.expect(201);
    world
        .sink
        .expect(&["onConversationAdd", "onConversationAdded"])
        .await;
}

/// B-425, B-426: what goes along with something that is removed is not told of.
#[tokio::test]
async fn removals_are_told_of_once() {
    let mut world = World::new(&[
        "onConversationRemoved",
        "onParticipantRemoved",
        "onMessageRemoved",
        "onUserUpdated",
    ])
    .await;
    let (first, second) = (world.conversation().await, world.conversation().await);
    for sid in [&first, &second] {
        let people = format!("{CONVERSATIONS}/{sid}/Participants");
        world
            .server
            .post(&people, &[("Identity", "alice")])
            .await
            .expect(201);
    }
    world.say(&first, "x").await;
    world
        .delete(&format!("{CONVERSATIONS}/{first}"))
        .await
        .expect(204);
    let call = world.sink.expect(&["onConversationRemoved"]).await.remove(0);
    assert!(call.get("DateRemoved").is_some());
    world.delete("/conversations/v1/Users/alice").await.expect(204);
    world
        .delete(&format!("{CONVERSATIONS}/{second}"))
        .await
        .expect(204);
    world.sink.expect(&["onConversationRemoved"]).await;
    assert!(world.sink.came().is_none());
}

/// B-301, B-305, B-388: a phone's message is told of with its channel.
#[tokio::test]
async fn phones_are_told_of_by_their_channel() {
    let mut world = World::new(&["onMessageAdd", "onMessageAdded"]).await;
    let sid = world.conversation().await;
    let people = format!("{CONVERSATIONS}/{sid}/Participants");
    for (address, proxy) in [
        ("+15558675310", "+15017122661"),
        ("whatsapp:+15558675310", "whatsapp:+15017122661"),
    ] {
        let phone = [
            ("MessagingBinding.Address", address),
            ("MessagingBinding.ProxyAddress", proxy),
        ];
        world.server.post(&people, &phone).await.expect(201);
        let handset = format!("/simulator/v1/Handsets/{}/Messages", address.replace('+', "%2B"));
        let sent = [("To", proxy), ("Body", "from a phone")];
        world.server.post(&handset, &sent).await.expect(201);
        let channel = if address.starts_with("whatsapp") {
            "WHATSAPP"
        } else {
            "SMS"
        };
        for call in world.sink.expect(&["onMessageAdd", "onMessageAdded"]).await {
            assert_eq!((call.text("Source"), call.text("Author")), (channel, address));
        }
    }
}
