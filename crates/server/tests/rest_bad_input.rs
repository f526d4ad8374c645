//! Input that the REST API refuses: each with its documented status and code, and nothing changed by it
//! (rest.md §1.3–1.6; B-004…B-036, B-742, B-743).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod support;

use confab_testkit::{Response, TestServer, soon};
use http::Method;
use serde_json::{Value, json};
use support::{CONVERSATIONS, USERS, conversation, say, snapshot};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const FORM: &str = "application/x-www-form-urlencoded";

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

async fn post_raw(server: &TestServer, path: &str, content_type: Option<&str>, body: Vec<u8>) -> Response {
    let mut request = server.rest.request(Method::POST, path).body(body);
    if let Some(content_type) = content_type {
        request = request.header("Content-Type", content_type);
    }
    server.rest.send(request).await.expect("an answer")
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

/// JSON text of exactly `bytes` bytes, of characters of several bytes.
fn attributes(bytes: usize) -> String {
    let frame = "{\"a\":\"\"}".len();
    let filling = bytes - frame;
    let text = format!(
        "{{\"a\":\"{}{}\"}}",
        "€".repeat(filling / 3),
        "x".repeat(filling % 3)
    );
    assert_eq!(text.len(), bytes);
    text
}

#[tokio::test]
async fn attributes_are_limited_in_bytes_of_utf8_b742_b743_b019() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let members = format!("{}/Participants", resources.conversation);
    let messages = format!("{}/Messages", resources.conversation);
    for (update, create, more, limit) in [
        (
            &resources.conversation,
            CONVERSATIONS,
            ("FriendlyName", "x"),
            16 * 1024,
        ),
        (&resources.user, USERS, ("Identity", "x"), 16 * 1024),
        (
            &resources.participant,
            members.as_str(),
            ("Identity", "y"),
            4 * 1024,
        ),
        (&resources.message, messages.as_str(), ("Body", "x"), 4 * 1024),
    ] {
        let longest = attributes(limit);
        let set = server.post(update, &[("Attributes", &longest)]).await.expect(200);
        assert_eq!(set.json["attributes"], longest.as_str(), "B-018: {update}");
        let before = snapshot(&server, &resources.sid).await;
        for (what, text, code) in [
            ("one byte more", attributes(limit + 1), 50303),
            (
                "as many characters",
                format!("\"{}\"", "é".repeat(limit - 2)),
                50303,
            ),
            ("spaces", format!("{}7", " ".repeat(limit)), 50303),
            ("no JSON", "hello".into(), 50304),
            ("half a JSON", "{\"a\":".into(), 50304),
            ("two values", "{} {}".into(), 50304),
            ("a comma", "{\"a\":1,}".into(), 50304),
            ("single quotes", "{'a':1}".into(), 50304),
            ("NaN", "NaN".into(), 50304),
            ("a space", " ".into(), 50304),
            ("a deep one", "[".repeat(limit), 50304),
        ] {
            let shown = format!("{update} {what}");
            refused(
                &server.post(update, &[("Attributes", &text)]).await,
                400,
                code,
                &shown,
            );
            refused(
                &server.post(create, &[more, ("Attributes", &text)]).await,
                400,
                code,
                &shown,
            );
        }
        assert_eq!(snapshot(&server, &resources.sid).await, before, "{update}");
        // B-020: any JSON value, also one of many levels.
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for text in ["7", "null", "\"x\"", "[1,{}]", " {} ", deep.as_str()] {
            let set = server.post(update, &[("Attributes", text)]).await;
            assert_eq!(set.status, 200, "{update} {text}: {}", set.text);
            assert_eq!(set.json["attributes"], text, "{update}");
        }
        let made = server
            .post(create, &[more, ("Attributes", &longest)])
            .await
            .expect(201);
        assert_eq!(made.json["attributes"], longest.as_str(), "{create}");
    }
}

#[tokio::test]
async fn names_identities_and_texts_are_limited_in_characters_b742() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let members = format!("{}/Participants", resources.conversation);
    let messages = format!("{}/Messages", resources.conversation);
    let before = snapshot(&server, &resources.sid).await;
    let long = "é".repeat(257);
    let long_body = "é".repeat(16 * 1024 + 1);
    let conversation_sid = format!("CH{}", "0".repeat(32));
    let user_sid = format!("US{}", "0".repeat(32));
    let address = format!("+1555{}", "0".repeat(300));
    let (proxy_name, address_name) = ("MessagingBinding.ProxyAddress", "MessagingBinding.Address");
    for (path, form, code) in [
        (CONVERSATIONS, vec![("FriendlyName", long.as_str())], 50003),
        (CONVERSATIONS, vec![("UniqueName", &long)], 50004),
        (CONVERSATIONS, vec![("UniqueName", &conversation_sid)], 50390),
        (CONVERSATIONS, vec![("MessagingServiceSid", "x")], 50341),
        (CONVERSATIONS, vec![("State", "closed")], 50384),
        (CONVERSATIONS, vec![("State", "nonsense")], 50378),
        (&resources.conversation, vec![("FriendlyName", &long)], 50003),
        (
            &resources.conversation,
            vec![("FriendlyName", "new"), ("UniqueName", &long)],
            50004,
        ),
        (
            &resources.conversation,
            vec![("FriendlyName", "new"), ("State", "nonsense")],
            50378,
        ),
        (
            &resources.conversation,
            vec![("FriendlyName", "new"), ("Attributes", "{")],
            50304,
        ),
        (USERS, vec![("Identity", &long)], 50207),
        (USERS, vec![("Identity", &user_sid)], 50206),
        (USERS, vec![("Identity", "x"), ("FriendlyName", &long)], 50003),
        (USERS, vec![("Identity", "x"), ("RoleSid", "x")], 50102),
        (USERS, vec![("Identity", "")], 20001),
        (&resources.user, vec![("FriendlyName", &long)], 50003),
        (
            &resources.user,
            vec![("FriendlyName", "new"), ("RoleSid", "x")],
            50102,
        ),
        (&members, vec![("Identity", &long)], 50207),
        (&members, vec![("Identity", "x"), ("RoleSid", "x")], 50109),
        (
            &members,
            vec![("Identity", "x"), (address_name, "+15558675310")],
            50211,
        ),
        (
            &members,
            vec![(address_name, "+15558675310"), (proxy_name, "+15558675310")],
            50409,
        ),
        (
            &members,
            vec![(address_name, "nonsense"), (proxy_name, "+15017122661")],
            50407,
        ),
        (
            &members,
            vec![(address_name, &address), (proxy_name, "+15017122661")],
            50407,
        ),
        (
            &members,
            vec![(address_name, "+15558675310"), (proxy_name, "nonsense")],
            50408,
        ),
        (
            &resources.participant,
            vec![("Attributes", "{}"), ("LastReadMessageIndex", "-1")],
            50421,
        ),
        (
            &resources.participant,
            vec![("Attributes", "{}"), ("LastReadMessageIndex", "1.5")],
            50421,
        ),
        (
            &resources.participant,
            vec![
                ("Attributes", "{}"),
                ("LastReadMessageIndex", "9223372036854775808"),
            ],
            50421,
        ),
        (
            &resources.participant,
            vec![("Attributes", "[]"), ("LastReadTimestamp", "yesterday")],
            50405,
        ),
        (
            &resources.participant,
            vec![("Attributes", "[]"), ("RoleSid", "x")],
            50109,
        ),
        (&messages, vec![("Body", "")], 50503),
        (&messages, vec![("Body", &long_body)], 50504),
        (&messages, vec![("Body", "x"), ("Author", &long)], 50310),
        (&messages, vec![("Body", "x"), ("Subject", &long)], 20001),
        (&messages, vec![("Body", "x"), ("MediaSid", "x")], 50510),
        (&messages, vec![("Body", "x"), ("ContentSid", "x")], 50526),
        (&messages, vec![("Body", "x"), ("ContentVariables", "{}")], 50528),
        (
            &resources.message,
            vec![("Attributes", "[]"), ("Body", "")],
            50503,
        ),
        (
            &resources.message,
            vec![("Attributes", "[]"), ("Body", &long_body)],
            50504,
        ),
        (
            &resources.message,
            vec![("Attributes", "[]"), ("Author", &long)],
            50310,
        ),
    ] {
        let what = format!(
            "{path} {:?}",
            form.iter().map(|(n, v)| (n, v.len())).collect::<Vec<_>>()
        );
        refused(&server.post(path, &form).await, 400, code, &what);
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
    let longest = "é".repeat(256);
    let body = "é".repeat(16 * 1024);
    server
        .post(
            CONVERSATIONS,
            &[("FriendlyName", &longest), ("UniqueName", &longest)],
        )
        .await
        .expect(201);
    server
        .post(USERS, &[("Identity", &longest), ("FriendlyName", &longest)])
        .await
        .expect(201);
    let said = server
        .post(&messages, &[("Body", &body), ("Author", &longest)])
        .await
        .expect(201);
    assert_eq!(said.json["body"], body);
}

#[tokio::test]
async fn unknown_and_wrong_sids_are_404_and_change_nothing_b004_b005_b006() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let digits = "0123456789abcdef0123456789abcdef";
    let one = resources.conversation.as_str();
    let service = "/conversations/v1/Services";
    for (path, code) in [
        (format!("{CONVERSATIONS}/CH{digits}"), 20404),
        (format!("{CONVERSATIONS}/nonsense"), 20404),
        (format!("{CONVERSATIONS}/CHx"), 20404),
        (format!("{CONVERSATIONS}/IM{}", &resources.sid[2..]), 20404),
        (format!("{CONVERSATIONS}/{}", &resources.sid[..33]), 20404),
        (format!("{CONVERSATIONS}/{}0", resources.sid), 20404),
        (format!("{CONVERSATIONS}/%20{}", resources.sid), 20404),
        (format!("{CONVERSATIONS}/+{}", &resources.sid[1..]), 20404),
        (format!("{CONVERSATIONS}/CH{digits}/Messages/IM{digits}"), 50350),
        (
            format!("{CONVERSATIONS}/CH{digits}/Participants/MB{digits}"),
            50350,
        ),
        (format!("{one}/Messages/IM{digits}"), 50500),
        (format!("{one}/Messages/nonsense"), 20404),
        (format!("{one}/Messages/0"), 20404),
        (format!("{one}/Participants/MB{digits}"), 50432),
        (format!("{one}/Participants/nobody"), 50432),
        (format!("{one}/Nonsense/x"), 20404),
        (format!("{USERS}/US{digits}"), 20404),
        (format!("{USERS}/nobody"), 20404),
        (format!("{service}/IS{digits}"), 20404),
        (format!("{service}/{}", resources.sid), 20404),
        (
            format!("{service}/IS{digits}/Conversations/{}", resources.sid),
            20404,
        ),
        (format!("{service}/nonsense/Users/alice"), 20404),
        ("/conversations/v1/Nonsense".into(), 20404),
        ("/conversations/v9/Conversations".into(), 20404),
        ("/nonsense".into(), 20404),
    ] {
        let get = server.get(&path).await;
        let wanted = [code, 20404];
        let got = (get.status, get.code().unwrap_or(0));
        assert!(
            got.0 == 404 && wanted.contains(&got.1),
            "{path}: {} {}",
            get.status,
            get.text
        );
        refused(&get, 404, got.1, &path);
        let post = server
            .post(
                &path,
                &[("FriendlyName", "x"), ("Body", "x"), ("Attributes", "{}")],
            )
            .await;
        // A service has no update (B-052).
        let known = path.starts_with(&format!("{service}/")) && path.matches('/').count() == 4;
        if known {
            assert!(matches!(post.status, 404 | 405), "{path}: {}", post.text);
        } else {
            assert_eq!(post.status, 404, "{path}: {}", post.text);
        }
        assert_eq!(server.delete(&path).await.status, 404, "{path}");
    }
    let path = format!("{CONVERSATIONS}/CH{digits}");
    let message = server.get(&path).await.json["message"].clone();
    let wanted = format!("The requested resource /Conversations/CH{digits} was not found");
    assert_eq!(message, wanted.as_str(), "B-004");
    for (method, path) in [
        (Method::PUT, one),
        (Method::PATCH, one),
        (Method::DELETE, CONVERSATIONS),
        (Method::POST, "/conversations/v1/Configuration/x"),
        (Method::DELETE, USERS),
    ] {
        let request = server.rest.request(method.clone(), path);
        let response = server.rest.send(request).await.unwrap();
        if path.ends_with("/x") {
            refused(&response, 404, 20404, path);
        } else {
            refused(&response, 405, 20004, &format!("{method} {path}"));
        }
    }
    // B-029, B-031: of another service.
    let made = server
        .post(service, &[("FriendlyName", "other")])
        .await
        .expect(201);
    let other = format!("{service}/{}", made.text_of("sid"));
    for path in [
        format!("{other}/Conversations/{}", resources.sid),
        format!("{other}/Conversations/{}/Messages", resources.sid),
        format!("{other}/Users/alice"),
        resources
            .user
            .replace("/v1/", &format!("/v1/Services/{}/", made.text_of("sid"))),
    ] {
        assert_eq!(server.get(&path).await.status, 404, "{path}");
        let form = [("FriendlyName", "x"), ("Body", "x")];
        assert_eq!(server.post(&path, &form).await.status, 404, "{path}");
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
}

#[tokio::test]
async fn pages_of_a_wrong_size_and_forged_tokens_are_refused_b024_b026() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let messages = format!("{}/Messages", resources.conversation);
    let members = format!("{}/Participants", resources.conversation);
    for n in 0..4 {
        say(&server, &resources.sid, &n.to_string()).await;
        support::add(&server, &resources.sid, &n.to_string()).await;
        server.post(CONVERSATIONS, &[]).await.expect(201);
    }
    let lists = [
        (CONVERSATIONS, "conversations", 100),
        (messages.as_str(), "messages", 100),
        (members.as_str(), "participants", 100),
        (USERS, "users", 50),
    ];
    for (path, key, most) in lists {
        for (size, code) in [
            ("0", 20001),
            ("-1", 20001),
            ("x", 20001),
            ("1.5", 20001),
            ("", 20001),
            ("1001", 20007),
        ] {
            let what = format!("{path}?PageSize={size}");
            refused(&server.get(&what).await, 400, code, &what);
        }
        for size in [
            "9223372036854775807",
            "9223372036854775808",
            "99999999999999999999999",
        ] {
            let response = server.get(&format!("{path}?PageSize={size}")).await;
            assert_eq!(response.status, 400, "{path} {size}: {}", response.text);
        }
        for page in ["-1", "x", "9223372036854775808"] {
            let what = format!("{path}?Page={page}");
            refused(&server.get(&what).await, 400, 20001, &what);
        }
        let clamped = server.get(&format!("{path}?PageSize=1000")).await.expect(200);
        assert_eq!(clamped.json["meta"]["page_size"], most, "B-024: {path}");
        let page = server.get(&format!("{path}?PageSize=2")).await.expect(200);
        assert_eq!(page.json[key].as_array().map(Vec::len), Some(2), "{path}");
        let next = page.json["meta"]["next_page_url"]
            .as_str()
            .expect("another page")
            .to_owned();
        let token = next
            .split("PageToken=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap()
            .to_owned();
        let mut last = token.chars().last().unwrap();
        last = if last == 'A' { 'B' } else { 'A' };
        let cut = &token[..token.len() - 1];
        for forged in [
            "x".to_owned(),
            "PA".into(),
            "PT0".into(),
            "0".into(),
            token.to_lowercase(),
            format!("{cut}{last}"),
            cut.to_owned(),
            format!("{token}A"),
            format!("{token}%3D%3D"),
            token.replacen("PA", "PB", 1),
            "PA".to_owned() + &"A".repeat(5000),
        ] {
            let what = format!("{path}?PageSize=2&Page=1&PageToken={forged}");
            refused(&server.get(&what).await, 400, 20001, &what);
        }
        // A good token of another list.
        for (other, _, _) in lists.iter().filter(|(other, _, _)| *other != path) {
            let what = format!("{other}?PageToken={token}");
            refused(&server.get(&what).await, 400, 20001, &what);
        }
        server.get(&next).await.expect(200);
    }
    let order = server
        .get(&format!("{messages}?PageSize=2&Order=desc"))
        .await
        .expect(200);
    let next = order.json["meta"]["next_page_url"].as_str().unwrap();
    refused(
        &server.get(&next.replace("Order=desc", "Order=asc")).await,
        400,
        20001,
        "another order",
    );
    refused(
        &server.get(&format!("{messages}?Order=x")).await,
        400,
        20001,
        "no order",
    );
}

#[tokio::test]
async fn dates_that_are_none_are_refused_b017_b129_b130() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    for date in [
        "yesterday",
        "2015-13-01T00:00:00Z",
        "2015-02-30T00:00:00Z",
        "2015-12-16T25:00:00Z",
        "2015-12-16T22:18:37Zjunk",
        "1450304317",
        "16/12/2015",
        "-0001-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
    ] {
        for (name, code) in [("DateCreated", 50308), ("DateUpdated", 50309)] {
            for path in [
                CONVERSATIONS.to_owned(),
                resources.conversation.clone(),
                format!("{}/Messages", resources.conversation),
                resources.message.clone(),
                format!("{}/Participants", resources.conversation),
                resources.participant.clone(),
            ] {
                let form = [
                    (name, date),
                    ("FriendlyName", "new"),
                    ("Body", "new"),
                    ("Identity", "new"),
                    ("Attributes", "[]"),
                ];
                let response = server.post(&path, &form).await;
                refused(&response, 400, code, &format!("{path} {name}={date}"));
            }
        }
        for name in ["StartDate", "EndDate"] {
            let what = format!("{CONVERSATIONS}?{name}={date}");
            refused(&server.get(&what).await, 400, 20001, &what);
        }
    }
    let what = format!("{CONVERSATIONS}?StartDate=2026-01-02&EndDate=2026-01-01");
    refused(&server.get(&what).await, 400, 50396, "B-130");
    refused(
        &server.get(&format!("{CONVERSATIONS}?State=x")).await,
        400,
        20001,
        "a state",
    );
    assert_eq!(snapshot(&server, &resources.sid).await, before);
    // B-016: with an offset, back in UTC.
    let form = [("DateCreated", "2015-12-16T22:18:37+02:00")];
    let set = server.post(&resources.conversation, &form).await.expect(200);
    assert_eq!(set.json["date_created"], "2015-12-16T20:18:37Z");
}

#[tokio::test]
async fn who_is_not_known_changes_nothing_b002_b003_b033() {
    let server = TestServer::start().await;
    let resources = Resources::make(&server).await;
    let before = snapshot(&server, &resources.sid).await;
    let (key, secret) = server.create_key().await;
    let unknown = format!("AC{}", "0".repeat(32));
    for caller in [
        server.rest.anonymous(),
        server.rest.with(&server.account_sid, "wrong"),
        server.rest.with(&server.account_sid, ""),
        server.rest.with(&server.account_sid, &secret),
        server.rest.with(&key, "wrong"),
        server.rest.with(&key, &server.auth_token),
        server.rest.with(&unknown, &server.auth_token),
        server.rest.with("", ""),
        server.rest.with("nonsense\u{e9}", "\u{1f600}"),
    ] {
        for path in resources.all() {
            let form = [("FriendlyName", "x"), ("Body", "x"), ("Identity", "x")];
            let response = caller.post(&path, &form).await;
            refused(&response, 401, 20003, &path);
            assert_eq!(response.json["message"], "Authenticate");
        }
        refused(&caller.get(&resources.conversation).await, 401, 20003, "fetch");
        refused(
            &caller.delete(&resources.conversation).await,
            401,
            20003,
            "delete",
        );
    }
    for header in [
        "Basic",
        "Basic !!!",
        "Basic QQ==",
        "Bearer x",
        "Basic //79",
        "Digest x",
    ] {
        let request = server
            .rest
            .anonymous()
            .request(Method::DELETE, &resources.conversation);
        let response = server
            .rest
            .send(request.header("Authorization", header))
            .await
            .unwrap();
        refused(&response, 401, 20003, header);
    }
    for value in ["yes", "1", "", "\u{e9}"] {
        let request = server.rest.request(Method::DELETE, &resources.conversation);
        let response = server
            .rest
            .send(request.header("X-Twilio-Webhook-Enabled", value))
            .await
            .unwrap();
        refused(&response, 400, 20001, &format!("B-033 {value:?}"));
    }
    assert_eq!(snapshot(&server, &resources.sid).await, before);
    let works = server.rest.with(&key, &secret).get(&resources.conversation).await;
    assert_eq!(works.expect(200).json, before[0], "B-001");
    assert_ne!(before, Value::Null);
}

#[tokio::test]
async fn requests_that_are_no_http_end_their_connection_only() {
    let server = TestServer::start().await;
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /conversations/v1/Conversations HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /conversations/v1/Conversations HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"GET /v3/wsconnect HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /v3/wsconnect HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n",
        b"GET /%zz/%FF HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // Reset or closed in order: both are an end.
        let _ = soon("the end of the connection", stream.read_to_end(&mut answer)).await;
        let text = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{}: {text}", bytes.escape_ascii());
    }
    server.get(CONVERSATIONS).await.expect(200);
}
