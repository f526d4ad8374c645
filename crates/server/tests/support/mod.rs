//! What the tests of the SDK's face share: things made over REST, and a client that follows Sync entities.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::VecDeque;

use confab_testkit::{Socket, TestServer};
use serde_json::{Value, json};

/// Collection of conversations in the default service.
pub const CONVERSATIONS: &str = "/conversations/v1/Conversations";
/// Collection of users in the default service.
pub const USERS: &str = "/conversations/v1/Users";

/// Makes a conversation over REST with these members; gives its SID.
pub async fn conversation(server: &TestServer, members: &[&str]) -> String {
    let made = server
        .post(CONVERSATIONS, &[("FriendlyName", "Test")])
        .await
        .expect(201);
    let sid = made.text_of("sid");
    for identity in members {
        add(server, &sid, identity).await;
    }
    sid
}

/// Adds a chat participant over REST; gives its SID.
pub async fn add(server: &TestServer, conversation: &str, identity: &str) -> String {
    let path = format!("{CONVERSATIONS}/{conversation}/Participants");
    let added = server.post(&path, &[("Identity", identity)]).await.expect(201);
    added.text_of("sid")
}

/// Takes a participant out over REST.
pub async fn remove(server: &TestServer, conversation: &str, participant: &str) {
    let path = format!("{CONVERSATIONS}/{conversation}/Participants/{participant}");
    server.delete(&path).await.expect(204);
}

/// Posts a message over REST; gives its SID.
pub async fn say(server: &TestServer, conversation: &str, body: &str) -> String {
    let path = format!("{CONVERSATIONS}/{conversation}/Messages");
    server
        .post(&path, &[("Body", body)])
        .await
        .expect(201)
        .text_of("sid")
}

/// SID of a user.
pub async fn user(server: &TestServer, identity: &str) -> String {
    server
        .get(&format!("{USERS}/{identity}"))
        .await
        .expect(200)
        .text_of("sid")
}

/// A connected client with a token that was made before.
pub async fn connect(server: &TestServer, token: &str) -> Socket {
    let mut socket = server.connect().await;
    let reply = socket.init(token).await;
    assert_eq!(reply.status(), 200, "{}", reply.header);
    socket
}

/// Everything of a conversation as REST shows it, to be compared before and after.
pub async fn snapshot(server: &TestServer, conversation: &str) -> Value {
    let path = format!("{CONVERSATIONS}/{conversation}");
    json!([
        server.get(&path).await.expect(200).json,
        server
            .rest
            .list(&format!("{path}/Participants"), "participants")
            .await,
        server.rest.list(&format!("{path}/Messages"), "messages").await,
        server.rest.list(CONVERSATIONS, "conversations").await,
        server.rest.list(USERS, "users").await,
    ])
}

/// Sends a wrapped request as it stands; gives HTTP status and body.
pub async fn raw(socket: &mut Socket, http: Value, payload: &[u8]) -> (u64, Value) {
    let header = json!({"method": "message", "active_grant": "ip_messaging",
        "payload_type": "application/json; charset=utf-8", "http_request": http});
    let id = socket.send(header, payload).await;
    let reply = socket.reply(&id).await;
    assert_eq!(reply.status(), 200, "§2.12: {}", reply.header);
    let status = reply.header["http_status"]["code"].as_u64();
    (status.unwrap_or_else(|| panic!("{}", reply.header)), reply.json())
}

/// One event of a notification.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its type.
    pub kind: String,
    /// Correlation id of the notification.
    pub correlation: Value,
    /// What it says.
    pub data: Value,
}

impl Event {
    /// Its id.
    pub fn id(&self) -> i64 {
        self.data["id"]
            .as_i64()
            .unwrap_or_else(|| panic!("an id in {self:?}"))
    }

    /// Entity that it belongs to.
    pub fn entity(&self) -> &str {
        ["object_sid", "list_sid", "map_sid", "document_sid"]
            .iter()
            .find_map(|name| self.data[*name].as_str())
            .unwrap_or_else(|| panic!("an entity in {self:?}"))
    }

    /// Whether it is of an entity.
    pub fn is_of(&self, entity: &Entity) -> bool {
        self.entity() == entity.sid
    }
}

/// An entity as a client knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Its SID.
    pub sid: String,
    /// `document`, `list` or `map`.
    pub kind: &'static str,
    /// Newest id that it had when it was read.
    pub last_event_id: i64,
}

impl Entity {
    /// A wanted subscription after an event id.
    pub fn after(&self, id: i64) -> Value {
        json!({"object_sid": self.sid, "object_type": self.kind, "last_event_id": id})
    }

    /// A wanted subscription after the id at which it was read.
    pub fn since_read(&self) -> Value {
        self.after(self.last_event_id)
    }
}

/// A client that follows entities.
pub struct Feed {
    /// Its connection.
    pub socket: Socket,
    events: VecDeque<Event>,
}

impl Feed {
    /// Over a connection.
    pub fn new(socket: Socket) -> Self {
        Self {
            socket,
            events: VecDeque::new(),
        }
    }

    /// Reads an entity by name or SID.
    pub async fn open(&mut self, kind: &'static str, key: &str) -> Entity {
        let collection = match kind {
            "document" => "Documents",
            "list" => "Lists",
            _ => "Maps",
        };
        let (status, body) = self
            .socket
            .request("GET", &format!("/v3/{collection}/{key}"), &[], None)
            .await;
        assert_eq!(status, 200, "{kind} {key}: {body}");
        Entity {
            sid: body["sid"].as_str().unwrap_or_default().to_owned(),
            kind,
            last_event_id: body["last_event_id"].as_i64().unwrap_or(i64::MIN),
        }
    }

    /// E3, E4 and E5 of a conversation.
    pub async fn open_conversation(&mut self, conversation: &str) -> [Entity; 3] {
        [
            self.open("document", &format!("{conversation}.channel")).await,
            self.open("list", &format!("{conversation}.messages")).await,
            self.open("map", &format!("{conversation}.roster")).await,
        ]
    }

    /// Sends a batch.
    pub async fn subscriptions(
        &mut self,
        action: &str,
        correlation: i64,
        requests: &[Value],
    ) -> (u16, Value) {
        let batch = json!({"event_protocol_version": 4, "action": action, "correlation_id": correlation,
            "retried_requests": 0, "ttl_in_s": -1, "requests": requests});
        self.socket
            .request("POST", "/v4/Subscriptions", &[], Some(&batch))
            .await
    }

    /// Establishes subscriptions; gives what came until all of them were answered, answers included.
    pub async fn establish(&mut self, correlation: i64, requests: &[Value]) -> Vec<Event> {
        let (status, body) = self.subscriptions("establish", correlation, requests).await;
        assert_eq!(status, 202, "{body}");
        self.until_answered(correlation, requests.len()).await
    }

    /// Cancels subscriptions; gives what came until all were confirmed, confirmations included.
    pub async fn cancel(&mut self, correlation: i64, requests: &[Value]) -> Vec<Event> {
        let (status, body) = self.subscriptions("cancel", correlation, requests).await;
        assert_eq!(status, 202, "{body}");
        self.until_answered(correlation, requests.len()).await
    }

    async fn until_answered(&mut self, correlation: i64, mut open: usize) -> Vec<Event> {
        let mut came = Vec::new();
        while open > 0 {
            let event = self.next("the answer to a subscription").await;
            if event.kind.starts_with("subscription_") && event.correlation == correlation {
                open -= 1;
            }
            came.push(event);
        }
        came
    }

    /// The next event; `None` when the connection is closed.
    pub async fn try_next(&mut self) -> Option<Event> {
        while self.events.is_empty() {
            let frame = self.socket.next().await?;
            if frame.method() != "notification" || frame.header["message_type"] != "twilio.sync.event" {
                continue;
            }
            let payload = frame.json();
            for data in payload["events"].as_array().into_iter().flatten() {
                self.events.push_back(Event {
                    kind: payload["event_type"].as_str().unwrap_or_default().to_owned(),
                    correlation: payload["correlation_id"].clone(),
                    data: data.clone(),
                });
            }
        }
        self.events.pop_front()
    }

    /// The next event.
    pub async fn next(&mut self, what: &str) -> Event {
        self.try_next()
            .await
            .unwrap_or_else(|| panic!("the connection ended before {what}"))
    }

    /// What comes up to the first event that is `last`, which is included.
    pub async fn until(&mut self, what: &str, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut came = Vec::new();
        loop {
            let event = self.next(what).await;
            let done = last(&event);
            came.push(event);
            if done {
                return came;
            }
        }
    }
}
