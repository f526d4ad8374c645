//! Requests in frames: their paths and bodies.

use confab_testkit::TestServer;
use serde_json::{Value, json};

use super::is_healthy;
use crate::support::{CONVERSATIONS, Feed, conversation, raw, snapshot, user};

#[tokio::test]
async fn path_segments_are_split_first_and_decoded_then_s2_12() {
    let server = TestServer::start().await;
    let identity = "al ice+é@x.com/=&%?";
    let encoded = "al%20ice%2B%C3%A9%40x.com%2F%3D%26%25%3F";
    let mut socket = server.client(identity).await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    let path = format!("{base}/Users/{encoded}");
    let (status, body) = raw(&mut socket, json!({"method": "GET", "path": path}), b"").await;
    assert_eq!((status, &body["identity"]), (200, &json!(identity)), "{body}");
    let (status, body) = raw(
        &mut socket,
        json!({"method": "POST", "path": path, "host": "anything.example:1"}),
        b"{\"friendly_name\":\"N\"}",
    )
    .await;
    assert_eq!((status, &body["friendly_name"]), (200, &json!("N")), "{body}");
    let (status, body) = raw(
        &mut socket,
        json!({"method": "POST", "path": format!("{base}/Conversations")}),
        "{\"unique_name\":\"a/b c?é\"}".as_bytes(),
    )
    .await;
    assert_eq!(status, 201, "{body}");
    let path = format!("{base}/Conversations/a%2Fb%20c%3F%C3%A9");
    let (status, found) = raw(&mut socket, json!({"method": "GET", "path": path}), b"").await;
    assert_eq!((status, &found["sid"]), (200, &body["sid"]), "{found}");
    let sid = found["sid"].as_str().unwrap();
    // join and leave, as the SDK names the identity
    let join = json!({"identity": identity}).to_string();
    let participants = format!("{base}/Conversations/{sid}/Participants");
    let request = json!({"method": "POST", "path": participants});
    assert_eq!(raw(&mut socket, request, join.as_bytes()).await.0, 201);
    let request = json!({"method": "DELETE", "path": format!("{participants}/{encoded}")});
    assert_eq!(raw(&mut socket, request, b"{}").await.0, 204);
    // a parameter is decoded as well, and a repeated one is an array
    let name = format!(
        "{}.info",
        user(&server, "al%20ice+%C3%A9@x.com%2F%3D&%25%3F").await
    );
    let params = json!({"Key": ["friendly%4Eame", "attributes"]});
    let path = format!("/v3/Maps/{name}/Items");
    let request = json!({"method": "GET", "path": path, "params": params});
    let (_, items) = raw(&mut socket, request, b"").await;
    assert_eq!(items["items"][0]["key"], "friendlyName", "{items}");
}

#[tokio::test]
async fn paths_and_parameters_that_are_no_text_are_refused_with_400() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let before = snapshot(&server, &sid).await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    for (method, path, params) in [
        ("GET", format!("{base}/Users/%FF"), json!({})),
        ("GET", format!("{base}/Users/%00"), json!({})),
        ("GET", format!("{base}/Users/a%00b"), json!({})),
        ("GET", format!("{base}/Users/\0"), json!({})),
        ("POST", format!("{base}/Conversations/%C3"), json!({})),
        (
            "GET",
            format!("/v3/Maps/{sid}.roster/Items"),
            json!({"Key": "%00"}),
        ),
        (
            "GET",
            format!("/v3/Maps/{sid}.roster/Items"),
            json!({"From": "%ED%A0%80"}),
        ),
        ("GET", format!("/v3/Maps/{sid}.roster/Items"), json!({"%FE": "x"})),
        (
            "GET",
            format!("/v3/Lists/{sid}.messages/Items"),
            json!({"From": "x"}),
        ),
        (
            "GET",
            format!("/v3/Lists/{sid}.messages/Items"),
            json!({"Index": "1.5"}),
        ),
        (
            "GET",
            format!("/v3/Lists/{sid}.messages/Items"),
            json!({"PageToken": "PAforged"}),
        ),
        (
            "GET",
            format!("{base}/Users/alice/Conversations"),
            json!({"PageToken": "PAAA"}),
        ),
    ] {
        let request = json!({"method": method, "path": path, "params": params});
        let (status, body) = raw(&mut socket, request.clone(), b"{\"attributes\":\"{}\"}").await;
        assert_eq!((status, &body["code"]), (400, &json!(20001)), "{request}: {body}");
    }
    let id = socket.send(json!({"method": "message"}), b"").await;
    let reply = socket.reply(&id).await;
    assert_eq!(reply.header["http_status"]["code"], 400, "{}", reply.header);
    assert_eq!(snapshot(&server, &sid).await, before);
}

#[tokio::test]
async fn unknown_paths_get_404_and_wrong_methods_405_s3_2() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let before = snapshot(&server, &sid).await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    for path in [
        String::new(),
        "/".into(),
        "/Client".into(),
        "/Client/v2".into(),
        "/Client/v1/Configuration".into(),
        "/Client/v2/Nonsense".into(),
        "/Client/v2/Configuration/x".into(),
        base.clone(),
        format!("{base}/Nonsense"),
        format!("{base}/Conversations/{sid}/Nonsense"),
        format!("{base}/Conversations/{sid}/Messages/IM1/Receipts/x"),
        format!("{base}/Users/alice/Nonsense"),
        format!("{base}/Users/alice/Conversations/{sid}/x"),
        "/v3/Streams/x".into(),
        "/v3/Maps".into(),
        format!("/v3/Documents/{sid}.channel/Items"),
        format!("/v3/Maps/{sid}.roster/Items/x"),
        "/v4/Nonsense".into(),
    ] {
        let (status, body) = raw(&mut socket, json!({"method": "GET", "path": path}), b"").await;
        assert_eq!((status, &body["status"]), (404, &json!(404)), "{path}: {body}");
    }
    for (method, path) in [
        ("POST", "/Client/v2/Configuration".into()),
        ("GET", format!("{base}/Conversations")),
        ("PUT", format!("{base}/Conversations/{sid}")),
        ("GET", format!("{base}/Conversations/{sid}/Messages")),
        ("GET", format!("{base}/Conversations/{sid}/Participants")),
        ("DELETE", format!("{base}/Users/alice")),
        ("DELETE", format!("{base}/Users/alice/Conversations/{sid}")),
        ("GET", format!("{base}/Typing")),
        ("POST", format!("/v3/Maps/{sid}.roster")),
        ("DELETE", format!("/v3/Lists/{sid}.messages")),
        ("NONSENSE", format!("/v3/Documents/{sid}.channel")),
    ] {
        let (status, body) = raw(&mut socket, json!({"method": method, "path": path}), b"{}").await;
        assert_eq!(
            (status, &body["code"]),
            (405, &json!(20004)),
            "{method} {path}: {body}"
        );
    }
    assert_eq!(snapshot(&server, &sid).await, before);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused_and_changes_nothing() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice", "bob"]).await;
    let message = crate::support::say(&server, &sid, "hello").await;
    let mut socket = server.client("alice").await;
    // The creator's role: nothing of the following may fail for a missing permission only.
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    let own = format!("{base}/Conversations");
    let (status, made) = socket.request("POST", &own, &[], Some(&json!({}))).await;
    assert_eq!(status, 201, "{made}");
    let own = format!("{own}/{}", made["sid"].as_str().unwrap());
    let join = json!({"identity": "alice"});
    let joined = socket
        .request("POST", &format!("{own}/Participants"), &[], Some(&join))
        .await;
    assert_eq!(joined.0, 201, "{}", joined.1);
    let before = snapshot(&server, &sid).await;
    let paths = [
        format!("{base}/Conversations"),
        own.clone(),
        format!("{base}/Conversations/{sid}"),
        format!("{own}/Participants"),
        format!("{own}/Participants/alice"),
        format!("{own}/Messages"),
        format!("{base}/Conversations/{sid}/Messages"),
        format!("{base}/Conversations/{sid}/Messages/{message}"),
        format!("{base}/Users/alice"),
        format!("{base}/Users/alice/Conversations/{sid}"),
    ];
    let bodies: [&[u8]; 11] = [
        b"",
        b"hello",
        b"[]",
        b"[{\"body\":\"x\"}]",
        b"\"x\"",
        b"7",
        b"null",
        b"{\"body\":\"x\"",
        b"{\"body\":\"\\ud800\"}",
        b"{\"body\":\"\xff\"}",
        b"body=x&friendly_name=x",
    ];
    for path in &paths {
        for body in bodies {
            let shown = String::from_utf8_lossy(body);
            let (status, answer) = raw(&mut socket, json!({"method": "POST", "path": path}), body).await;
            assert_eq!(
                (status, &answer["code"]),
                (400, &json!(20001)),
                "{path} {shown}: {answer}"
            );
        }
    }
    // Members of another type.
    for (path, body) in [
        (&paths[0], json!({"friendly_name": 5})),
        (&paths[1], json!({"unique_name": ["x"]})),
        (&paths[3], json!({"identity": {"a": 1}})),
        (&paths[3], json!({"messaging_binding": "x"})),
        (&paths[6], json!({"body": 5})),
        (&paths[8], json!({"friendly_name": true})),
        (&paths[9], json!({"notification_level": 1})),
        (&paths[9], json!({"notification_level": "loud"})),
    ] {
        let (status, answer) = socket.request("POST", path, &[], Some(&body)).await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!(20001)),
            "{path} {body}: {answer}"
        );
    }
    for index in [json!(-1), json!("0"), json!(1.5), json!(u64::MAX), json!([0])] {
        let body = json!({"last_read_message_index": index});
        let (status, answer) = socket.request("POST", &paths[9], &[], Some(&body)).await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!(50421)),
            "{body}: {answer}"
        );
    }
    for body in [
        &b"nonsense"[..],
        b"{\"action\":\"establish\"}",
        b"[]",
        b"{\"action\":\"x\",\"requests\":[]}",
    ] {
        let request = json!({"method": "POST", "path": "/v4/Subscriptions"});
        let (status, answer) = raw(&mut socket, request, body).await;
        assert_eq!((status, &answer["code"]), (400, &json!(20001)), "{answer}");
    }
    assert_eq!(snapshot(&server, &sid).await, before);
    is_healthy(&server).await;
}

#[tokio::test]
async fn a_delete_may_carry_any_body_s2_12() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let base = format!("/Client/v2/Services/{}/Conversations/{sid}", server.service_sid);
    let mut socket = server.client("alice").await;
    for body in [&b"{}"[..], b"ip_messaging", b"", b"\xff\0"] {
        let (status, made) = raw(
            &mut socket,
            json!({"method": "POST", "path": format!("{base}/Messages")}),
            b"{\"body\":\"x\"}",
        )
        .await;
        assert_eq!(status, 201, "{made}");
        let path = format!("{base}/Messages/{}", made["sid"].as_str().unwrap());
        let (status, answer) = raw(&mut socket, json!({"method": "DELETE", "path": path}), body).await;
        assert_eq!((status, answer), (204, Value::Null), "{body:?}");
    }
    let messages = server
        .rest
        .list(&format!("{CONVERSATIONS}/{sid}/Messages"), "messages")
        .await;
    assert_eq!(messages, Vec::<Value>::new());
}

#[tokio::test]
async fn nul_characters_in_bodies_are_refused_with_400_and_change_nothing() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let base = format!("/Client/v2/Services/{}", server.service_sid);
    let own = format!("{base}/Conversations");
    let (_, made) = socket.request("POST", &own, &[], Some(&json!({}))).await;
    let own = format!("{own}/{}", made["sid"].as_str().unwrap());
    let join = json!({"identity": "alice"});
    assert_eq!(
        socket
            .request("POST", &format!("{own}/Participants"), &[], Some(&join))
            .await
            .0,
        201
    );
    let message = json!({"body": "x"});
    let (_, message) = socket
        .request("POST", &format!("{own}/Messages"), &[], Some(&message))
        .await;
    let message = format!("{own}/Messages/{}", message["sid"].as_str().unwrap());
    let before = snapshot(&server, &sid).await;
    for (path, body) in [
        (format!("{base}/Conversations"), json!({"friendly_name": "a\0b"})),
        (format!("{base}/Conversations"), json!({"unique_name": "a\0b"})),
        (own.clone(), json!({"friendly_name": "\0"})),
        (own.clone(), json!({"unique_name": "\0"})),
        (own.clone(), json!({"attributes": "\0"})),
        (format!("{own}/Messages"), json!({"body": "a\0b"})),
        (format!("{own}/Messages"), json!({"body": "x", "subject": "a\0b"})),
        (format!("{own}/Participants"), json!({"identity": "a\0b"})),
        (
            format!("{own}/Participants"),
            json!({"messaging_binding": {"address": "+15558675310\0", "proxy_address": "+15017122661"}}),
        ),
        (message.clone(), json!({"body": "\0"})),
        (format!("{base}/Users/alice"), json!({"friendly_name": "a\0b"})),
    ] {
        let (status, answer) = socket.request("POST", &path, &[], Some(&body)).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
    }
    assert_eq!(snapshot(&server, &sid).await, before);
    // Written as an escape inside JSON text it is no character of the text.
    let attributes = json!({"attributes": "{\"a\":\"\\u0000\"}"});
    let (status, answer) = socket.request("POST", &own, &[], Some(&attributes)).await;
    assert_eq!(
        (status, &answer["attributes"]),
        (200, &attributes["attributes"]),
        "{answer}"
    );
    let mut feed = Feed::new(socket);
    feed.open("document", &format!("{}.channel", made["sid"].as_str().unwrap()))
        .await;
    is_healthy(&server).await;
}
