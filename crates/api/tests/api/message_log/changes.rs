//! What is deleted and redacted in the log, what it outlives, and whose it is.

use confab_domain::receipt::Status;
use serde_json::json;

use super::{ANN, BEN, PROXY, listed, log, log_of, logged, one, phone_sends, report, say, with_phones};
use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api};

/// DeleteMessage, UpdateMessage
#[tokio::test]
async fn a_message_is_deleted_when_finished_and_redacted_at_any_time_b252() {
    let api = api().await;
    let path = with_phones(&api, &[(ANN, PROXY)]).await;
    let message = say(&api, &path, &[("Body", "secret")]).await;
    let entry = listed(&api, &log()).await.remove(0);
    let (sid, at) = (&entry["sid"], one(&entry["sid"]));
    let host = api.on_host("api.twilio.com");
    host.delete(&at).await.refused(400, 20009);
    host.refuse_all(
        &at,
        &[&at],
        &[
            (&[("Body", "other")], 20001),
            (&[("Status", "sent")], 20001),
            (&[("Status", "canceled")], 30409),
            (&[("Status", "canceled"), ("Body", "")], 30409),
        ],
    )
    .await;
    assert_eq!(host.post(&at, &[]).await.expect(200), entry);
    let redacted = host.post(&at, &[("Body", "")]).await.expect(200);
    assert_eq!(
        [&redacted["body"], &redacted["num_segments"]],
        [&json!(""), &json!("1")]
    );
    assert_eq!(logged(&api, sid).await, redacted);
    assert_eq!(api.get(&message).await.expect(200)["body"], "secret");
    report(&api, sid, Status::Sent, None).await;
    assert_eq!(logged(&api, sid).await["body"], "");
    host.post(&at, &[("Status", "canceled")])
        .await
        .refused(400, 30409);

    host.delete(&at).await.expect(204);
    host.get(&at).await.refused(404, 20404);
    host.delete(&at).await.refused(404, 20404);
    host.post(&at, &[("Body", "")]).await.refused(404, 20404);
    assert!(listed(&api, &log()).await.is_empty());
    // The conversation has its own copy, and its receipts go on.
    assert!(report(&api, sid, Status::Delivered, None).await);
    let receipts = api.get(&format!("{message}/Receipts")).await.expect(200);
    assert_eq!(receipts["delivery_receipts"][0]["status"], "delivered");

    let inbound = phone_sends(&api, ANN, PROXY, "hi").await;
    host.delete(&one(&inbound)).await.expect(204);
    assert!(listed(&api, &log()).await.is_empty());
}

#[tokio::test]
async fn the_log_outlives_messages_and_conversations_b252_b241_b242() {
    let api = api().await;
    let path = with_phones(&api, &[(ANN, PROXY)]).await;
    let messages = [
        say(&api, &path, &[("Body", "one")]).await,
        say(&api, &path, &[("Body", "two")]).await,
    ];
    let all = listed(&api, &log()).await;
    let sid = |body: &str| all.iter().find(|m| m["body"] == body).unwrap()["sid"].clone();
    api.post(&messages[0], &[("Body", "edited")]).await.expect(200);
    assert_eq!(logged(&api, &sid("one")).await["body"], "one");
    api.delete(&messages[0]).await.expect(204);
    assert!(report(&api, &sid("one"), Status::Sent, None).await);
    api.delete(&path).await.expect(204);
    assert_eq!(listed(&api, &log()).await.len(), 2);
    // A phone gets what is on its way to it, and the log hears of it by the same rules.
    for (status, news) in [
        (Status::Sent, true),
        (Status::Read, false),
        (Status::Undelivered, true),
        (Status::Delivered, false),
    ] {
        assert_eq!(
            report(&api, &sid("two"), status, Some(30005)).await,
            news,
            "{status:?}"
        );
    }
    let two = logged(&api, &sid("two")).await;
    assert_eq!(
        [&two["status"], &two["error_code"]],
        [&json!("undelivered"), &json!(30005)]
    );
    assert_eq!(logged(&api, &sid("one")).await["status"], "sent");
    // Nothing changes what came in.
    with_phones(&api, &[(ANN, PROXY)]).await;
    let inbound = phone_sends(&api, ANN, PROXY, "in").await;
    assert!(!report(&api, &inbound, Status::Delivered, None).await);
    assert_eq!(logged(&api, &inbound).await["status"], "received");
    assert!(
        !report(
            &api,
            &json!("SM00000000000000000000000000000000"),
            Status::Sent,
            None
        )
        .await
    );
}

#[tokio::test]
async fn a_log_is_its_accounts_and_that_ones_owners_b032() {
    let api = api().await;
    with_phones(&api, &[(ANN, PROXY)]).await;
    let sid = phone_sends(&api, ANN, PROXY, "hi").await;
    let text = sid.as_str().unwrap();
    let host = api.on_host("api.twilio.com");
    let other = host.as_caller(OTHER_ACCOUNT, TOKEN);
    other.get(&one(&sid)).await.refused(404, 20404);
    other.get(&log()).await.refused(404, 20404);
    let there = |text: &str| log_of(OTHER_ACCOUNT).replace(".json", &format!("/{text}.json"));
    other.get(&there(text)).await.refused(404, 20404);
    other.delete(&there(text)).await.refused(404, 20404);
    other
        .post(&there(text), &[("Body", "")])
        .await
        .refused(404, 20404);
    let media = there(&format!("{text}/Media"));
    other.get(&media).await.refused(404, 20404);
    assert!(listed(&other, &log_of(OTHER_ACCOUNT)).await.is_empty());

    // A subaccount has a log of its own, which its owner reads as well.
    let made = host.post("/2010-04-01/Accounts.json", &[]).await.expect(201);
    let (sub, token) = (
        made["sid"].as_str().unwrap(),
        made["auth_token"].as_str().unwrap(),
    );
    let of_sub = api.as_caller(sub, token);
    let path = with_phones(&of_sub, &[(BEN, "+15017122663")]).await;
    say(&of_sub, &path, &[("Body", "sub")]).await;
    let own = listed(&of_sub, &log_of(sub)).await;
    assert_eq!(own.len(), 1);
    assert_eq!(listed(&api, &log_of(sub)).await, own);
    assert_eq!(listed(&api, &log()).await.len(), 1);
    of_sub
        .on_host("api.twilio.com")
        .get(&log())
        .await
        .refused(404, 20404);

    // A key reads as its account does.
    let keys = format!("/2010-04-01/Accounts/{ACCOUNT}/Keys.json");
    let key = host.post(&keys, &[]).await.expect(201);
    let by_key = host.as_caller(key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    assert_eq!(listed(&by_key, &log()).await.len(), 1);
    by_key.get(&log_of(sub)).await.refused(404, 20404);
    host.with_auth(None).get(&log()).await.refused(401, 20003);

    for missing in [
        "SM00000000000000000000000000000000",
        "IM00000000000000000000000000000000",
        "SM1",
        "x",
    ] {
        host.get(&one(&json!(missing))).await.refused(404, 20404);
    }
    host.get(&log().replace(".json", &format!("/{text}")))
        .await
        .refused(404, 20404);
    let upper = format!("{}{}", &text[..2], text[2..].to_uppercase());
    assert_eq!(logged(&api, &json!(upper)).await["sid"], sid);
}
