//! SIDs in paths: of the wrong shape, and of nothing that is there (rest.md §1.3, B-004, B-005).
//!
//! An item that the published documents give a SID's pattern takes nothing else. Where a resource may also be called by
//! another name (a unique name, an identity, an address, an index), a text that is no SID is such a name, and unknown.

use crate::common::{ACCOUNT, Api, api};

const CONVERSATIONS: &str = "conversations.twilio.com";
const CHAT: &str = "chat.twilio.com";
const MESSAGING: &str = "messaging.twilio.com";
const NOTIFY: &str = "notify.twilio.com";
const CONTENT: &str = "content.twilio.com";
const PROGRAMMABLE: &str = "api.twilio.com";
const DIGITS: &str = "0123456789abcdef0123456789abcdef";

/// What every update takes, so that nothing but the SID is wrong.
const FORM: &[(&str, &str)] = &[
    ("FriendlyName", "x"),
    ("Body", "x"),
    ("Permission", "sendMessage"),
    ("Permission", "leaveConversation"),
];

/// A resource: its host, its path with `{}` for the item in question, the letters of its SIDs, what it has, and the
/// code for an unknown one.
struct Case {
    host: &'static str,
    path: String,
    prefix: &'static str,
    methods: &'static [&'static str],
    unknown: u64,
}

fn case(
    host: &'static str,
    path: impl Into<String>,
    prefix: &'static str,
    methods: &'static [&'static str],
    unknown: u64,
) -> Case {
    Case {
        host,
        path: path.into(),
        prefix,
        methods,
        unknown,
    }
}

const ALL: &[&str] = &["GET", "POST", "DELETE"];
const READ: &[&str] = &["GET"];
const READ_DELETE: &[&str] = &["GET", "DELETE"];

/// Texts that are no SIDs of a prefix.
fn malformed(prefix: &str) -> Vec<String> {
    let other = if prefix == "IM" { "CH" } else { "IM" };
    vec![
        format!("{other}{DIGITS}"),
        format!("{prefix}{}", &DIGITS[1..]),
        format!("{prefix}{DIGITS}0"),
        format!("{prefix}{}g", &DIGITS[1..]),
        format!("{}{DIGITS}", prefix.to_lowercase()),
        prefix.to_owned(),
        "nonsense".into(),
        "0".into(),
        "-1".into(),
        "%20".into(),
        "%00".into(),
        "%FF".into(),
        "%F0%9F%98%80".into(),
    ]
}

async fn refused(api: &Api, case: &Case, item: &str, code: u64) {
    let api = api.on_host(case.host);
    let path = case.path.replace("{}", item);
    for method in case.methods {
        let answer = match *method {
            "GET" => api.get(&path).await,
            "POST" => api.post(&path, FORM).await,
            "DELETE" => api.delete(&path).await,
            other => panic!("{other}"),
        };
        let got = (answer.status.as_u16(), answer.json()["code"].as_u64());
        assert_eq!(got, (404, Some(code)), "{method} {path}: {}", answer.text);
        if code == 20404 {
            assert!(
                answer.refused(404, code).starts_with("The requested resource /"),
                "{method} {path}"
            );
        }
    }
}

/// A conversation with a participant and a message, and the service that it is in.
async fn conversation(api: &Api) -> (String, String, String) {
    let one = api.conversation(&[("UniqueName", "room")]).await;
    api.post(&format!("{one}/Participants"), &[("Identity", "alice")])
        .await
        .expect(201);
    let said = api
        .post(&format!("{one}/Messages"), &[("Body", "hello")])
        .await
        .expect(201);
    let service = api.get("/v1/Configuration").await.expect(200)["default_chat_service_sid"].clone();
    (
        one,
        said["sid"].as_str().unwrap().to_owned(),
        service.as_str().unwrap().to_owned(),
    )
}

#[tokio::test]
async fn an_item_that_can_only_be_a_sid_is_404_in_any_other_shape_b004_b005() {
    let api = api().await;
    let (one, message, service) = conversation(&api).await;
    let mut cases = Vec::new();
    // In both URL forms.
    for root in [
        one.clone(),
        one.replace("/v1/", &format!("/v1/Services/{service}/")),
    ] {
        cases.extend([
            case(CONVERSATIONS, format!("{root}/Messages/{{}}"), "IM", ALL, 50500),
            case(
                CONVERSATIONS,
                format!("{root}/Messages/{{}}/ChannelMetadata"),
                "IM",
                READ,
                50500,
            ),
            case(
                CONVERSATIONS,
                format!("{root}/Messages/{{}}/Receipts"),
                "IM",
                READ,
                50500,
            ),
            case(
                CONVERSATIONS,
                format!("{root}/Messages/{{}}/Receipts/DY{DIGITS}"),
                "IM",
                READ,
                50500,
            ),
            case(
                CONVERSATIONS,
                format!("{root}/Messages/{message}/Receipts/{{}}"),
                "DY",
                READ,
                20404,
            ),
            case(CONVERSATIONS, format!("{root}/Webhooks/{{}}"), "WH", ALL, 50360),
        ]);
    }
    let account = format!("/2010-04-01/Accounts/{ACCOUNT}");
    let messaging = api
        .on_host(MESSAGING)
        .post("/v1/Services", &[("FriendlyName", "m")])
        .await
        .expect(201)["sid"]
        .clone();
    let messaging = messaging.as_str().unwrap();
    cases.extend([
        case(CONVERSATIONS, "/v1/Roles/{}", "RL", ALL, 20404),
        case(
            CONVERSATIONS,
            format!("/v1/Services/{service}/Roles/{{}}"),
            "RL",
            ALL,
            20404,
        ),
        case(CONVERSATIONS, "/v1/Services/{}", "IS", READ_DELETE, 20404),
        case(CONVERSATIONS, "/v1/Services/{}/Conversations", "IS", READ, 20404),
        case(CONVERSATIONS, "/v1/Services/{}/Users/alice", "IS", READ, 20404),
        case(
            CONVERSATIONS,
            "/v1/Services/{}/Configuration",
            "IS",
            &["GET", "POST"],
            20404,
        ),
        case(
            CONVERSATIONS,
            format!("/v1/Services/{service}/Bindings/{{}}"),
            "BS",
            READ_DELETE,
            20404,
        ),
        case(CONVERSATIONS, "/v1/Credentials/{}", "CR", ALL, 20404),
        case(CHAT, "/v2/Services/{}", "IS", ALL, 20404),
        case(CHAT, "/v2/Services/{}/Channels", "IS", READ, 20404),
        case(CHAT, "/v2/Services/{}/Roles", "IS", READ, 20404),
        case(MESSAGING, "/v1/Services/{}", "MG", ALL, 20404),
        case(MESSAGING, "/v1/Services/{}/PhoneNumbers", "MG", READ, 20404),
        case(
            MESSAGING,
            format!("/v1/Services/{messaging}/PhoneNumbers/{{}}"),
            "PN",
            READ_DELETE,
            20404,
        ),
        case(NOTIFY, "/v1/Services/{}", "IS", ALL, 20404),
        case(NOTIFY, "/v1/Services/{}/Bindings", "IS", READ, 20404),
        case(CONTENT, "/v1/Content/{}", "HX", READ_DELETE, 20404),
        case(CONTENT, "/v1/Content/{}/ApprovalRequests", "HX", READ, 20404),
        case(
            PROGRAMMABLE,
            format!("{account}/Keys/{{}}.json"),
            "SK",
            ALL,
            20404,
        ),
        case(
            PROGRAMMABLE,
            format!("{account}/SigningKeys/{{}}.json"),
            "SK",
            ALL,
            20404,
        ),
        case(
            PROGRAMMABLE,
            format!("{account}/IncomingPhoneNumbers/{{}}.json"),
            "PN",
            ALL,
            20404,
        ),
        case(
            PROGRAMMABLE,
            "/2010-04-01/Accounts/{}.json",
            "AC",
            &["GET", "POST"],
            20404,
        ),
        case(
            PROGRAMMABLE,
            "/2010-04-01/Accounts/{}/Keys.json",
            "AC",
            READ,
            20404,
        ),
    ]);
    for case in &cases {
        refused(&api, case, &format!("{}{DIGITS}", case.prefix), case.unknown).await;
        for item in malformed(case.prefix) {
            refused(&api, case, &item, 20404).await;
        }
    }
    // The shape of the whole path comes before what is there.
    let gone = format!("/v1/Conversations/CH{DIGITS}/Messages");
    api.get(&format!("{gone}/nonsense")).await.refused(404, 20404);
    api.get(&format!("{gone}/IM{DIGITS}")).await.refused(404, 50350);
    // Nothing changed by it; capitals are no other shape.
    let capitals = format!("{one}/Messages/IM{}", message[2..].to_uppercase());
    assert_eq!(api.get(&capitals).await.expect(200)["body"], "hello");
}

#[tokio::test]
async fn a_name_that_is_no_sid_is_unknown_as_what_it_names_b105_b176_b542() {
    let api = api().await;
    let (one, _, service) = conversation(&api).await;
    let sid = &one["/v1/Conversations/".len()..];
    let channel = format!("/v2/Services/{service}/Channels");
    let cases = [
        case(CONVERSATIONS, "/v1/Conversations/{}", "CH", ALL, 20404),
        case(
            CONVERSATIONS,
            "/v1/Conversations/{}/Messages",
            "CH",
            &["GET", "POST"],
            50350,
        ),
        case(
            CONVERSATIONS,
            "/v1/Conversations/{}/Participants",
            "CH",
            READ,
            50350,
        ),
        case(CONVERSATIONS, "/v1/Conversations/{}/Webhooks", "CH", READ, 50350),
        case(
            CONVERSATIONS,
            format!("{one}/Participants/{{}}"),
            "MB",
            ALL,
            50432,
        ),
        case(CONVERSATIONS, "/v1/Users/{}", "US", ALL, 20404),
        case(CONVERSATIONS, "/v1/Users/{}/Conversations", "US", READ, 20404),
        case(
            CONVERSATIONS,
            "/v1/Users/alice/Conversations/{}",
            "CH",
            READ_DELETE,
            20404,
        ),
        case(CONVERSATIONS, "/v1/Configuration/Addresses/{}", "IG", ALL, 20404),
        case(CHAT, format!("{channel}/{{}}"), "CH", ALL, 20404),
        case(CHAT, format!("{channel}/{{}}/Members"), "CH", READ, 50300),
        case(
            CHAT,
            format!("{channel}/{sid}/Members/{{}}"),
            "MB",
            READ_DELETE,
            50402,
        ),
        // An index is a name too: `0` is the message that is there.
        case(CHAT, format!("{channel}/{sid}/Messages/{{}}"), "IM", READ, 50500),
    ];
    for case in &cases {
        let mut items = malformed(case.prefix);
        items.push(format!("{}{DIGITS}", case.prefix));
        for item in items {
            let broken = matches!(item.as_str(), "%00" | "%FF");
            let is_index = item == "0" && case.path.contains("/Messages/{}");
            if !is_index {
                // What no row can be called is of no resource.
                refused(&api, case, &item, if broken { 20404 } else { case.unknown }).await;
            }
        }
    }
    assert_eq!(
        api.on_host(CHAT)
            .get(&format!("{channel}/{sid}/Messages/0"))
            .await
            .expect(200)["body"],
        "hello"
    );
    assert_eq!(api.get("/v1/Conversations/room").await.expect(200)["sid"], sid);
    assert_eq!(
        api.get(&format!("{one}/Participants/alice")).await.expect(200)["identity"],
        "alice"
    );
}
