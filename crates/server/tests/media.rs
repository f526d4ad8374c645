//! Media as callers of the Media Content Service, REST, SDK clients and phones meet them (rest.md §3, behaviours §7).
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod support;

use std::time::Duration;

use confab_media::Links;
use confab_testkit::{Response, TestServer, access_token, soon};
use confab_types::{MediaSid, Sid as _};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use support::{CONVERSATIONS, conversation};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
const PHONE: &str = "+15558675310";
const NUMBER: &str = "+15017122661";

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

/// CreateMedia, FetchMedia, FetchMediaContent, FetchTemporaryContent.
#[tokio::test]
async fn an_upload_has_a_record_and_its_bytes_can_be_had_b271_b272_b273_b278_b286() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "?Category=media&Filename=b%20c.png", "image/png", PNG).await;
    let media = sid(&record);
    assert!(MediaSid::parse(&media).is_some());
    let url = format!("{}{}/{media}", server.url(), collection(&server));
    let expected = json!({
        "sid": media, "account_sid": server.account_sid, "service_sid": server.service_sid,
        "date_created": record["date_created"], "date_upload_updated": record["date_upload_updated"],
        "date_updated": null, "size": PNG.len(), "content_type": "image/png", "filename": "b c.png",
        "author": "system", "category": "media", "message_sid": null, "channel_sid": null, "url": url,
        "is_multipart_upstream": false,
        "links": {"content": format!("{url}/Content"), "content_direct_temporary": temporary(&record)},
    });
    assert_eq!(record, expected);
    assert!(record["date_created"].as_str().unwrap().ends_with('Z'));

    let fetched = server.get(&url).await.expect(200).json;
    assert_eq!(
        (sid(&fetched), &fetched["size"]),
        (media.clone(), &record["size"])
    );
    let unnamed = uploaded(&server, "", "text/plain", "x").await;
    assert_eq!(unnamed["filename"], Value::Null);

    let account = (&server.account_sid, Some(&server.auth_token));
    let redirect = client()
        .get(format!("{url}/Content"))
        .basic_auth(account.0, account.1);
    let (status, headers, _) = bytes(redirect).await;
    assert_eq!(status, 307);
    let (status, headers, body) = download(headers["location"].to_str().unwrap()).await;
    assert_eq!((status, body.as_slice()), (200, PNG));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-length", "20"),
        (
            "content-disposition",
            "inline; filename=\"b c.png\"; filename*=UTF-8''b%20c.png",
        ),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"));
}

#[tokio::test]
async fn a_temporary_url_is_good_for_what_it_was_made_for_b278() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "", "text/plain", "one").await;
    let other = uploaded(&server, "", "text/plain", "two").await;
    let media = MediaSid::parse(&sid(&record)).unwrap();
    let links = Links::new(&server.engine().vault().derive("temporary media URLs").unwrap());
    let made = |seconds_ago: i64| {
        let at = server.engine().now().plus_seconds(-seconds_ago);
        format!("{}/media{}", server.url(), links.sign(media, at))
    };
    assert_eq!(download(&made(290)).await.0, 200);
    let (status, _, body) = download(&made(300)).await;
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &error["code"]), (403, &json!(20403)));

    let good = temporary(&record);
    let elsewhere = good.replace(&sid(&record), &sid(&other));
    let longer = good.replace("Expires=1", "Expires=2");
    let bare = good.split('?').next().unwrap().to_owned();
    for url in [elsewhere, longer, bare, good.replace("Signature=", "Signature=A")] {
        assert_eq!(download(&url).await.0, 403, "{url}");
    }
    let again = server.get(record["url"].as_str().unwrap()).await.expect(200).json;
    assert_eq!(download(&temporary(&again)).await.2, b"one");
}

#[tokio::test]
async fn parts_of_the_bytes_can_be_had() {
    let server = TestServer::start().await;
    let url = temporary(&uploaded(&server, "", "text/plain", "0123456789").await);
    let (status, headers, body) = bytes(client().get(&url).header("Range", "bytes=2-4")).await;
    assert_eq!((status, body.as_slice()), (206, b"234".as_slice()));
    assert_eq!(headers["content-range"], "bytes 2-4/10");
    let (status, headers, _) = bytes(client().get(&url).header("Range", "bytes=10-")).await;
    assert_eq!(
        (status, &headers["content-range"]),
        (416, &"bytes */10".parse().unwrap())
    );
    let (status, headers, body) = bytes(client().head(&url)).await;
    assert_eq!(
        (status, headers["content-length"].to_str().unwrap(), body.len()),
        (200, "10", 0)
    );
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_only_to_be_saved() {
    let server = TestServer::start().await;
    for (content_type, name) in [
        ("text/html", "a.html"),
        ("image/svg+xml", "a.svg"),
        ("text/xml", "a.xml"),
    ] {
        let record = uploaded(&server, &format!("?Filename={name}"), content_type, "<script/>").await;
        let (_, headers, _) = download(&temporary(&record)).await;
        assert_eq!(headers["content-type"], content_type);
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment; "), "{disposition}");
    }
}

/// What stands around the file of a form is not gathered without end; the file itself may be long.
#[tokio::test]
async fn a_form_is_read_piece_by_piece() {
    let server = TestServer::start().await;
    let kind = "multipart/form-data; boundary=B";
    let long = "x".repeat(8 << 20);
    for junk in [
        long.clone(),
        format!("--B\r\nX-Long: {long}"),
        format!("--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{long}"),
    ] {
        let (status, _, body) = bytes(upload(&server, "", Some(kind)).body(junk)).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["code"]), (400, &json!(20001)), "{body}");
    }
    let form = format!(
        "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\n{long}\r\n--B--\r\n"
    );
    let record = uploaded(&server, "", kind, form).await;
    assert_eq!(record["size"], 8 << 20);
}

#[tokio::test]
async fn a_form_with_one_file_is_an_upload_of_the_file_b271() {
    let server = TestServer::start().await;
    let form = "--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nnothing\r\n\
        --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nabc\r\n--B--\r\n";
    let record = uploaded(
        &server,
        "?Filename=other",
        "multipart/form-data; boundary=B",
        form,
    )
    .await;
    assert_eq!(
        (&record["size"], &record["content_type"], &record["filename"]),
        (&json!(3), &json!("text/plain"), &json!("f.txt"))
    );
    assert_eq!(download(&temporary(&record)).await.2, b"abc");

    let untyped = form
        .replace("Content-Type: text/plain\r\n", "")
        .replace("abc", "%PDF-1.7");
    let record = uploaded(&server, "", "multipart/form-data; boundary=B", untyped).await;
    assert_eq!(record["content_type"], "application/pdf");

    for (broken, boundary) in [
        (form.replace("; filename=\"f.txt\"", ""), "B"),
        (form.replace("--B--", ""), "B"),
        (form.replace("abc", ""), "B"),
        (form.to_owned(), "C"),
        (String::new(), "B"),
    ] {
        let kind = format!("multipart/form-data; boundary={boundary}");
        let refused = send(&server, upload(&server, "", Some(&kind)).body(broken.clone())).await;
        assert_eq!((refused.status, refused.code()), (400, Some(20001)), "{broken}");
    }
}

#[tokio::test]
async fn the_type_is_kept_as_given_and_told_by_the_bytes_otherwise() {
    let server = TestServer::start().await;
    for given in [None, Some("application/octet-stream")] {
        let record = send(&server, upload(&server, "", given).body(PNG))
            .await
            .expect(201);
        assert_eq!(record.json["content_type"], "image/png", "{given:?}");
    }
    let record = uploaded(&server, "", "text/x-own; a=b", PNG).await;
    assert_eq!(record["content_type"], "text/x-own; a=b");
}

#[tokio::test]
async fn bad_uploads_are_refused_and_leave_nothing() {
    let server = TestServer::start().await;
    let refused = |request: RequestBuilder| async {
        let refused = send(&server, request).await;
        (refused.status, refused.code().unwrap())
    };
    let text = Some("text/plain");
    assert_eq!(refused(upload(&server, "", text).body("")).await, (400, 20001));
    assert_eq!(
        refused(upload(&server, "?Category=x", text).body("x")).await,
        (400, 20001)
    );
    let long = format!("?Filename={}", "a".repeat(257));
    assert_eq!(
        refused(upload(&server, &long, text).body("x")).await,
        (400, 20001)
    );
    let kind = "a/".to_owned() + &"b".repeat(255);
    assert_eq!(
        refused(upload(&server, "", Some(&kind)).body("x")).await,
        (400, 20001)
    );

    let elsewhere = collection(&server).replace(&server.service_sid, "IS00000000000000000000000000000001");
    assert_eq!(server.post(&elsewhere, &[]).await.expect(404).code(), Some(20404));
    let anonymous = server.rest.anonymous();
    assert_eq!(anonymous.get(&collection(&server)).await.status, 405);
    assert_eq!(
        anonymous
            .post(&collection(&server), &[("a", "b")])
            .await
            .expect(401)
            .code(),
        Some(20003)
    );
    for unknown in [
        "ME00000000000000000000000000000001",
        "ME1",
        "CH00000000000000000000000000000001",
    ] {
        let path = format!("{}/{unknown}", collection(&server));
        assert_eq!(server.get(&path).await.expect(404).code(), Some(20404));
        assert_eq!(server.get(&format!("{path}/Content")).await.status, 404);
    }
    assert_eq!(server.get("/media/").await.status, 404);
}

#[tokio::test]
async fn media_cannot_be_changed_b279() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "", "text/plain", "x").await;
    let url = record["url"].as_str().unwrap();
    assert_eq!(
        server.post(url, &[("Filename", "y")]).await.expect(405).code(),
        Some(20004)
    );
    assert_eq!(server.delete(url).await.expect(405).code(), Some(20004));
    let put = server.rest.request(Method::PUT, url).body("y");
    assert_eq!(send(&server, put).await.status, 405);
    assert_eq!(download(&temporary(&record)).await.2, b"x");
}

#[tokio::test]
async fn the_limit_of_the_owner_is_exact_b281() {
    let server = TestServer::start_with(|config| config.media.max_bytes = 2000).await;
    let of = |size: usize| upload(&server, "", Some("text/plain")).body(vec![b'a'; size]);
    assert_eq!(send(&server, of(2000)).await.expect(201).json["size"], 2000);
    assert_eq!(send(&server, of(2001)).await.expect(413).code(), Some(20413));
    // Well past it, and without a length that would tell.
    assert_eq!(send(&server, of(300_000)).await.expect(413).code(), Some(20413));
    let form = |size: usize| {
        let form = format!(
            "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n{}\r\n--B--\r\n",
            "a".repeat(size)
        );
        upload(&server, "", Some("multipart/form-data; boundary=B")).body(form)
    };
    assert_eq!(send(&server, form(2000)).await.expect(201).json["size"], 2000);
    assert_eq!(send(&server, form(2001)).await.expect(413).code(), Some(20413));
    let chunked = |size: usize| {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n",
            collection(&server),
            basic(&server)
        );
        [head.into_bytes(), vec![b'a'; size], b"\r\n0\r\n\r\n".to_vec()].concat()
    };
    assert!(raw(&server, &chunked(2000)).await.starts_with("HTTP/1.1 201"));
    assert!(raw(&server, &chunked(2001)).await.starts_with("HTTP/1.1 413"));
}

fn basic(server: &TestServer) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", server.account_sid, server.auth_token))
}

/// Sends bytes as they stand; gives all that comes back.
async fn raw(server: &TestServer, request: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut connection = tokio::net::TcpStream::connect(server.address).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    soon("the answer", connection.read_to_end(&mut answer))
        .await
        .unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_no_medium() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = TestServer::start().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {}\r\nContent-Length: 1000\r\n\r\nonly this",
        collection(&server),
        basic(&server)
    );
    let mut connection = tokio::net::TcpStream::connect(server.address).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the end", connection.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    uploaded(&server, "", "text/plain", "the server still works").await;
}

/// CreateConversationMessage
#[tokio::test]
async fn a_message_takes_media_for_good_b273_b274_b275_b276() {
    let server = TestServer::start().await;
    let conversation = conversation(&server, &[]).await;
    let record = uploaded(&server, "?Filename=a.png", "image/png", PNG).await;
    let media = sid(&record);
    let sent = post_message(&server, &conversation, &[("MediaSid", &media)])
        .await
        .expect(201);
    let shown = json!([{"sid": media, "size": PNG.len(), "content_type": "image/png", "filename": "a.png"}]);
    assert_eq!((&sent.json["media"], &sent.json["body"]), (&shown, &Value::Null));
    let fetched = server.get(&sent.text_of("url")).await.expect(200);
    assert_eq!(fetched.json["media"], shown);
    let text = post_message(&server, &conversation, &[("Body", "text"), ("MediaSid", "")]).await;
    assert_eq!(text.expect(201).json["media"], Value::Null);

    let record = server.get(record["url"].as_str().unwrap()).await.expect(200).json;
    assert_eq!(
        (&record["message_sid"], &record["channel_sid"]),
        (&sent.json["sid"], &json!(conversation))
    );
    assert!(record["date_updated"].is_string());

    let other_service = server
        .post("/conversations/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201)
        .text_of("sid");
    let path = collection(&server).replace(&server.service_sid, &other_service);
    let of_other = server.rest.request(Method::POST, &path).body("x");
    let of_other = sid(&send(&server, of_other).await.expect(201).json);
    for (media, code) in [
        (media.as_str(), 50508),
        ("ME00000000000000000000000000000001", 50507),
        (&of_other, 50507),
        ("ME1", 50510),
    ] {
        let refused = post_message(&server, &conversation, &[("Body", "x"), ("MediaSid", media)]).await;
        assert_eq!((refused.status, refused.code()), (400, Some(code)), "{media}");
    }
    let path = format!("{}/{of_other}", collection(&server));
    assert_eq!(server.get(&path).await.status, 404, "of another service");
    let nothing = post_message(&server, &conversation, &[]).await;
    assert_eq!(nothing.expect(400).code(), Some(50503));
    let messages = server
        .rest
        .list(&format!("{CONVERSATIONS}/{conversation}/Messages"), "messages")
        .await;
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn media_go_with_message_conversation_and_service_b058_b132_b242_b280() {
    let server = TestServer::start().await;
    let gone = |record: Value| {
        let server = &server;
        async move {
            let fetched = server.get(record["url"].as_str().unwrap()).await;
            assert_eq!((fetched.status, fetched.code()), (404, Some(20404)));
            assert_eq!(download(&temporary(&record)).await.0, 404);
        }
    };
    let sent = conversation(&server, &[]).await;
    let record = uploaded(&server, "", "text/plain", "message").await;
    let message = post_message(&server, &sent, &[("MediaSid", &sid(&record))])
        .await
        .expect(201);
    server.delete(&message.text_of("url")).await.expect(204);
    gone(record).await;

    let record = uploaded(&server, "", "text/plain", "conversation").await;
    post_message(&server, &sent, &[("MediaSid", &sid(&record))])
        .await
        .expect(201);
    server
        .delete(&format!("{CONVERSATIONS}/{sent}"))
        .await
        .expect(204);
    gone(record).await;

    let service = server
        .post("/conversations/v1/Services", &[("FriendlyName", "short")])
        .await
        .expect(201);
    let path = collection(&server).replace(&server.service_sid, &service.text_of("sid"));
    let upload = server.rest.request(Method::POST, &path).body("service");
    let record = send(&server, upload).await.expect(201).json;
    server.delete(&service.text_of("url")).await.expect(204);
    gone(record).await;
}

#[tokio::test]
async fn a_chat_user_uploads_and_participants_read() {
    let server = TestServer::start().await;
    let (key, secret) = server.create_key().await;
    let token = |identity: &str| server.access_token(identity, &server.service_sid, &key, &secret, 3600);
    let (alice, bob, eve) = (token("alice"), token("bob"), token("eve"));
    let path = collection(&server);
    let post = with_token(
        &server,
        Method::POST,
        &format!("{path}?Category=media&Filename=a.txt"),
        &alice,
    );
    let record = send(&server, post.header("Content-Type", "text/plain").body("hers"))
        .await
        .expect(201)
        .json;
    assert_eq!(
        (&record["author"], &record["category"]),
        (&json!("alice"), &json!("media"))
    );
    let url = record["url"].as_str().unwrap().to_owned();
    let fetch = |token: &str| send(&server, with_token(&server, Method::GET, &url, token));
    fetch(&alice).await.expect(200);
    assert_eq!(fetch(&bob).await.expect(403).code(), Some(50430));

    let sent = conversation(&server, &["alice", "bob"]).await;
    let mut client = server.client("alice").await;
    let messages = format!(
        "/Client/v2/Services/{}/Conversations/{sent}/Messages",
        server.service_sid
    );
    let body = json!({"media_sids": [sid(&record)], "attributes": "{}"});
    let (status, reply) = client.request("POST", &messages, &[], Some(&body)).await;
    assert_eq!(status, 201, "{reply}");
    fetch(&bob).await.expect(200);
    assert_eq!(fetch(&eve).await.expect(403).code(), Some(50430));
    let content = send(
        &server,
        with_token(&server, Method::GET, &format!("{url}/Content"), &eve),
    )
    .await;
    assert_eq!(content.status, 403);
    // The account reads all.
    server.get(&url).await.expect(200);

    let other = server
        .post("/conversations/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201)
        .text_of("sid");
    let elsewhere = server.access_token("alice", &other, &key, &secret, 3600);
    let expired = server.access_token("alice", &server.service_sid, &key, &secret, -10);
    let forged = access_token(
        &server.account_sid,
        "alice",
        &server.service_sid,
        &key,
        "no",
        3600,
    );
    for (token, code) in [
        (elsewhere.as_str(), 20106),
        (&expired, 20104),
        (&forged, 20107),
        ("x", 20101),
        ("", 20101),
    ] {
        assert_eq!(fetch(token).await.expect(401).code(), Some(code), "{token}");
        let post = with_token(&server, Method::POST, &path, token).body("x");
        assert_eq!(send(&server, post).await.status, 401);
    }
}

/// FetchMediaSet
#[tokio::test]
async fn a_set_has_the_records_in_the_order_of_the_request_b287() {
    let server = TestServer::start().await;
    let mut sids = Vec::new();
    for text in ["a", "b", "c"] {
        sids.push(sid(&uploaded(&server, "", "text/plain", text).await));
    }
    let unknown = "ME00000000000000000000000000000001".to_owned();
    let asked = [&sids[2], &unknown, &sids[0], &sids[1]];
    let path = format!("{}Set", collection(&server));
    let body = |list: &[&String]| {
        let list: Vec<Value> = list.iter().map(|sid| json!({"media_sid": sid})).collect();
        json!({"command": "get", "list": list}).to_string()
    };
    let post = |body: String| {
        let request = server.rest.request(Method::POST, &path);
        request.header("Content-Type", "application/json").body(body)
    };
    let set = send(&server, post(body(&asked))).await.expect(200).json;
    let seen: Vec<_> = set
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["code"].as_u64().unwrap(),
                one["media_record"]["sid"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (200, sids[2].as_str()),
            (404, &unknown),
            (200, &sids[0]),
            (200, &sids[1])
        ]
    );
    assert_eq!(set[1]["media_record"], json!({"sid": unknown}));
    assert_eq!(download(&temporary(&set[2]["media_record"])).await.2, b"a");

    let token = server.token("alice").await;
    let request = with_token(&server, Method::POST, &path, &token).body(body(&asked[..1]));
    let set = send(&server, request).await.expect(200).json;
    assert_eq!(set[0]["code"], 403);
    for wrong in [
        "",
        "[]",
        r#"{"command":"put","list":[]}"#,
        r#"{"command":"get","list":[{"media_sid":"x"}]}"#,
        r#"{"command":"get","list":[{}]}"#,
    ] {
        let refused = send(&server, post(wrong.to_owned())).await;
        assert_eq!((refused.status, refused.code()), (400, Some(20001)), "{wrong}");
    }
}

/// ListService
/// McsListService.
#[tokio::test]
async fn the_services_of_the_account_are_listed() {
    let server = TestServer::start().await;
    let services = server.rest.list("/mcs/v1/Services", "services").await;
    assert_eq!(services.len(), 1);
    let media = format!("{}{}", server.url(), collection(&server));
    assert_eq!(services[0]["links"]["media"], json!(media));
}

#[tokio::test]
async fn links_follow_the_host_by_which_the_request_came() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "", "text/plain", "x").await;
    let on_host = format!("/v1/Services/{}/Media/{}", server.service_sid, sid(&record));
    let fetch = server
        .rest
        .request(Method::GET, &on_host)
        .header("Host", "mcs.us1.twilio.com");
    let seen = send(&server, fetch).await.expect(200).json;
    assert_eq!(seen["url"], json!(format!("http://mcs.us1.twilio.com{on_host}")));
    let url = temporary(&seen);
    let path = url.strip_prefix("http://media.us1.twilio.com").unwrap();
    let bytes = server.rest.anonymous().request(Method::GET, path);
    let bytes = send(&server, bytes.header("Host", "media.us1.twilio.com"))
        .await
        .expect(200);
    assert_eq!(bytes.text, "x");
}

#[tokio::test]
async fn browsers_may_ask_from_other_origins() {
    let server = TestServer::start().await;
    for path in [
        collection(&server),
        "/media/ME00000000000000000000000000000001".into(),
    ] {
        let asked = server.rest.anonymous().request(Method::OPTIONS, &path);
        let answer = send(&server, asked).await.expect(204);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert!(answer.headers.contains_key("access-control-max-age"));
    }
    let asked = server
        .rest
        .anonymous()
        .request(Method::OPTIONS, &collection(&server));
    let allowed = send(&server, asked).await;
    let allowed = allowed.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(
        allowed.contains("X-Twilio-Token") && allowed.contains("Content-Type"),
        "{allowed}"
    );
}

/// chat CreateMessage
#[tokio::test]
async fn a_message_of_chat_has_one_medium() {
    let server = TestServer::start().await;
    let sent = conversation(&server, &[]).await;
    let media = sid(&uploaded(&server, "?Filename=a.png", "image/png", PNG).await);
    let path = format!(
        "/chat/v2/Services/{}/Channels/{sent}/Messages",
        server.service_sid
    );
    let made = server.post(&path, &[("MediaSid", &media)]).await.expect(201);
    let shown = json!({"sid": media, "size": PNG.len(), "content_type": "image/png", "filename": "a.png"});
    assert_eq!(
        (&made.json["type"], &made.json["media"]),
        (&json!("media"), &shown)
    );
    let text = server.post(&path, &[("Body", "text")]).await.expect(201);
    assert_eq!(
        (&text.json["type"], &text.json["media"]),
        (&json!("text"), &Value::Null)
    );
    for (media, code) in [
        (media.as_str(), 50508),
        ("ME1", 50510),
        ("ME00000000000000000000000000000001", 50507),
    ] {
        let refused = server.post(&path, &[("MediaSid", media)]).await;
        assert_eq!((refused.status, refused.code()), (400, Some(code)), "{media}");
    }
}

// ------------------------------------------------------------------------------------------------ SDK

#[tokio::test]
async fn an_sdk_message_shows_its_media_to_all_b282() {
    let server = TestServer::start().await;
    let sent = conversation(&server, &["alice", "bob"]).await;
    let mut alice = server.client("alice").await;
    let (_, configuration) = alice.request("GET", "/Client/v2/Configuration", &[], None).await;
    let media_service = configuration["links"]["media_service"].as_str().unwrap();
    assert_eq!(media_service, format!("{}{}", server.url(), collection(&server)));
    assert_eq!(configuration["options"]["media_attachment_size_limit_in_mb"], 150);

    let token = server.token("alice").await;
    let mut sids = Vec::new();
    for name in ["a.txt", "b.txt"] {
        let path = format!("{media_service}?Category=media&Filename={name}");
        let post = with_token(&server, Method::POST, &path, &token);
        let post = post.header("Content-Type", "text/plain").body("abc");
        sids.push(sid(&send(&server, post).await.expect(201).json));
    }
    let messages = format!(
        "/Client/v2/Services/{}/Conversations/{sent}/Messages",
        server.service_sid
    );
    let body = json!({"body": "both", "media_sids": sids, "attributes": "{}"});
    let (status, reply) = alice.request("POST", &messages, &[], Some(&body)).await;
    assert_eq!((status, &reply["index"]), (201, &json!(0)), "{reply}");
    let view = |n: usize, name: &str, kind: &str| json!({"sid": sids[n], "size": 3, kind: "text/plain", "filename": name, "category": "media"});
    let shown = json!([view(0, "a.txt", "content_type"), view(1, "b.txt", "content_type")]);
    assert_eq!((&reply["media"], &reply["body"]), (&shown, &json!("both")));
    let rest = server
        .get(&format!("{CONVERSATIONS}/{sent}/Messages"))
        .await
        .expect(200)
        .json;
    assert_eq!(rest["messages"][0]["media"], shown);

    let mut bob = server.client("bob").await;
    let list = format!("/v3/Services/{}/Lists/{sent}.messages/Items", server.service_sid);
    let (_, items) = bob
        .request("GET", &list, &[("From", "0"), ("Order", "asc")], None)
        .await;
    let data = &items["items"][0]["data"];
    let in_sync = json!([view(0, "a.txt", "contentType"), view(1, "b.txt", "contentType")]);
    assert_eq!(
        (&data["type"], &data["text"], &data["medias"], &data["media"]),
        (&json!("media"), &json!("both"), &in_sync, &in_sync[0])
    );

    for (media, code) in [
        (json!([sids[0]]), 50508),
        (json!(["ME1"]), 50510),
        (json!([7]), 50510),
    ] {
        let body = json!({"media_sids": media, "attributes": "{}"});
        let (status, error) = alice.request("POST", &messages, &[], Some(&body)).await;
        assert_eq!((status, &error["code"]), (400, &json!(code)));
    }
    let of_rest = sid(&uploaded(&server, "", "text/plain", "x").await);
    let body = json!({"media_sids": [of_rest], "attributes": "{}"});
    let (_, error) = alice.request("POST", &messages, &[], Some(&body)).await;
    assert_eq!(error["code"], 50507);
}

// ------------------------------------------------------------------------------------------------ phones

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
