//! Content templates in the SDK: their list (C21), messages that take their text from one (C12, §4.7).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use confab_domain::{Actor, content};
use confab_testkit::TestServer;
use confab_types::{AccountSid, Sid as _};
use serde_json::{Value, json};
use support::{Feed, conversation};

async fn template(server: &TestServer, name: &str, types: Value) -> String {
    let create = content::Create {
        account: AccountSid::parse(&server.account_sid).unwrap(),
        fields: content::Fields {
            friendly_name: Some(name.to_owned()),
            language: Some("en".into()),
            variables: Some(json!({"1": "you"})),
            types: Some(types),
        },
    };
    let made = server.engine().execute(Actor::Rest, create).await.unwrap();
    made.sid.to_string()
}

#[tokio::test]
async fn a_client_sends_a_template_b782_b784_b785() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let hello = template(&server, "hello", json!({"twilio/text": {"body": "Hi {{1}}"}})).await;
    let mut alice = Feed::new(server.client("alice").await);
    let [_, messages, _] = alice.open_conversation(&sid).await;
    alice.establish(1, &[messages.since_read()]).await;
    let path = format!(
        "/Client/v2/Services/{}/Conversations/{sid}/Messages",
        server.service_sid
    );
    let mut payload = json!({"body": "not this", "media_sids": [], "attributes": "{}",
        "content_sid": hello, "content_variables": "{\"1\":\"Ann\"}"});
    let (status, body) = alice.socket.request("POST", &path, &[], Some(&payload)).await;
    assert_eq!((status, &body["body"]), (201, &json!("Hi Ann")));
    let event = alice.next("the message").await;
    let data = &event.data["item_data"];
    assert_eq!(
        (&data["text"], &data["contentSid"]),
        (&json!("Hi Ann"), &json!(hello))
    );
    for (sid, variables, code) in [
        ("HX1", "{}", 50526),
        ("HX00000000000000000000000000000000", "{}", 50526),
        (&hello, "{", 50527),
    ] {
        payload["content_sid"] = json!(sid);
        payload["content_variables"] = json!(variables);
        let (status, body) = alice.socket.request("POST", &path, &[], Some(&payload)).await;
        assert_eq!((status, &body["code"]), (400, &json!(code)));
    }
}

/// The client tests `next_token !== null`, and goes through the lists of a card without asking.
#[tokio::test]
async fn templates_are_listed_with_what_the_sdk_can_show() {
    let server = TestServer::start().await;
    template(
        &server,
        "rich",
        json!({
            "twilio/text": {"body": "hi {{1}}"}, "twilio/card": {"title": "t", "subtitle": "s"},
            "twilio/catalog": {"body": "c"},
        }),
    )
    .await;
    for i in 0..100 {
        template(&server, &i.to_string(), json!({"twilio/text": {"body": "x"}})).await;
    }
    let mut alice = server.client("alice").await;
    let path = "/Client/v2/ContentTemplates";
    let (status, page) = alice.request("GET", path, &[("PageSize", "100")], None).await;
    assert_eq!(status, 200);
    assert_eq!(page["templates"].as_array().unwrap().len(), 100);
    let token = page["meta"]["next_token"].as_str().unwrap().to_owned();
    let query = [("PageSize", "100"), ("PageToken", &*token)];
    let (_, last) = alice.request("GET", path, &query, None).await;
    assert!(last["meta"].as_object().unwrap()["next_token"].is_null());
    let templates = last["templates"].as_array().unwrap();
    assert_eq!(templates.len(), 1);
    assert_eq!(
        (&templates[0]["friendly_name"], &templates[0]["variables"]),
        (&json!("rich"), &json!("{\"1\":\"you\"}"))
    );
    assert_eq!(
        templates[0]["variants"],
        json!({
            "twilio/text": {"body": "hi {{1}}"},
            "twilio/card": {"title": "t", "subtitle": "s", "media": [], "actions": []},
        })
    );
    let (status, _) = alice.request("POST", path, &[], Some(&json!({}))).await;
    assert_eq!(status, 405);
}
