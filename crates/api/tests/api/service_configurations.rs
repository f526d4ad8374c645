//! The configuration of a service.

use crate::common::{Api, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

async fn role(api: &Api, roles: &str, kind: &str) -> String {
    let permission = if kind == "service" {
        "joinConversation"
    } else {
        "sendMessage"
    };
    let form = [
        ("FriendlyName", "another"),
        ("Type", kind),
        ("Permission", permission),
    ];
    let made = api.post(roles, &form).await.expect(201);
    made["sid"].as_str().unwrap().to_owned()
}

/// FetchServiceConfiguration
#[tokio::test]
async fn a_new_service_points_to_its_own_roles_b053_b054_b055_b056() {
    let api = api().await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let path = path_of(&service["links"]["configuration"]);
    let answer = api.get(&path).await;
    assert_eq!(
        fields(&answer.text),
        [
            "chat_service_sid",
            "default_conversation_creator_role_sid",
            "default_conversation_role_sid",
            "default_chat_service_role_sid",
            "reachability_enabled",
            "url",
            "links"
        ]
    );
    let fresh = answer.expect(200);
    assert_eq!(fresh["chat_service_sid"], service["sid"]);
    assert_eq!(fresh["reachability_enabled"], false);
    for (link, rest) in [("notifications", "Notifications"), ("webhooks", "Webhooks")] {
        let below = path_of(&fresh["links"][link]);
        assert_eq!(below, format!("{path}/{rest}"));
        api.get(&below).await.expect(200);
    }
    let roles = path_of(&service["links"]["roles"]);
    for (field, name) in [
        ("default_conversation_creator_role_sid", "channel admin"),
        ("default_conversation_role_sid", "channel user"),
        ("default_chat_service_role_sid", "service user"),
    ] {
        let sid = fresh[field].as_str().unwrap();
        let role = api.get(&format!("{roles}/{sid}")).await.expect(200);
        assert_eq!(role["friendly_name"], name);
    }
}

/// UpdateServiceConfiguration
#[tokio::test]
async fn new_defaults_are_for_who_comes_b014_b057() {
    let api = api().await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let path = path_of(&service["links"]["configuration"]);
    let roles = path_of(&service["links"]["roles"]);
    let (of_users, of_members) = (
        role(&api, &roles, "service").await,
        role(&api, &roles, "conversation").await,
    );
    let abroad = [
        role(&api, "/v1/Roles", "service").await,
        role(&api, "/v1/Roles", "conversation").await,
    ];
    let reachable = ("ReachabilityEnabled", "true");
    let (creator, member, user) = (
        "DefaultConversationCreatorRoleSid",
        "DefaultConversationRoleSid",
        "DefaultChatServiceRoleSid",
    );
    let nobody = "RL00000000000000000000000000000001";
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[reachable, (creator, &of_users)], 50106),
            (&[reachable, (creator, &abroad[1])], 50106),
            (&[reachable, (creator, nobody)], 50106),
            (&[reachable, (creator, "RL1")], 50106),
            (&[reachable, (member, &of_users)], 50109),
            (&[reachable, (member, &abroad[1])], 50109),
            (&[reachable, (member, "")], 50109),
            (&[(member, &of_members), (user, &of_members)], 50102),
            (&[(member, &of_members), (user, &abroad[0])], 50102),
            (&[(member, &of_members), ("ReachabilityEnabled", "on")], 20001),
        ],
    )
    .await;
    let before = api.get(&path).await.expect(200);
    assert_eq!(api.post(&path, &[]).await.expect(200), before);
    let form = [
        (creator, of_members.as_str()),
        (member, &of_members),
        (user, &of_users),
        reachable,
    ];
    let changed = api.post(&path, &form).await.expect(200);
    assert_eq!(changed["default_conversation_creator_role_sid"], of_members);
    assert_eq!(changed["default_conversation_role_sid"], of_members);
    assert_eq!(changed["default_chat_service_role_sid"], of_users);
    assert_eq!(changed["reachability_enabled"], true);
    assert_eq!(api.get(&path).await.expect(200), changed);
    let made = api
        .post(&path_of(&service["links"]["users"]), &[("Identity", "bob")])
        .await
        .expect(201);
    assert_eq!(made["role_sid"], of_users);
    let room = api.make(&path_of(&service["links"]["conversations"]), &[]).await;
    let joined = api
        .post(&format!("{room}/Participants"), &[("Identity", "bob")])
        .await
        .expect(201);
    assert_eq!(joined["role_sid"], of_members);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    stranger.post(&path, &[reachable]).await.refused(404, 20404);
}
