//! Roles, users and bindings in Chat's words.

use serde_json::{Value, json};

use crate::chat_services::{chat_api, service};
use crate::common::Api;

async fn roles(api: &Api, service: &str) -> Vec<Value> {
    let page = api.get(&format!("{service}/Roles")).await.expect(200);
    page["roles"].as_array().unwrap().clone()
}

/// ChatListRole
#[tokio::test]
async fn roles_have_the_names_of_chat_b837() {
    let api = chat_api().await;
    let service = service(&api).await;
    let roles = roles(&api, &service).await;
    let role = |name: &str| roles.iter().find(|r| r["friendly_name"] == name).unwrap();
    assert_eq!(roles.len(), 4);
    let user = role("service user");
    assert_eq!(user["type"], "deployment");
    assert_eq!(
        user["permissions"],
        json!(["createChannel", "joinChannel", "editOwnUserInfo"])
    );
    let member = role("channel user");
    assert_eq!(member["type"], "channel");
    assert_eq!(
        member["permissions"],
        json!([
            "sendMessage",
            "sendMediaMessage",
            "leaveChannel",
            "editNotificationLevel",
            "editOwnMemberAttributes",
            "editOwnMessage",
            "editOwnMessageAttributes",
            "deleteOwnMessage"
        ])
    );
    let admin = &role("channel admin")["permissions"];
    for name in [
        "destroyChannel",
        "addMember",
        "removeMember",
        "editChannelName",
        "editChannelAttributes",
        "editAnyMemberAttributes",
    ] {
        assert!(admin.as_array().unwrap().contains(&json!(name)), "{name}");
    }
    let sid = user["sid"].as_str().unwrap();
    assert_eq!(
        user["url"],
        format!("http://chat.twilio.com{service}/Roles/{sid}")
    );
}

/// ChatCreateRole
#[tokio::test]
async fn inviting_is_a_permission_of_chat_alone_b836() {
    let api = chat_api().await;
    let service = service(&api).await;
    let all = format!("{service}/Roles");
    let form = [
        ("FriendlyName", "host"),
        ("Type", "channel"),
        ("Permission", "inviteMember"),
        ("Permission", "addMember"),
        ("Permission", "sendMessage"),
    ];
    let made = api.post(&all, &form).await.expect(201);
    assert_eq!(
        made["permissions"],
        json!(["addMember", "sendMessage", "inviteMember"])
    );
    assert!(roles(&api, &service).await.contains(&made));
    let conversations = format!(
        "{}/Roles/{}",
        service.replace("/v2/", "/v1/"),
        made["sid"].as_str().unwrap()
    );
    let seen = api
        .on_host("conversations.twilio.com")
        .get(&conversations)
        .await
        .expect(200);
    assert_eq!(
        (&seen["type"], &seen["permissions"]),
        (&json!("conversation"), &json!(["addParticipant", "sendMessage"]))
    );
    for (kind, permission, code) in [
        ("conversation", "sendMessage", 50105),
        ("channel", "addParticipant", 50104),
        ("channel", "createChannel", 50104),
        ("deployment", "leaveChannel", 50104),
        ("deployment", "fly", 50104),
        ("channel", "inviteMember", 50104),
    ] {
        let form = [("FriendlyName", "x"), ("Type", kind), ("Permission", permission)];
        api.post(&all, &form).await.refused(400, code);
    }
    for missing in ["FriendlyName", "Type", "Permission"] {
        let form: Vec<(&str, &str)> = form.into_iter().filter(|(name, _)| *name != missing).collect();
        api.post(&all, &form).await.refused(400, 20001);
    }
}

/// ChatListUser
#[tokio::test]
async fn users_are_counted_in_their_channels_b831() {
    let api = chat_api().await;
    let service = service(&api).await;
    for (kind, identities) in [
        ("public", &["ann", "bob"][..]),
        ("private", &["ann"]),
        ("private", &["ann", "cleo"]),
    ] {
        let made = api
            .post(&format!("{service}/Channels"), &[("Type", kind)])
            .await
            .expect(201);
        let members = format!("{service}/Channels/{}/Members", made["sid"].as_str().unwrap());
        for identity in identities {
            api.post(&members, &[("Identity", identity)]).await.expect(201);
        }
    }
    let users = api.get(&format!("{service}/Users")).await.expect(200);
    let joined = |identity: &str| {
        let users = users["users"].as_array().unwrap();
        let user = users.iter().find(|u| u["identity"] == identity).unwrap();
        user["joined_channels_count"].clone()
    };
    assert_eq!([joined("ann"), joined("bob"), joined("cleo")], [3, 1, 1]);
    let user = &users["users"][0];
    let url = format!(
        "http://chat.twilio.com{service}/Users/{}",
        user["sid"].as_str().unwrap()
    );
    assert_eq!(
        user["links"],
        json!({"user_channels": format!("{url}/Channels"), "user_bindings": format!("{url}/Bindings")})
    );
    assert_eq!((&user["url"], &user["attributes"]), (&json!(url), &json!("{}")));
}

/// ChatListBinding
#[tokio::test]
async fn bindings_are_listed() {
    let api = chat_api().await;
    let service = service(&api).await;
    let all = format!("{service}/Bindings");
    let page = api
        .get(&format!("{all}?BindingType=apn&BindingType=fcm&Identity=ann"))
        .await
        .expect(200);
    assert_eq!(
        (&page["bindings"], &page["meta"]["key"]),
        (&json!([]), &json!("bindings"))
    );
    api.get(&format!("{all}?BindingType=fax"))
        .await
        .refused(400, 20001);
    let nowhere = "/v2/Services/IS00000000000000000000000000000000/Bindings";
    api.get(nowhere).await.refused(404, 20404);
}
