//! What each permission lets an SDK user do (behaviours §16), as one table: every request that changes something, with
//! each permission alone in each role, with each one missing, and with none.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use confab_domain::{Actor, role};
use confab_testkit::{Socket, TestServer};
use confab_types::{RoleSid, ServiceSid, Sid as _};
use reqwest::Method;
use serde_json::{Value, json};
use support::{add, conversation, raw};
use tokio::task::JoinSet;

/// Permissions that only a role of a service may list (B-651).
const SERVICE_ONLY: [&str; 2] = ["createConversation", "joinConversation"];
/// Permissions that only a role of a conversation may list (B-652).
const CONVERSATION_ONLY: [&str; 4] = [
    "deleteOwnMessage",
    "leaveConversation",
    "sendMediaMessage",
    "sendMessage",
];
/// Permissions of both (B-651, B-652, B-653), but [`NEUTRAL`].
const BOTH: [&str; 16] = [
    "addNonChatParticipant",
    "addParticipant",
    "deleteAnyMessage",
    "deleteConversation",
    "editAnyMessage",
    "editAnyMessageAttributes",
    "editAnyParticipantAttributes",
    "editAnyUserInfo",
    "editConversationAttributes",
    "editConversationName",
    "editNotificationLevel",
    "editOwnMessage",
    "editOwnMessageAttributes",
    "editOwnParticipantAttributes",
    "editOwnUserInfo",
    "removeParticipant",
];
/// A role lists at least one permission; no change asks for this one.
const NEUTRAL: &str = "readChannelMetadata";

/// Which roles count for a change.
#[derive(Clone, Copy, PartialEq)]
enum Roles {
    /// The role of the user: it is not about a conversation that he is in.
    Service,
    /// The roles of the user and of his participant together (B-662).
    Both,
}
use Roles::{Both, Service};

/// What a client does: name, method, path below the service, body, the roles that count, and the permissions: one of
/// each group is needed, so `&[]` is for every member.
///
/// Alice does it. `{own}` is a message of hers, `{other}` one of bob, who is in as well; `{new}` is a conversation that
/// she is not in; `{media}` is a file of hers, `{number}` a phone's number.
type Action = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Roles,
    &'static [&'static [&'static str]],
);

const ONE: &str = "Conversations/{conversation}";

#[rustfmt::skip]
const ACTIONS: &[Action] = &[
    // B-664, B-665: outside of a conversation.
    ("create", "POST", "Conversations", "{}", Service, &[&["createConversation"]]),
    ("join by SID", "POST", "Conversations/{new}/Participants", r#"{"identity":"alice"}"#, Service, &[&["joinConversation"]]),
    // B-672, B-673.
    ("friendly name", "POST", ONE, r#"{"friendly_name":"x"}"#, Both, &[&["editConversationName"]]),
    ("unique name", "POST", ONE, r#"{"unique_name":"{number}"}"#, Both, &[&["editConversationName"]]),
    ("no unique name", "POST", ONE, r#"{"unique_name":""}"#, Both, &[&["editConversationName"]]),
    ("attributes", "POST", ONE, r#"{"attributes":"{\"x\":1}"}"#, Both, &[&["editConversationAttributes"]]),
    ("name and attributes", "POST", ONE, r#"{"friendly_name":"x","attributes":"{}"}"#, Both,
        &[&["editConversationName"], &["editConversationAttributes"]]),
    ("nothing of a conversation", "POST", ONE, "{}", Both, &[]),
    ("delete", "DELETE", ONE, "{}", Both, &[&["deleteConversation"]]),
    // B-666, B-667.
    ("add an identity", "POST", "Conversations/{conversation}/Participants", r#"{"identity":"carol","attributes":"{}"}"#, Both,
        &[&["addParticipant"]]),
    ("add an address", "POST", "Conversations/{conversation}/Participants",
        r#"{"attributes":"{}","messaging_binding":{"address":"{number}","proxy_address":"+15017122661"}}"#, Both,
        &[&["addParticipant", "addNonChatParticipant"]]),
    ("own participant", "POST", "Conversations/{conversation}/Participants/{me}", r#"{"attributes":"{\"x\":1}"}"#, Both,
        &[&["editOwnParticipantAttributes", "editAnyParticipantAttributes"]]),
    ("another participant", "POST", "Conversations/{conversation}/Participants/{bob}", r#"{"attributes":"{\"x\":1}"}"#, Both,
        &[&["editAnyParticipantAttributes"]]),
    ("leave by identity", "DELETE", "Conversations/{conversation}/Participants/alice", "{}", Both, &[&["leaveConversation"]]),
    ("leave by SID", "DELETE", "Conversations/{conversation}/Participants/{me}", "{}", Both, &[&["leaveConversation"]]),
    ("remove by identity", "DELETE", "Conversations/{conversation}/Participants/bob", "{}", Both, &[&["removeParticipant"]]),
    ("remove by SID", "DELETE", "Conversations/{conversation}/Participants/{bob}", "{}", Both, &[&["removeParticipant"]]),
    // B-668.
    ("send text", "POST", "Conversations/{conversation}/Messages", r#"{"body":"hello","attributes":"{}"}"#, Both,
        &[&["sendMessage"]]),
    ("send an empty text", "POST", "Conversations/{conversation}/Messages", r#"{"body":"","media_sids":[]}"#, Both,
        &[&["sendMessage"]]),
    ("send a file", "POST", "Conversations/{conversation}/Messages", r#"{"media_sids":["{media}"],"attributes":"{}"}"#, Both,
        &[&["sendMediaMessage"]]),
    ("send a file with text", "POST", "Conversations/{conversation}/Messages", r#"{"body":"hello","media_sids":["{media}"]}"#,
        Both, &[&["sendMediaMessage"], &["sendMessage"]]),
    // B-669, B-671.
    ("edit own text", "POST", "Conversations/{conversation}/Messages/{own}", r#"{"body":"x"}"#, Both,
        &[&["editOwnMessage", "editAnyMessage"]]),
    ("edit another's text", "POST", "Conversations/{conversation}/Messages/{other}", r#"{"body":"x"}"#, Both,
        &[&["editAnyMessage"]]),
    ("edit own message's attributes", "POST", "Conversations/{conversation}/Messages/{own}", r#"{"attributes":"{\"x\":1}"}"#, Both,
        &[&["editOwnMessageAttributes", "editAnyMessageAttributes"]]),
    ("edit another's message's attributes", "POST", "Conversations/{conversation}/Messages/{other}", r#"{"attributes":"{\"x\":1}"}"#,
        Both, &[&["editAnyMessageAttributes"]]),
    // B-670, B-671.
    ("delete own message", "DELETE", "Conversations/{conversation}/Messages/{own}", "{}", Both,
        &[&["deleteOwnMessage", "deleteAnyMessage"]]),
    ("delete another's message", "DELETE", "Conversations/{conversation}/Messages/{other}", "{}", Both, &[&["deleteAnyMessage"]]),
    // B-674.
    ("own name", "POST", "Users/alice", r#"{"friendly_name":"x"}"#, Service, &[&["editOwnUserInfo", "editAnyUserInfo"]]),
    ("own attributes", "POST", "Users/alice", r#"{"attributes":"{\"x\":1}"}"#, Service, &[&["editOwnUserInfo", "editAnyUserInfo"]]),
    ("another's name", "POST", "Users/bob", r#"{"friendly_name":"x"}"#, Service, &[&["editAnyUserInfo"]]),
    ("another's attributes", "POST", "Users/bob", r#"{"attributes":"{\"x\":1}"}"#, Service, &[&["editAnyUserInfo"]]),
    // B-675, and what no permission is for.
    ("mute", "POST", "Users/alice/Conversations/{conversation}", r#"{"notification_level":"muted"}"#, Both,
        &[&["editNotificationLevel"]]),
    ("read", "POST", "Users/alice/Conversations/{conversation}", r#"{"last_read_message_index":1}"#, Both, &[]),
    ("read nothing", "POST", "Users/alice/Conversations/{conversation}", r#"{"last_read_message_index":null}"#, Both, &[]),
    ("type", "POST", "Typing", "ChannelSid={conversation}", Both, &[]),
];

/// Which permissions alice has: those of her user's role and those of her participant's.
struct Given {
    service: Vec<&'static str>,
    conversation: Vec<&'static str>,
}

impl Given {
    fn of(
        service: impl IntoIterator<Item = &'static str>,
        conversation: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        Self {
            service: service.into_iter().collect(),
            conversation: conversation.into_iter().collect(),
        }
    }

    /// All that are tried.
    fn all() -> Vec<Self> {
        let service = || SERVICE_ONLY.into_iter().chain(BOTH);
        let conversation = || CONVERSATION_ONLY.into_iter().chain(BOTH);
        let every: BTreeSet<&str> = service().chain(conversation()).collect();
        let mut all = vec![
            Self::of([], []),
            Self::of(service(), []),
            Self::of([], conversation()),
        ];
        all.extend(service().map(|one| Self::of([one], [])));
        all.extend(conversation().map(|one| Self::of([], [one])));
        all.extend(every.iter().map(|but| {
            Self::of(
                service().filter(|p| p != but),
                conversation().filter(|p| p != but),
            )
        }));
        all
    }

    fn allow(&self, (_, _, _, _, roles, needs): &Action) -> bool {
        let has = |permission: &&str| {
            self.service.contains(permission) || (*roles == Both && self.conversation.contains(permission))
        };
        needs.iter().all(|any_of| any_of.iter().any(has))
    }
}

/// A service of its own for one action, with alice, whose roles change, and bob.
struct World {
    server: Arc<TestServer>,
    service: ServiceSid,
    user_role: RoleSid,
    participant_role: RoleSid,
    token: String,
    alice: Socket,
    made: u32,
}

/// What an attempt is about.
struct Stage {
    conversation: String,
    names: Vec<(&'static str, String)>,
}

impl World {
    async fn make(server: Arc<TestServer>, key: &(String, String)) -> Self {
        let made = server
            .post("/conversations/v1/Services", &[("FriendlyName", "matrix")])
            .await;
        let sid = made.expect(201).text_of("sid");
        let root = format!("/conversations/v1/Services/{sid}");
        let mut roles = Vec::new();
        for kind in ["service", "conversation"] {
            let form = [("FriendlyName", "tried"), ("Type", kind), ("Permission", NEUTRAL)];
            let role = server.post(&format!("{root}/Roles"), &form).await.expect(201);
            roles.push(RoleSid::parse(&role.text_of("sid")).unwrap());
        }
        let alice = [("Identity", "alice"), ("RoleSid", &roles[0].to_string())];
        server.post(&format!("{root}/Users"), &alice).await.expect(201);
        let token = server.access_token("alice", &sid, &key.0, &key.1, 3600);
        let alice = support::connect(&server, &token).await;
        Self {
            service: ServiceSid::parse(&sid).unwrap(),
            user_role: roles[0],
            participant_role: roles[1],
            server,
            token,
            alice,
            made: 0,
        }
    }

    fn root(&self) -> String {
        format!("/conversations/v1/Services/{}", self.service)
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> String {
        let made = self.server.post(&format!("{}/{path}", self.root()), form).await;
        made.expect(201).text_of("sid")
    }

    async fn stage(&mut self) -> Stage {
        self.made += 1;
        let conversation = self.post("Conversations", &[]).await;
        let below = format!("Conversations/{conversation}");
        let role = self.participant_role.to_string();
        let participants = format!("{below}/Participants");
        let me = self
            .post(&participants, &[("Identity", "alice"), ("RoleSid", &role)])
            .await;
        let bob = self.post(&participants, &[("Identity", "bob")]).await;
        let messages = format!("{below}/Messages");
        let own = self
            .post(&messages, &[("Author", "alice"), ("Body", "hers")])
            .await;
        let other = self.post(&messages, &[("Author", "bob"), ("Body", "his")]).await;
        let new = self.post("Conversations", &[]).await;
        let upload = self.server.rest.anonymous();
        let media = upload.request(
            Method::POST,
            &format!("/mcs/v1/Services/{}/Media?Category=media", self.service),
        );
        let media = media
            .header("X-Twilio-Token", &self.token)
            .header("Content-Type", "text/plain");
        let media = upload
            .send(media.body("a file"))
            .await
            .unwrap()
            .expect(201)
            .text_of("sid");
        let number = format!("+1555867{:04}", self.made);
        Stage {
            conversation: conversation.clone(),
            names: vec![
                ("{conversation}", conversation),
                ("{me}", me),
                ("{bob}", bob),
                ("{own}", own),
                ("{other}", other),
                ("{new}", new),
                ("{media}", media),
                ("{number}", number),
            ],
        }
    }

    async fn give(&self, given: &Given) {
        for (role, permissions) in [
            (self.user_role, &given.service),
            (self.participant_role, &given.conversation),
        ] {
            let names = permissions.iter().chain([&NEUTRAL]);
            let command = role::Update {
                service: self.service,
                role,
                permissions: names.map(|p| (*p).to_owned()).collect(),
            };
            self.server
                .engine()
                .execute(Actor::System, command)
                .await
                .unwrap();
        }
    }

    async fn attempt(&mut self, stage: &Stage, (_, method, path, body, ..): &Action) -> (u64, Value) {
        let fill = |text: &str| {
            stage
                .names
                .iter()
                .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
        };
        let path = format!("/Client/v2/Services/{}/{}", self.service, fill(path));
        raw(
            &mut self.alice,
            json!({"method": method, "path": path}),
            fill(body).as_bytes(),
        )
        .await
    }

    /// All that the service holds, as REST shows it.
    async fn seen(&self, stage: &Stage) -> Value {
        let (root, rest) = (self.root(), &self.server.rest);
        let one = format!("{root}/Conversations/{}", stage.conversation);
        json!([
            rest.list(&format!("{root}/Conversations"), "conversations").await,
            rest.list(&format!("{root}/Users"), "users").await,
            rest.list(&format!("{root}/Users/alice/Conversations"), "conversations")
                .await,
            rest.list(&format!("{one}/Participants"), "participants").await,
            rest.list(&format!("{one}/Messages"), "messages").await,
        ])
    }

    async fn try_all(mut self, action: &Action) {
        let name = action.0;
        let (allowed, refused): (Vec<Given>, Vec<Given>) =
            Given::all().into_iter().partition(|g| g.allow(action));
        let stage = self.stage().await;
        let before = self.seen(&stage).await;
        for given in &refused {
            self.give(given).await;
            let (status, body) = self.attempt(&stage, action).await;
            let told = (status, &body["code"], &body["message"]);
            let expected = (403, &json!(50107), &json!("User unauthorized for command"));
            assert_eq!(
                told, expected,
                "{name} with {:?} and {:?}: {body}",
                given.service, given.conversation
            );
        }
        assert_eq!(
            self.seen(&stage).await,
            before,
            "{name} changed something where it was refused"
        );
        for given in &allowed {
            self.give(given).await;
            let stage = self.stage().await;
            let (status, body) = self.attempt(&stage, action).await;
            let done = matches!(status, 200 | 201 | 204);
            assert!(
                done,
                "{name} with {:?} and {:?}: {status} {body}",
                given.service, given.conversation
            );
        }
        let tried = (!allowed.is_empty(), !refused.is_empty());
        assert_eq!(tried, (true, !action.5.is_empty()), "{name}");
    }
}

/// B-651, B-652, B-653, B-661…B-676.
#[tokio::test(flavor = "multi_thread")]
async fn each_permission_allows_its_actions_and_no_other_b651_b652_b653_b662_b663_b664_b665_b666_b667_b668_b669_b670_b671_b672_b673_b674_b675_b676()
 {
    let server = Arc::new(TestServer::start().await);
    let key = server.create_key().await;
    let mut worlds = JoinSet::new();
    for action in ACTIONS {
        let (server, key) = (Arc::clone(&server), key.clone());
        worlds.spawn(async move { World::make(server, &key).await.try_all(action).await });
    }
    while let Some(done) = worlds.join_next().await {
        if let Err(failed) = done {
            std::panic::resume_unwind(failed.into_panic());
        }
    }
}

/// A request that changes something and has no line above would never be tried without its permission.
#[test]
fn every_request_that_changes_something_is_in_the_table() {
    let leads_to = |action: &Action, method: &str, path: &str| {
        let (tried, known): (Vec<&str>, Vec<&str>) =
            (action.2.split('/').collect(), path.split('/').collect());
        let same = |(tried, known): (&&str, &&str)| known.starts_with('{') || tried == known;
        action.1 == method && tried.len() == known.len() && tried.iter().zip(&known).all(same)
    };
    // What a client follows, and the devices of its own user, have no permission.
    let own = ["/v4/Subscriptions", "/v1/registrations", "/v1/registrations/{id}"];
    let changing = confab_realtime::routes().filter(|(method, path)| *method != "GET" && !own.contains(path));
    for (method, path) in changing {
        let below = path
            .strip_prefix("/Client/v2/Services/{service}/")
            .unwrap_or(path);
        assert!(
            ACTIONS.iter().any(|a| leads_to(a, method, below)),
            "{method} {path} is not in the table"
        );
    }
    for action in ACTIONS {
        let known = confab_realtime::routes().any(|(method, path)| {
            path.strip_prefix("/Client/v2/Services/{service}/")
                .is_some_and(|below| leads_to(action, method, below))
        });
        assert!(known, "{} is no request", action.0);
    }
    let needed: BTreeSet<&str> = ACTIONS.iter().flat_map(|a| a.5.concat()).collect();
    let listed: BTreeSet<&str> = SERVICE_ONLY
        .into_iter()
        .chain(CONVERSATION_ONLY)
        .chain(BOTH)
        .collect();
    assert_eq!(needed, listed, "each permission is needed by something");
}

#[tokio::test]
async fn the_account_may_do_all_whatever_the_roles_say_b661() {
    let server = TestServer::start().await;
    let roles = server.rest.list("/conversations/v1/Roles", "roles").await;
    for role in &roles {
        let path = format!("/conversations/v1/Roles/{}", role["sid"].as_str().unwrap());
        server.post(&path, &[("Permission", NEUTRAL)]).await.expect(200);
    }
    assert_eq!(roles.len(), 4);
    let sid = conversation(&server, &["alice"]).await;
    let one = format!("{}/{sid}", support::CONVERSATIONS);
    let message = server
        .post(&format!("{one}/Messages"), &[("Author", "alice"), ("Body", "x")])
        .await;
    let message = format!("{one}/Messages/{}", message.expect(201).text_of("sid"));
    server.post(&message, &[("Body", "y")]).await.expect(200);
    server.delete(&message).await.expect(204);
    server.post(&one, &[("FriendlyName", "y")]).await.expect(200);
    let bob = add(&server, &sid, "bob").await;
    server
        .post(&format!("{one}/Participants/{bob}"), &[("Attributes", "{}")])
        .await
        .expect(200);
    server
        .delete(&format!("{one}/Participants/{bob}"))
        .await
        .expect(204);
    server
        .post(&format!("{}/alice", support::USERS), &[("FriendlyName", "y")])
        .await
        .expect(200);
    server.delete(&one).await.expect(204);
}

/// The token of a first connection says which role its user gets; later ones, and other kinds of roles, say nothing.
#[tokio::test]
async fn the_token_names_the_role_of_a_user_that_it_makes_b677() {
    let server = TestServer::start().await;
    let roles = server.rest.list("/conversations/v1/Roles", "roles").await;
    let sid = |name: &str| {
        let found = roles.iter().find(|r| r["friendly_name"] == name);
        found.unwrap()["sid"].as_str().unwrap().to_owned()
    };
    let (admin, plain, channel) = (sid("service admin"), sid("service user"), sid("channel admin"));
    let (key, secret) = server.create_key().await;
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
    .unwrap();
    for (identity, named, expected) in [
        ("alice", &admin, &admin),
        // She is there already.
        ("alice", &plain, &admin),
        ("bob", &channel, &plain),
        ("carol", &"RL00000000000000000000000000000000".to_owned(), &plain),
    ] {
        let claims = json!({
            "jti": format!("{key}-{now}"), "iss": key, "sub": server.account_sid, "iat": now, "exp": now + 3600,
            "grants": {"identity": identity,
                "chat": {"service_sid": server.service_sid, "deployment_role_sid": named}},
        });
        let token = confab_testkit::signed_token(Some("twilio-fpa;v=1"), &claims, &secret);
        support::connect(&server, &token).await.close().await;
        let user = server
            .get(&format!("{}/{identity}", support::USERS))
            .await
            .expect(200);
        assert_eq!(&user.text_of("role_sid"), expected, "{identity}");
    }
}
