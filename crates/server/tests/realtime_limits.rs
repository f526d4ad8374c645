//! Limits of the connections and requests of SDK clients (B-746, B-747, B-748), and clients that send without measure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use confab_server::config::{Limits, LimitsProfile};
use confab_testkit::{Frame, Socket, TestClock, TestServer, access_token, soon};
use confab_types::{AccountSid, Sid as _};
use serde_json::{Value, json};
use support::{CONVERSATIONS, USERS, conversation, say, snapshot, user};

/// A server with limits, in a second that does not end by itself.
async fn limited(change: impl FnOnce(&mut Limits)) -> (TestServer, TestClock) {
    let clock = TestClock::new();
    let server = TestServer::start_by(clock.clone(), |config| change(&mut config.limits)).await;
    (server, clock)
}

/// A token for a user of a new subaccount.
async fn token_of_subaccount(server: &TestServer) -> String {
    let engine = server.engine();
    let owner = AccountSid::parse(&server.account_sid).unwrap();
    let account = engine
        .create_subaccount(confab_domain::Actor::Rest, owner, None)
        .await
        .unwrap();
    let (key, secret) = engine
        .create_key(confab_domain::Actor::Rest, account.sid, String::new())
        .await
        .unwrap();
    let service = account.default_service.to_string();
    access_token(
        &account.sid.to_string(),
        "carol",
        &service,
        &key.sid.to_string(),
        &secret,
        3600,
    )
}

/// Tries to connect: the client, or what it was refused with.
async fn enter(server: &TestServer, token: &str) -> Result<Socket, (u64, u64)> {
    let mut socket = server.connect().await;
    let reply = socket.init(token).await;
    if reply.status() == 200 {
        return Ok(socket);
    }
    let status = &reply.header["status"];
    // What the SDK acts on: it waits so long (realtime.md §2.3) and shows the text.
    assert!(status["description"].is_string(), "{}", reply.header);
    let wait = &reply.json()["backoff_policy"]["reconnect_min_ms"];
    assert!(wait.as_u64().is_some_and(|ms| ms >= 1000), "{wait}");
    // Nothing that it sends now is acted on, and its goodbye ends the connection.
    let configuration = json!({"method": "GET", "path": "/Client/v2/Configuration"});
    socket
        .send(json!({"method": "message", "http_request": configuration}), b"")
        .await;
    say_goodbye(&mut socket).await;
    Err((reply.status(), status["errorCode"].as_u64().unwrap()))
}

/// Says goodbye as the SDK does and waits until the server has ended the connection; nothing else comes.
async fn say_goodbye(socket: &mut Socket) {
    socket.send(json!({"method": "close"}), b"").await;
    assert_eq!(socket.next().await, None);
}

async fn refusal(server: &TestServer, token: &str) -> (u64, u64) {
    enter(server, token).await.err().expect("it is refused")
}

async fn client(server: &TestServer, token: &str) -> Socket {
    enter(server, token).await.expect("it is let in")
}

/// Status and code of a request.
async fn ask(socket: &mut Socket, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let (status, body) = socket.request(method, path, &[], body).await;
    (status, body["code"].clone())
}

/// B-746, B-747, B-036
#[tokio::test]
async fn one_connection_too_many_is_refused_until_another_one_ends_b746_b747() {
    let (server, _) = limited(|limits| {
        limits.connections = 3;
        limits.account_connections = 2;
    })
    .await;
    let (alice, bob) = (server.token("alice").await, server.token("bob").await);
    let carol = token_of_subaccount(&server).await;
    let mut first = client(&server, &alice).await;
    let second = client(&server, &alice).await;
    assert_eq!(refusal(&server, &bob).await, (429, 51001));
    // Nothing came of it: there is no such user.
    server.get(&format!("{USERS}/bob")).await.expect(404);
    // A subaccount has a number of its own, and there is one place left.
    let mut third = client(&server, &carol).await;
    assert_eq!(refusal(&server, &carol).await, (429, 51001));
    // A token that is not good is told so, and takes no place.
    let mut stranger = server.connect().await;
    assert_eq!(stranger.init("no token").await.status(), 401);
    // Every way to end a connection leaves its place to another one: a goodbye …
    say_goodbye(&mut first).await;
    let mut first = client(&server, &bob).await;
    assert_eq!(refusal(&server, &alice).await, (429, 51001));
    assert_eq!(refusal(&server, &carol).await, (429, 51001));
    // … a close by the server …
    first.send(json!({"method": "init"}), b"").await;
    assert_eq!(first.next().await.expect("a close").status(), 406);
    let _first = client(&server, &bob).await;
    assert_eq!(refusal(&server, &alice).await, (429, 51001));
    // … and a socket that is cut off, which the server notices by itself.
    drop(second);
    let replaced = soon("the place of a lost connection", async {
        loop {
            if let Ok(socket) = enter(&server, &alice).await {
                return socket;
            }
        }
    });
    let _second = replaced.await;
    say_goodbye(&mut third).await;
    client(&server, &carol).await;
}

/// B-746, B-747
#[tokio::test]
async fn one_new_connection_too_many_in_a_second_is_refused_b746_b747() {
    let (server, clock) = limited(|limits| {
        limits.new_connections_per_second = 3;
        limits.account_new_connections_per_second = 2;
    })
    .await;
    let alice = server.token("alice").await;
    let carol = token_of_subaccount(&server).await;
    say_goodbye(&mut client(&server, &alice).await).await;
    say_goodbye(&mut client(&server, &alice).await).await;
    assert_eq!(refusal(&server, &alice).await, (429, 51124));
    client(&server, &carol).await;
    assert_eq!(
        refusal(&server, &carol).await,
        (429, 51124),
        "three of all accounts"
    );
    clock.advance(1);
    // Those refused were not counted.
    let mut socket = client(&server, &alice).await;
    client(&server, &alice).await;
    assert_eq!(refusal(&server, &alice).await, (429, 51124));
    // A new token for an open connection makes no new one.
    let other = server.token("alice").await;
    assert_eq!(socket.update(&other).await.status(), 200);
}

/// B-746, B-036
#[tokio::test]
async fn one_request_too_many_in_a_second_changes_nothing_b746_b036() {
    let (server, clock) = limited(|limits| {
        limits.connection_requests_per_second = 3;
        limits.account_requests_per_second = 5;
    })
    .await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let messages = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let (mut alice, mut bob) = (server.client("alice").await, server.client("bob").await);
    let mut carol = client(&server, &token_of_subaccount(&server).await).await;
    let hello = json!({"body": "hello"});
    let configuration = "/Client/v2/Configuration";
    for _ in 0..2 {
        assert_eq!(ask(&mut alice, "POST", &messages, Some(&hello)).await.0, 201);
    }
    assert_eq!(ask(&mut alice, "GET", "/nowhere", None).await.0, 404);
    let before = snapshot(&server, &sid).await;
    let refused = (429, json!(20429));
    for _ in 0..10 {
        assert_eq!(ask(&mut alice, "POST", &messages, Some(&hello)).await, refused);
        assert_eq!(ask(&mut alice, "GET", configuration, None).await, refused);
    }
    // Bob has two of the account's five left: what was refused was not counted.
    for _ in 0..2 {
        assert_eq!(ask(&mut bob, "GET", configuration, None).await.0, 200);
    }
    assert_eq!(ask(&mut bob, "POST", &messages, Some(&hello)).await, refused);
    assert_eq!(snapshot(&server, &sid).await, before);
    // Neither are other accounts concerned, nor REST, nor what is no request.
    assert_eq!(ask(&mut carol, "GET", configuration, None).await.0, 200);
    say(&server, &sid, "over REST").await;
    assert_eq!(alice.update(&server.token("alice").await).await.status(), 200);
    clock.advance(1);
    for _ in 0..3 {
        assert_eq!(ask(&mut alice, "POST", &messages, Some(&hello)).await.0, 201);
    }
    assert_eq!(ask(&mut alice, "POST", &messages, Some(&hello)).await, refused);
}

/// Sends so many requests at once and gives the status of each answer, in their order.
async fn pipeline(socket: &mut Socket, requests: usize) -> Vec<u64> {
    let nowhere = json!({"method": "message", "http_request": {"method": "GET", "path": "/nowhere"}});
    let mut ids = Vec::new();
    for _ in 0..requests {
        ids.push(socket.send(nowhere.clone(), b"").await);
    }
    let mut statuses = Vec::new();
    for id in ids {
        let reply = socket.next().await.expect("an answer");
        assert_eq!(
            reply.header["id"], id,
            "answers come in the order of the requests"
        );
        statuses.push(reply.header["http_status"]["code"].as_u64().unwrap());
    }
    statuses
}

/// B-746, B-748
#[tokio::test]
async fn the_documented_profile_limits_as_documented_b746_b748() {
    let (server, clock) = limited(|limits| limits.profile = LimitsProfile::Documented).await;
    let token = server.token("alice").await;
    let mut clients = Vec::new();
    for _ in 0..110 {
        clients.push(client(&server, &token).await);
    }
    assert_eq!(refusal(&server, &token).await, (429, 51124));
    assert_eq!(pipeline(&mut clients[0], 500).await, [404; 500]);
    assert_eq!(pipeline(&mut clients[0], 2).await, [429, 429]);
    assert_eq!(pipeline(&mut clients[1], 1).await, [404]);
    clock.advance(1);
    assert_eq!(pipeline(&mut clients[0], 1).await, [404]);
    client(&server, &token).await;
}

/// B-748
#[tokio::test]
async fn without_limits_nothing_is_limited_b748() {
    let (server, _) = limited(|_| {}).await;
    let token = server.token("alice").await;
    let mut clients = Vec::new();
    for _ in 0..120 {
        clients.push(client(&server, &token).await);
    }
    assert_eq!(pipeline(&mut clients[0], 600).await, [404; 600]);
}

/// A frame as great as this pays for four more, so that the test need not send so many.
const GREAT: [u8; 16 * 1024] = [b' '; 16 * 1024];

/// Sends frames with something to be answered in between until the server closes; gives the statuses of the answers.
async fn flood(socket: &mut Socket, frame: &Value, mut meanwhile: impl AsyncFnMut()) -> (Vec<u64>, Frame) {
    let question = json!({"method": "message", "http_request": {"method": "GET", "path": "/nowhere"}});
    let bytes = Frame::build(frame.clone(), &GREAT);
    let question = Frame::build(question, b"");
    let mut statuses = Vec::new();
    loop {
        for _ in 0..100 {
            // The close may come at any moment.
            socket.send_unwelcome(bytes.clone()).await;
        }
        socket.send_unwelcome(question.clone()).await;
        meanwhile().await;
        loop {
            let frame = socket.next().await.expect("a close");
            if frame.method() == "close" {
                return (statuses, frame);
            }
            // Pings come whenever they are due; replies to the frames themselves say the same as that to the question.
            if frame.method() == "reply" {
                let status = &frame.header["http_status"]["code"];
                statuses.push(status.as_u64().unwrap());
                if frame.header["id"].is_null() || frame.header["id"] == "" {
                    break;
                }
            }
        }
    }
}

/// Whoever sends on after he was told that it is too much is closed, and others notice nothing.
#[tokio::test]
async fn a_client_that_sends_without_measure_is_told_and_then_closed_s2_6() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let messages = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let posting = json!({"method": "message", "id": "TM1",
        "http_request": {"method": "POST", "path": "/nowhere"}});
    for frame in [json!({"method": "telemetry.v1", "id": "TM1"}), posting] {
        let mut alice = server.client("alice").await;
        let mut bob = server.client("bob").await;
        let mut said = 0;
        let (statuses, close) = flood(&mut alice, &frame, async || {
            said += 1;
            let body = json!({"body": said.to_string()});
            let (status, answer) = bob.request("POST", &messages, &[], Some(&body)).await;
            assert_eq!(status, 201, "{answer}");
        })
        .await;
        assert_eq!(close.status(), 429, "{}", close.header);
        let refused = statuses.iter().position(|status| *status == 429);
        let (taken, refused) = statuses.split_at(refused.expect("it is told first"));
        assert!(taken.iter().all(|status| *status == 404), "{statuses:?}");
        assert!(refused.iter().all(|status| *status == 429), "{statuses:?}");
        // As the SDK does some seconds later, it may come again.
        drop(alice);
        let mut again = server.client("alice").await;
        assert_eq!(pipeline(&mut again, 1).await, [404]);
    }
}

/// The start of the SDK with the documented 1000 conversations (B-741): everything is asked for at once.
#[tokio::test]
async fn thousands_of_requests_at_once_are_answered_b741() {
    let server = TestServer::start().await;
    let mut alice = server.client("alice").await;
    for _ in 0..5 {
        assert_eq!(pipeline(&mut alice, 1000).await, [404; 1000]);
    }
    assert_eq!(
        user(&server, "alice").await,
        server.get(&format!("{USERS}/alice")).await.text_of("sid")
    );
    server.get(CONVERSATIONS).await.expect(200);
}
