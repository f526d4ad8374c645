//! Bodies: their text, their form, their size.

use confab_testkit::{Response, TestServer, soon};
use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Resources, refused};
use crate::support::{CONVERSATIONS, USERS, snapshot};

const FORM: &str = "application/x-www-form-urlencoded";

async fn post_raw(server: &TestServer, path: &str, content_type: Option<&str>, body: Vec<u8>) -> Response {
    let mut request = server.rest.request(Method::POST, path).body(body);
    if let Some(content_type) = content_type {
        request = request.header("Content-Type", content_type);
    }
    server.rest.send(request).await.expect("an answer")
}

#[tokio::test]
async fn text_that_is_not_utf8_or_has_nul_is_refused_everywhere() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let bodies: [&[u8]; 10] = [
        b"Body=%FF&FriendlyName=%FF&Identity=%FF",
        b"Body=\xff&FriendlyName=\xff&Identity=\xff",
        b"Body=%C3&Identity=x",
        b"Body=%ED%A0%80",
        b"Body=%F4%90%80%80",
        b"Body=%C0%AF",
        b"Body=%00&Identity=%00&FriendlyName=%00",
        b"Body=a\0b",
        b"Unknown%FF=x&Body=x&Identity=x",
        b"Attributes=%7B%22a%22%3A%22%FF%22%7D",
    ];
    for path in resources.all() {
        for body in bodies {
            let shown = format!("{path} {}", body.escape_ascii());
            refused(
                &post_raw(&server, &path, Some(FORM), body.to_vec()).await,
                400,
                20001,
                &shown,
            );
        }
    }
    for query in ["PageSize=%FF", "PageToken=%00", "x=%FE"] {
        for path in [CONVERSATIONS, USERS] {
            refused(&server.get(&format!("{path}?{query}")).await, 400, 20001, query);
        }
    }
    for path in [
        format!("{CONVERSATIONS}/%FF"),
        format!("{CONVERSATIONS}/%00"),
        format!("{USERS}/%FF"),
        format!("{USERS}/a%00b"),
        format!("{}/Messages/%FF", resources.conversation),
        format!("{}/Participants/%00", resources.conversation),
    ] {
        let response = server.get(&path).await;
        assert!(
            matches!(response.status, 400 | 404),
            "{path}: {} {}",
            response.status,
            response.text
        );
        let response = server.post(&path, &[("Body", "x"), ("FriendlyName", "x")]).await;
        assert!(
            matches!(response.status, 400 | 404),
            "{path}: {} {}",
            response.status,
            response.text
        );
        let response = server.delete(&path).await;
        assert!(
            matches!(response.status, 400 | 404),
            "{path}: {} {}",
            response.status,
            response.text
        );
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
}

#[tokio::test]
async fn what_is_no_form_counts_as_no_parameters_b009_b008() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let json = json!({"Body": "x", "FriendlyName": "x", "Identity": "x", "Attributes": "{}"}).to_string();
    let form = "Body=x&FriendlyName=x&Identity=x";
    for (content_type, body) in [
        (Some("application/json"), json.as_str()),
        (Some("application/json"), "{"),
        (Some("text/plain"), form),
        (
            Some("multipart/form-data; boundary=x"),
            "--x\r\n\r\nBody=x\r\n--x--",
        ),
        (Some("application/x-www-form-urlencode"), form),
        (Some("nonsense"), form),
        (Some(""), form),
        (None, form),
    ] {
        let what = format!("{content_type:?} {body}");
        let send = async |path: String| post_raw(&server, &path, content_type, body.into()).await;
        // B-014: an update without parameters changes nothing.
        for path in [
            &resources.conversation,
            &resources.participant,
            &resources.message,
            &resources.user,
        ] {
            send(path.clone()).await.expect(200);
        }
        let posted = send(format!("{}/Messages", resources.conversation)).await;
        refused(&posted, 400, 50503, &what);
        let added = send(format!("{}/Participants", resources.conversation)).await;
        refused(&added, 400, 20001, &what);
        let user = send(USERS.into()).await;
        refused(&user, 400, 20001, &what);
        assert_eq!(
            user.json["message"], "Missing required parameter Identity in the post body",
            "B-008: {what}"
        );
        refused(
            &send("/conversations/v1/Services".into()).await,
            400,
            20001,
            &what,
        );
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
    // A form is one in any letter case and with a charset.
    let content_type = Some("Application/X-WWW-Form-URLEncoded; charset=UTF-8");
    let response = post_raw(
        &server,
        &resources.conversation,
        content_type,
        b"FriendlyName=y".to_vec(),
    )
    .await;
    assert_eq!(response.expect(200).json["friendly_name"], "y");
}

#[tokio::test]
async fn odd_forms_are_read_as_what_they_are_and_never_fail_the_server_b007_b010() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    for body in [
        &b""[..],
        b"&&&",
        b"=",
        b"=x",
        b"&=&=&",
        b"FriendlyName%3Dx",
        b"friendlyname=x",
        b"FRIENDLYNAME=x",
        b" FriendlyName=x",
        b"FriendlyName =x",
        b"Friendly.Name=x&Bindings=x&Bindings.Email=x&.=x&..=x&Timers.=x",
        b"%",
        b"%%%",
        b"%FriendlyName=x",
        b"Unknown=1&Unknown=2",
    ] {
        let shown = body.escape_ascii().to_string();
        let response = post_raw(&server, &resources.conversation, Some(FORM), body.to_vec()).await;
        assert_eq!(response.status, 200, "{shown}: {}", response.text);
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
    let many = "a=b&".repeat(10_101).into_bytes();
    refused(
        &post_raw(&server, &resources.conversation, Some(FORM), many).await,
        400,
        20001,
        "10,101 parameters",
    );
    for (body, name) in [
        (&b"FriendlyName=%zz%2"[..], "%zz%2"),
        (b"FriendlyName=a=b==", "a=b=="),
        (b"FriendlyName=first&FriendlyName=second", "first"),
        (b"FriendlyName=a+b%20c", "a b c"),
    ] {
        let response = post_raw(&server, &resources.conversation, Some(FORM), body.to_vec()).await;
        assert_eq!(response.expect(200).json["friendly_name"], name);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_413_and_one_below_it_is_read() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let limit = 1 << 20;
    let form = |length: usize| {
        let mut body = b"FriendlyName=x&Body=x&Identity=x&Unknown=".to_vec();
        body.resize(length, b'x');
        body
    };
    for path in resources.all() {
        for length in [limit + 1, 4 * limit] {
            refused(
                &post_raw(&server, &path, Some(FORM), form(length)).await,
                413,
                20413,
                &path,
            );
        }
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
    let response = post_raw(&server, &resources.conversation, Some(FORM), form(limit)).await;
    assert_eq!(response.expect(200).json["friendly_name"], "x");
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_refused_with_413_before_its_end() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let user = {
        use base64::Engine as _;
        let text = format!("{}:{}", server.account_sid, server.auth_token);
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {user}\r\nContent-Type: {FORM}\r\n\
         Transfer-Encoding: chunked\r\n\r\n10\r\nFriendlyName=yes\r\n",
        resources.conversation
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Up to the limit exactly, then one byte more, and never an end.
    for length in [0x10000; 15].into_iter().chain([0xfff0, 1]) {
        let chunk = [format!("{length:x}\r\n").as_bytes(), &vec![b'x'; length], b"\r\n"].concat();
        stream.write_all(&chunk).await.unwrap();
    }
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&answer).contains("20413") {
            match stream.read(&mut buffer).await {
                Ok(read @ 1..) => answer.extend_from_slice(&buffer[..read]),
                other => panic!("{other:?} after {}", String::from_utf8_lossy(&answer)),
            }
        }
    };
    soon("the refusal", reading).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 413"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    assert_eq!(snapshot(&server, &resources.sid).await, before);
}
