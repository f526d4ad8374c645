//! Values that are too long, and dates that are none.

use confab_testkit::TestServer;

use super::{Resources, refused};
use crate::support::{CONVERSATIONS, USERS, snapshot};

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
