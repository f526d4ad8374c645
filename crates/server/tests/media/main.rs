//! Media as callers of the Media Content Service, REST, SDK clients and phones meet them (rest.md §3, behaviours §7).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod messages;
mod phones;
mod records;
#[path = "../support/mod.rs"]
mod support;
mod uploads;

use confab_testkit::{Response, TestServer};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use support::CONVERSATIONS;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";

fn collection(server: &TestServer) -> String {
    format!("/mcs/v1/Services/{}/Media", server.service_sid)
}

/// An upload that is still to get its body.
fn upload(server: &TestServer, query: &str, content_type: Option<&str>) -> RequestBuilder {
    let path = format!("{}{query}", collection(server));
    let request = server.rest.request(Method::POST, &path);
    match content_type {
        Some(content_type) => request.header("Content-Type", content_type),
        None => request,
    }
}

async fn send(server: &TestServer, request: RequestBuilder) -> Response {
    server.rest.send(request).await.unwrap()
}

/// Uploads as the account; gives the record.
async fn uploaded(
    server: &TestServer,
    query: &str,
    content_type: &str,
    bytes: impl Into<reqwest::Body>,
) -> Value {
    let request = upload(server, query, Some(content_type)).body(bytes);
    send(server, request).await.expect(201).json
}

fn sid(record: &Value) -> String {
    record["sid"].as_str().unwrap().to_owned()
}

/// A client that takes a redirect as an answer.
fn client() -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn bytes(request: RequestBuilder) -> (u16, HeaderMap, Vec<u8>) {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

fn temporary(record: &Value) -> String {
    record["links"]["content_direct_temporary"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What a temporary URL gives to anybody.
async fn download(url: &str) -> (u16, HeaderMap, Vec<u8>) {
    bytes(client().get(url)).await
}

/// A request of a chat user.
fn with_token(server: &TestServer, method: Method, path: &str, token: &str) -> RequestBuilder {
    server
        .rest
        .anonymous()
        .request(method, path)
        .header("X-Twilio-Token", token)
}

async fn post_message(server: &TestServer, conversation: &str, form: &[(&str, &str)]) -> Response {
    server
        .post(&format!("{CONVERSATIONS}/{conversation}/Messages"), form)
        .await
}
