//! Input that the REST API refuses: each with its documented status and code, and nothing changed by it
//! (rest.md §1.3–1.6; B-004…B-036, B-742, B-743).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod callers;
mod forms;
mod limits;
mod paths;
#[path = "../support/mod.rs"]
mod support;

use confab_testkit::{Response, TestServer};
use support::{CONVERSATIONS, USERS, conversation, say};

/// One resource of each kind.
struct Resources {
    conversation: String,
    participant: String,
    message: String,
    user: String,
    sid: String,
}

impl Resources {
    async fn make(server: &TestServer) -> Self {
        let sid = conversation(server, &[]).await;
        let conversation = format!("{CONVERSATIONS}/{sid}");
        let participant = support::add(server, &sid, "alice").await;
        let message = say(server, &sid, "hello").await;
        Self {
            participant: format!("{conversation}/Participants/{participant}"),
            message: format!("{conversation}/Messages/{message}"),
            user: format!("{USERS}/{}", support::user(server, "alice").await),
            conversation,
            sid,
        }
    }

    /// Paths that take a POST of a form with all their collections.
    fn all(&self) -> [String; 8] {
        [
            CONVERSATIONS.to_owned(),
            self.conversation.clone(),
            format!("{}/Participants", self.conversation),
            self.participant.clone(),
            format!("{}/Messages", self.conversation),
            self.message.clone(),
            USERS.to_owned(),
            self.user.clone(),
        ]
    }
}

/// An error with the body of rest.md §1.5.
#[track_caller]
fn refused(response: &Response, status: u16, code: u64, what: &str) {
    assert_eq!(
        (response.status, response.code()),
        (status, Some(code)),
        "{what}: {}",
        response.text
    );
    assert_eq!(response.json["status"], status, "{what}: {}", response.text);
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    assert_eq!(response.json["more_info"], more, "{what}: {}", response.text);
    let message = response.json["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{what}: {}", response.text);
    let id = response.headers["twilio-request-id"].to_str().unwrap();
    assert!(id.len() == 34 && id.starts_with("RQ"), "{what}: B-034: {id}");
}
