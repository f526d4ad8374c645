//! Channels, their members and messages.

use serde_json::{Value, json};

use crate::chat_services::{chat_api, service};
use crate::common::{Api, OTHER_ACCOUNT, TOKEN, fields, path_of};

/// The same path among conversations.
fn as_conversation(channel: &str) -> String {
    channel
        .replace("/v2/", "/v1/")
        .replace("/Channels", "/Conversations")
}

fn conversations(api: &Api) -> Api {
    api.on_host("conversations.twilio.com")
}

async fn channel(api: &Api, service: &str, form: &[(&str, &str)]) -> String {
    let made = api.post(&format!("{service}/Channels"), form).await.expect(201);
    format!("{service}/Channels/{}", made["sid"].as_str().unwrap())
}

/// Unique names of a list.
async fn names(api: &Api, path: &str, key: &str) -> Vec<String> {
    let (mut names, mut at) = (Vec::new(), path.to_owned());
    loop {
        let page = api.get(&at).await.expect(200);
        for item in page[key].as_array().unwrap() {
            names.push(item["unique_name"].as_str().unwrap().to_owned());
        }
        if page["meta"]["next_page_url"].is_null() {
            return names;
        }
        at = path_of(&page["meta"]["next_page_url"]);
    }
}

/// ChatCreateChannel, ChatFetchChannel, ChatDeleteChannel
#[tokio::test]
async fn a_channel_is_public_by_default_b832() {
    let api = chat_api().await;
    let service = service(&api).await;
    let all = format!("{service}/Channels");
    let form = [
        ("UniqueName", "lobby"),
        ("FriendlyName", "Lobby"),
        ("Attributes", r#"{"a":1}"#),
        ("CreatedBy", "ann"),
        ("DateCreated", "2015-12-16T22:18:37Z"),
    ];
    let answer = api.post(&all, &form).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "service_sid",
            "friendly_name",
            "unique_name",
            "attributes",
            "type",
            "date_created",
            "date_updated",
            "created_by",
            "members_count",
            "messages_count",
            "url",
            "links"
        ]
    );
    let made = answer.expect(201);
    for (name, value) in [
        ("friendly_name", json!("Lobby")),
        ("unique_name", json!("lobby")),
        ("attributes", json!(r#"{"a":1}"#)),
        ("type", json!("public")),
        ("date_created", json!("2015-12-16T22:18:37Z")),
        ("created_by", json!("ann")),
        ("members_count", json!(0)),
        ("messages_count", json!(0)),
    ] {
        assert_eq!(made[name], value, "{name}");
    }
    let path = format!("{all}/{}", made["sid"].as_str().unwrap());
    let url = format!("http://chat.twilio.com{path}");
    assert_eq!(
        made["links"],
        json!({
            "members": format!("{url}/Members"), "messages": format!("{url}/Messages"),
            "invites": format!("{url}/Invites"), "webhooks": format!("{url}/Webhooks"), "last_message": null,
        })
    );
    assert_eq!(api.get(&path).await.expect(200), made);
    assert_eq!(api.get(&format!("{all}/lobby")).await.expect(200), made);

    // Nothing of it shows to Conversations, by whatever name.
    let other = conversations(&api);
    let hidden = as_conversation(&path);
    for path in [hidden.clone(), as_conversation(&format!("{all}/lobby"))] {
        other.get(&path).await.refused(404, 20404);
        other
            .post(&path, &[("FriendlyName", "x")])
            .await
            .refused(404, 20404);
        other.delete(&path).await.refused(404, 20404);
        for below in ["Messages", "Participants"] {
            let form = [("Body", "x"), ("Identity", "x")];
            other
                .post(&format!("{path}/{below}"), &form)
                .await
                .refused(404, 50350);
            other.get(&format!("{path}/{below}")).await.refused(404, 50350);
        }
    }
    let list = as_conversation(&all);
    assert_eq!(other.get(&list).await.expect(200)["conversations"], json!([]));
    assert_eq!(
        other.get(&format!("{list}?State=active")).await.expect(200)["conversations"],
        json!([])
    );
    // But its name is taken.
    other
        .post(&list, &[("UniqueName", "lobby")])
        .await
        .refused(409, 50353);
    assert_eq!(api.get(&path).await.expect(200), made);

    api.as_caller(OTHER_ACCOUNT, TOKEN)
        .get(&path)
        .await
        .refused(404, 20404);
    api.delete(&path).await.expect(204);
    api.get(&path).await.refused(404, 20404);
    api.delete(&path).await.refused(404, 20404);
    other.post(&list, &[("UniqueName", "lobby")]).await.expect(201);
}

/// ChatListChannel: conversations and private channels are the same things.
#[tokio::test]
async fn a_conversation_is_a_private_channel_b831() {
    let api = chat_api().await;
    let service = service(&api).await;
    let all = format!("{service}/Channels");
    let list = as_conversation(&all);
    let made = conversations(&api)
        .post(&list, &[("UniqueName", "talk"), ("FriendlyName", "Talk")])
        .await
        .expect(201);
    let path = format!("{all}/{}", made["sid"].as_str().unwrap());
    let seen = api.get(&path).await.expect(200);
    assert_eq!(
        (&seen["type"], &seen["created_by"]),
        (&json!("private"), &json!("system"))
    );
    for name in [
        "sid",
        "friendly_name",
        "unique_name",
        "attributes",
        "date_created",
    ] {
        assert_eq!(seen[name], made[name], "{name}");
    }
    let private = channel(&api, &service, &[("Type", "private"), ("UniqueName", "room")]).await;
    let public = channel(&api, &service, &[("UniqueName", "open")]).await;
    channel(&api, &service, &[("Type", "public"), ("UniqueName", "hall")]).await;
    let room = conversations(&api)
        .get(&as_conversation(&private))
        .await
        .expect(200);
    assert_eq!(
        (&room["unique_name"], &room["state"]),
        (&json!("room"), &json!("active"))
    );
    for size in [1, 50] {
        for (query, expected) in [
            ("", &["hall", "open"][..]),
            ("Type=public", &["hall", "open"]),
            ("Type=private", &["room", "talk"]),
            ("Type=private&Type=public", &["hall", "open", "room", "talk"]),
        ] {
            let path = format!("{all}?{query}&PageSize={size}");
            assert_eq!(names(&api, &path, "channels").await, expected, "{path}");
        }
    }
    assert_eq!(
        names(&conversations(&api), &list, "conversations").await,
        ["room", "talk"]
    );
    api.get(&format!("{all}?Type=secret")).await.refused(400, 20001);
    // The last page leads back.
    let first = api
        .get(&format!("{all}?Type=private&Type=public&PageSize=3"))
        .await
        .expect(200);
    let second = api
        .get(&path_of(&first["meta"]["next_page_url"]))
        .await
        .expect(200);
    let back = api
        .get(&path_of(&second["meta"]["previous_page_url"]))
        .await
        .expect(200);
    assert_eq!(back["channels"], first["channels"]);
    api.delete(&public).await.expect(204);
    api.delete(&path).await.expect(204);
    conversations(&api)
        .get(&as_conversation(&path))
        .await
        .refused(404, 20404);
}

/// ChatUpdateChannel
#[tokio::test]
async fn channels_are_changed_and_checked() {
    let api = chat_api().await;
    let service = service(&api).await;
    let all = format!("{service}/Channels");
    channel(&api, &service, &[("UniqueName", "taken")]).await;
    let long = "x".repeat(257);
    let attributes = format!("\"{}\"", "x".repeat(16 * 1024));
    let bad = [
        ("FriendlyName", &*long, 400, 50003),
        ("UniqueName", &long, 400, 50004),
        ("UniqueName", "CH00000000000000000000000000000000", 400, 50306),
        ("UniqueName", "taken", 409, 50307),
        ("Attributes", "{", 400, 50304),
        ("Attributes", &attributes, 400, 50303),
        ("DateCreated", "soon", 400, 50308),
        ("DateUpdated", "soon", 400, 50309),
        ("CreatedBy", &long, 400, 50207),
    ];
    for kind in ["public", "private"] {
        for (name, value, status, code) in bad {
            api.post(&all, &[("Type", kind), (name, value)])
                .await
                .refused(status, code);
        }
        let path = channel(&api, &service, &[("Type", kind)]).await;
        let before = api.get(&path).await.expect(200);
        for (name, value, status, code) in bad {
            api.post(&path, &[(name, value)]).await.refused(status, code);
        }
        assert_eq!(api.get(&path).await.expect(200), before);
        let unique = format!("my {kind}");
        let form = [
            ("FriendlyName", &long[1..]),
            ("UniqueName", &unique),
            ("Attributes", "[]"),
            ("CreatedBy", "bob"),
            ("DateUpdated", "2030-01-01T00:00:00Z"),
        ];
        let changed = api.post(&path, &form).await.expect(200);
        for (name, value) in [
            ("friendly_name", &long[1..]),
            ("unique_name", &unique),
            ("attributes", "[]"),
            ("created_by", "bob"),
            ("date_updated", "2030-01-01T00:00:00Z"),
            ("type", kind),
        ] {
            assert_eq!(changed[name], value, "{kind} {name}");
        }
        assert_eq!(api.get(&path).await.expect(200), changed);
        assert_eq!(api.post(&path, &[]).await.expect(200), changed);
    }
    api.post(&all, &[("Type", "secret")]).await.refused(400, 20001);
    let nowhere = format!("{all}/nothing");
    api.post(&nowhere, &[]).await.refused(404, 20404);
    api.get(&format!("{nowhere}/Members")).await.refused(404, 50300);
    api.get(&format!("{nowhere}/Messages")).await.refused(404, 50300);
}

/// ChatCreateMember, ChatListMember, ChatFetchMember, ChatDeleteMember
#[tokio::test]
async fn members_are_the_participants_that_chat_b844() {
    let api = chat_api().await;
    let service = service(&api).await;
    api.post(&service, &[("Limits.ChannelMembers", "2")])
        .await
        .expect(200);
    for kind in ["public", "private"] {
        let path = channel(&api, &service, &[("Type", kind)]).await;
        let all = format!("{path}/Members");
        let ann = api
            .post(&all, &[("Identity", "ann"), ("Attributes", r#"{"b":2}"#)])
            .await
            .expect(201);
        assert_eq!(
            (&ann["identity"], &ann["attributes"]),
            (&json!("ann"), &json!(r#"{"b":2}"#))
        );
        let one = format!("{all}/{}", ann["sid"].as_str().unwrap());
        assert_eq!(api.get(&one).await.expect(200), ann);
        assert_eq!(api.get(&format!("{all}/ann")).await.expect(200), ann);
        api.post(&all, &[("Identity", "ann")]).await.refused(409, 50404);
        api.post(&all, &[]).await.refused(400, 20001);
        api.post(&all, &[("Identity", &"x".repeat(257))])
            .await
            .refused(400, 50207);
        api.post(&all, &[("Identity", "bob"), ("RoleSid", "RL1")])
            .await
            .refused(400, 50101);
        api.post(&all, &[("Identity", "bob")]).await.expect(201);
        api.post(&all, &[("Identity", "cleo")]).await.refused(400, 50403);
        let identities = async |query: &str| -> Vec<Value> {
            let page = api.get(&format!("{all}{query}")).await.expect(200);
            let members = page["members"].as_array().unwrap().clone();
            members.into_iter().map(|m| m["identity"].clone()).collect()
        };
        assert_eq!(identities("?Identity=bob").await, ["bob"]);
        assert_eq!(identities("?Identity=bob&Identity=cleo").await, ["bob"]);
        assert_eq!(identities("").await.len(), 2);
        assert_eq!(api.get(&path).await.expect(200)["members_count"], 2);
        api.delete(&format!("{all}/bob")).await.expect(204);
        api.delete(&format!("{all}/bob")).await.refused(404, 50402);
        assert_eq!(identities("").await, ["ann"]);
        // The user came with the member, and goes with him.
        let user = conversations(&api);
        let ann = format!("{}/Users/ann", service.replace("/v2/", "/v1/"));
        user.get(&ann).await.expect(200);
        user.delete(&ann).await.expect(204);
        assert!(identities("").await.is_empty());
        assert_eq!(api.get(&path).await.expect(200)["members_count"], 0);
    }
}

#[tokio::test]
async fn phones_are_no_members_b831() {
    let api = chat_api().await;
    let other = conversations(&api);
    let path = other.conversation(&[]).await;
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    let all = format!("{path}/Participants");
    let phone = other.post(&all, &phone).await.expect(201);
    other.post(&all, &[("Identity", "ann")]).await.expect(201);
    let made = other.get(&path).await.expect(200);
    let channel = format!(
        "/v2/Services/{}/Channels/{}",
        made["chat_service_sid"].as_str().unwrap(),
        made["sid"].as_str().unwrap()
    );
    assert_eq!(api.get(&channel).await.expect(200)["members_count"], 1);
    let members = api.get(&format!("{channel}/Members")).await.expect(200);
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
    assert_eq!(members["members"][0]["identity"], "ann");
    let phone = phone["sid"].as_str().unwrap();
    let phone = format!("{channel}/Members/{phone}");
    api.get(&phone).await.refused(404, 50402);
    api.delete(&phone).await.refused(404, 50402);
}

/// ChatCreateMessage, ChatListMessage, ChatFetchMessage
#[tokio::test]
async fn messages_are_those_of_the_conversation_b847() {
    let api = chat_api().await;
    let service = service(&api).await;
    for kind in ["public", "private"] {
        let path = channel(&api, &service, &[("Type", kind)]).await;
        let all = format!("{path}/Messages");
        let first = api.post(&all, &[("Body", "one")]).await.expect(201);
        for (name, value) in [
            ("body", json!("one")),
            ("from", json!("system")),
            ("index", json!(0)),
            ("type", json!("text")),
            ("was_edited", json!(false)),
            ("media", json!(null)),
            ("last_updated_by", json!(null)),
        ] {
            assert_eq!(first[name], value, "{name}");
        }
        assert_eq!(first["to"], first["channel_sid"]);
        let second = api
            .post(&all, &[("Body", "two"), ("From", "ann"), ("Attributes", "[1]")])
            .await
            .expect(201);
        assert_eq!((&second["from"], &second["index"]), (&json!("ann"), &json!(1)));
        api.post(&all, &[]).await.refused(400, 50503);
        api.post(&all, &[("Body", &"x".repeat(32 * 1024 + 1))])
            .await
            .refused(400, 50504);
        for (sid, code) in [("ME1", 50510), ("ME00000000000000000000000000000000", 50507)] {
            let form = [("Body", "look"), ("MediaSid", sid)];
            api.post(&all, &form).await.refused(400, code);
        }
        let one = format!("{all}/{}", second["sid"].as_str().unwrap());
        assert_eq!(api.get(&one).await.expect(200), second);
        assert_eq!(api.get(&format!("{all}/1")).await.expect(200), second);
        for missing in ["2", "-1", "IM00000000000000000000000000000000"] {
            api.get(&format!("{all}/{missing}")).await.refused(404, 50500);
        }
        let list = api.get(&format!("{all}?Order=desc")).await.expect(200);
        assert_eq!(list["messages"], json!([second, first]));
        assert_eq!(api.get(&path).await.expect(200)["messages_count"], 2);
    }
    let path = channel(&api, &service, &[("Type", "private")]).await;
    let other = format!("{}/Messages", as_conversation(&path));
    let other_api = conversations(&api);
    other_api
        .post(&other, &[("Body", "from there"), ("Author", "bob")])
        .await
        .expect(201);
    api.post(&format!("{path}/Messages"), &[("Body", "from here")])
        .await
        .expect(201);
    let bodies = |page: &Value| -> Vec<Value> {
        let messages = page["messages"].as_array().unwrap();
        messages.iter().map(|m| m["body"].clone()).collect()
    };
    let there = other_api.get(&other).await.expect(200);
    let here = api.get(&format!("{path}/Messages")).await.expect(200);
    assert_eq!(bodies(&there), ["from there", "from here"]);
    assert_eq!(bodies(&here), bodies(&there));
}

/// ChatDeleteService: with public channels in it.
#[tokio::test]
async fn a_service_goes_with_its_public_channels() {
    let api = chat_api().await;
    let service = service(&api).await;
    api.post(&service, &[("TypingIndicatorTimeout", "9")])
        .await
        .expect(200);
    for kind in ["public", "private"] {
        let path = channel(&api, &service, &[("Type", kind)]).await;
        api.post(&format!("{path}/Members"), &[("Identity", "ann")])
            .await
            .expect(201);
    }
    api.delete(&service).await.expect(204);
    api.get(&format!("{service}/Channels")).await.refused(404, 20404);
}
