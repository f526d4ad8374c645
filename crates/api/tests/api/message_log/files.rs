//! The files of messages in the log.

use confab_domain::Actor;
use confab_domain::inbound::Accept;
use confab_domain::media::{Collect, Collected};
use confab_testkit::TestClock;
use serde_json::{Value, json};

use super::{ANN, BEN, PROXY, listed, log, logged, one, phone_sends_files, stored, waiting, with_phones};
use crate::common::{ACCOUNT, api, api_at, encode};

fn media_of(sid: &Value) -> String {
    one(sid).replace(".json", "/Media.json")
}

/// ListMedia, FetchMedia, DeleteMedia
#[tokio::test]
async fn the_log_keeps_the_files_of_what_no_conversation_took_b302_b277() {
    let clock = TestClock::new();
    let api = api_at(clock.clone()).await;
    let host = api.on_host("api.twilio.com");
    with_phones(&api, &[(BEN, PROXY)]).await;
    let sid = phone_sends_files(&api, ANN, PROXY, "look", 4).await;
    let before = logged(&api, &sid).await;
    assert!(sid.as_str().unwrap().starts_with("MM"));
    assert_eq!(
        [&before["status"], &before["num_media"], &before["num_segments"]],
        [&json!("receiving"), &json!("4"), &json!("1")]
    );
    assert!(before["date_sent"].is_string());
    host.delete(&one(&sid)).await.refused(400, 20009);
    assert_eq!(
        host.get(&media_of(&sid)).await.expect(200)["media_list"],
        json!([])
    );

    let (job, arrival) = waiting(&api).await;
    let mut media = Vec::new();
    for _ in 0..3 {
        media.push(stored(&api, ANN).await);
        clock.advance(1);
    }
    let files = media.clone();
    let accept = Accept { job, arrival, media };
    api.engine.execute(Actor::Carrier, accept).await.unwrap();
    let after = logged(&api, &sid).await;
    assert_eq!(
        [&after["status"], &after["num_media"], &after["date_sent"]],
        [&json!("received"), &json!("3"), &before["date_sent"]]
    );
    clock.advance(301);
    for one in &files {
        let collected = api.engine.execute(Actor::System, Collect { media: *one }).await;
        assert_eq!(collected.unwrap(), Collected::Kept);
    }

    let list = media_of(&sid);
    let page = host.get(&format!("{list}?PageSize=2")).await.expect(200);
    let first = &page["media_list"][0];
    let uri = list.replace(".json", &format!("/{}.json", files[0]));
    assert_eq!(
        first,
        &json!({
            "account_sid": ACCOUNT, "content_type": "image/png", "date_created": first["date_created"],
            "date_updated": first["date_updated"], "parent_sid": sid, "sid": files[0].to_string(), "uri": uri,
        })
    );
    assert_eq!(host.get(&uri).await.expect(200), *first);
    let next = host
        .get(page["next_page_uri"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(next["media_list"][0]["sid"], files[2].to_string());
    assert_eq!(next["media_list"].as_array().unwrap().len(), 1);
    assert!(next["next_page_uri"].is_null());
    let back = host
        .get(next["previous_page_uri"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(back["media_list"], page["media_list"]);
    assert!(back["previous_page_uri"].is_null());

    let at = |n: usize| {
        let shown = if n < 2 {
            &page["media_list"][n]
        } else {
            &next["media_list"][0]
        };
        let span = confab_types::Span::parse(shown["date_created"].as_str().unwrap()).unwrap();
        encode(&span.start.iso_seconds())
    };
    for (query, count) in [
        (format!("DateCreated%3E={}", at(1)), 2),
        (format!("DateCreated%3C={}", at(0)), 1),
        (format!("DateCreated%3E={}&DateCreated%3C={}", at(1), at(1)), 1),
        ("DateCreated%3C=2001-01-01".into(), 0),
    ] {
        let page = host.get(&format!("{list}?{query}")).await.expect(200);
        assert_eq!(page["media_list"].as_array().unwrap().len(), count, "{query}");
    }
    host.get(&format!("{list}?DateCreated=x"))
        .await
        .refused(400, 20001);

    host.delete(&uri).await.expect(204);
    host.get(&uri).await.refused(404, 20404);
    host.delete(&uri).await.refused(404, 20404);
    let kinds = async |media| {
        api.engine
            .execute(Actor::System, Collect { media })
            .await
            .unwrap()
    };
    assert_eq!(kinds(files[0]).await, Collected::Gone);
    assert_eq!(
        host.get(&list).await.expect(200)["media_list"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    host.delete(&one(&sid)).await.expect(204);
    assert_eq!(kinds(files[1]).await, Collected::Gone);
    host.get(&list).await.refused(404, 20404);
}

#[tokio::test]
async fn a_file_in_a_conversation_is_that_ones_and_the_log_shows_it_b302_b280() {
    let api = api().await;
    let host = api.on_host("api.twilio.com");
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY)]).await;
    let sid = phone_sends_files(&api, ANN, PROXY, "", 2).await;
    let (job, arrival) = waiting(&api).await;
    let media = vec![stored(&api, ANN).await, stored(&api, ANN).await];
    let files = media.clone();
    let accept = Accept { job, arrival, media };
    api.engine.execute(Actor::Carrier, accept).await.unwrap();
    // The other phone got the first of the two.
    let out = listed(&api, &format!("{}?To={}", log(), encode(BEN)))
        .await
        .remove(0);
    assert_eq!(
        [&out["num_media"], &out["body"], &out["num_segments"]],
        [&json!("1"), &json!(""), &json!("1")]
    );
    let shown = async |list: &str| {
        host.get(list).await.expect(200)["media_list"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(shown(&media_of(&sid)).await, 2);
    assert_eq!(shown(&media_of(&out["sid"])).await, 1);
    let file = media_of(&sid).replace(".json", &format!("/{}.json", files[0]));
    host.delete(&file).await.expect(204);
    assert_eq!(shown(&media_of(&sid)).await, 1);
    assert_eq!(shown(&media_of(&out["sid"])).await, 1);
    let messages = api.get(&format!("{path}/Messages")).await.expect(200);
    let message = &messages["messages"][0];
    assert_eq!(message["media"].as_array().unwrap().len(), 2);
    // A file is of its own message only, and can be deleted with one that is finished.
    let other = media_of(&out["sid"]).replace(".json", &format!("/{}.json", files[1]));
    host.get(&other).await.refused(404, 20404);
    let waits = media_of(&out["sid"]).replace(".json", &format!("/{}.json", files[0]));
    host.delete(&waits).await.refused(400, 20009);

    let at = format!("{path}/Messages/{}", message["sid"].as_str().unwrap());
    api.delete(&at).await.expect(204);
    assert_eq!(shown(&media_of(&sid)).await, 0);
    assert_eq!(shown(&media_of(&out["sid"])).await, 0);
    assert_eq!(logged(&api, &sid).await["num_media"], "2");
    host.delete(&one(&sid)).await.expect(204);
}
