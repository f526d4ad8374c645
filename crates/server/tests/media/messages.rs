//! Media of messages, for scripts and chat users.

use confab_testkit::{TestServer, access_token};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PNG, collection, download, post_message, send, sid, temporary, uploaded, with_token};
use crate::support::{CONVERSATIONS, conversation};

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
