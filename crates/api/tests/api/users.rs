//! Users.

use crate::common::{api, encode, fields};

#[tokio::test]
async fn a_user_by_sid_and_identity_b541_b542_b546_b558() {
    let api = api().await;
    let identity = "Ali ce/ü+";
    let answer = api.post("/v1/Users", &[("Identity", identity)]).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "chat_service_sid",
            "role_sid",
            "identity",
            "friendly_name",
            "attributes",
            "is_online",
            "is_notifiable",
            "date_created",
            "date_updated",
            "url",
            "links"
        ]
    );
    let made = answer.expect(201);
    assert!(
        made["friendly_name"].is_null() && made["is_online"].is_null() && made["is_notifiable"].is_null()
    );
    assert_eq!(
        made["links"]["user_conversations"],
        format!("{}/Conversations", made["url"].as_str().unwrap())
    );
    for key in [&encode(identity), made["sid"].as_str().unwrap()] {
        assert_eq!(api.get(&format!("/v1/Users/{key}")).await.expect(200), made);
    }
    assert_eq!(
        api.post("/v1/Users", &[("Identity", identity)])
            .await
            .refused(409, 50201),
        "User already exists"
    );
    api.post("/v1/Users", &[("Identity", "ali ce/ü+")])
        .await
        .expect(201);
    api.post("/v1/Users", &[]).await.refused(400, 20001);
    api.post("/v1/Users", &[("Identity", made["sid"].as_str().unwrap())])
        .await
        .refused(400, 50206);
    api.post("/v1/Users", &[("Identity", &"x".repeat(257))])
        .await
        .refused(400, 50207);
    let path = format!("/v1/Users/{}", encode(identity));
    let form = [
        ("FriendlyName", "Alice"),
        ("Attributes", "[1]"),
        ("Identity", "other"),
    ];
    let changed = api.post(&path, &form).await.expect(200);
    assert_eq!(
        (&changed["friendly_name"], &changed["identity"]),
        (&"Alice".into(), &identity.into())
    );
    assert_eq!(changed["attributes"], "[1]");
    assert_eq!(
        api.get("/v1/Users").await.expect(200)["users"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_deleted_user_leaves_its_conversations_b551_b552() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    api.post(&format!("{conversation}/Participants"), &[("Identity", "alice")])
        .await
        .expect(201);
    let first = api.get("/v1/Users/alice").await.expect(200);
    api.delete("/v1/Users/alice").await.expect(204);
    let message = api.delete("/v1/Users/alice").await.refused(404, 20404);
    assert_eq!(message, "The requested resource /Users/alice was not found");
    api.get(&format!("{conversation}/Participants/alice"))
        .await
        .refused(404, 50432);
    let again = api.post("/v1/Users", &[("Identity", "alice")]).await.expect(201);
    assert_ne!(again["sid"], first["sid"]);
}
