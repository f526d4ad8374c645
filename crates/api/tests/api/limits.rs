//! Limits of rate (B-744, B-745, B-748); those of size are tested with their resources.

use confab_domain::Limits;

use crate::common::{Api, api_limited};

/// Three actions a second, in a second that does not end.
async fn slow() -> Api {
    api_limited(Limits {
        actions_per_second: Some(3),
        ..Limits::default()
    })
    .await
}

#[tokio::test]
async fn one_action_too_many_is_refused_and_changes_nothing_b036_b744() {
    let api = slow().await;
    let path = api.conversation(&[("UniqueName", "room")]).await;
    for i in 0..3 {
        let text = i.to_string();
        // By either name it is the same conversation.
        let at = if i == 1 { "/v1/Conversations/room" } else { &path };
        api.post(&format!("{at}/Messages"), &[("Body", &text)])
            .await
            .expect(201);
    }
    for (at, form) in [
        (format!("{path}/Messages"), [("Body", "one too many")]),
        (
            "/v1/Conversations/room/Participants".into(),
            [("Identity", "alice")],
        ),
        (path.clone(), [("FriendlyName", "Other")]),
    ] {
        let answer = api.post(&at, &form).await;
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.refused(429, 20429), "Too Many Requests");
    }
    // B-745: reads go on, and show that nothing was applied.
    let messages = api.get(&format!("{path}/Messages")).await.expect(200);
    assert_eq!(messages["messages"].as_array().unwrap().len(), 3);
    let participants = api.get(&format!("{path}/Participants")).await.expect(200);
    assert_eq!(participants["participants"].as_array().unwrap().len(), 0);
    assert!(api.get(&path).await.expect(200)["friendly_name"].is_null());
    // Other conversations have seconds of their own.
    let other = api.conversation(&[]).await;
    api.post(&format!("{other}/Messages"), &[("Body", "x")])
        .await
        .expect(201);
}

#[tokio::test]
async fn users_roles_and_conversations_count_with_their_service_b744() {
    let api = slow().await;
    api.conversation(&[]).await;
    let user = api.make("/v1/Users", &[("Identity", "alice")]).await;
    let role = [
        ("FriendlyName", "r"),
        ("Type", "service"),
        ("Permission", "joinConversation"),
    ];
    api.make("/v1/Roles", &role).await;
    api.post("/v1/Users", &[("Identity", "bob")])
        .await
        .refused(429, 20429);
    api.post(&user, &[("FriendlyName", "A")])
        .await
        .refused(429, 20429);
    api.post("/v1/Conversations", &[]).await.refused(429, 20429);
    api.post("/v1/Roles", &role).await.refused(429, 20429);
    api.delete(&user).await.refused(429, 20429);
    // What is not on the list is not counted, and another service has a count of its own.
    let service = api.make("/v1/Services", &[("FriendlyName", "Other")]).await;
    api.make(&format!("{service}/Users"), &[("Identity", "bob")])
        .await;
}

#[tokio::test]
async fn without_the_limit_nothing_is_counted_b748() {
    let api = api_limited(Limits::default()).await;
    let path = api.conversation(&[]).await;
    for _ in 0..40 {
        api.post(&format!("{path}/Messages"), &[("Body", "x")])
            .await
            .expect(201);
    }
}
