//! Messages and their receipts.

use crate::common::{api, fields};

#[tokio::test]
async fn a_message_of_the_system_b231_b233_b247_b248() {
    let api = api().await;
    let all = format!("{}/Messages", api.conversation(&[]).await);
    let answer = api.post(&all, &[("Body", "hello \"you\" \u{1f600}")]).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "conversation_sid",
            "body",
            "media",
            "author",
            "participant_sid",
            "attributes",
            "date_created",
            "date_updated",
            "index",
            "delivery",
            "content_sid",
            "url",
            "links"
        ]
    );
    let made = answer.expect(201);
    assert_eq!(
        (&made["body"], &made["author"]),
        (&"hello \"you\" \u{1f600}".into(), &"system".into())
    );
    for null in ["media", "participant_sid", "delivery", "content_sid"] {
        assert!(made[null].is_null(), "{null}");
    }
    assert_eq!((&made["index"], &made["attributes"]), (&0.into(), &"{}".into()));
    let url = made["url"].as_str().unwrap();
    assert_eq!(made["links"]["delivery_receipts"], format!("{url}/Receipts"));
    assert_eq!(
        made["links"]["channel_metadata"],
        format!("{url}/ChannelMetadata")
    );
    let path = format!("{all}/{}", made["sid"].as_str().unwrap());
    assert_eq!(api.get(&path).await.expect(200), made);
    api.get(&format!("{path}/ChannelMetadata"))
        .await
        .refused(404, 50530); // B-249
    let changed = api
        .post(&path, &[("Body", "new"), ("Author", "me")])
        .await
        .expect(200);
    assert_eq!(
        (&changed["body"], &changed["author"]),
        (&"new".into(), &"me".into())
    );
    api.delete(&path).await.expect(204);
    assert_eq!(api.get(&path).await.refused(404, 50500), "Message not found");
    api.delete(&path).await.refused(404, 50500);
    assert_eq!(api.post(&all, &[("Body", "x")]).await.expect(201)["index"], 1); // B-232
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_stored_b235_b237_b244() {
    let api = api().await;
    let all = format!("{}/Messages", api.conversation(&[]).await);
    let (long, author) = ("x".repeat(32 * 1024 + 1), "x".repeat(257));
    let attributes = format!("\"{}\"", "x".repeat(4096));
    for (form, code) in [
        (&[][..], 50503),
        (&[("Body", "")], 50503),
        (&[("Body", &long)], 50504),
        (&[("Body", "x"), ("Author", &author)], 50310),
        (&[("Body", "x"), ("Attributes", &attributes)], 50303),
        (&[("Body", "x"), ("Attributes", "{")], 50304),
        (&[("Body", "x"), ("Subject", &author)], 20001),
        (&[("Body", "x"), ("DateCreated", "x")], 50308),
        (&[("Body", "x"), ("DateUpdated", "x")], 50309),
        (&[("MediaSid", "ME0123456789abcdef0123456789abcdef")], 50507),
        (&[("Body", "x"), ("MediaSid", "picture")], 50510),
        (
            &[
                ("Body", "x"),
                ("ContentSid", "HX0123456789abcdef0123456789abcdef"),
            ],
            50526,
        ),
        (&[("Body", "x"), ("ContentVariables", "{}")], 50528),
    ] {
        api.post(&all, form).await.refused(400, code);
    }
    api.get(&format!("{all}?Order=up")).await.refused(400, 20001);
    assert_eq!(
        api.get(&all).await.expect(200)["messages"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    api.post(&all, &[("Body", &long[1..])]).await.expect(201);
    let missing = api
        .post("/v1/Conversations/none/Messages", &[("Body", "x")])
        .await;
    assert_eq!(missing.refused(404, 50350), "Conversation not found");
}

#[tokio::test]
async fn a_message_to_a_phone_has_a_receipt_b234_b351_b353_b366_b367() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    let phone = api
        .post(&format!("{conversation}/Participants"), &phone)
        .await
        .expect(201);
    let all = format!("{conversation}/Messages");
    api.post(&all, &[("Body", &"x".repeat(1601))])
        .await
        .refused(400, 50504); // B-236
    let own = api
        .post(&all, &[("Body", "x"), ("Author", "+15558675310")])
        .await
        .expect(201);
    assert_eq!(
        (&own["participant_sid"], &own["delivery"]),
        (&phone["sid"], &serde_json::Value::Null)
    );
    let sent = api.post(&all, &[("Body", "x")]).await;
    let delivery = r#""delivery":{"total":1,"sent":"none","delivered":"none","read":"none","failed":"none","undelivered":"none"}"#;
    assert!(sent.text.contains(delivery), "{}", sent.text);
    let sent = sent.expect(201);
    let receipts = format!("{all}/{}/Receipts", sent["sid"].as_str().unwrap());
    let listed = api.get(&receipts).await.expect(200);
    let receipt = &listed["delivery_receipts"][0];
    assert_eq!(
        (&receipt["participant_sid"], &receipt["error_code"]),
        (&phone["sid"], &0.into())
    );
    assert!(
        receipt["status"].is_null() && receipt["channel_message_sid"].as_str().unwrap().starts_with("SM")
    );
    let path = format!("{receipts}/{}", receipt["sid"].as_str().unwrap());
    let fetched = api.get(&path).await;
    assert_eq!(
        fields(&fetched.text),
        [
            "sid",
            "account_sid",
            "conversation_sid",
            "message_sid",
            "channel_message_sid",
            "status",
            "error_code",
            "participant_sid",
            "date_created",
            "date_updated",
            "url"
        ]
    );
    assert_eq!(&fetched.expect(200), receipt);
    let elsewhere = path.replace(sent["sid"].as_str().unwrap(), own["sid"].as_str().unwrap());
    api.get(&elsewhere).await.refused(404, 20404);
    api.get(&format!("{receipts}/nonsense")).await.refused(404, 20404);
}

#[tokio::test]
async fn concurrent_messages_get_indexes_of_their_own_b250() {
    let api = api().await;
    let all = format!("{}/Messages", api.conversation(&[]).await);
    let form = [("Body", "x")];
    let answers = futures_join((0..20).map(|_| api.post(&all, &form))).await;
    let mut indexes: Vec<_> = answers
        .into_iter()
        .map(|a| a.expect(201)["index"].as_i64().unwrap())
        .collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (0..20).collect::<Vec<_>>());
}

/// Polls all futures together.
async fn futures_join<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in &mut waiting {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *output = Some(ready);
            }
        }
        if waiting.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}
