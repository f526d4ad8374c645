//! The log of Programmable Messaging over the whole server: the carrier's reports, and files with their bytes.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use std::time::Duration;

use confab_testkit::{TestServer, soon};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use support::{CONVERSATIONS, conversation};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const PHONE: &str = "+15558675310";
const WHATSAPP: &str = "whatsapp:+15558675310";
const NUMBER: &str = "+15017122661";

fn log(server: &TestServer) -> String {
    format!("/2010-04-01/Accounts/{}/Messages", server.account_sid)
}

/// The messages of the log to an address, newest first, once they have these statuses.
async fn with_statuses(server: &TestServer, to: &str, statuses: &[&str]) -> Vec<Value> {
    let path = format!("{}.json?To={}", log(server), to.replace('+', "%2B"));
    let asking = async {
        loop {
            let page = server.get(&path).await.expect(200).json;
            let messages = page["messages"].as_array().unwrap();
            if messages.iter().map(|m| &m["status"]).eq(statuses) {
                return messages.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("messages of the log", asking).await
}

async fn uploaded(server: &TestServer, content_type: &str) -> Value {
    let path = format!("/mcs/v1/Services/{}/Media", server.service_sid);
    let upload = server
        .rest
        .request(Method::POST, &path)
        .header("Content-Type", content_type)
        .body(PNG);
    server.rest.send(upload).await.unwrap().expect(201).json
}

async fn add_phone(server: &TestServer, conversation: &str, address: &str, proxy: &str) {
    let form = [
        ("MessagingBinding.Address", address),
        ("MessagingBinding.ProxyAddress", proxy),
    ];
    let path = format!("{CONVERSATIONS}/{conversation}/Participants");
    server.post(&path, &form).await.expect(201);
}

/// The bytes behind the `uri` of a file without its extension, which redirects to them.
async fn bytes(server: &TestServer, uri: &str) -> (u16, Vec<u8>) {
    let client = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let request = client
        .get(format!("{}{}", server.url(), uri.strip_suffix(".json").unwrap()))
        .basic_auth(&server.account_sid, Some(&server.auth_token));
    let response = request.send().await.unwrap();
    if response.status() != 307 {
        return (response.status().as_u16(), Vec::new());
    }
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let response = client.get(location).send().await.unwrap();
    (
        response.status().as_u16(),
        response.bytes().await.unwrap().to_vec(),
    )
}

async fn files(server: &TestServer, message: &Value) -> Vec<Value> {
    let path = message["subresource_uris"]["media"].as_str().unwrap();
    let page = server.get(path).await.expect(200).json;
    page["media_list"].as_array().unwrap().clone()
}

/// ListMessage, FetchMessage, ListMedia, FetchMedia
#[tokio::test]
async fn what_conversations_send_follows_the_carrier_b252_b282_b284() {
    let server = TestServer::start().await;
    let sent = conversation(&server, &["alice"]).await;
    add_phone(&server, &sent, PHONE, NUMBER).await;
    add_phone(&server, &sent, WHATSAPP, &format!("whatsapp:{NUMBER}")).await;
    let messages = format!("{CONVERSATIONS}/{sent}/Messages");
    server.post(&messages, &[("Body", "hi")]).await.expect(201);
    let text = with_statuses(&server, PHONE, &["delivered"]).await.remove(0);
    assert_eq!([&text["body"], &text["num_media"]], [&json!("hi"), &json!("0")]);
    assert!(files(&server, &text).await.is_empty());

    let picture = uploaded(&server, "image/png").await;
    let form = [("MediaSid", picture["sid"].as_str().unwrap())];
    server.post(&messages, &form).await.expect(201);
    for (phone, statuses) in [(PHONE, ["delivered"; 2]), (WHATSAPP, ["delivered"; 2])] {
        let message = with_statuses(&server, phone, &statuses).await.remove(0);
        assert_eq!(
            [&message["body"], &message["num_media"]],
            [&json!(""), &json!("1")]
        );
        let file = files(&server, &message).await.remove(0);
        assert_eq!(
            [&file["sid"], &file["parent_sid"], &file["content_type"]],
            [&picture["sid"], &message["sid"], &json!("image/png")]
        );
        let uri = file["uri"].as_str().unwrap();
        assert_eq!(server.get(uri).await.expect(200).json, file);
        assert_eq!(bytes(&server, uri).await, (200, PNG.to_vec()));
    }

    // What a channel does not take is not sent, and has failed.
    let archive = uploaded(&server, "application/zip").await;
    let form = [("MediaSid", archive["sid"].as_str().unwrap())];
    server.post(&messages, &form).await.expect(201);
    let statuses = ["failed", "delivered", "delivered"];
    let failed = with_statuses(&server, WHATSAPP, &statuses).await.remove(0);
    assert_eq!(
        [&failed["error_code"], &failed["error_message"]],
        [&json!(63005), &json!("Channel did not accept given content")]
    );
    assert_eq!(failed["date_sent"], failed["date_created"]);
    with_statuses(&server, PHONE, &["delivered"; 2]).await;
}

/// FetchMedia, DeleteMedia
#[tokio::test]
async fn files_of_a_phone_are_in_the_log_with_their_bytes_b302_b285() {
    let server = TestServer::start().await;
    let number = format!(
        "/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json",
        server.account_sid
    );
    server.post(&number, &[("PhoneNumber", NUMBER)]).await.expect(201);
    let inbox = format!("/simulator/v1/Handsets/{}/Messages", PHONE.replace('+', "%2B"));
    let record = uploaded(&server, "image/png").await;
    let url = record["links"]["content_direct_temporary"].as_str().unwrap();
    let form = [("To", NUMBER), ("Body", "look"), ("MediaUrl", url)];
    server.post(&inbox, &form).await.expect(201);
    let message = with_statuses(&server, NUMBER, &["received"]).await.remove(0);
    assert_eq!(
        [&message["body"], &message["num_media"]],
        [&json!("look"), &json!("1")]
    );
    let file = files(&server, &message).await.remove(0);
    let uri = file["uri"].as_str().unwrap();
    assert_eq!(bytes(&server, uri).await, (200, PNG.to_vec()));
    // Without credentials there is nothing.
    let anonymous = server.rest.anonymous();
    let request = anonymous.request(Method::GET, uri.strip_suffix(".json").unwrap());
    assert_eq!(anonymous.send(request).await.unwrap().status, 401);
    server.delete(uri).await.expect(204);
    assert_eq!(bytes(&server, uri).await.0, 404);
    assert!(files(&server, &message).await.is_empty());
}
