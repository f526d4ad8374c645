//! The log of calls, and calling once more.

use confab_engine::VirtualClock;
use confab_testkit::{Call, Reply, Sink, TestServer, soon};
use serde_json::Value;

use super::{CONVERSATIONS, World};

const LOG: &str = "/confab/v1/WebhookDeliveries";
const REPLAY: &str = "/confab/v1/WebhookDeliveries/Replay";
const REPLAY_OF: &str = "Confab-Replay-Of";
const TOKEN: &str = "I-Twilio-Idempotency-Token";

impl World {
    async fn listed(&self, query: &str) -> Vec<Value> {
        self.server
            .rest
            .list(&format!("{LOG}{query}"), "webhook_deliveries")
            .await
    }

    /// The log, as soon as nothing in it is queued.
    async fn settled(&self, query: &str) -> Vec<Value> {
        soon("the calls to be recorded", async {
            while !self.listed("?State=queued").await.is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        self.listed(query).await
    }

    async fn next_calls(&mut self, count: usize) -> Vec<Call> {
        let mut calls = Vec::new();
        for _ in 0..count {
            calls.push(self.sink.next().await);
        }
        calls
    }
}

fn ids(entries: &[Value]) -> Vec<i64> {
    entries.iter().map(|e| e["id"].as_i64().unwrap()).collect()
}

fn bodies(calls: &[Call]) -> Vec<&str> {
    calls.iter().map(|call| call.text("Body")).collect()
}

/// What was called is listed, newest first, page by page in both directions, and each filter leaves what it says.
#[tokio::test]
async fn the_log_lists_what_was_called_by_each_filter() {
    let mut world = World::new(&["onMessageAdded", "onConversationUpdated"]).await;
    world.sink.answer(|call| match call.get("Body") {
        Some("gone") => Reply::status(410),
        _ => Reply::ok(),
    });
    let (first, second) = (world.conversation().await, world.conversation().await);
    for body in ["1", "gone", "2", "3"] {
        world.say(&first, body).await;
    }
    world.say(&second, "other").await;
    let renamed = [("FriendlyName", "x")];
    world
        .post(&format!("{CONVERSATIONS}/{second}"), &renamed)
        .await
        .expect(200);
    world.next_calls(6).await;

    let all = ids(&world.settled("").await);
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by(|a, b| a > b), "newest first");
    assert_eq!(ids(&world.listed("?PageSize=2").await), all);
    // Back from the last page.
    let page = world.server.get(&format!("{LOG}?PageSize=4")).await.expect(200);
    let next = page.json["meta"]["next_page_url"].as_str().unwrap().to_owned();
    let page = world.server.get(&next).await.expect(200);
    assert_eq!(page.json["meta"]["next_page_url"], Value::Null);
    let previous = page.json["meta"]["previous_page_url"].as_str().unwrap();
    let page = world.server.get(previous).await.expect(200);
    assert_eq!(ids(page.json["webhook_deliveries"].as_array().unwrap()), all[..4]);

    let count = async |query: &str| world.listed(query).await.len();
    assert_eq!(count(&format!("?ConversationSid={first}")).await, 4);
    assert_eq!(count(&format!("?ConversationSid={first}&State=failed")).await, 1);
    assert_eq!(count(&format!("?ConversationSid={second}&State=failed")).await, 0);
    assert_eq!(count("?State=failed").await, 1);
    assert_eq!(count("?State=delivered").await, 5);
    assert_eq!(count("?State=delivered&PageSize=1").await, 5);
    assert_eq!(count("?State=canceled").await, 0);
    assert_eq!(count("?Event=onConversationUpdated").await, 1);
    assert_eq!(count("?Event=onMessageAdded&PageSize=2").await, 5);
    assert_eq!(count("?Event=nothing").await, 0);
    let shown = world.listed("").await[0]["date_created"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(count(&format!("?EndDate={shown}")).await == 6, "with its second");
    assert_eq!(count("?StartDate=2000-01-01").await, 6);
    assert_eq!(
        count("?StartDate=2000-01-01&State=failed&Event=onMessageAdded").await,
        1
    );
    assert_eq!(count("?EndDate=2000-01-01T00:00:00Z").await, 0);
    assert_eq!(count("?StartDate=2999-01-01").await, 0);
    // Back with a filter that is looked for.
    let page = world
        .server
        .get(&format!("{LOG}?Event=onMessageAdded&PageSize=3"))
        .await;
    let page = world
        .server
        .get(page.json["meta"]["next_page_url"].as_str().unwrap())
        .await;
    assert_eq!(page.json["webhook_deliveries"].as_array().unwrap().len(), 2);
    let page = world
        .server
        .get(page.json["meta"]["previous_page_url"].as_str().unwrap())
        .await;
    assert_eq!(page.json["webhook_deliveries"].as_array().unwrap().len(), 3);
    assert_eq!(page.json["meta"]["previous_page_url"], Value::Null);

    for wrong in [
        "?State=lost",
        "?ConversationSid=CH1",
        "?StartDate=soon",
        "?PageSize=0",
    ] {
        let refused = world.server.get(&format!("{LOG}{wrong}")).await.expect(400);
        assert_eq!(refused.code(), Some(20001), "{wrong}");
    }
}

/// One is shown with each try; its password is shown to nobody.
#[tokio::test]
async fn a_delivery_shows_its_tries_and_no_password() {
    let mut world = World::new(&[]).await;
    let url = world.sink.url("/post").replace("http://", "http://me:secret@");
    let hook = [("PostWebhookUrl", url.as_str()), ("Filters", "onMessageAdded")];
    world
        .server
        .post("/conversations/v1/Configuration/Webhooks", &hook)
        .await
        .expect(200);
    let mut tries = 0;
    world.sink.answer(move |_| {
        tries += 1;
        match tries {
            1 => Reply::With(503, "x".repeat(3000)),
            _ => Reply::body("thanks"),
        }
    });
    let sid = world.conversation().await;
    world.say(&sid, "hello").await;
    world.next_calls(2).await;
    let entry = world.settled("").await.remove(0);
    let id = entry["id"].as_i64().unwrap();
    let full = world.server.get(&format!("{LOG}/{id}")).await.expect(200);
    for shown in [&entry.to_string(), &full.text] {
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("me:***@"), "{shown}");
    }
    assert_eq!(full.json["state"], "delivered");
    assert_eq!(full.json["attempt_count"], 2);
    assert_eq!(full.json["status"], 200);
    assert_eq!(full.json["conversation_sid"], sid.as_str());
    assert_eq!(full.json["event"], "onMessageAdded");
    assert!(full.json["body"].as_str().unwrap().contains("Body=hello"));
    let attempts = full.json["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0]["status"], 503);
    assert_eq!(attempts[0]["answer"], "x".repeat(1024));
    assert_eq!(attempts[1]["answer"], "thanks");
    assert!(attempts[1]["duration_ms"].is_i64());
    assert_eq!(full.text_of("url"), entry["url"].as_str().unwrap());
    world
        .server
        .get(full.json["url"].as_str().unwrap())
        .await
        .expect(200);
    for missing in ["0", "999", "-1", "+1", "x", "99999999999999999999"] {
        world.server.get(&format!("{LOG}/{missing}")).await.expect(404);
    }
}

/// A replay is a delivery of its own with the body and token of the old one, and a header that tells that it is wanted.
#[tokio::test]
async fn one_is_replayed_with_its_token_and_says_so() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let sid = world.conversation().await;
    world.say(&sid, "hello").await;
    let old = world.sink.next().await;
    assert_eq!(old.header(REPLAY_OF), "");
    let id = ids(&world.settled("").await)[0];
    let answer = world
        .server
        .post(&format!("{LOG}/{id}/Replay"), &[])
        .await
        .expect(202);
    assert_eq!(answer.json["state"], "queued");
    assert_eq!(answer.json["replay_of"], id);
    let new = world.sink.next().await;
    assert_eq!(new.header(TOKEN), old.header(TOKEN));
    assert_eq!(new.header(REPLAY_OF), id.to_string());
    assert_eq!(new.body, old.body);
    assert!(!new.header("X-Twilio-Signature").is_empty());

    // A replay of the replay repeats the event, elsewhere.
    let mut other = Sink::start().await;
    let again = answer.json["id"].as_i64().unwrap();
    world.settled("").await;
    let url = other.url("/other");
    let answer = world
        .server
        .post(&format!("{LOG}/{again}/Replay"), &[("Url", &url)])
        .await
        .expect(202);
    assert_eq!(answer.json["replay_of"], id);
    assert_eq!(answer.json["webhook_url"], url.as_str());
    let moved = other.next().await;
    assert_eq!((moved.uri.as_str(), moved.text("Body")), ("/other", "hello"));
    assert_eq!(moved.header(TOKEN), old.header(TOKEN));
    assert_eq!(world.settled("").await.len(), 3);

    world
        .server
        .post(&format!("{LOG}/999/Replay"), &[])
        .await
        .expect(404);
    let refused = world
        .server
        .post(&format!("{LOG}/{id}/Replay"), &[("Url", "ftp://x/")])
        .await
        .expect(400);
    assert_eq!(refused.code(), Some(50054));
    assert_eq!(world.settled("").await.len(), 3, "what is refused writes nothing");
}

/// B-409: a replay of many keeps the order of each conversation; a second one of failed calls finds nothing to do.
#[tokio::test]
async fn many_are_replayed_in_order() {
    let mut world = World::new(&["onMessageAdded"]).await;
    world.sink.answer(|_| Reply::status(410));
    let (first, second) = (world.conversation().await, world.conversation().await);
    for n in 0..8 {
        world.say(&first, &n.to_string()).await;
        world.say(&second, &n.to_string()).await;
    }
    world.next_calls(16).await;
    assert_eq!(world.settled("?State=failed").await.len(), 16);
    world.sink.answer(|_| Reply::ok());

    let expected: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let range = [("ConversationSid", first.as_str()), ("State", "failed")];
    let answer = world.server.post(REPLAY, &range).await.expect(202);
    assert_eq!(answer.json["conversation_sid"], first.as_str());
    let calls = world.next_calls(8).await;
    assert_eq!(bodies(&calls), expected);
    assert!(calls.iter().all(|call| call.text("ConversationSid") == first));

    // Of the first conversation all has arrived by now.
    world.settled("").await;
    let dates = [
        ("StartDate", "2000-01-01T00:00:00Z"),
        ("EndDate", "2999-01-01T00:00:00Z"),
        ("State", "failed"),
    ];
    world.server.post(REPLAY, &dates).await.expect(202);
    let calls = world.next_calls(8).await;
    assert_eq!(bodies(&calls), expected);
    assert!(calls.iter().all(|call| call.text("ConversationSid") == second));
    world.settled("").await;

    // Whatever became of it, without what is a replay itself.
    world.server.post(REPLAY, &dates[..2]).await.expect(202);
    world.next_calls(16).await;
    assert_eq!(world.settled("").await.len(), 48);
    assert_eq!(world.sink.came().map(|call| call.body), None);

    for wrong in [
        &[][..],
        &dates[..1],
        &[("State", "failed")],
        &[("ConversationSid", "x")],
        &[("ConversationSid", first.as_str()), ("State", "queued")],
        &[
            ("StartDate", "2026-01-02T00:00:00Z"),
            ("EndDate", "2026-01-01T00:00:00Z"),
        ],
        &[("ConversationSid", first.as_str()), ("Url", "nowhere")],
    ] {
        world.server.post(REPLAY, wrong).await.expect(400);
    }
    let nobodys = [("ConversationSid", "CH00000000000000000000000000000000")];
    world.server.post(REPLAY, &nobodys).await.expect(404);
    assert_eq!(world.settled("").await.len(), 48);
}

/// A range that holds more than one step takes.
#[tokio::test]
async fn a_long_range_is_replayed_step_by_step() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let sid = world.conversation().await;
    let (world_ref, sid_ref) = (&world, sid.as_str());
    futures_util::future::join_all((0..450).map(|_| async move { world_ref.say(sid_ref, "x").await })).await;
    world.next_calls(450).await;
    world.settled("?PageSize=1000").await;
    let range = [("ConversationSid", sid.as_str())];
    world.server.post(REPLAY, &range).await.expect(202);
    for index in 0..450 {
        assert_eq!(world.sink.next().await.text("Index"), index.to_string());
    }
    assert_eq!(world.settled("?PageSize=1000").await.len(), 900);
}

/// Nobody sees or repeats what another account's webhooks were told.
#[tokio::test]
async fn the_log_is_the_accounts_own() {
    let mut world = World::new(&["onMessageAdded"]).await;
    let sid = world.conversation().await;
    world.say(&sid, "hello").await;
    world.sink.next().await;
    let id = ids(&world.settled("").await)[0];
    let made = world
        .server
        .post("/2010-04-01/Accounts.json", &[])
        .await
        .expect(201);
    let other = world
        .server
        .rest
        .with(&made.text_of("sid"), &made.text_of("auth_token"));
    assert_eq!(other.list(LOG, "webhook_deliveries").await.len(), 0);
    let query = format!("{LOG}?ConversationSid={sid}");
    assert_eq!(other.list(&query, "webhook_deliveries").await.len(), 0);
    other.get(&format!("{LOG}/{id}")).await.expect(404);
    other.post(&format!("{LOG}/{id}/Replay"), &[]).await.expect(404);
    other.post(REPLAY, &[("ConversationSid", &sid)]).await.expect(404);
    let nobody = world.server.rest.anonymous();
    nobody.get(LOG).await.expect(401);
    nobody
        .post(REPLAY, &[("ConversationSid", &sid)])
        .await
        .expect(401);
    assert_eq!(world.settled("").await.len(), 1);
    assert!(world.sink.came().is_none());
}

/// B-410: when a target has not answered for longer than anything is tried, what has become too old is given up by rows,
/// with one alert; what is younger stays, and arrives when the target is back.
#[tokio::test]
async fn what_is_too_old_for_a_dead_target_is_given_up_at_once() {
    let server = TestServer::start_at(VirtualClock::default()).await;
    let mut world = World::on(server, &["onMessageAdded"]).await;
    world.sink.answer(|_| Reply::status(503));
    let sid = world.conversation().await;
    let mut conversations = Vec::new();
    for _ in 0..20 {
        conversations.push(world.conversation().await);
    }
    // Long in one lane, and many lanes.
    for n in 0..100 {
        world.say(&sid, &n.to_string()).await;
    }
    for other in &conversations {
        world.say(other, "0").await;
    }
    // Not over REST, which would wait for all that is due: most of it is spared.
    let engine = world.server.engine().clone();
    let advance = |minutes: i64| engine.set_clock(engine.now().plus_seconds(minutes * 60)).unwrap();
    for _ in 0..8 {
        world.sink.next().await;
        advance(1);
    }
    advance(20 * 60);
    world.say(&sid, "young").await;
    advance(6 * 60);
    let given_up = soon("the old ones to be given up", async {
        loop {
            let failed = world.listed("?State=failed&PageSize=1000").await;
            if failed.len() == 120 {
                return failed;
            }
            advance(1);
        }
    })
    .await;
    let untried = given_up.iter().filter(|e| e["attempt_count"] == 0).count();
    assert!(untried >= 90, "{untried}");
    let untried = given_up.iter().find(|e| e["attempt_count"] == 0).unwrap();
    assert!(untried["error"].as_str().unwrap().contains("without a call"));
    let alerts = world
        .server
        .rest
        .list("/monitor/v1/Alerts?PageSize=1000", "alerts")
        .await;
    let told: Vec<u64> = alerts
        .iter()
        .filter_map(|alert| {
            let text = alert["alert_text"].as_str().unwrap();
            let count = text.split_once(" calls of webhooks to ")?.0;
            count.rsplit(' ').next()?.parse().ok()
        })
        .collect();
    let told_of: u64 = told.iter().sum();
    assert!(told_of >= 90 && told.len() <= 3, "{told:?}");
    let waiting = world.listed("?State=queued").await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");

    world.sink.answer(|_| Reply::ok());
    soon("the young one to arrive", async {
        while world.listed("?State=delivered").await.is_empty() {
            advance(1);
        }
    })
    .await;
    assert_eq!(world.settled("?State=failed&PageSize=1000").await.len(), 120);
}
