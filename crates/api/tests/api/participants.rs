//! Participants.

use confab_domain::Limits;
use serde_json::{Value, json};

use crate::common::{Api, api, api_with_limits, encode, fields};

const ADDRESS: &str = "MessagingBinding.Address";
const PROXY: &str = "MessagingBinding.ProxyAddress";
const PROJECTED: &str = "MessagingBinding.ProjectedAddress";

/// CreateConversationParticipant, FetchConversationParticipant, DeleteConversationParticipant.
#[tokio::test]
async fn a_chat_participant_and_its_user_b162_b163_b165_b176_b177() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let answer = api
        .post(&all, &[("Identity", "alice"), ("Attributes", "{\"a\":1}")])
        .await;
    assert_eq!(
        fields(&answer.text),
        [
            "account_sid",
            "conversation_sid",
            "sid",
            "identity",
            "attributes",
            "messaging_binding",
            "role_sid",
            "date_created",
            "date_updated",
            "url",
            "last_read_message_index",
            "last_read_timestamp"
        ]
    );
    let made = answer.expect(201);
    assert!(made["messaging_binding"].is_null() && made["role_sid"].as_str().unwrap().starts_with("RL"));
    assert_eq!(made["attributes"], "{\"a\":1}");
    api.get("/v1/Users/alice").await.expect(200);
    let twice = api.post(&all, &[("Identity", "alice")]).await.refused(409, 50433);
    assert_eq!(twice, "Participant already exists");
    for key in ["alice", made["sid"].as_str().unwrap()] {
        assert_eq!(api.get(&format!("{all}/{key}")).await.expect(200), made);
    }
    assert_eq!(
        api.get(&format!("{all}/bob")).await.refused(404, 50432),
        "Participant not found"
    );
    api.delete(&format!("{all}/alice")).await.expect(204);
    api.delete(&format!("{all}/alice")).await.refused(404, 50432);
    api.get("/v1/Conversations/none/Participants/alice")
        .await
        .refused(404, 50350);
}

/// CreateConversationParticipant, ListConversationParticipant.
#[tokio::test]
async fn a_phone_behind_a_number_b167_b170_b172() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    let all = format!("{conversation}/Participants");
    let pair = [(ADDRESS, "+15558675310"), (PROXY, "+15017122661")];
    let made = api.post(&all, &pair).await.expect(201);
    let binding =
        serde_json::json!({"type": "sms", "address": "+15558675310", "proxy_address": "+15017122661"});
    assert_eq!(
        (&made["messaging_binding"], &made["identity"]),
        (&binding, &serde_json::Value::Null)
    );
    let other = api.conversation(&[]).await;
    let message = api
        .post(&format!("{other}/Participants"), &pair)
        .await
        .refused(409, 50416);
    assert_eq!(
        message,
        format!(
            "A binding for this participant and proxy address already exists in Conversation {}",
            &conversation[18..]
        )
    );
    api.post(&conversation, &[("State", "closed")]).await.expect(200);
    api.post(&format!("{other}/Participants"), &pair)
        .await
        .expect(201);
    let whatsapp = [
        (ADDRESS, "whatsapp:+15558675310"),
        (PROXY, "whatsapp:+15017122661"),
    ];
    let made = api
        .post(&format!("{other}/Participants"), &whatsapp)
        .await
        .expect(201);
    assert_eq!(made["messaging_binding"]["type"], "whatsapp");
    let listed = api.get(&format!("{other}/Participants")).await.expect(200);
    assert_eq!(listed["participants"].as_array().unwrap().len(), 2);
}

/// CreateConversationParticipant with each kind of participant (rest.md §2.4).
#[tokio::test]
async fn the_binding_shows_what_a_kind_has_b211_b222() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    for (form, binding, identity) in [
        (
            &[(ADDRESS, "+15558675310")][..],
            json!({"type": "sms", "address": "+15558675310"}),
            Value::Null,
        ),
        (
            &[("Identity", "alice"), (PROJECTED, "+15017122661")],
            json!({"type": "sms", "projected_address": "+15017122661"}),
            "alice".into(),
        ),
        (
            &[(PROJECTED, "+15017122662")],
            json!({"type": "sms", "projected_address": "+15017122662"}),
            Value::Null,
        ),
        (&[("Identity", "bob")], Value::Null, "bob".into()),
        (
            &[(ADDRESS, "messenger:17"), (PROXY, "messenger:18")],
            json!({"type": "messenger", "address": "messenger:17", "proxy_address": "messenger:18"}),
            Value::Null,
        ),
        (
            &[(ADDRESS, "a@example.com"), (PROXY, "desk@example.com")],
            json!({"type": "email", "address": "a@example.com", "proxy_address": "desk@example.com"}),
            Value::Null,
        ),
    ] {
        let made = api.post(&all, form).await.expect(201);
        assert_eq!(
            (&made["messaging_binding"], &made["identity"]),
            (&binding, &identity)
        );
        let native = binding["proxy_address"].is_null() && !binding["address"].is_null();
        assert_eq!(made["role_sid"].is_null(), native, "{made}");
        let path = format!("{all}/{}", made["sid"].as_str().unwrap());
        assert_eq!(api.get(&path).await.expect(200), made);
    }
    // Only by SID are those found who have no identity.
    api.get(&format!("{all}/{}", encode("+15558675310")))
        .await
        .refused(404, 50432);
}

/// CreateConversationParticipant: every code of rest.md §2.4 that its parameters alone bring about.
#[tokio::test]
async fn what_cannot_be_a_participant_b161_b164_b166_b168_b180_b212() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let user = api.post("/v1/Users", &[("Identity", "u")]).await.expect(201);
    let service_role = user["role_sid"].as_str().unwrap();
    let phone = (ADDRESS, "+15558675310");
    for (form, code) in [
        (&[][..], 20001),
        (&[("Identity", "")], 20001),
        (&[("Identity", "a"), phone, (PROXY, "+15017122661")], 50211),
        (&[("Identity", "a"), phone], 50211),
        (&[("Identity", "US0123456789abcdef0123456789abcdef")], 50206),
        (&[phone, (PROXY, "whatsapp:+15017122661")], 50414),
        (&[phone, (PROXY, "+15558675310")], 50409),
        (&[(ADDRESS, "nonsense"), (PROXY, "+15558675310")], 50407),
        (&[phone, (PROXY, "nonsense")], 50408),
        (&[phone, (PROXY, "")], 50412),
        (&[(ADDRESS, "")], 50411),
        (&[(PROXY, "+15558675310")], 50411),
        (&[(ADDRESS, "whatsapp:+15558675310")], 50412),
        (&[(ADDRESS, "chat:a"), (PROXY, "chat:b")], 50453),
        (&[phone, (PROJECTED, "+15017122661")], 50420),
        (&[(PROXY, "+15017122662"), (PROJECTED, "+15017122661")], 50420),
        (&[(PROJECTED, "whatsapp:+15017122661")], 50420),
        (&[(PROJECTED, "")], 50434),
        (&[(PROJECTED, "nonsense")], 50407),
        (&[(PROJECTED, "+18005550100")], 50439),
        (&[("Identity", "a"), (PROJECTED, "12345")], 50439),
        (&[("Identity", "a"), ("Attributes", "{")], 50304),
        (
            &[
                ("Identity", "a"),
                ("RoleSid", "RL0123456789abcdef0123456789abcdef"),
            ],
            50109,
        ),
        (&[("Identity", "a"), ("RoleSid", "nonsense")], 50109),
        (&[("Identity", "a"), ("RoleSid", service_role)], 50109),
        (&[("Identity", "a"), ("DateCreated", "x")], 50308),
        (&[("Identity", "a"), ("DateUpdated", "x")], 50309),
    ] {
        api.post(&all, form).await.refused(400, code);
    }
    let listed = api.get(&all).await.expect(200);
    assert_eq!(listed["participants"].as_array().unwrap().len(), 0);
    api.get("/v1/Users/a").await.refused(404, 20404);
}

/// CreateConversationParticipant: what is just allowed, and one past it.
#[tokio::test]
async fn the_borders_of_the_parameters_b180() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let text = |chars: usize| "ü".repeat(chars);
    api.post(&all, &[("Identity", &text(256))]).await.expect(201);
    api.post(&all, &[("Identity", &text(257))])
        .await
        .refused(400, 50207);
    let json = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    let attributes = [("Identity", "a"), ("Attributes", &json(4096))];
    api.post(&all, &attributes).await.expect(201);
    let attributes = [("Identity", "b"), ("Attributes", &json(4097))];
    api.post(&all, &attributes).await.refused(400, 50303);
    let long = |chars: usize| format!("messenger:{}", "1".repeat(chars - 10));
    let pair = [(ADDRESS, &long(256)[..]), (PROXY, "messenger:18")];
    api.post(&all, &pair).await.expect(201);
    let pair = [(ADDRESS, &long(257)[..]), (PROXY, "messenger:18")];
    api.post(&all, &pair).await.refused(400, 50407);
    let pair = [(ADDRESS, "messenger:17"), (PROXY, &long(256)[..])];
    api.post(&all, &pair).await.expect(201);
    let pair = [(ADDRESS, "messenger:17"), (PROXY, &long(257)[..])];
    api.post(&all, &pair).await.refused(400, 50408);
    // An import keeps its dates.
    let dates = [
        ("Identity", "c"),
        ("DateCreated", "2015-12-16T22:18:37Z"),
        ("DateUpdated", "2015-12-17T00:18:38+01:00"),
    ];
    let made = api.post(&all, &dates).await.expect(201);
    assert_eq!(
        (&made["date_created"], &made["date_updated"]),
        (&"2015-12-16T22:18:37Z".into(), &"2015-12-16T23:18:38Z".into())
    );
}

#[tokio::test]
async fn how_many_there_may_be_b178_b179() {
    let defaults = Limits::default();
    assert_eq!(
        (defaults.participants, defaults.non_chat_participants),
        (1000, 50)
    );
    assert_eq!(
        (defaults.conversations_per_identity, defaults.group_participants),
        (1000, 10)
    );
    let api = api_with_limits(Limits {
        participants: 3,
        non_chat_participants: 1,
        conversations_per_identity: 2,
        ..defaults
    })
    .await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let phone = |last: &'static str| [(ADDRESS, last), (PROXY, "+15017122661")];
    api.post(&all, &phone("+15558675310")).await.expect(201);
    api.post(&all, &phone("+15558675311")).await.refused(400, 50418);
    api.post(&all, &[(ADDRESS, "+15558675311")])
        .await
        .refused(400, 50418);
    api.post(&all, &[("Identity", "a")]).await.expect(201);
    api.post(&all, &[("Identity", "b")]).await.expect(201);
    api.post(&all, &[("Identity", "c")]).await.refused(400, 50417);
    let second = api.conversation(&[]).await;
    api.post(&format!("{second}/Participants"), &[("Identity", "a")])
        .await
        .expect(201);
    let third = format!("{}/Participants", api.conversation(&[]).await);
    api.post(&third, &[("Identity", "a")]).await.refused(400, 50214);
    api.post(&second, &[("State", "closed")]).await.expect(200);
    api.post(&third, &[("Identity", "a")]).await.expect(201);
}

/// CreateServiceConversationParticipant, ListServiceConversationParticipant, FetchServiceConversationParticipant,
/// UpdateServiceConversationParticipant, DeleteServiceConversationParticipant.
#[tokio::test]
async fn the_service_form_shows_the_service_b028_b031() {
    let api = api().await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "s")])
        .await
        .expect(201);
    let root = format!("/v1/Services/{}", service["sid"].as_str().unwrap());
    let made = api.post(&format!("{root}/Conversations"), &[]).await.expect(201);
    let conversation = format!("Conversations/{}", made["sid"].as_str().unwrap());
    let all = format!("{root}/{conversation}/Participants");
    let answer = api.post(&all, &[("Identity", "alice")]).await;
    assert_eq!(fields(&answer.text)[..2], ["account_sid", "chat_service_sid"]);
    let made = answer.expect(201);
    assert_eq!(made["chat_service_sid"], service["sid"]);
    assert!(made["url"].as_str().unwrap().contains(&root));
    assert_eq!(api.get(&all).await.expect(200)["participants"], json!([made]));
    let one = format!("{all}/alice");
    assert_eq!(api.get(&one).await.expect(200), made);
    let changed = api.post(&one, &[("Attributes", "[1]")]).await.expect(200);
    assert_eq!(
        (&changed["attributes"], &changed["chat_service_sid"]),
        (&"[1]".into(), &service["sid"])
    );
    // Not a conversation of the default service.
    api.get(&format!("/v1/{conversation}/Participants"))
        .await
        .refused(404, 50350);
    api.delete(&one).await.expect(204);
    api.delete(&one).await.refused(404, 50432);
}

/// UpdateConversationParticipant.
#[tokio::test]
async fn updates_b182_b184_and_the_horizon_b571_b573_b578() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let made = api.post(&all, &[("Identity", "alice")]).await.expect(201);
    assert!(made["last_read_message_index"].is_null() && made["last_read_timestamp"].is_null());
    let alice = format!("{all}/alice");
    let changed = api
        .post(&alice, &[("Attributes", "[]"), ("LastReadMessageIndex", "7")])
        .await
        .expect(200);
    assert_eq!(
        (&changed["attributes"], &changed["last_read_message_index"]),
        (&"[]".into(), &7.into())
    );
    assert!(changed["last_read_timestamp"].as_str().unwrap().ends_with('Z'));
    let at = [
        ("LastReadMessageIndex", "3"),
        ("LastReadTimestamp", "2020-01-01T00:00:00Z"),
    ];
    assert_eq!(
        api.post(&alice, &at).await.expect(200)["last_read_timestamp"],
        "2020-01-01T00:00:00Z"
    );
    let lowest = api
        .post(&alice, &[("LastReadMessageIndex", "0")])
        .await
        .expect(200);
    assert_eq!(lowest["last_read_message_index"], 0);
    let unset = api
        .post(&alice, &[("LastReadMessageIndex", "null")])
        .await
        .expect(200);
    assert!(unset["last_read_message_index"].is_null() && unset["last_read_timestamp"].is_null());
    let long = format!("\"{}\"", "x".repeat(4095));
    for (name, value, code) in [
        ("LastReadMessageIndex", "-1", 50421),
        ("LastReadMessageIndex", "x", 50421),
        ("LastReadMessageIndex", "", 50421),
        ("LastReadTimestamp", "x", 50405),
        ("Attributes", "{", 50304),
        ("Attributes", &long, 50303),
        ("RoleSid", "nonsense", 50109),
        ("DateCreated", "x", 50308),
        ("DateUpdated", "x", 50309),
        ("Identity", "bob", 50444),
        ("Identity", "null", 50444),
        (PROXY, "+15017122661", 50441),
        (PROXY, "null", 50440),
        (PROJECTED, "null", 50442),
        (PROJECTED, "nonsense", 50407),
        (PROJECTED, "", 50434),
        (PROJECTED, "+18775550100", 50439),
    ] {
        api.post(&alice, &[(name, value)]).await.refused(400, code);
    }
    assert_eq!(api.get(&alice).await.expect(200), unset);
    // Nothing, and what is no parameter.
    for form in [
        &[][..],
        &[("MessagingBinding.Address", "+15558675310"), ("Nonsense", "1")],
    ] {
        assert_eq!(api.post(&alice, form).await.expect(200), unset);
    }
    api.post(&format!("{all}/bob"), &[(PROJECTED, "null")])
        .await
        .refused(404, 50432);
    let message = api
        .post(&alice, &[(PROXY, "+15017122661")])
        .await
        .refused(400, 50441);
    assert_eq!(message, "Failed to add a proxy address to a participant");
}

/// UpdateConversationParticipant: who is behind a number, and which number it is.
#[tokio::test]
async fn members_of_a_group_change_b183_b184_b220_b221() {
    let api = api().await;
    let all = format!("{}/Participants", api.conversation(&[]).await);
    let made = api
        .post(&all, &[("Identity", "alice"), (PROJECTED, "+15017122661")])
        .await
        .expect(201);
    let one = format!("{all}/{}", made["sid"].as_str().unwrap());
    let bob = api.post(&one, &[("Identity", "bob")]).await.expect(200);
    assert_eq!((&bob["identity"], &bob["sid"]), (&"bob".into(), &made["sid"]));
    assert_eq!(bob["messaging_binding"], made["messaging_binding"]);
    api.get(&format!("{all}/alice")).await.refused(404, 50432);
    api.get(&format!("{all}/bob")).await.expect(200);
    let other = api.post(&one, &[(PROJECTED, "+15017122662")]).await.expect(200);
    assert_eq!(other["messaging_binding"]["projected_address"], "+15017122662");
    let chats = api.post(&one, &[(PROJECTED, "null")]).await.expect(200);
    assert!(chats["messaging_binding"].is_null());
    api.post(&one, &[("Identity", "carol")]).await.refused(400, 50444);

    let pair = [(ADDRESS, "+15558675310"), (PROXY, "+15017122663")];
    let phone = api.post(&all, &pair).await.expect(201);
    let phone = format!("{all}/{}", phone["sid"].as_str().unwrap());
    api.post(&phone, &[(PROJECTED, "+15017122661")])
        .await
        .refused(400, 50443);
    api.post(&phone, &[("Identity", "carol")])
        .await
        .refused(400, 50211);
    for (proxy, code) in [
        ("", 50412),
        ("nonsense", 50408),
        ("+15558675310", 50409),
        ("whatsapp:+15017122661", 50414),
    ] {
        api.post(&phone, &[(PROXY, proxy)]).await.refused(400, code);
    }
    let native = api.post(&phone, &[(PROXY, "null")]).await.expect(200);
    assert_eq!(
        native["messaging_binding"],
        json!({"type": "sms", "address": "+15558675310"})
    );
    assert!(native["role_sid"].is_null());
    api.post(&phone, &[(PROXY, "null")]).await.refused(400, 50440);
    let behind = api.post(&phone, &[(PROXY, "+15017122664")]).await.expect(200);
    assert_eq!(behind["messaging_binding"]["proxy_address"], "+15017122664");
}

#[tokio::test]
async fn a_closed_conversation_takes_nobody_and_changes_nobody_b111_b112_b113() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    let all = format!("{conversation}/Participants");
    api.post(&all, &[("Identity", "alice")]).await.expect(201);
    api.post(&conversation, &[("State", "closed")]).await.expect(200);
    api.post(&all, &[("Identity", "bob")]).await.refused(400, 50377);
    let alice = format!("{all}/alice");
    for form in [&[("LastReadMessageIndex", "0")][..], &[("Attributes", "{}")], &[]] {
        api.post(&alice, form).await.refused(400, 50377);
    }
    api.get(&alice).await.expect(200);
    api.delete(&alice).await.expect(204);
}

/// CreateConversationMessage in a group; the codes have the status and text of rest.md §14.
#[tokio::test]
async fn the_conflicts_of_groups_b214_b215_b216_b218() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    let (all, messages) = (
        format!("{conversation}/Participants"),
        format!("{conversation}/Messages"),
    );
    let native = |last: usize| format!("+1555867531{last}");
    api.post(&all, &[(ADDRESS, &native(0))]).await.expect(201);
    api.post(&messages, &[("Body", "x")]).await.refused(409, 50435);
    api.post(&all, &[(ADDRESS, &native(0))]).await.refused(409, 50437);
    api.post(&all, &[(ADDRESS, &native(1))]).await.expect(201);
    let alice = [("Identity", "alice"), (PROJECTED, "+15017122661")];
    api.post(&all, &alice).await.expect(201);
    let refused = api
        .post(&messages, &[("Body", "x"), ("Author", "bob")])
        .await
        .refused(400, 50513);
    assert_eq!(refused, "Message author should be among Group MMS participants");
    api.post(&messages, &[("Body", "x"), ("Author", "alice")])
        .await
        .expect(201);

    let twin = format!("{}/Participants", api.conversation(&[]).await);
    for last in 0..2 {
        api.post(&twin, &[(ADDRESS, &native(last))]).await.expect(201);
    }
    let refused = api.post(&twin, &alice).await.refused(409, 50438);
    assert_eq!(
        refused,
        format!(
            "Group conversation with given participant list already exists in Conversation {}",
            &conversation[18..]
        )
    );
    for last in 2..9 {
        api.post(&all, &[(ADDRESS, &native(last))]).await.expect(201);
    }
    api.post(&all, &[(ADDRESS, &native(9))]).await.refused(400, 50436);
}

#[tokio::test]
async fn another_accounts_number_is_not_projected_b213() {
    let api = api().await;
    let numbers = format!(
        "/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json",
        crate::common::OTHER_ACCOUNT
    );
    let other: Api = api.as_caller(crate::common::OTHER_ACCOUNT, crate::common::TOKEN);
    other
        .on_host("api.twilio.com")
        .post(&numbers, &[("PhoneNumber", "+15017122661")])
        .await
        .expect(201);
    let all = format!("{}/Participants", api.conversation(&[]).await);
    api.post(&all, &[(PROJECTED, "+15017122661")])
        .await
        .refused(400, 50439);
    let pair = [(ADDRESS, "+15558675310"), (PROXY, "+15017122661")];
    api.post(&all, &pair).await.refused(400, 50413);
    // Neither can be a person.
    api.post(&all, &[(ADDRESS, "+15017122661")])
        .await
        .refused(400, 50407);
}

#[tokio::test]
async fn one_phone_behind_several_numbers_and_one_number_for_several_phones_b171() {
    let api = api().await;
    let first = format!("{}/Participants", api.conversation(&[]).await);
    let second = format!("{}/Participants", api.conversation(&[]).await);
    let pair = |address, proxy| [(ADDRESS, address), (PROXY, proxy)];
    for (all, address, proxy) in [
        (&first, "+15558675310", "+15017122661"),
        (&first, "+15558675310", "+15017122662"),
        (&second, "+15558675310", "+15017122663"),
        (&first, "+15558675311", "+15017122661"),
        (&second, "+15558675312", "+15017122661"),
    ] {
        api.post(all, &pair(address, proxy)).await.expect(201);
    }
    api.post(&second, &pair("+15558675310", "+15017122661"))
        .await
        .refused(409, 50416);
}

#[tokio::test]
async fn who_comes_gets_what_is_said_from_then_on_b174_b175_b181() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    let (all, messages) = (
        format!("{conversation}/Participants"),
        format!("{conversation}/Messages"),
    );
    let said = async |body: &str| {
        let form = [("Body", body), ("Author", "+15558675310")];
        let made = api.post(&messages, &form).await.expect(201);
        let path = format!("{messages}/{}", made["sid"].as_str().unwrap());
        let receipts = api.get(&format!("{path}/Receipts")).await.expect(200);
        (made, receipts["delivery_receipts"].as_array().unwrap().len())
    };
    let (before, receipts) = said("before").await;
    assert_eq!((&before["participant_sid"], receipts), (&Value::Null, 0));
    let phone = |address: &'static str| [(ADDRESS, address), (PROXY, "+15017122661")];
    let writer = api.post(&all, &phone("+15558675310")).await.expect(201);
    api.post(&all, &phone("+15558675311")).await.expect(201);
    // Coming in is no message to anybody, and what was said before goes to nobody.
    let listed = api.get(&messages).await.expect(200);
    assert_eq!(listed["messages"], json!([before]));
    let (after, receipts) = said("after").await;
    assert_eq!((&after["participant_sid"], receipts), (&writer["sid"], 1));
    // What he wrote stays his when he is gone.
    let path = format!("{all}/{}", writer["sid"].as_str().unwrap());
    api.delete(&path).await.expect(204);
    let listed = api.get(&messages).await.expect(200);
    let left = &listed["messages"][1];
    assert_eq!(
        (&left["author"], &left["participant_sid"], &left["body"]),
        (&"+15558675310".into(), &writer["sid"], &"after".into())
    );
}
