//! Batches of subscriptions.

use std::collections::HashMap;

use confab_testkit::TestServer;
use serde_json::json;

use crate::support::{Feed, conversation};

#[tokio::test]
async fn a_batch_answers_for_each_object_and_is_never_refused_for_one_s4_8() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let closed = conversation(&server, &["bob"]).await;
    let mut feed = Feed::new(server.client("alice").await);
    let [document, list, roster] = feed.open_conversation(&sid).await;
    let unknown = "0123456789abcdef0123456789abcdef";
    let wanted = |sid: &str, kind: &str| json!({"object_sid": sid, "object_type": kind, "last_event_id": -1});
    let requests = [
        wanted(&format!("ET{unknown}"), "document"),
        wanted(&format!("ES{unknown}"), "list"),
        wanted(&format!("MP{unknown}"), "map"),
        wanted(&format!("MPf{}", &unknown[1..]), "map"),
        wanted(&format!("ES{}", &closed[2..]), "list"),
        wanted(&format!("MP{}", &closed[2..]), "map"),
        wanted("nonsense", "document"),
        wanted("", "map"),
        wanted(&list.sid, "map"),
        wanted(&document.sid, "stream"),
        document.since_read(),
        list.since_read(),
        roster.since_read(),
    ];
    let came = feed.establish(99, &requests).await;
    let answers: HashMap<(&str, &str), (&str, u64, u64)> = came
        .iter()
        .map(|e| {
            let number = |name: &str| e.data["error"][name].as_u64().unwrap_or(0);
            let object = (e.entity(), e.data["object_type"].as_str().unwrap_or_default());
            (object, (e.kind.as_str(), number("status"), number("code")))
        })
        .collect();
    assert_eq!(answers.len(), requests.len(), "{came:?}");
    let failed = "subscription_failed";
    for (request, status, code) in [
        (&requests[0], 404, 54100),
        (&requests[1], 404, 54150),
        (&requests[2], 404, 54200),
        (&requests[3], 404, 54200),
        (&requests[4], 403, 54007),
        (&requests[5], 403, 54007),
    ] {
        let object = (
            request["object_sid"].as_str().unwrap(),
            request["object_type"].as_str().unwrap(),
        );
        assert_eq!(answers[&object], (failed, status, code), "{object:?}");
    }
    for request in &requests[6..10] {
        let object = (
            request["object_sid"].as_str().unwrap(),
            request["object_type"].as_str().unwrap(),
        );
        assert_eq!(
            (answers[&object].0, answers[&object].1),
            (failed, 404),
            "{object:?}"
        );
    }
    for entity in [&document, &list, &roster] {
        assert_eq!(
            answers[&(entity.sid.as_str(), entity.kind)].0,
            "subscription_established"
        );
    }
    // Cancels of anything are confirmed with their own correlation id.
    let came = feed.cancel(100, &requests).await;
    assert!(
        came.iter()
            .all(|e| e.kind == "subscription_canceled" && e.correlation == 100),
        "{came:?}"
    );
    // The batch limit that the answer names.
    let (status, body) = feed.subscriptions("establish", 101, &[]).await;
    assert_eq!(status, 202, "{body}");
    assert!(body["estimated_delivery_in_ms"].as_i64() > Some(0), "{body}");
    assert!(body["max_batch_size"].as_i64() > Some(0), "{body}");
    let ttl = body["ttl_in_s"].as_i64().unwrap();
    assert!(0 < ttl && ttl <= 2_147_483, "{body}");
    let many = vec![list.since_read(); usize::try_from(body["max_batch_size"].as_u64().unwrap()).unwrap()];
    let came = feed.establish(102, &many).await;
    assert_eq!(came.len(), many.len());
}

/// §4.8: each event of a replay repeats it.
#[tokio::test]
async fn a_correlation_id_that_is_too_long_is_refused_s4_8() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    for (correlation, status) in [
        (json!(1_795_178_688_834_i64), 202),
        (json!("x".repeat(62)), 202),
        (json!("x".repeat(63)), 400),
        (json!(vec![0; 100]), 400),
    ] {
        let batch = json!({"event_protocol_version": 4, "action": "establish",
            "correlation_id": correlation, "requests": []});
        let (answered, body) = alice
            .request("POST", "/v4/Subscriptions", &[], Some(&batch))
            .await;
        assert_eq!(answered, status, "{correlation}: {body}");
    }
}
