//! Conversations.

use crate::common::{api, encode, fields};

#[tokio::test]
async fn a_conversation_of_nothing_b101() {
    let api = api().await;
    let answer = api.post("/v1/Conversations", &[]).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "chat_service_sid",
            "messaging_service_sid",
            "friendly_name",
            "unique_name",
            "attributes",
            "date_created",
            "date_updated",
            "state",
            "timers",
            "bindings",
            "url",
            "links"
        ]
    );
    let made = answer.expect(201);
    assert!(made["friendly_name"].is_null() && made["unique_name"].is_null());
    assert_eq!(
        (&made["attributes"], &made["state"]),
        (&"{}".into(), &"active".into())
    );
    assert_eq!(
        (&made["timers"], &made["bindings"]),
        (&serde_json::json!({}), &serde_json::json!({}))
    );
    assert_eq!(made["date_created"], made["date_updated"]);
    assert!(made["messaging_service_sid"].as_str().unwrap().starts_with("MG")); // B-061
    assert_eq!(
        made["links"]["export"],
        format!("{}/Export", made["url"].as_str().unwrap())
    );
}

#[tokio::test]
async fn limits_of_names_and_attributes_b102_b018_b019_b020() {
    let api = api().await;
    let (just, over) = ("ä".repeat(256), "ä".repeat(257));
    api.post(
        "/v1/Conversations",
        &[("FriendlyName", &just), ("UniqueName", &just)],
    )
    .await
    .expect(201);
    api.post("/v1/Conversations", &[("FriendlyName", &over)])
        .await
        .refused(400, 50003);
    api.post("/v1/Conversations", &[("UniqueName", &over)])
        .await
        .refused(400, 50004);
    for text in ["{ \"a\" : 1 }", "[1]", "\"x\"", "null", "3"] {
        let made = api
            .post("/v1/Conversations", &[("Attributes", text)])
            .await
            .expect(201);
        assert_eq!(made["attributes"], text);
    }
    let message = api
        .post("/v1/Conversations", &[("Attributes", "{")])
        .await
        .refused(400, 50304);
    assert_eq!(message, "Attributes not valid JSON");
    let big = format!("\"{}\"", "x".repeat(16 * 1024));
    api.post("/v1/Conversations", &[("Attributes", &big)])
        .await
        .refused(400, 50303);
}

#[tokio::test]
async fn unique_names_are_names_in_paths_b103_b106() {
    let api = api().await;
    let name = "a/b ü?";
    let path = api.conversation(&[("UniqueName", name)]).await;
    let message = api
        .post("/v1/Conversations", &[("UniqueName", name)])
        .await
        .refused(409, 50353);
    assert_eq!(message, "Conversation with provided unique name already exists");
    let by_name = format!("/v1/Conversations/{}", encode(name));
    let found = api.get(&by_name).await.expect(200);
    assert!(found["url"].as_str().unwrap().ends_with(&path));
    api.post(&by_name, &[("FriendlyName", "f")]).await.expect(200);
    let sent = api
        .post(&format!("{by_name}/Messages"), &[("Body", "x")])
        .await
        .expect(201);
    assert!(sent["url"].as_str().unwrap().contains(&path));
    let listed = api.get(&format!("{by_name}/Messages")).await.expect(200);
    assert!(listed["meta"]["url"].as_str().unwrap().contains(&path));
    api.post(&by_name, &[("UniqueName", "")]).await.expect(200);
    api.conversation(&[("UniqueName", name)]).await;
    api.post("/v1/Conversations", &[("UniqueName", &path[18..])])
        .await
        .refused(400, 50390);
}

#[tokio::test]
async fn states_b107_b114() {
    let api = api().await;
    for (state, code) in [
        ("closed", 50384),
        ("sleeping", 50378),
        ("", 50374),
        ("initializing", 50386),
    ] {
        api.post("/v1/Conversations", &[("State", state)])
            .await
            .refused(400, code);
    }
    let path = api.conversation(&[("State", "inactive")]).await;
    api.post(&format!("{path}/Messages"), &[("Body", "x")])
        .await
        .expect(201);
    assert_eq!(api.get(&path).await.expect(200)["state"], "active");
    for state in ["inactive", "active", "active", "closed"] {
        assert_eq!(
            api.post(&path, &[("State", state)]).await.expect(200)["state"],
            state
        );
    }
    let closed = "Can't update conversation as it's in final closed state";
    for form in [&[("State", "active")][..], &[("FriendlyName", "x")], &[]] {
        assert_eq!(api.post(&path, form).await.refused(400, 50377), closed);
    }
    api.post(&format!("{path}/Messages"), &[("Body", "x")])
        .await
        .refused(400, 50377);
    api.post(&format!("{path}/Participants"), &[("Identity", "x")])
        .await
        .refused(400, 50377);
    assert_eq!(
        api.get(&format!("{path}/Messages")).await.expect(200)["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let listed = api.get("/v1/Conversations?State=closed").await.expect(200); // B-131
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 1);
    for state in ["active", "initializing"] {
        let listed = api
            .get(&format!("/v1/Conversations?State={state}"))
            .await
            .expect(200);
        assert_eq!(listed["conversations"].as_array().unwrap().len(), 0);
    }
    api.get("/v1/Conversations?State=asleep")
        .await
        .refused(400, 20001);
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
    api.get(&format!("{path}/Messages")).await.refused(404, 50350);
}

#[tokio::test]
async fn an_update_of_nothing_changes_nothing_b014() {
    let api = api().await;
    let form = [
        ("DateUpdated", "2020-01-01T00:00:00Z"),
        ("Bindings.Email.Address", "a@example.com"),
    ];
    let path = api.conversation(&form).await;
    let before = api.get(&path).await.text;
    assert_eq!(api.post(&path, &[("Unknown", "x")]).await.text, before);
    let changed = api
        .post(&path, &[("FriendlyName", "x"), ("Bindings.Email.Name", "n")])
        .await
        .expect(200);
    assert_ne!(changed["date_updated"], "2020-01-01T00:00:00Z");
    let email = serde_json::json!({"email": {"projected_address": "a@example.com", "name": "n"}});
    assert_eq!(changed["bindings"], email); // B-134
    assert!(api.post(&path, &[("FriendlyName", "")]).await.expect(200)["friendly_name"].is_null());
}

#[tokio::test]
async fn lists_by_date_of_creation_b129_b130_b135() {
    let api = api().await;
    for day in [
        "2020-01-01T00:00:00Z",
        "2020-01-02T12:00:00Z",
        "2020-01-03T23:59:59.9Z",
    ] {
        api.conversation(&[("DateCreated", day)]).await;
    }
    for (query, rows) in [
        ("StartDate=2020-01-02", 2),
        ("EndDate=2020-01-02", 2),
        ("StartDate=2020-01-01&EndDate=2020-01-03", 3),
        ("StartDate=2020-01-02&EndDate=2020-01-02", 1),
        ("StartDate=2020-01-01T00:00:01Z&EndDate=2020-01-02T12:00:00Z", 1),
        ("StartDate=2021-01-01", 0),
    ] {
        let listed = api.get(&format!("/v1/Conversations?{query}")).await.expect(200);
        assert_eq!(listed["conversations"].as_array().unwrap().len(), rows, "{query}");
    }
    api.get("/v1/Conversations?StartDate=2020-01-03&EndDate=2020-01-02")
        .await
        .refused(400, 50396);
    let same = "2020-01-02T00:00:00Z";
    api.get(&format!("/v1/Conversations?StartDate={same}&EndDate={same}"))
        .await
        .refused(400, 50396);
    api.get("/v1/Conversations?StartDate=soon")
        .await
        .refused(400, 20001);
}
