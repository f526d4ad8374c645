//! Conversations.

use confab_types::Timestamp;
use serde_json::{Value, json};

use crate::common::{OTHER_ACCOUNT, TOKEN, api, encode, fields, path_of};

/// CreateConversation
#[tokio::test]
async fn a_conversation_of_nothing_b101_b061() {
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
    let fits = format!("\"{}\"", "x".repeat(16 * 1024 - 2));
    api.post("/v1/Conversations", &[("Attributes", &fits)])
        .await
        .expect(201);
    let big = format!("\"{}\"", "x".repeat(16 * 1024 - 1));
    api.post("/v1/Conversations", &[("Attributes", &big)])
        .await
        .refused(400, 50303);
}

#[tokio::test]
async fn unique_names_are_names_in_paths_b103_b104_b105_b106() {
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
async fn states_b107_b108_b109_b110_b111_b112_b113_b114_b131_b132() {
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
async fn an_update_of_nothing_changes_nothing_b014_b134() {
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
    for (name, code) in [("DateCreated", 50308), ("DateUpdated", 50309)] {
        api.post("/v1/Conversations", &[(name, "soon")])
            .await
            .refused(400, code);
    }
}

/// Seconds between two dates of an answer.
fn seconds(from: &Value, to: &Value) -> i64 {
    let read = |date: &Value| Timestamp::parse(date.as_str().unwrap()).unwrap().seconds();
    read(to) - read(from)
}

#[tokio::test]
async fn timers_show_the_dates_that_are_ahead_b116_b117_b118_b119_b122_b127_b128() {
    let api = api().await;
    let form = [("Timers.Inactive", "PT1M"), ("Timers.Closed", "PT10M")];
    let made = api.post("/v1/Conversations", &form).await.expect(201);
    let (created, timers) = (&made["date_created"], &made["timers"]);
    assert_eq!(seconds(created, &timers["date_inactive"]), 60);
    assert_eq!(seconds(&timers["date_inactive"], &timers["date_closed"]), 600);
    let path = format!("/v1/Conversations/{}", made["sid"].as_str().unwrap());
    assert_eq!(&api.get(&path).await.expect(200)["timers"], timers);
    // Without a state beside it, and each for itself.
    let changed = api.post(&path, &[("Timers.Inactive", "PT0S")]).await.expect(200);
    assert_eq!(changed["timers"].as_object().unwrap().len(), 1);
    assert!(changed["timers"]["date_closed"].is_string());
    let changed = api
        .post(&path, &[("Timers.Inactive", "P1D"), ("Timers.Closed", "PT0S")])
        .await
        .expect(200);
    assert_eq!(changed["timers"].as_object().unwrap().len(), 1);
    let updated = &changed["date_updated"];
    assert_eq!(seconds(updated, &changed["timers"]["date_inactive"]), 24 * 3600);
    let form = [("State", "inactive"), ("Timers.Closed", "PT600S")];
    let inactive = api.post(&path, &form).await.expect(200);
    let timers = inactive["timers"].as_object().unwrap();
    assert_eq!((timers.len(), timers.contains_key("date_closed")), (1, true));
    let closed = api.post(&path, &[("State", "closed")]).await.expect(200);
    assert_eq!(closed["timers"], json!({}));
    api.post(&path, &[("Timers.Closed", "PT0S")])
        .await
        .refused(400, 50377);
}

#[tokio::test]
async fn timers_have_a_form_and_a_least_length_b116_b117() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    for (name, text, code) in [
        ("Timers.Inactive", "PT59S", 50375),
        ("Timers.Inactive", "P6M", 50379),
        ("Timers.Inactive", "P1Y", 50379),
        ("Timers.Inactive", "P1W", 50379),
        ("Timers.Inactive", "60", 50379),
        ("Timers.Inactive", "", 50379),
        ("Timers.Closed", "PT599S", 50376),
        ("Timers.Closed", "P6M", 50380),
        ("Timers.Closed", "-PT600S", 50380),
        ("Timers.Closed", "", 50380),
    ] {
        let form = [(name, text), ("FriendlyName", "not taken either")];
        api.post("/v1/Conversations", &form).await.refused(400, code);
        api.post(&path, &form).await.refused(400, code);
    }
    let untouched = api.get(&path).await.expect(200);
    assert_eq!(
        (&untouched["timers"], &untouched["friendly_name"]),
        (&json!({}), &Value::Null)
    );
    for (name, text) in [("Timers.Inactive", "PT60S"), ("Timers.Closed", "PT600S")] {
        api.post(&path, &[(name, text)]).await.expect(200);
    }
}

#[tokio::test]
async fn the_messaging_service_is_one_of_the_account_b061() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    let default = api.get(&path).await.expect(200)["messaging_service_sid"].clone();
    let other_account = api.as_caller(OTHER_ACCOUNT, TOKEN);
    let foreign = other_account.get("/v1/Configuration").await.expect(200);
    let foreign = foreign["default_messaging_service_sid"].as_str().unwrap();
    for (text, code) in [("nonsense", 50341), (foreign, 50342)] {
        let form = [("MessagingServiceSid", text)];
        api.post("/v1/Conversations", &form).await.refused(400, code);
        api.post(&path, &form).await.refused(400, code);
    }
    let none = api.post(&path, &[("MessagingServiceSid", "")]).await.expect(200);
    assert!(none["messaging_service_sid"].is_null());
    let again = api
        .post(&path, &[("MessagingServiceSid", default.as_str().unwrap())])
        .await
        .expect(200);
    assert_eq!(again["messaging_service_sid"], default);
}

#[tokio::test]
async fn a_list_of_a_state_keeps_its_filter_from_page_to_page_b023_b131() {
    let api = api().await;
    for n in 0..5 {
        let state = if n % 2 == 0 { "active" } else { "inactive" };
        api.conversation(&[("State", state), ("FriendlyName", &n.to_string())])
            .await;
    }
    let mut names = Vec::new();
    let mut next = Some("/v1/Conversations?State=active&PageSize=2".to_owned());
    while let Some(path) = next {
        let page = api.get(&path).await.expect(200);
        for row in page["conversations"].as_array().unwrap() {
            assert_eq!(row["state"], "active");
            names.push(row["friendly_name"].as_str().unwrap().to_owned());
        }
        let url = &page["meta"]["next_page_url"];
        assert!(url.is_null() || url.as_str().unwrap().contains("State=active"));
        next = (!url.is_null()).then(|| path_of(url));
    }
    assert_eq!(names, ["4", "2", "0"]);
}

/// The same conversation in both forms: CreateConversation, FetchConversation, UpdateConversation, ListConversation,
/// DeleteConversation, CreateServiceConversation, FetchServiceConversation, UpdateServiceConversation,
/// ListServiceConversation, DeleteServiceConversation.
#[tokio::test]
async fn both_forms_do_the_same_b028_b029_b031_b103() {
    let api = api().await;
    let configuration = api.get("/v1/Configuration").await.expect(200);
    let default = configuration["default_chat_service_sid"].as_str().unwrap();
    let other = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let other = other["sid"].as_str().unwrap();
    let scoped = |service: &str| format!("/v1/Services/{service}/Conversations");
    // One name in two services, and each service knows its own only.
    let named = [("UniqueName", "room")];
    let short = api.post("/v1/Conversations", &named).await.expect(201);
    let long = api.post(&scoped(other), &named).await.expect(201);
    assert_eq!(long["chat_service_sid"], other);
    assert!(long["url"].as_str().unwrap().contains(&scoped(other)));
    let sid = long["sid"].as_str().unwrap();
    api.get(&format!("/v1/Conversations/{sid}"))
        .await
        .refused(404, 20404);
    api.delete(&format!("{}/{sid}", scoped(default)))
        .await
        .refused(404, 20404);
    // The default service under both forms: only URLs differ.
    let sid = short["sid"].as_str().unwrap();
    let mut through_service = api.get(&format!("{}/room", scoped(default))).await.expect(200);
    let mut plain = api.get(&format!("/v1/Conversations/{sid}")).await.expect(200);
    assert_ne!(through_service["url"], plain["url"]);
    for answer in [&mut through_service, &mut plain] {
        answer["url"].take();
        answer["links"].take();
    }
    assert_eq!(through_service, plain);
    let path = format!("{}/{sid}", scoped(default));
    let changed = api.post(&path, &[("FriendlyName", "x")]).await.expect(200);
    assert_eq!(changed["friendly_name"], "x");
    for list in ["/v1/Conversations".to_owned(), scoped(default)] {
        let listed = api.get(&list).await.expect(200);
        assert_eq!(listed["conversations"].as_array().unwrap().len(), 1);
        assert_eq!(listed["conversations"][0]["friendly_name"], "x");
    }
    api.delete(&path).await.expect(204);
    api.get(&format!("/v1/Conversations/{sid}"))
        .await
        .refused(404, 20404);
}

#[tokio::test]
async fn two_creations_with_one_name_at_once_b103() {
    let api = api().await;
    let named = [("UniqueName", "room")];
    let (one, other) = tokio::join!(
        api.post("/v1/Conversations", &named),
        api.post("/v1/Conversations", &named)
    );
    let (first, second) = if one.status == 201 {
        (one, other)
    } else {
        (other, one)
    };
    first.expect(201);
    second.refused(409, 50353);
}
