//! Media from and to phones.

use std::time::Duration;

use confab_testkit::{TestServer, soon};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PNG, collection, download, post_message, send, sid, temporary, uploaded, with_token};
use crate::support::{CONVERSATIONS, conversation};

const PHONE: &str = "+15558675310";
const NUMBER: &str = "+15017122661";

fn inbox(phone: &str) -> String {
    format!("/simulator/v1/Handsets/{}/Messages", phone.replace('+', "%2B"))
}

async fn add_phone(server: &TestServer, conversation: &str, phone: &str, number: &str) {
    let path = format!("{CONVERSATIONS}/{conversation}/Participants");
    let form = [
        ("MessagingBinding.Address", phone),
        ("MessagingBinding.ProxyAddress", number),
    ];
    server.post(&path, &form).await.expect(201);
}

/// Asks until the answer is what is waited for.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, asking).await
}

/// The message of a handset's list at a place, once it is there and fits.
async fn on_phone(server: &TestServer, phone: &str, at: usize, status: &str) -> Value {
    until("a message on a handset", || async {
        let messages = server.rest.list(&inbox(phone), "messages").await;
        messages.get(at).filter(|m| m["status"] == status).cloned()
    })
    .await
}

#[tokio::test]
async fn a_phone_gets_one_medium_and_no_text_b282_b795_b357() {
    let server = TestServer::start().await;
    let sent = conversation(&server, &["alice"]).await;
    let whatsapp = format!("whatsapp:{PHONE}");
    add_phone(&server, &sent, PHONE, NUMBER).await;
    add_phone(&server, &sent, &whatsapp, &format!("whatsapp:{NUMBER}")).await;

    let token = server.token("alice").await;
    let mut sids = Vec::new();
    for bytes in [PNG, b"second"] {
        let post = with_token(&server, Method::POST, &collection(&server), &token);
        let post = post.header("Content-Type", "image/png").body(bytes);
        sids.push(sid(&send(&server, post).await.expect(201).json));
    }
    let mut alice = server.client("alice").await;
    let messages = format!(
        "/Client/v2/Services/{}/Conversations/{sent}/Messages",
        server.service_sid
    );
    let body = json!({"body": "text", "media_sids": sids, "attributes": "{}"});
    let (status, reply) = alice.request("POST", &messages, &[], Some(&body)).await;
    assert_eq!(status, 201, "{reply}");
    for (phone, prefix) in [(PHONE, "MM"), (&whatsapp, "WA")] {
        let got = on_phone(&server, phone, 0, "delivered").await;
        assert_eq!(got["body"], "");
        assert!(sid(&got).starts_with(prefix), "{got}");
        let urls = got["media"].as_array().unwrap();
        assert_eq!(urls.len(), 1);
        let (status, headers, body) = download(urls[0].as_str().unwrap()).await;
        assert_eq!((status, body.as_slice()), (200, PNG));
        assert_eq!(headers["content-type"], "image/png");
    }

    post_message(&server, &sent, &[("Body", "only text")])
        .await
        .expect(201);
    let got = on_phone(&server, PHONE, 1, "delivered").await;
    assert_eq!((&got["body"], &got["media"]), (&json!("only text"), &json!([])));
}

#[tokio::test]
async fn what_a_phone_cannot_take_is_not_sent_to_it_b283_b284() {
    const SMS: usize = 5 * 1024 * 1024;
    let server = TestServer::start().await;
    let sent = conversation(&server, &["alice"]).await;
    let whatsapp = format!("whatsapp:{PHONE}");
    add_phone(&server, &sent, PHONE, NUMBER).await;
    add_phone(&server, &sent, &whatsapp, &format!("whatsapp:{NUMBER}")).await;
    let receipts = |message: String| {
        let server = &server;
        async move {
            let path = format!("{CONVERSATIONS}/{message}/Receipts");
            let receipts = server.rest.list(&path, "delivery_receipts").await;
            let shown = |r: &Value| {
                (
                    r["channel_message_sid"].as_str().unwrap()[..2].to_owned(),
                    r["error_code"].clone(),
                )
            };
            // Those of one moment are in no order.
            let mut shown: Vec<_> = receipts.iter().map(shown).collect();
            shown.sort_by(|a, b| a.0.cmp(&b.0));
            shown
        }
    };
    let post = |content_type: &'static str, size: usize| {
        let (server, sent) = (&server, &sent);
        async move {
            let media = sid(&uploaded(server, "", content_type, vec![7; size]).await);
            let message = post_message(server, sent, &[("MediaSid", &media)])
                .await
                .expect(201);
            assert_eq!(message.json["media"][0]["size"], size);
            format!("{sent}/Messages/{}", message.text_of("sid"))
        }
    };

    let at_it = post("image/jpeg", SMS).await;
    assert_eq!(
        receipts(at_it).await,
        [("MM".into(), json!(0)), ("WA".into(), json!(0))]
    );
    let past_sms = post("video/mp4", SMS + 1).await;
    assert_eq!(receipts(past_sms).await, [("WA".into(), json!(0))]);
    let past_all = post("audio/mpeg", 16 * 1024 * 1024 + 1).await;
    assert_eq!(receipts(past_all.clone()).await, [("WA".into(), json!(63034))]);
    let message = server
        .get(&format!("{CONVERSATIONS}/{past_all}"))
        .await
        .expect(200);
    assert_eq!(message.json["delivery"]["failed"], "all");
    let unknown = post("application/zip", 1).await;
    assert_eq!(receipts(unknown).await, [("WA".into(), json!(63005))]);

    on_phone(&server, PHONE, 0, "delivered").await;
    on_phone(&server, &whatsapp, 1, "delivered").await;
    post_message(&server, &sent, &[("Body", "end")]).await.expect(201);
    on_phone(&server, PHONE, 1, "delivered").await;
    on_phone(&server, &whatsapp, 2, "delivered").await;
}

#[tokio::test]
async fn a_picture_message_is_never_read_and_a_whatsapp_message_can_be_b356() {
    let server = TestServer::start().await;
    let sent = conversation(&server, &[]).await;
    let whatsapp = format!("whatsapp:{PHONE}");
    add_phone(&server, &sent, PHONE, NUMBER).await;
    add_phone(&server, &sent, &whatsapp, &format!("whatsapp:{NUMBER}")).await;
    let media = sid(&uploaded(&server, "", "image/png", PNG).await);
    post_message(&server, &sent, &[("MediaSid", &media)])
        .await
        .expect(201);
    for (phone, status) in [(PHONE, "delivered"), (&whatsapp, "read")] {
        let got = on_phone(&server, phone, 0, "delivered").await;
        let path = format!("{}/{}", inbox(phone), sid(&got));
        let answer = server.post(&path, &[("Status", "read")]).await.expect(200);
        assert_eq!(answer.json["status"], status, "{phone}");
    }
}

#[tokio::test]
async fn files_of_a_phone_become_media_of_its_message_b285() {
    let server = TestServer::start().await;
    let sent = conversation(&server, &["alice"]).await;
    add_phone(&server, &sent, PHONE, NUMBER).await;
    // Two files that this server itself has on the web.
    let mut form = vec![
        ("To".to_owned(), NUMBER.to_owned()),
        ("Body".to_owned(), "look".to_owned()),
    ];
    for bytes in [PNG, b"%PDF-1.7"] {
        let record = uploaded(&server, "", "application/octet-stream", bytes).await;
        form.push(("MediaUrl".into(), temporary(&record)));
    }
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    server.post(&inbox(PHONE), &form).await.expect(201);
    server
        .post(&inbox(PHONE), &[("To", NUMBER), ("Body", "and this")])
        .await
        .expect(201);
    let messages = until("both messages", || async {
        let path = format!("{CONVERSATIONS}/{sent}/Messages");
        let messages = server.rest.list(&path, "messages").await;
        (messages.len() == 2).then_some(messages)
    })
    .await;
    assert_eq!(
        (&messages[0]["body"], &messages[1]["body"]),
        (&json!("look"), &json!("and this"))
    );
    let media = messages[0]["media"].as_array().unwrap();
    let kinds: Vec<_> = media
        .iter()
        .map(|m| m["content_type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["image/png", "application/pdf"]);
    assert!(messages[0]["participant_sid"].is_string());
    let path = format!("{}/{}", collection(&server), sid(&media[0]));
    let record = server.get(&path).await.expect(200).json;
    assert_eq!(
        (&record["author"], &record["size"]),
        (&json!(PHONE), &json!(PNG.len()))
    );

    let alice = server.token("alice").await;
    send(&server, with_token(&server, Method::GET, &path, &alice))
        .await
        .expect(200);
    on_phone(&server, PHONE, 0, "delivered").await;
}
