//! What comes into the log, and with which status.

use confab_domain::Actor;
use confab_domain::inbound::{Accept, Leave};
use confab_domain::media::{Collect, Collected};
use confab_domain::receipt::Status;
use serde_json::{Value, json};

use super::{
    ANN, BEN, PROXY, WHATSAPP, listed, log, logged, one, phone_sends, phone_sends_files, report, say, stored,
    waiting, with_phones,
};
use crate::common::{ACCOUNT, api};

/// ListMessage, FetchMessage
#[tokio::test]
async fn a_conversations_message_is_in_the_log_once_a_recipient_b252_b886() {
    let api = api().await;
    let whatsapp = (WHATSAPP, "whatsapp:+15017122661");
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY), whatsapp]).await;
    let conversation = api.get(&path).await.expect(200);
    let long = "é".repeat(161);
    let message = say(&api, &path, &[("Body", &long), ("Author", BEN)]).await;
    let receipts = api.get(&format!("{message}/Receipts")).await.expect(200);
    let mut sids: Vec<Value> = receipts["delivery_receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["channel_message_sid"].clone())
        .collect();
    let all = listed(&api, &log()).await;
    let mut in_log: Vec<Value> = all.iter().map(|m| m["sid"].clone()).collect();
    for sids in [&mut sids, &mut in_log] {
        sids.sort_by_key(Value::to_string);
    }
    assert_eq!(in_log, sids);

    let to = |address: &str| all.iter().find(|m| m["to"] == address).unwrap().clone();
    let sms = to(ANN);
    let uri = one(&sms["sid"]);
    let created = sms["date_created"].as_str().unwrap();
    assert!(created.ends_with(" +0000"), "{created}");
    assert_eq!(
        sms,
        json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": long, "date_created": created,
            "date_sent": null, "date_updated": created, "direction": "outbound-api", "error_code": null,
            "error_message": null, "from": PROXY, "messaging_service_sid": conversation["messaging_service_sid"],
            "num_media": "0", "num_segments": "2", "price": null, "price_unit": null, "sid": sms["sid"],
            "status": "queued", "subresource_uris": {"media": uri.replace(".json", "/Media.json")}, "to": ANN,
            "uri": uri,
        })
    );
    assert_eq!(logged(&api, &sms["sid"]).await, sms);
    let whatsapp = to(WHATSAPP);
    assert_eq!(
        [&whatsapp["from"], &whatsapp["num_segments"], &whatsapp["body"]],
        [&json!("whatsapp:+15017122661"), &json!("1"), &json!(long)]
    );
    assert!(whatsapp["sid"].as_str().unwrap().starts_with("WA"));
    assert_eq!(logged(&api, &whatsapp["sid"]).await, whatsapp);

    // Nobody outside chat, nothing in the log.
    let quiet = api.conversation(&[]).await;
    say(&api, &quiet, &[("Body", "among us")]).await;
    assert_eq!(listed(&api, &log()).await.len(), 2);
}

#[tokio::test]
async fn the_log_has_the_status_of_the_receipt_b252_b354() {
    let api = api().await;
    let whatsapp = (WHATSAPP, "whatsapp:+15017122661");
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY), whatsapp]).await;
    let message = say(&api, &path, &[("Body", "hi")]).await;
    let receipts = api.get(&format!("{message}/Receipts")).await.expect(200);
    let all = listed(&api, &log()).await;
    let sid = |to: &str| all.iter().find(|m| m["to"] == to).unwrap()["sid"].clone();
    for (to, status, error, code, text) in [
        (ANN, Status::Sent, None, json!(null), json!(null)),
        (ANN, Status::Delivered, None, json!(null), json!(null)),
        (BEN, Status::Sent, None, json!(null), json!(null)),
        (
            BEN,
            Status::Undelivered,
            Some(30003),
            json!(30003),
            json!("Unreachable destination handset"),
        ),
        (
            BEN,
            Status::Failed,
            Some(21610),
            json!(21610),
            json!("Attempt to send to unsubscribed recipient"),
        ),
        (WHATSAPP, Status::Read, None, json!(null), json!(null)),
        (
            WHATSAPP,
            Status::Failed,
            None,
            json!(30008),
            json!("Unknown error"),
        ),
    ] {
        let before = logged(&api, &sid(to)).await;
        assert!(report(&api, &sid(to), status, error).await);
        let after = logged(&api, &sid(to)).await;
        assert_eq!(
            [&after["status"], &after["error_code"], &after["error_message"]],
            [&json!(status.name()), &code, &text]
        );
        // The date of sending is set once.
        assert!(after["date_sent"].is_string());
        assert!(before["date_sent"].is_null() || before["date_sent"] == after["date_sent"]);
        let of_receipts = receipts["delivery_receipts"].as_array().unwrap();
        let receipt = of_receipts
            .iter()
            .find(|r| r["channel_message_sid"] == sid(to))
            .unwrap();
        let receipt = format!("{message}/Receipts/{}", receipt["sid"].as_str().unwrap());
        assert_eq!(api.get(&receipt).await.expect(200)["status"], after["status"]);
    }
    // What comes too late changes neither (B-355).
    let before = logged(&api, &sid(ANN)).await;
    assert!(!report(&api, &sid(ANN), Status::Sent, None).await);
    assert!(!report(&api, &sid(ANN), Status::Read, None).await);
    assert_eq!(logged(&api, &sid(ANN)).await, before);
}

#[tokio::test]
async fn a_group_message_is_one_entry_a_phone_b252_b225() {
    let api = api().await;
    let group = api.conversation(&[]).await;
    for form in [
        &[("MessagingBinding.Address", ANN)][..],
        &[("MessagingBinding.Address", BEN)],
        &[
            ("MessagingBinding.ProjectedAddress", PROXY),
            ("Identity", "alice"),
        ],
    ] {
        api.post(&format!("{group}/Participants"), form).await.expect(201);
    }
    let long = "x".repeat(161);
    say(&api, &group, &[("Body", &long), ("Author", "alice")]).await;
    let mut sent = listed(&api, &log()).await;
    sent.sort_by_key(|m| m["to"].to_string());
    assert_eq!(sent.iter().map(|m| &m["to"]).collect::<Vec<_>>(), [ANN, BEN]);
    for message in sent {
        assert!(message["sid"].as_str().unwrap().starts_with("MM"));
        assert_eq!(
            [&message["from"], &message["status"], &message["num_segments"]],
            [&json!(PROXY), &json!("queued"), &json!("1")]
        );
    }
}

#[tokio::test]
async fn a_phones_message_is_in_the_log_captured_or_not_b302() {
    let api = api().await;
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY)]).await;
    let captured = phone_sends(&api, ANN, PROXY, "hi").await;
    let other = phone_sends(&api, "+15558675319", PROXY, &"ж".repeat(71)).await;
    let in_log = logged(&api, &captured).await;
    let created = in_log["date_created"].clone();
    let uri = one(&captured);
    assert_eq!(
        in_log,
        json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": "hi", "date_created": created,
            "date_sent": created, "date_updated": created, "direction": "inbound", "error_code": null,
            "error_message": null, "from": ANN, "messaging_service_sid": null, "num_media": "0",
            "num_segments": "1", "price": null, "price_unit": null, "sid": captured, "status": "received",
            "subresource_uris": {"media": uri.replace(".json", "/Media.json")}, "to": PROXY, "uri": uri,
        })
    );
    let uncaptured = logged(&api, &other).await;
    assert_eq!(
        [
            &uncaptured["status"],
            &uncaptured["num_segments"],
            &uncaptured["from"]
        ],
        [&json!("received"), &json!("2"), &json!("+15558675319")]
    );
    assert_eq!(
        api.get(&format!("{path}/Messages")).await.expect(200)["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // What was captured went on to the other phone.
    let mut directions: Vec<Value> = listed(&api, &log())
        .await
        .iter()
        .map(|m| json!([m["direction"], m["from"], m["to"]]))
        .collect();
    directions.sort_by_key(Value::to_string);
    assert_eq!(
        directions,
        [
            json!(["inbound", ANN, PROXY]),
            json!(["inbound", "+15558675319", PROXY]),
            json!(["outbound-api", PROXY, BEN])
        ]
    );

    // A number in a messaging service: its messages came in by that.
    let host = api.on_host("messaging.twilio.com");
    let services = host.get("/v1/Services").await.expect(200);
    let service = services["services"][0]["sid"].as_str().unwrap();
    let numbers = format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json");
    let numbers = api.on_host("api.twilio.com").get(&numbers).await.expect(200);
    let number = numbers["incoming_phone_numbers"][0]["sid"].as_str().unwrap();
    host.post(
        &format!("/v1/Services/{service}/PhoneNumbers"),
        &[("PhoneNumberSid", number)],
    )
    .await
    .expect(201);
    let pooled = phone_sends(&api, ANN, PROXY, "again").await;
    assert_eq!(
        logged(&api, &pooled).await["messaging_service_sid"],
        json!(service)
    );
}

#[tokio::test]
async fn what_a_conversation_refuses_stays_in_the_log_b302() {
    let api = api().await;
    with_phones(&api, &[(ANN, PROXY)]).await;
    let sid = phone_sends_files(&api, ANN, PROXY, "look", 1).await;
    let behind = phone_sends(&api, ANN, PROXY, "and this").await;
    assert_eq!(logged(&api, &behind).await["status"], "receiving");
    let (job, arrival) = waiting(&api).await;
    let media = vec![stored(&api, ANN).await];
    let leave = Leave {
        job,
        sid: arrival.sid,
        media: media.clone(),
    };
    for _ in 0..2 {
        api.engine.execute(Actor::Carrier, leave.clone()).await.unwrap();
    }
    assert_eq!(logged(&api, &sid).await["status"], "received");
    let collected = api
        .engine
        .execute(Actor::System, Collect { media: media[0] })
        .await;
    assert_eq!(collected.unwrap(), Collected::Kept);
    // What waited behind it comes in.
    let (job, arrival) = waiting(&api).await;
    assert_eq!(json!(arrival.sid), behind);
    let accept = Accept {
        job,
        arrival,
        media: Vec::new(),
    };
    api.engine.execute(Actor::Carrier, accept).await.unwrap();
    let after = logged(&api, &behind).await;
    assert_eq!(
        [&after["status"], &after["num_media"]],
        [&json!("received"), &json!("0")]
    );
}
