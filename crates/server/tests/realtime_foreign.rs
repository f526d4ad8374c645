//! What is not a user's own stays out of his reach: every request that is answered inside the websocket and every Sync
//! entity, tried by those who have no part in it (B-031, B-711, B-714; realtime.md §3.2, §4.8, §9.10).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use std::collections::BTreeSet;

use confab_testkit::{Frame, Socket, TestServer, access_token};
use confab_types::{AccountSid, Sid as _};
use serde_json::{Value, json};
use support::{CONVERSATIONS, USERS, add, connect, remove, say, snapshot, user};

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// A user of another account.
    OtherAccount,
    /// A user of another service of the account.
    OtherService,
    /// A user of the service who may join conversations, and so look at what he could join (§9.10).
    Stranger,
    /// A user of the service who may not.
    Barred,
    /// One who was in and was taken out.
    Removed,
    /// One who made the conversation, was in and left: he may look at the conversation itself (§9.10).
    FormerCreator,
    /// One who was in, and whose user was removed while he is connected.
    Deleted,
}

impl Who {
    fn is_far(self) -> bool {
        matches!(self, Self::OtherAccount | Self::OtherService)
    }

    /// What no frame to him may hold. Whatever is secret is named so.
    fn secrets(self) -> Vec<&'static str> {
        let mut secrets = vec!["secret-text", "secret-member", "secret-receipt"];
        if !matches!(self, Self::Stranger | Self::FormerCreator) {
            secrets.push("secret-conversation");
        }
        if self != Self::Stranger {
            secrets.push("secret-private");
        }
        // Users of a service may look each other up (§4.4).
        if self.is_far() || self == Self::Deleted {
            secrets.push("secret-user");
        }
        if self == Self::OtherAccount {
            secrets.push("secret-template");
        }
        secrets
    }
}

/// Status and code of an answer; a code of 0 for one that is no error.
type Answer = (u64, u64);
const DONE: Answer = (200, 0);

/// A request: method, path, bodies, and the answers of one who has no part in what it names: in another service, and in
/// the same one.
type Route = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [Answer],
    &'static [Answer],
);

const NOT_THERE: &[Answer] = &[(404, 20404)];
const NO_PARENT: &[Answer] = &[(404, 50350)];
const NOT_IN: &[Answer] = &[(403, 50430)];
const NOT_HIS_OR_NOT_IN: &[Answer] = &[(403, 20403), (404, 20404)];

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    ("GET", "/Client/v2/Configuration", &[""], &[DONE], &[DONE]),
    // His own is answered, and holds nothing of this.
    ("GET", "/Client/v2/Services/{service}/Users/{user}/Conversations", &[""], &[DONE, (403, 20403)], &[DONE, (403, 20403)]),
    ("GET", "/Client/v2/Services/{service}/Users/{user}/Conversations/{conversation}", &[""], NOT_HIS_OR_NOT_IN, NOT_HIS_OR_NOT_IN),
    ("POST", "/Client/v2/Services/{service}/Users/{user}/Conversations/{conversation}",
        &[r#"{"last_read_message_index":0}"#, r#"{"last_read_message_index":null}"#, r#"{"notification_level":"muted"}"#, "{}"],
        NOT_HIS_OR_NOT_IN, NOT_HIS_OR_NOT_IN),
    // The same name in another service is another name.
    ("POST", "/Client/v2/Services/{service}/Conversations", &[r#"{"unique_name":"known-name"}"#],
        &[(201, 0), (409, 50353)], &[(409, 50353), (403, 50107)]),
    ("GET", "/Client/v2/Services/{service}/Conversations/{conversation}", &[""], NOT_THERE, &[DONE, (403, 50430)]),
    ("POST", "/Client/v2/Services/{service}/Conversations/{conversation}",
        &[r#"{"friendly_name":"taken"}"#, r#"{"unique_name":"taken"}"#, r#"{"attributes":"{\"taken\":1}"}"#, "{}"], NOT_THERE, NOT_IN),
    ("DELETE", "/Client/v2/Services/{service}/Conversations/{conversation}", &["{}"], NOT_THERE, NOT_IN),
    ("POST", "/Client/v2/Services/{service}/Conversations/{conversation}/Participants",
        &[r#"{"identity":"somebody"}"#, r#"{"identity":"bob"}"#,
          r#"{"messaging_binding":{"address":"+15558675311","proxy_address":"+15017122661"}}"#], NO_PARENT, NOT_IN),
    ("POST", "/Client/v2/Services/{service}/Conversations/{conversation}/Participants/{participant}",
        &[r#"{"attributes":"{\"taken\":1}"}"#, "{}"], NO_PARENT, NOT_IN),
    ("DELETE", "/Client/v2/Services/{service}/Conversations/{conversation}/Participants/{participant}", &["{}"], NO_PARENT, NOT_IN),
    ("POST", "/Client/v2/Services/{service}/Conversations/{conversation}/Messages",
        &[r#"{"body":"intruder"}"#, r#"{"body":"x","author":"bob"}"#], NO_PARENT, NOT_IN),
    ("POST", "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}",
        &[r#"{"body":"intruder"}"#, r#"{"attributes":"{\"taken\":1}"}"#, "{}"], NO_PARENT, NOT_IN),
    ("DELETE", "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}", &["{}"], NO_PARENT, NOT_IN),
    ("GET", "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}/Receipts", &[""], NO_PARENT, NOT_IN),
    ("GET", "/Client/v2/Services/{service}/Conversations/{conversation}/Messages/{message}/ChannelMetadata", &[""], NO_PARENT, NOT_IN),
    ("GET", "/Client/v2/Services/{service}/Conversations/{conversation}/MessageRecipients", &[""], NO_PARENT, NOT_IN),
    ("GET", "/Client/v2/Services/{service}/Users/{user}", &[""], &[DONE, (404, 50200)], &[DONE, (403, 50107)]),
    ("POST", "/Client/v2/Services/{service}/Users/{other}", &[r#"{"friendly_name":"taken"}"#, r#"{"attributes":"{\"taken\":1}"}"#],
        &[(404, 50200)], &[(403, 50107)]),
    ("POST", "/Client/v2/Services/{service}/Typing", &["ChannelSid={conversation}"], NO_PARENT, NOT_IN),
    ("GET", "/Client/v2/ContentTemplates", &[""], &[DONE], &[DONE]),
    // Of his own devices: whatever he names, nobody else's is changed.
    ("POST", "/v1/registrations", &["{}"], &[(400, 20001)], &[(400, 20001)]),
    ("DELETE", "/v1/registrations", &["{}"], &[(400, 20001)], &[(400, 20001)]),
    ("DELETE", "/v1/registrations/{id}", &["{}"], &[(204, 0)], &[(204, 0)]),
    ("GET", "/v3/Documents/{entity}", &[""], &[(404, 54100)], &[DONE, (403, 54007), (404, 54100)]),
    ("GET", "/v3/Lists/{entity}", &[""], &[(404, 54150)], &[(403, 54007), (404, 54150)]),
    ("GET", "/v3/Lists/{entity}/Items", &[""], &[(404, 54150)], &[(403, 54007), (404, 54150)]),
    ("GET", "/v3/Maps/{entity}", &[""], &[(403, 54007), (404, 54200)], &[DONE, (403, 54007), (404, 54200)]),
    ("GET", "/v3/Maps/{entity}/Items", &[""], &[(403, 54007), (404, 54200)], &[DONE, (403, 54007), (404, 54200)]),
    // Answered for each entity by itself.
    ("POST", "/v4/Subscriptions", &[], &[], &[]),
];

/// A conversation of bob with all that a path can name, and one that only he is in.
struct Target {
    service: String,
    conversation: String,
    private: String,
    participant: String,
    message: String,
    bob: String,
}

impl Target {
    /// `creator` makes the conversation, joins it, lets bob in, and is still in.
    async fn make(server: &TestServer, creator: &mut Socket) -> Self {
        let base = format!("/Client/v2/Services/{}/Conversations", server.service_sid);
        let new = json!({"friendly_name": "secret-conversation", "unique_name": "known-name",
            "attributes": "{\"k\":\"secret-conversation\"}"});
        let (status, made) = creator.request("POST", &base, &[], Some(&new)).await;
        assert_eq!(status, 201, "{made}");
        let conversation = made["sid"].as_str().unwrap().to_owned();
        let join = json!({"identity": "erin"});
        let path = format!("{base}/{conversation}/Participants");
        assert_eq!(creator.request("POST", &path, &[], Some(&join)).await.0, 201);
        let member = [("Identity", "bob"), ("Attributes", "{\"k\":\"secret-member\"}")];
        let joined = server
            .post(&format!("{CONVERSATIONS}/{conversation}/Participants"), &member)
            .await;
        let info = [
            ("FriendlyName", "secret-user"),
            ("Attributes", "{\"k\":\"secret-user\"}"),
        ];
        server.post(&format!("{USERS}/bob"), &info).await.expect(200);
        let private = [
            ("FriendlyName", "secret-private"),
            ("UniqueName", "secret-private"),
        ];
        let private = server
            .post(CONVERSATIONS, &private)
            .await
            .expect(201)
            .text_of("sid");
        add(server, &private, "bob").await;
        say(server, &private, "secret-text").await;
        let template = json!({"friendly_name": "secret-template", "language": "en",
            "types": {"twilio/text": {"body": "secret-template"}}});
        let request = server
            .rest
            .request(reqwest::Method::POST, "/content/v1/Content")
            .json(&template);
        server.rest.send(request).await.unwrap().expect(201);
        Self {
            service: server.service_sid.clone(),
            participant: joined.expect(201).text_of("sid"),
            message: say(server, &conversation, "secret-text").await,
            bob: user(server, "bob").await,
            conversation,
            private,
        }
    }

    /// Entities, and keys that are none: kind, key.
    fn entities(&self, kind: &str) -> Vec<String> {
        let (own, bob) = ([&self.conversation, &self.private], &self.bob);
        let digits = |sid: &str| sid[2..].to_owned();
        match kind {
            "document" => own
                .iter()
                .flat_map(|sid| {
                    [
                        format!("{sid}.channel"),
                        format!("ET{}", digits(sid)),
                        format!("ES{}", digits(sid)),
                        format!("{sid}.roster"),
                        (*sid).clone(),
                    ]
                })
                .collect(),
            "list" => own
                .iter()
                .flat_map(|sid| {
                    [
                        format!("{sid}.messages"),
                        format!("ES{}", digits(sid)),
                        format!("{sid}.channel"),
                        format!("{sid}.messages.messages"),
                        (*sid).clone(),
                    ]
                })
                .collect(),
            _ => own
                .iter()
                .flat_map(|sid| {
                    [
                        format!("{sid}.roster"),
                        format!("MP{}", digits(sid)),
                        format!("{sid}.messages"),
                    ]
                })
                .chain([
                    format!("{bob}.my_conversations"),
                    format!("MP{}", digits(bob)),
                    bob.clone(),
                    format!("{bob}.my_conversations.info"),
                    "bob.my_conversations".into(),
                ])
                .collect(),
        }
    }

    /// Bob's info: users of the service may read it.
    fn info(&self) -> Vec<String> {
        let bits = u128::from_str_radix(&self.bob[2..], 16).unwrap() ^ (1 << 127);
        vec![format!("{}.info", self.bob), format!("MP{bits:032x}")]
    }

    async fn seen(&self, server: &TestServer) -> Value {
        let receipts = format!(
            "{CONVERSATIONS}/{}/Messages/{}/Receipts",
            self.conversation, self.message
        );
        json!([
            snapshot(server, &self.conversation).await,
            snapshot(server, &self.private).await,
            server
                .rest
                .list(&format!("{USERS}/bob/Conversations"), "conversations")
                .await,
            server.rest.list(&receipts, "delivery_receipts").await,
        ])
    }

    /// Things happen in what is not his.
    async fn live(&self, server: &TestServer) {
        for sid in [&self.conversation, &self.private] {
            let one = format!("{CONVERSATIONS}/{sid}");
            say(server, sid, "secret-text later").await;
            server
                .post(&one, &[("Attributes", "{\"later\":1}")])
                .await
                .expect(200);
            let member = [("Identity", "dave"), ("Attributes", "{\"k\":\"secret-member\"}")];
            let joined = server
                .post(&format!("{one}/Participants"), &member)
                .await
                .expect(201);
            remove(server, sid, &joined.text_of("sid")).await;
        }
        server
            .post(&format!("{USERS}/bob"), &[("FriendlyName", "secret-user later")])
            .await
            .expect(200);
        let mut bob = server.client("bob").await;
        let path = format!("/Client/v2/Services/{}/Typing", self.service);
        let form = format!("ChannelSid={}", self.conversation);
        let (status, _) =
            support::raw(&mut bob, json!({"method": "POST", "path": path}), form.as_bytes()).await;
        assert_eq!(status, 200);
    }
}

/// One who tries, and whose every frame is looked through.
struct Outsider {
    who: Who,
    service: String,
    identity: &'static str,
    socket: Socket,
}

impl Outsider {
    fn look(&self, frame: &Frame) {
        let text = String::from_utf8_lossy(&frame.payload);
        for secret in self.who.secrets() {
            assert!(
                !text.contains(secret),
                "{:?} got {secret}: {} {text}",
                self.who,
                frame.header
            );
        }
    }

    /// Asks; gives what came until the answer, and the answer.
    async fn ask(&mut self, method: &str, path: &str, body: &str) -> (Vec<Frame>, Answer) {
        let header = json!({"method": "message", "active_grant": "ip_messaging",
            "payload_type": "application/json; charset=utf-8", "http_request": {"method": method, "path": path}});
        let id = self.socket.send(header, body.as_bytes()).await;
        let mut before = Vec::new();
        loop {
            let frame = self.socket.next().await.unwrap();
            self.look(&frame);
            if frame.method() == "reply" && frame.header["id"] == id.as_str() {
                let status = frame.header["http_status"]["code"].as_u64().unwrap();
                let code = frame.json()["code"].as_u64().unwrap_or(0);
                return (before, (status, code));
            }
            before.push(frame);
        }
    }

    async fn try_route(&mut self, target: &Target, (method, path, bodies, far, near): &Route) {
        let answers = if self.who.is_far() { far } else { near };
        let own = self.service.clone();
        let mut paths = vec![((*path).replace("{service}", &own), false)];
        if own != target.service && path.contains("{service}") {
            paths.push(((*path).replace("{service}", &target.service), true));
        }
        let kind = ["Documents", "Lists", "Maps"]
            .into_iter()
            .find(|c| path.contains(c));
        let mut entities = kind.map_or(Vec::new(), |c| target.entities(&c[..c.len() - 1].to_lowercase()));
        if kind == Some("Maps") {
            entities.extend(target.info());
        }
        for (name, values) in [
            (
                "{user}",
                vec![target.bob.clone(), "bob".into(), self.identity.into()],
            ),
            ("{other}", vec![target.bob.clone(), "bob".into()]),
            (
                "{conversation}",
                vec![
                    target.conversation.clone(),
                    target.private.clone(),
                    "secret-private".into(),
                ],
            ),
            (
                "{participant}",
                vec![
                    target.participant.clone(),
                    "bob".into(),
                    self.identity.into(),
                    "nobody".into(),
                ],
            ),
            (
                "{message}",
                vec![
                    target.message.clone(),
                    "IM00000000000000000000000000000000".into(),
                ],
            ),
            ("{entity}", entities),
        ] {
            let fill = |(path, outside): (String, bool)| -> Vec<(String, bool)> {
                if !path.contains(name) {
                    return vec![(path, outside)];
                }
                values
                    .iter()
                    .map(|value| (path.replace(name, value), outside))
                    .collect()
            };
            paths = paths.into_iter().flat_map(fill).collect();
        }
        for (path, outside) in paths {
            for body in *bodies {
                let body = body.replace("{conversation}", &target.conversation);
                let (_, answer) = self.ask(method, &path, &body).await;
                let known: &[Answer] = if outside { &[(403, 20403)] } else { answers };
                assert!(
                    known.contains(&answer),
                    "{:?}: {method} {path} {body}: {answer:?}",
                    self.who
                );
            }
        }
    }

    /// Follows an entity by name or SID; gives whether he may.
    async fn follow(&mut self, kind: &str, key: &str, after: Value) -> bool {
        let batch = json!({"event_protocol_version": 4, "action": "establish", "correlation_id": 7,
            "requests": [{"object_sid": key, "object_type": kind, "last_event_id": after}]});
        let (mut came, answer) = self.ask("POST", "/v4/Subscriptions", &batch.to_string()).await;
        assert_eq!(
            answer,
            (202, 0),
            "{:?}: {kind} {key}: a batch is never refused (§4.8)",
            self.who
        );
        came.retain(|f| {
            f.json()["event_type"]
                .as_str()
                .is_some_and(|t| t.starts_with("subscription_"))
        });
        assert_eq!(came.len(), 1, "{key}: {came:?}");
        let told = came[0].json();
        let error = &told["events"][0]["error"]["status"];
        match told["event_type"].as_str() {
            Some("subscription_established") => true,
            Some("subscription_failed") => {
                assert!(*error == 403 || *error == 404, "{:?}: {key}: {told}", self.who);
                false
            }
            _ => panic!("{told}"),
        }
    }

    /// Tries everything.
    async fn try_all(&mut self, server: &TestServer, target: &Target) {
        let before = target.seen(server).await;
        for route in ROUTES {
            self.try_route(target, route).await;
        }
        for kind in ["document", "list", "map"] {
            for key in target.entities(kind) {
                for after in [json!(-1), json!(0), Value::Null] {
                    let may = self.follow(kind, &key, after).await;
                    let document = key.ends_with(".channel") || key.starts_with("ET");
                    let readable = match self.who {
                        Who::Stranger => kind == "document" && document,
                        Who::FormerCreator => {
                            kind == "document" && document && key.contains(&target.conversation[2..])
                        }
                        _ => false,
                    };
                    assert_eq!(may, readable, "{:?}: {kind} {key}", self.who);
                }
            }
        }
        for key in target.info() {
            let may = self.follow("map", &key, json!(-1)).await;
            assert_eq!(
                may,
                !self.who.is_far() && self.who != Who::Deleted,
                "{:?}: {key}",
                self.who
            );
        }
        assert_eq!(
            target.seen(server).await,
            before,
            "{:?} changed something",
            self.who
        );
        target.live(server).await;
        // Answered after the events of all that was committed by now.
        let (_, answer) = self
            .ask(
                "POST",
                &format!("/Client/v2/Services/{}/Typing", self.service),
                "",
            )
            .await;
        assert_eq!(answer.0, 400, "{answer:?}");
    }
}

/// Takes a permission from the role of users.
async fn bar(server: &TestServer) {
    let roles = server.rest.list("/conversations/v1/Roles", "roles").await;
    let role = roles
        .iter()
        .find(|r| r["friendly_name"] == "service user")
        .unwrap();
    let path = format!("/conversations/v1/Roles/{}", role["sid"].as_str().unwrap());
    let set = [
        ("Permission", "createConversation"),
        ("Permission", "editOwnUserInfo"),
    ];
    server.post(&path, &set).await.expect(200);
}

/// A server with the target, which erin has made and is still in.
async fn prepared() -> (TestServer, Target, Socket) {
    let server = TestServer::start().await;
    let mut erin = server.client("erin").await;
    let target = Target::make(&server, &mut erin).await;
    (server, target, erin)
}

fn outsider(server: &TestServer, who: Who, identity: &'static str, socket: Socket) -> Outsider {
    let service = server.service_sid.clone();
    Outsider {
        who,
        service,
        identity,
        socket,
    }
}

#[test]
fn every_route_is_tried() {
    let known: BTreeSet<(&str, String)> = confab_realtime::routes()
        .map(|(method, path)| (method, path.to_owned()))
        .collect();
    let tried: BTreeSet<(&str, String)> = ROUTES
        .iter()
        .map(|(method, path, ..)| (*method, path.replace("{other}", "{user}")))
        .collect();
    assert_eq!(tried, known);
}

#[tokio::test]
async fn another_account_reaches_nothing_b711_b031() {
    let (server, target, _erin) = prepared().await;
    let form = [("FriendlyName", "other")];
    let account = server.post("/2010-04-01/Accounts.json", &form).await.expect(201);
    let rest = server
        .rest
        .with(&account.text_of("sid"), &account.text_of("auth_token"));
    let service = rest
        .post("/conversations/v1/Services", &form)
        .await
        .expect(201)
        .text_of("sid");
    let sid = AccountSid::parse(&account.text_of("sid")).unwrap();
    let (key, secret) = server
        .engine()
        .create_key(confab_domain::Actor::Rest, sid, String::new())
        .await
        .unwrap();
    let token = access_token(
        &account.text_of("sid"),
        "mallory",
        &service,
        &key.sid.to_string(),
        &secret,
        3600,
    );
    let socket = connect(&server, &token).await;
    let mut mallory = Outsider {
        who: Who::OtherAccount,
        service,
        identity: "mallory",
        socket,
    };
    mallory.try_all(&server, &target).await;
}

#[tokio::test]
async fn another_service_reaches_nothing_b711_b031() {
    let (server, target, _erin) = prepared().await;
    let form = [("FriendlyName", "other")];
    let service = server
        .post("/conversations/v1/Services", &form)
        .await
        .expect(201)
        .text_of("sid");
    let (key, secret) = server.create_key().await;
    // The same identity is another user there.
    let socket = connect(
        &server,
        &server.access_token("bob2", &service, &key, &secret, 3600),
    )
    .await;
    let mut other = Outsider {
        who: Who::OtherService,
        service,
        identity: "bob2",
        socket,
    };
    other.try_all(&server, &target).await;
}

#[tokio::test]
async fn a_stranger_reads_no_more_than_what_he_could_join_b711_b714_s9_10() {
    let (server, target, _erin) = prepared().await;
    // One who shares another conversation with bob.
    let shared = support::conversation(&server, &["bob", "alice"]).await;
    assert_ne!(shared, target.conversation);
    let socket = server.client("alice").await;
    outsider(&server, Who::Stranger, "alice", socket)
        .try_all(&server, &target)
        .await;
}

#[tokio::test]
async fn a_stranger_who_may_not_join_reads_nothing_b711_b714_s9_10() {
    let (server, target, _erin) = prepared().await;
    support::conversation(&server, &["bob", "alice"]).await;
    bar(&server).await;
    let socket = server.client("alice").await;
    let mut alice = outsider(&server, Who::Barred, "alice", socket);
    alice.try_all(&server, &target).await;
    let join = format!(
        "/Client/v2/Services/{}/Conversations/{}/Participants",
        target.service, target.conversation
    );
    let (_, answer) = alice.ask("POST", &join, r#"{"identity":"alice"}"#).await;
    assert_eq!(answer, (403, 50107));
}

#[tokio::test]
async fn one_who_was_taken_out_reaches_nothing_b711_s4_8() {
    let (server, target, _erin) = prepared().await;
    let alice = add(&server, &target.conversation, "alice").await;
    bar(&server).await;
    let mut feed = support::Feed::new(server.client("alice").await);
    let inside = feed.open_conversation(&target.conversation).await;
    feed.establish(1, &inside.map(|e| e.since_read())).await;
    remove(&server, &target.conversation, &alice).await;
    outsider(&server, Who::Removed, "alice", feed.socket)
        .try_all(&server, &target)
        .await;
}

#[tokio::test]
async fn one_who_made_it_and_left_sees_the_conversation_itself_only_b711_s9_10() {
    let (server, target, mut erin) = prepared().await;
    bar(&server).await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{}/Participants/erin",
        target.service, target.conversation
    );
    let (status, _) = erin.request("DELETE", &path, &[], Some(&json!({}))).await;
    assert_eq!(status, 204);
    outsider(&server, Who::FormerCreator, "erin", erin)
        .try_all(&server, &target)
        .await;
}

/// Also what he followed when his user was removed, and what he had made, is nothing to his connection any more; nor is
/// the next user of his identity.
#[tokio::test]
async fn one_whose_user_was_removed_reaches_nothing_b551_b552_b711() {
    for again in [false, true] {
        let (server, target, erin) = prepared().await;
        let mut feed = support::Feed::new(erin);
        let inside = feed.open_conversation(&target.conversation).await;
        feed.establish(1, &inside.map(|e| e.since_read())).await;
        let info = feed.open("map", &target.info()[0]).await;
        feed.establish(2, &[info.since_read()]).await;
        server.delete(&format!("{USERS}/erin")).await.expect(204);
        if again {
            add(&server, &target.conversation, "erin").await;
        }
        outsider(&server, Who::Deleted, "erin", feed.socket)
            .try_all(&server, &target)
            .await;
    }
}
