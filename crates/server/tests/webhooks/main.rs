//! Webhooks of a whole server, as those see it who are called (behaviours §10…§12).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod asked;
mod delivery;
mod hostile;
mod listeners;
mod log;
mod nats;
mod overrides;
mod parameters;
mod scoped;
mod streams;
mod told;

use confab_testkit::{Response, Sink, TestServer};
use reqwest::Method;

const CONVERSATIONS: &str = "/conversations/v1/Conversations";

/// A server whose account tells a sink of events.
struct World {
    server: TestServer,
    sink: Sink,
}

impl World {
    /// The sink is told of these events at `/post`, and asked at `/pre`.
    async fn new(filters: &[&str]) -> Self {
        Self::on(TestServer::start().await, filters).await
    }

    async fn on(server: TestServer, filters: &[&str]) -> Self {
        let world = Self {
            server,
            sink: Sink::start().await,
        };
        world.configure(filters).await;
        world
    }

    async fn configure(&self, filters: &[&str]) {
        let (pre, post) = (self.sink.url("/pre"), self.sink.url("/post"));
        let mut form = vec![("PreWebhookUrl", pre.as_str()), ("PostWebhookUrl", post.as_str())];
        form.extend(filters.iter().map(|name| ("Filters", *name)));
        self.server
            .post("/conversations/v1/Configuration/Webhooks", &form)
            .await
            .expect(200);
    }

    /// A request with the header that has webhooks called.
    async fn loud(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Response {
        let rest = &self.server.rest;
        let request = rest
            .request(method, path)
            .header("X-Twilio-Webhook-Enabled", "true")
            .form(form);
        rest.send(request).await.expect("an answer")
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.loud(Method::POST, path, form).await
    }

    async fn delete(&self, path: &str) -> Response {
        self.loud(Method::DELETE, path, &[]).await
    }

    /// A conversation that nobody hears of.
    async fn conversation(&self) -> String {
        self.server
            .post(CONVERSATIONS, &[])
            .await
            .expect(201)
            .text_of("sid")
    }

    /// A message of a script, with the header; its SID.
    async fn say(&self, conversation: &str, body: &str) -> String {
        let path = format!("{CONVERSATIONS}/{conversation}/Messages");
        self.post(&path, &[("Body", body)])
            .await
            .expect(201)
            .text_of("sid")
    }
}
