//! Messages and their receipts.

use confab_testkit::{Socket, soon};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::{CONVERSATIONS, World};
use super::{ALL, By, Expected, Told, newcomer, sdk};

impl Expected {
    /// B-431, B-449.
    fn message(self, shown: &Value) -> Self {
        let names = [
            ("ConversationSid", "conversation_sid"),
            ("Body", "body"),
            ("Author", "author"),
            ("ParticipantSid", "participant_sid"),
            ("Attributes", "attributes"),
        ];
        let expected = self.texts(&names, shown);
        let Some(media) = shown["media"].as_array() else {
            return expected;
        };
        let told: Vec<Value> = media
            .iter()
            .map(|m| {
                json!({"Sid": m["sid"], "Filename": m["filename"], "ContentType": m["content_type"], "Size": m["size"]})
            })
            .collect();
        expected.put("Media", Told::Json(json!(told)))
    }

    fn message_there(self, shown: &Value) -> Self {
        self.text("MessageSid", &shown["sid"])
            .text("Index", &shown["index"])
            .date("DateCreated", &shown["date_created"])
            .message(shown)
    }
}

/// The two calls of a new message, and what REST shows of it.
async fn added(world: &mut World, by: By, messages: &str) -> Value {
    let [asked, told] = world.calls(["onMessageAdd", "onMessageAdded"]).await;
    let shown = world
        .shown(&format!("{messages}/{}", told.text("MessageSid")))
        .await;
    let conversation = messages.trim_end_matches("/Messages");
    let conversation = world.shown(conversation).await;
    let pre = Expected::new(world, asked.event(), by);
    pre.message(&shown).check(&asked); // B-448
    Expected::new(world, told.event(), by)
        .message_there(&shown)
        .texts(
            &[
                ("ChatServiceSid", "chat_service_sid"),
                ("MessagingServiceSid", "messaging_service_sid"),
            ],
            &conversation,
        )
        .check(&told); // B-450
    shown
}

async fn changed(world: &mut World, by: By, path: &str) -> Value {
    let [asked, told] = world.calls(["onMessageUpdate", "onMessageUpdated"]).await;
    let shown = world.shown(path).await;
    let pre = Expected::new(world, asked.event(), by);
    pre.message_there(&shown).any_date("DateUpdated").check(&asked); // B-451
    let post = Expected::new(world, told.event(), by);
    post.message_there(&shown).dates(&shown).check(&told); // B-452
    shown
}

async fn removed(world: &mut World, by: By, shown: &Value) {
    let [asked, told] = world.calls(["onMessageRemove", "onMessageRemoved"]).await;
    let pre = Expected::new(world, asked.event(), by);
    pre.message_there(shown).dates(shown).check(&asked); // B-453
    let post = Expected::new(world, told.event(), by);
    let post = post.message_there(shown).dates(shown);
    post.any_date("DateRemoved").check(&told); // B-454
}

/// SID of a new medium; a script's, or that of the user of a token.
async fn medium(world: &World, query: &str, token: Option<&str>) -> String {
    let path = format!("/mcs/v1/Services/{}/Media{query}", world.server.service_sid);
    let rest = &world.server.rest;
    let request = match token {
        Some(token) => rest
            .anonymous()
            .request(Method::POST, &path)
            .header("X-Twilio-Token", token),
        None => rest.request(Method::POST, &path),
    };
    let request = request.header("Content-Type", "image/png").body("bytes");
    let made = world.server.rest.send(request).await.unwrap().expect(201);
    made.text_of("sid")
}

/// What the SDK sends while somebody types: the only request with a form.
async fn typing(world: &World, socket: &mut Socket, conversation: &str) {
    let header = json!({
        "method": "message",
        "active_grant": "ip_messaging",
        "payload_type": "application/x-www-form-urlencoded",
        "http_request": {
            "host": "aim.us1.twilio.com",
            "path": format!("/Client/v2/Services/{}/Typing", world.server.service_sid),
            "method": "POST",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
    });
    let id = socket
        .send(header, format!("ChannelSid={conversation}").as_bytes())
        .await;
    let reply = socket.reply(&id).await;
    assert_eq!(reply.header["http_status"]["code"], 200, "{}", reply.header);
}

/// B-430, B-431, B-432, B-448, B-449, B-450, B-451, B-452, B-453, B-454, B-466: by scripts.
#[tokio::test]
async fn messages_of_scripts() {
    let mut world = World::new(&ALL).await;
    let service = world
        .server
        .post("/messaging/v1/Services", &[("FriendlyName", "m")]);
    let service = service.await.expect(201).text_of("sid");
    let form = [("MessagingServiceSid", service.as_str())];
    let with_service = world.server.post(CONVERSATIONS, &form).await.expect(201);
    let (first, second) = (
        medium(&world, "?Filename=a%20b.png", None).await,
        medium(&world, "", None).await,
    );
    let full = [
        ("Body", "ä & +\u{1f600}"),
        ("Author", "alice"),
        ("Attributes", r#"{"a": 1}"#),
        ("MediaSid", first.as_str()),
        ("DateCreated", "2020-02-03T04:05:06.789Z"),
    ];
    let media = [("MediaSid", second.as_str())];
    let by_nobody = [("Body", "x")];
    let by_stranger = [("Body", "x"), ("Author", "stranger")];
    for conversation in [world.conversation().await, with_service.text_of("sid")] {
        let path = format!("{CONVERSATIONS}/{conversation}");
        let person = [("Identity", "alice")];
        world
            .server
            .post(&format!("{path}/Participants"), &person)
            .await
            .expect(201);
        let messages = format!("{path}/Messages");
        let forms: [&[(&str, &str)]; 4] = if conversation == with_service.text_of("sid") {
            [&by_nobody, &by_stranger, &by_nobody, &by_stranger]
        } else {
            [&full, &media, &by_nobody, &by_stranger]
        };
        for form in forms {
            world.post(&messages, form).await.expect(201);
            let shown = added(&mut world, By::Rest, &messages).await;
            let path = format!("{messages}/{}", shown["sid"].as_str().unwrap());
            world.post(&path, &[]).await.expect(200);
            changed(&mut world, By::Rest, &path).await;
            let other = [("Attributes", r#"{"z":[]}"#), ("Author", "bob")];
            world.post(&path, &other).await.expect(200);
            let shown = changed(&mut world, By::Rest, &path).await;
            assert_eq!(shown["author"], "bob");
            world.delete(&path).await.expect(204);
            removed(&mut world, By::Rest, &shown).await;
        }
    }
    assert!(world.sink.came().is_none());
}

/// B-381, B-388, B-448, B-449, B-450, B-451, B-452, B-453, B-454, B-587: by SDK users; typing tells nobody.
#[tokio::test]
async fn messages_of_sdk_users() {
    let mut world = World::new(&ALL).await;
    let by = By::Sdk("alice");
    let mut alice = newcomer(&mut world, "alice").await;
    let conversation = world.conversation().await;
    let path = format!("{CONVERSATIONS}/{conversation}");
    let person = [("Identity", "alice")];
    let people = format!("{path}/Participants");
    world.server.post(&people, &person).await.expect(201);
    let token = world.server.token("alice").await;
    let medium = medium(&world, "", Some(&token)).await;
    let own = format!("/Conversations/{conversation}/Messages");
    for body in [
        json!({"body": "x"}),
        json!({"body": "y", "attributes": "{\"a\":1}", "subject": "s"}),
        json!({"media_sids": [medium]}),
    ] {
        typing(&world, &mut alice, &conversation).await;
        sdk(&world, &mut alice, "POST", &own, body).await;
        let messages = format!("{path}/Messages");
        let shown = added(&mut world, by, &messages).await;
        assert!(shown["participant_sid"].is_string());
        let sid = shown["sid"].as_str().unwrap();
        let message = format!("{own}/{sid}");
        sdk(&world, &mut alice, "POST", &message, json!({"attributes": "{}"})).await;
        let shown = changed(&mut world, by, &format!("{messages}/{sid}")).await;
        sdk(&world, &mut alice, "DELETE", &message, json!({})).await;
        removed(&mut world, by, &shown).await;
    }
    assert!(world.sink.came().is_none());
}

/// B-362, B-363, B-364, B-388, B-389, B-448, B-450, B-461: by phones; receipts of nobody, with a code on failure only.
#[tokio::test]
async fn messages_of_phones_and_receipts() {
    let mut world = World::new(&ALL).await;
    for (channel, address, proxy, status) in [
        ("SMS", "+15558675310", "+15017122661", "delivered"),
        (
            "WHATSAPP",
            "whatsapp:+15558675311",
            "whatsapp:+15017122662",
            "read",
        ),
        ("SMS", "+15558675312", "+15017122663", "undelivered"),
        (
            "WHATSAPP",
            "whatsapp:+15558675313",
            "whatsapp:+15017122664",
            "failed",
        ),
    ] {
        let conversation = world.conversation().await;
        let path = format!("{CONVERSATIONS}/{conversation}");
        let phone = [
            ("MessagingBinding.Address", address),
            ("MessagingBinding.ProxyAddress", proxy),
        ];
        let people = format!("{path}/Participants");
        world.server.post(&people, &phone).await.expect(201);
        let handset = format!("/simulator/v1/Handsets/{}", address.replace('+', "%2B"));
        let sent = [("To", proxy), ("Body", "from a phone")];
        world
            .server
            .post(&format!("{handset}/Messages"), &sent)
            .await
            .expect(201);
        let messages = format!("{path}/Messages");
        let shown = added(&mut world, By::Channel(channel), &messages).await;
        assert_eq!(shown["author"], address);
        world
            .server
            .post(&handset, &[("Mode", "manual")])
            .await
            .expect(200);
        // Without the header.
        let said = world.server.post(&messages, &[("Body", "to a phone")]).await;
        let receipts = format!("{messages}/{}/Receipts", said.expect(201).text_of("sid"));
        let receipt = world.shown(&receipts).await["delivery_receipts"][0].clone();
        let message = receipt["channel_message_sid"].as_str().unwrap();
        let on_handset = format!("{handset}/Messages/{message}");
        // The message gets there by a job.
        soon("the message on the handset", async {
            while !world
                .server
                .get(&format!("{handset}/Messages"))
                .await
                .text
                .contains(message)
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        for status in ["sent", status] {
            let bad = matches!(status, "undelivered" | "failed");
            let form = [("Status", status), ("ErrorCode", "30003")];
            let form = if bad { &form[..] } else { &form[..1] };
            world.server.post(&on_handset, form).await.expect(200);
            let [call] = world.calls(["onDeliveryUpdated"]).await;
            let shown = world.shown(&receipts).await["delivery_receipts"][0].clone();
            let code = if bad {
                shown["error_code"].clone()
            } else {
                Value::Null
            };
            Expected::new(&world, call.event(), By::Nobody)
                .texts(
                    &[
                        ("ConversationSid", "conversation_sid"),
                        ("MessageSid", "message_sid"),
                        ("DeliveryReceiptSid", "sid"),
                        ("ChannelMessageSid", "channel_message_sid"),
                        ("ParticipantSid", "participant_sid"),
                        ("Status", "status"),
                    ],
                    &shown,
                )
                .text("ChatServiceSid", &json!(world.server.service_sid))
                .text("ErrorCode", &code)
                .dates(&shown)
                .check(&call);
            assert_eq!(shown["status"], status);
            // Reading moves the horizon of who reads (B-424); he does so by his channel.
            if status == "read" {
                let [horizon] = world.calls(["onParticipantUpdated"]).await;
                assert_eq!(horizon.text("LastReadMessageIndex"), "1");
                assert_eq!(horizon.text("Source"), channel);
            }
        }
        // The same status again is none.
        world.server.post(&on_handset, &[("Status", "sent")]).await;
        world.say(&conversation, "end").await;
        world.calls(["onMessageAdd", "onMessageAdded"]).await;
        world.server.delete(&path).await.expect(204);
    }
    assert!(world.sink.came().is_none());
}
