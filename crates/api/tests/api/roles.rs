//! Roles.

use serde_json::json;

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

const SEND: (&str, &str) = ("Permission", "sendMessage");

/// CreateRole, FetchRole, UpdateRole
#[tokio::test]
async fn a_role_is_made_and_its_list_replaced_b012_b651_b652_b653_b656() {
    let api = api().await;
    let answer = api
        .post(
            "/v1/Roles",
            &[
                ("FriendlyName", "guest"),
                ("Type", "conversation"),
                SEND,
                ("Permission", "editNotificationLevel"),
            ],
        )
        .await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "chat_service_sid",
            "friendly_name",
            "type",
            "permissions",
            "date_created",
            "date_updated",
            "url"
        ]
    );
    let made = answer.expect(201);
    assert_eq!(made["account_sid"], ACCOUNT);
    assert_eq!(
        (&made["friendly_name"], &made["type"]),
        (&json!("guest"), &json!("conversation"))
    );
    assert_eq!(
        made["permissions"],
        json!(["sendMessage", "editNotificationLevel"])
    );
    let path = path_of(&made["url"]);
    assert_eq!(path, format!("/v1/Roles/{}", made["sid"].as_str().unwrap()));
    assert_eq!(api.get(&path).await.expect(200), made);
    let changes = [
        ("FriendlyName", "other"),
        ("Type", "service"),
        ("Permission", "leaveConversation"),
    ];
    let changed = api.post(&path, &changes).await.expect(200);
    assert_eq!(changed["permissions"], json!(["leaveConversation"]));
    assert_eq!(
        (&changed["friendly_name"], &changed["type"]),
        (&made["friendly_name"], &made["type"])
    );
    let service = api
        .post(
            "/v1/Roles",
            &[
                ("FriendlyName", "host"),
                ("Type", "service"),
                ("Permission", "createConversation"),
            ],
        )
        .await
        .expect(201);
    assert_eq!(service["type"], "service");
}

#[tokio::test]
async fn bad_input_changes_nothing_b008_b011_b654_b655() {
    let api = api().await;
    let (long, longest) = ("é".repeat(65), "é".repeat(64));
    let name = ("FriendlyName", "guest");
    let kind = ("Type", "conversation");
    api.refuse_all(
        "/v1/Roles",
        &["/v1/Roles"],
        &[
            (&[kind, SEND], 20001),
            (&[("FriendlyName", ""), kind, SEND], 20001),
            (&[name, SEND], 20001),
            (&[name, ("Type", ""), SEND], 20001),
            (&[name, kind], 20001),
            (&[name, kind, ("Permission", "")], 20001),
            (&[name, ("Type", "Conversation"), SEND], 50105),
            (&[name, ("Type", "channel"), SEND], 50105),
            (&[name, kind, SEND, ("Permission", "fly")], 50104),
            (&[name, kind, SEND, ("Permission", "joinConversation")], 50104),
            (&[name, ("Type", "service"), SEND], 50104),
            (&[("FriendlyName", &long), kind, SEND], 50003),
        ],
    )
    .await;
    let path = api
        .make("/v1/Roles", &[("FriendlyName", &longest), kind, SEND])
        .await;
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[], 20001),
            (&[("Permission", "")], 20001),
            (&[("Permission", "createConversation")], 50104),
            (&[SEND, ("Permission", "sendmessage")], 50104),
        ],
    )
    .await;
}

/// DeleteRole, ListRole
#[tokio::test]
async fn a_role_in_use_stays_b013_b057() {
    let api = api().await;
    let before = api.sids("/v1/Roles", "roles", 50).await;
    assert_eq!(before.len(), 4);
    let listed = api.get("/v1/Roles").await.expect(200);
    for role in listed["roles"].as_array().unwrap() {
        if role["friendly_name"] != "service admin" {
            let refused = api.delete(&path_of(&role["url"])).await;
            assert_eq!(refused.refused(409, 20409), "The role is in use");
        }
    }
    let role = api
        .post(
            "/v1/Roles",
            &[("FriendlyName", "guest"), ("Type", "conversation"), SEND],
        )
        .await
        .expect(201);
    let (path, sid) = (path_of(&role["url"]), role["sid"].as_str().unwrap());
    let conversation = api.conversation(&[]).await;
    let member = api
        .make(
            &format!("{conversation}/Participants"),
            &[("Identity", "bob"), ("RoleSid", sid)],
        )
        .await;
    api.delete(&path).await.refused(409, 20409);
    api.delete(&member).await.expect(204);
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
    api.post(&member, &[("RoleSid", sid)]).await.refused(404, 50432);
    assert_eq!(api.sids("/v1/Roles", "roles", 3).await, before);
}

/// CreateServiceRole, ListServiceRole, FetchServiceRole, UpdateServiceRole, DeleteServiceRole
#[tokio::test]
async fn roles_are_of_their_service_and_account_b004_b005_b028_b029_b031() {
    let api = api().await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let roles = path_of(&service["links"]["roles"]);
    let made = api
        .post(
            &roles,
            &[("FriendlyName", "guest"), ("Type", "conversation"), SEND],
        )
        .await
        .expect(201);
    let (path, sid) = (path_of(&made["url"]), made["sid"].as_str().unwrap());
    assert_eq!(made["chat_service_sid"], service["sid"]);
    assert_eq!(path, format!("{roles}/{sid}"));
    assert_eq!(api.get(&path).await.expect(200), made);
    assert_eq!(api.sids(&roles, "roles", 2).await.len(), 5);
    let changes = [("Permission", "leaveConversation")];
    let abroad = format!("/v1/Roles/{sid}");
    assert_eq!(
        api.get(&abroad).await.refused(404, 20404),
        format!("The requested resource /Roles/{sid} was not found")
    );
    api.post(&abroad, &changes).await.refused(404, 20404);
    api.delete(&abroad).await.refused(404, 20404);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&path).await.refused(404, 20404);
    stranger.delete(&path).await.refused(404, 20404);
    api.get("/v1/Roles/RL1").await.refused(404, 20404);
    api.post(&path, &changes).await.expect(200);
    api.delete(&path).await.expect(204);
}

#[tokio::test]
async fn pages_have_at_most_fifty_b021_b024_b025() {
    let api = api().await;
    for (asked, size) in [("", 50), ("?PageSize=1", 1), ("?PageSize=51", 50)] {
        let page = api.get(&format!("/v1/Roles{asked}")).await.expect(200);
        assert_eq!(page["meta"]["page_size"], size);
        assert_eq!(page["meta"]["key"], "roles");
    }
    api.get("/v1/Roles?PageSize=0").await.refused(400, 20001);
    api.get("/v1/Roles?PageToken=PA1").await.refused(400, 20001);
}
