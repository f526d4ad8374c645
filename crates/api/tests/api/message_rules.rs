//! What becomes of messages: order, dates, states, and their way to phones with its receipts.

use confab_domain::receipt::{Report, Status};
use confab_domain::{Actor, handset};
use confab_types::{AccountSid, Address, Sid as _};
use serde_json::Value;

use crate::common::{ACCOUNT, Api, api};

const PROXY: &str = "+15017122661";
const ANN: &str = "+15558675310";
const BEN: &str = "+15558675311";

/// A conversation with the phones of Ann and Ben, and alice, who chats.
async fn with_phones(api: &Api) -> String {
    let path = api.conversation(&[]).await;
    let participants = format!("{path}/Participants");
    for phone in [ANN, BEN] {
        let binding = [
            ("MessagingBinding.Address", phone),
            ("MessagingBinding.ProxyAddress", PROXY),
        ];
        api.post(&participants, &binding).await.expect(201);
    }
    api.post(&participants, &[("Identity", "alice")])
        .await
        .expect(201);
    path
}

async fn say(api: &Api, conversation: &str, form: &[(&str, &str)]) -> String {
    api.make(&format!("{conversation}/Messages"), form).await
}

async fn receipts(api: &Api, message: &str) -> Vec<Value> {
    let listed = api.get(&format!("{message}/Receipts")).await.expect(200);
    listed["delivery_receipts"].as_array().unwrap().clone()
}

/// The addresses that a message went to, sorted.
async fn went_to(api: &Api, conversation: &str, message: &str) -> Vec<String> {
    let mut addresses = Vec::new();
    for receipt in receipts(api, message).await {
        let participant = receipt["participant_sid"].as_str().unwrap();
        let found = api
            .get(&format!("{conversation}/Participants/{participant}"))
            .await
            .expect(200);
        addresses.push(found["messaging_binding"]["address"].as_str().unwrap().to_owned());
    }
    addresses.sort();
    addresses
}

/// A carrier reports on the message of a receipt.
async fn report(api: &Api, receipt: &Value, status: Status, error_code: Option<i64>) -> bool {
    let report = Report {
        channel_message: receipt["channel_message_sid"].as_str().unwrap().to_owned(),
        status,
        error_code,
    };
    api.engine.execute(Actor::Carrier, report).await.unwrap()
}

#[tokio::test]
async fn a_message_goes_to_every_phone_but_its_author_b238_b239_b358() {
    let api = api().await;
    let path = with_phones(&api).await;
    let to_all = say(&api, &path, &[("Body", "hi")]).await;
    assert_eq!(went_to(&api, &path, &to_all).await, [ANN, BEN]);
    let message = api.get(&to_all).await.expect(200);
    // Alice, who chats, counts nowhere.
    assert_eq!(message["delivery"]["total"], 2);
    let by_ann = say(&api, &path, &[("Body", "hi"), ("Author", ANN)]).await;
    assert_eq!(went_to(&api, &path, &by_ann).await, [BEN]);
    let by_alice = say(&api, &path, &[("Body", "hi"), ("Author", "alice")]).await;
    assert_eq!(went_to(&api, &path, &by_alice).await, [ANN, BEN]);
}

#[tokio::test]
async fn an_inbound_message_is_relayed_and_has_no_receipt_of_its_author_b352_b369() {
    let api = api().await;
    let path = with_phones(&api).await;
    let send = handset::Send {
        account: AccountSid::parse(ACCOUNT).unwrap(),
        handset: Address::parse(ANN).unwrap(),
        to: PROXY.into(),
        others: Vec::new(),
        body: "from the phone".into(),
        media: Vec::new(),
    };
    api.engine.execute(Actor::Carrier, send).await.unwrap();
    let listed = api.get(&format!("{path}/Messages")).await.expect(200);
    let message = &listed["messages"][0];
    assert_eq!(
        (&message["author"], &message["body"]),
        (&ANN.into(), &"from the phone".into())
    );
    let at = format!("{path}/Messages/{}", message["sid"].as_str().unwrap());
    assert_eq!(went_to(&api, &path, &at).await, [BEN]);
}

#[tokio::test]
async fn only_the_newest_status_is_kept_b354_b361_b365() {
    let api = api().await;
    let path = with_phones(&api).await;
    let message = say(&api, &path, &[("Body", "hi")]).await;
    let [first, second] = <[Value; 2]>::try_from(receipts(&api, &message).await).unwrap();
    assert!(first["status"].is_null());
    assert!(report(&api, &first, Status::Sent, None).await);
    assert!(report(&api, &first, Status::Undelivered, Some(30003)).await);
    assert!(report(&api, &second, Status::Failed, Some(21610)).await);
    let after = receipts(&api, &message).await;
    assert_eq!((after.len(), &after[0]["sid"]), (2, &first["sid"]));
    assert_eq!(
        [
            &after[0]["status"],
            &after[0]["error_code"],
            &after[1]["status"],
            &after[1]["error_code"]
        ],
        [
            &Value::from("undelivered"),
            &30003.into(),
            &"failed".into(),
            &21610.into()
        ]
    );
    // The earlier `sent` of the first one counts no more.
    let delivery = api.get(&message).await.expect(200)["delivery"].clone();
    assert_eq!(
        delivery,
        serde_json::json!({
            "total": 2, "sent": "none", "delivered": "none", "read": "none", "failed": "some", "undelivered": "some",
        })
    );
}

#[tokio::test]
async fn the_sid_on_the_carrier_has_the_prefix_of_its_channel_b357() {
    let api = api().await;
    let path = with_phones(&api).await;
    let whatsapp = [
        ("MessagingBinding.Address", "whatsapp:+15558675310"),
        ("MessagingBinding.ProxyAddress", "whatsapp:+15017122661"),
    ];
    api.post(&format!("{path}/Participants"), &whatsapp)
        .await
        .expect(201);
    let message = say(&api, &path, &[("Body", "hi")]).await;
    let mut prefixes: Vec<String> = receipts(&api, &message)
        .await
        .iter()
        .map(|r| r["channel_message_sid"].as_str().unwrap()[..2].to_owned())
        .collect();
    prefixes.sort();
    assert_eq!(prefixes, ["SM", "SM", "WA"]);
}

#[tokio::test]
async fn receipts_outlive_their_participant_and_go_with_their_message_b242_b368() {
    let api = api().await;
    let path = with_phones(&api).await;
    let message = say(&api, &path, &[("Body", "hi")]).await;
    let before = receipts(&api, &message).await;
    let participant = before[0]["participant_sid"].as_str().unwrap();
    api.delete(&format!("{path}/Participants/{participant}"))
        .await
        .expect(204);
    assert_eq!(receipts(&api, &message).await, before);
    api.delete(&message).await.expect(204);
    let at = format!("{message}/Receipts/{}", before[0]["sid"].as_str().unwrap());
    api.get(&at).await.refused(404, 50500);
    // What the carrier says of it later is of the log only.
    assert!(report(&api, &before[0], Status::Sent, None).await);
    api.get(&at).await.refused(404, 50500);
}

#[tokio::test]
async fn lists_are_in_the_order_of_the_index_b240_b243() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    let old = "2015-12-16T22:18:37+02:00";
    for (body, date) in [("0", ""), ("1", old), ("2", "")] {
        let form = [("Body", body), ("DateCreated", date)];
        say(&api, &path, &form).await;
    }
    for (order, bodies) in [
        ("asc", ["0", "1", "2"]),
        ("desc", ["2", "1", "0"]),
        ("DeSc", ["2", "1", "0"]),
    ] {
        let listed = api
            .get(&format!("{path}/Messages?Order={order}"))
            .await
            .expect(200);
        let listed = listed["messages"].as_array().unwrap();
        assert!(listed.iter().zip(bodies).all(|(m, body)| m["body"] == body));
        let index = |m: &Value| m["index"].as_i64().unwrap();
        assert!(
            listed
                .iter()
                .zip(bodies)
                .all(|(m, body)| index(m).to_string() == body)
        );
        assert_eq!(listed[1]["date_created"], "2015-12-16T20:18:37Z");
    }
    let refused = api.get(&format!("{path}/Messages?Order=up")).await;
    refused.refused(400, 20001);
}

#[tokio::test]
async fn an_edit_moves_the_date_and_sends_nothing_b015_b241() {
    let api = api().await;
    let path = with_phones(&api).await;
    let message = say(
        &api,
        &path,
        &[("Body", "hi"), ("DateCreated", "2015-12-16T22:18:37Z")],
    )
    .await;
    let before = receipts(&api, &message).await;
    assert_eq!(
        api.get(&message).await.expect(200)["date_updated"],
        "2015-12-16T22:18:37Z"
    );
    let form = [("Body", "hello"), ("Attributes", r#"{"edited":true}"#)];
    let changed = api.post(&message, &form).await.expect(200);
    let moved = changed["date_updated"].as_str().unwrap();
    assert!(
        moved > "2015-12-16T22:18:37Z" && moved.len() == 20 && moved.ends_with('Z'),
        "{moved}"
    );
    assert_eq!(changed["body"], "hello");
    assert_eq!(receipts(&api, &message).await, before);
}

#[tokio::test]
async fn a_closed_conversation_takes_no_message_and_an_inactive_one_awakes_b245_b246() {
    let api = api().await;
    let path = api.conversation(&[("State", "inactive")]).await;
    say(&api, &path, &[("Body", "hi")]).await;
    assert_eq!(api.get(&path).await.expect(200)["state"], "active");
    api.post(&path, &[("State", "closed")]).await.expect(200);
    let answer = api.post(&format!("{path}/Messages"), &[("Body", "late")]).await;
    assert_eq!(
        answer.refused(400, 50377),
        "Can't update conversation as it's in final closed state"
    );
    let listed = api.get(&format!("{path}/Messages")).await.expect(200);
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn users_have_the_default_role_and_phones_have_no_user_b543_b545() {
    let api = api().await;
    let path = with_phones(&api).await;
    let listed = api.get("/v1/Users").await.expect(200);
    let users = listed["users"].as_array().unwrap();
    assert_eq!(users.len(), 1);
    assert_eq!(users[0]["identity"], "alice");
    let service = api.get("/v1/Configuration").await.expect(200)["default_chat_service_sid"].clone();
    let configuration = api
        .get(&format!(
            "/v1/Services/{}/Configuration",
            service.as_str().unwrap()
        ))
        .await
        .expect(200);
    assert_eq!(
        users[0]["role_sid"],
        configuration["default_chat_service_role_sid"]
    );
    let participants = api.get(&format!("{path}/Participants")).await.expect(200);
    let phones = participants["participants"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["identity"].is_null());
    assert_eq!(phones.count(), 2);
}

/// B-741: the numbers that the documents name are in force where the owner sets nothing else.
#[test]
fn the_documented_numbers_are_the_defaults_b741() {
    let limits = confab_domain::Limits::default();
    assert_eq!(
        (
            limits.participants,
            limits.non_chat_participants,
            limits.conversations_per_identity
        ),
        (1000, 50, 1000)
    );
}

/// ListServiceConversationMessageReceipt, FetchServiceConversationMessageReceipt: as in the short form, with the service.
#[tokio::test]
async fn receipts_have_both_forms_b028_b366_b367() {
    let api = api().await;
    let path = with_phones(&api).await;
    let message = say(&api, &path, &[("Body", "hi")]).await;
    let service = api.get("/v1/Configuration").await.expect(200)["default_chat_service_sid"].clone();
    let service = service.as_str().unwrap();
    let scoped = message.replace("/v1/", &format!("/v1/Services/{service}/"));
    let (short, long) = (receipts(&api, &message).await, receipts(&api, &scoped).await);
    assert_eq!((short.len(), long.len()), (2, 2));
    assert_eq!(long[0]["chat_service_sid"], service);
    assert!(short[0].get("chat_service_sid").is_none());
    let sid = long[0]["sid"].as_str().unwrap();
    let fetched = api.get(&format!("{scoped}/Receipts/{sid}")).await.expect(200);
    assert_eq!(fetched, long[0]);
    let other = say(&api, &path, &[("Body", "other")]).await;
    api.get(&format!("{other}/Receipts/{sid}"))
        .await
        .refused(404, 20404);
}

/// FetchConversationMessageChannelMetadata, FetchServiceConversationMessageChannelMetadata: no channel keeps any yet.
#[tokio::test]
async fn a_message_without_metadata_says_so_b249() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    let message = say(&api, &path, &[("Body", "hi")]).await;
    let service = api.get("/v1/Configuration").await.expect(200)["default_chat_service_sid"].clone();
    let scoped = message.replace("/v1/", &format!("/v1/Services/{}/", service.as_str().unwrap()));
    for at in [message, scoped] {
        api.get(&format!("{at}/ChannelMetadata"))
            .await
            .refused(404, 50530);
    }
    // Nor is there an export, though the links of a conversation name one.
    api.get(&format!("{path}/Export")).await.refused(404, 20404);
}
