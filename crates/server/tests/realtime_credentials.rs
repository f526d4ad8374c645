//! A connection is worth no more than the credentials behind its token (B-003, B-702): when the key that signed it is
//! deleted, or its account is suspended or closed, it ends, and what is asked by it from then on is not done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use confab_domain::account::{self, Account};
use confab_testkit::{Socket, TestServer, access_token};
use confab_types::{AccountSid, Sid as _};
use serde_json::json;
use support::{Feed, connect, conversation, say, snapshot};

/// The server closes with 401, at which the SDK stays away until it is given another token (realtime.md §2.6); then the
/// connection ends. Gives the code. No answer comes before it.
async fn shut_out(mut socket: Socket) -> u64 {
    let close = socket.next().await.expect("a close");
    assert_eq!(
        (close.method(), close.status()),
        ("close", 401),
        "{}",
        close.header
    );
    assert!(
        close.header["status"]["description"].is_string(),
        "{}",
        close.header
    );
    assert_eq!(socket.next().await, None);
    close.header["status"]["errorCode"].as_u64().unwrap()
}

/// What a token is refused with.
async fn refused(server: &TestServer, token: &str) -> (u64, Option<u64>) {
    let mut socket = server.connect().await;
    let reply = socket.init(token).await;
    (reply.status(), reply.header["status"]["errorCode"].as_u64())
}

async fn delete_key(server: &TestServer, collection: &str, key: &str) {
    let path = format!(
        "/2010-04-01/Accounts/{}/{collection}/{key}.json",
        server.account_sid
    );
    server.delete(&path).await.expect(204);
}

/// A subaccount with a key, and a token of a user in it.
struct Tenant {
    account: Account,
    token: String,
}

impl Tenant {
    async fn make(server: &TestServer) -> Self {
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
        let (sid, key) = (account.sid.to_string(), key.sid.to_string());
        let token = access_token(&sid, "carol", &service, &key, &secret, 3600);
        Self { account, token }
    }

    async fn set(&self, server: &TestServer, status: account::Status) {
        let path = format!("/2010-04-01/Accounts/{}.json", self.account.sid);
        server.post(&path, &[("Status", status.name())]).await.expect(200);
    }
}

async fn works(socket: &mut Socket) {
    let (status, body) = socket.request("GET", "/Client/v2/Configuration", &[], None).await;
    assert_eq!(status, 200, "{body}");
}

/// B-003, B-703
#[tokio::test]
async fn a_deleted_key_ends_the_connections_that_live_by_it_b003_b703() {
    let server = TestServer::start().await;
    for collection in ["Keys", "SigningKeys"] {
        let (key, secret) = server.create_key().await;
        let token = |identity| server.access_token(identity, &server.service_sid, &key, &secret, 3600);
        let alice = connect(&server, &token("alice")).await;
        let bob = connect(&server, &token("bob")).await;
        let mut other = server.client("alice").await;
        delete_key(&server, collection, &key).await;
        assert_eq!(shut_out(alice).await, 20103);
        assert_eq!(shut_out(bob).await, 20103);
        assert_eq!(refused(&server, &token("alice")).await, (401, Some(20103)));
        works(&mut other).await;
    }
}

/// B-003
#[tokio::test]
async fn from_the_deletion_on_nothing_is_done_or_told_b003() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let (key, secret) = server.create_key().await;
    let token = server.access_token("alice", &server.service_sid, &key, &secret, 3600);
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let mut writer = connect(&server, &token).await;
    let mut reader = Feed::new(connect(&server, &token).await);
    let entities = reader.open_conversation(&sid).await;
    let requests: Vec<_> = entities.iter().map(support::Entity::since_read).collect();
    reader.establish(1, &requests).await;
    delete_key(&server, "Keys", &key).await;
    say(&server, &sid, "after the deletion").await;
    let before = snapshot(&server, &sid).await;
    let post = json!({"method": "message", "http_request": {"method": "POST", "path": path}});
    let frame = confab_testkit::Frame::build(post, b"{\"body\":\"too late\"}");
    writer.send_unwelcome(frame).await;
    assert_eq!(shut_out(writer).await, 20103);
    assert_eq!(shut_out(reader.socket).await, 20103);
    assert_eq!(snapshot(&server, &sid).await, before);
}

/// B-702
#[tokio::test]
async fn a_suspended_or_closed_account_has_no_connections_b702() {
    let server = TestServer::start().await;
    let (tenant, neighbour) = (Tenant::make(&server).await, Tenant::make(&server).await);
    let mut others = vec![
        server.client("alice").await,
        connect(&server, &neighbour.token).await,
    ];
    for status in [account::Status::Suspended, account::Status::Closed] {
        let (first, second) = (
            connect(&server, &tenant.token).await,
            connect(&server, &tenant.token).await,
        );
        tenant.set(&server, status).await;
        assert_eq!(shut_out(first).await, 20005);
        assert_eq!(shut_out(second).await, 20005);
        assert_eq!(refused(&server, &tenant.token).await, (403, Some(20005)));
        for other in &mut others {
            works(other).await;
        }
        if status == account::Status::Suspended {
            tenant.set(&server, account::Status::Active).await;
        }
    }
}

/// B-709, B-710
#[tokio::test]
async fn a_connection_lives_by_the_key_of_its_newest_token_b709() {
    let server = TestServer::start().await;
    let (old, old_secret) = server.create_key().await;
    let (new, new_secret) = server.create_key().await;
    let token =
        |key: &str, secret: &str| server.access_token("alice", &server.service_sid, key, secret, 3600);
    let mut alice = connect(&server, &token(&old, &old_secret)).await;
    assert_eq!(alice.update(&token(&new, &new_secret)).await.status(), 200);
    delete_key(&server, "Keys", &old).await;
    works(&mut alice).await;
    // A refused token changes nothing of that.
    assert_eq!(alice.update(&token(&old, &old_secret)).await.status(), 401);
    works(&mut alice).await;
    delete_key(&server, "Keys", &new).await;
    assert_eq!(shut_out(alice).await, 20103);
}

#[tokio::test]
async fn what_leaves_the_credentials_good_ends_nothing() {
    let server = TestServer::start().await;
    let (key, secret) = server.create_key().await;
    let token = server.access_token("alice", &server.service_sid, &key, &secret, 3600);
    let mut alice = connect(&server, &token).await;
    let tenant = Tenant::make(&server).await;
    let service = server
        .post("/conversations/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201)
        .text_of("sid");
    // The account's defaults are remembered with its credentials.
    let configuration = [("DefaultChatServiceSid", service.as_str())];
    server
        .post("/conversations/v1/Configuration", &configuration)
        .await
        .expect(200);
    let own = format!("/2010-04-01/Accounts/{}", server.account_sid);
    let name = [("FriendlyName", "renamed")];
    server
        .post(&format!("{own}/Keys/{key}.json"), &name)
        .await
        .expect(200);
    server.post(&format!("{own}.json"), &name).await.expect(200);
    tenant.set(&server, account::Status::Suspended).await;
    let (other, _) = server.create_key().await;
    delete_key(&server, "Keys", &other).await;
    works(&mut alice).await;
}

/// Whoever comes while the key goes is refused or closed, whatever comes first.
#[tokio::test]
async fn no_connection_slips_in_beside_a_deletion_b003() {
    let server = TestServer::start().await;
    for _ in 0..5 {
        let (key, secret) = server.create_key().await;
        let token = server.access_token("alice", &server.service_sid, &key, &secret, 3600);
        let enter = async || {
            let mut socket = server.connect().await;
            let reply = socket.init(&token).await;
            match reply.status() {
                200 => shut_out(socket).await,
                status => {
                    assert_eq!(status, 401, "{}", reply.header);
                    reply.header["status"]["errorCode"].as_u64().unwrap()
                }
            }
        };
        let (a, b, c, d, e, f, ()) = tokio::join!(
            enter(),
            enter(),
            enter(),
            enter(),
            enter(),
            enter(),
            delete_key(&server, "Keys", &key)
        );
        assert_eq!([a, b, c, d, e, f], [20103; 6]);
    }
}
