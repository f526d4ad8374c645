//! Content templates.

use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, fields};

const HOST: &str = "content.twilio.com";

pub async fn content_api() -> Api {
    api().await.on_host(HOST)
}

pub fn text_template(body: &str) -> Value {
    json!({"language": "en", "types": {"twilio/text": {"body": body}}})
}

/// The SID of a new template.
pub async fn template(api: &Api, template: &Value) -> String {
    let made = api
        .on_host(HOST)
        .send_json("POST", "/v1/Content", template)
        .await
        .expect(201);
    made["sid"].as_str().unwrap().to_owned()
}

/// ContentCreateContent, ContentFetchContent, ContentDeleteContent
#[tokio::test]
async fn a_template_is_made_read_and_removed() {
    let api = content_api().await;
    let body = json!({
        "friendly_name": "greeting", "language": "en_US", "variables": {"1": "you"},
        "types": {"twilio/text": {"body": "Hi {{1}}"}, "twilio/location": {"latitude": 39.7392, "longitude": 104, "label": "x"}},
    });
    let answer = api.send_json("POST", "/v1/Content", &body).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "friendly_name",
            "language",
            "variables",
            "types",
            "url",
            "date_created",
            "date_updated",
            "links"
        ]
    );
    let made = answer.expect(201);
    for name in ["friendly_name", "language", "variables", "types"] {
        assert_eq!(made[name], body[name], "{name}");
    }
    assert_eq!(made["account_sid"], ACCOUNT);
    let url = made["url"].as_str().unwrap();
    let path = format!("/v1/Content/{}", made["sid"].as_str().unwrap());
    assert_eq!(url, format!("http://{HOST}{path}"));
    assert_eq!(
        made["links"],
        json!({
            "approval_create": format!("{url}/ApprovalRequests/whatsapp"),
            "approval_fetch": format!("{url}/ApprovalRequests"),
        })
    );
    assert_eq!(api.get(&path).await.expect(200), made);
    api.as_caller(OTHER_ACCOUNT, TOKEN)
        .get(&path)
        .await
        .refused(404, 20404);
    api.delete(&path).await.expect(204);
    api.get(&path).await.refused(404, 20404);
    api.delete(&path).await.refused(404, 20404);
    api.get("/v1/Content/HX1").await.refused(404, 20404);
}

#[tokio::test]
async fn what_is_not_given_has_its_default() {
    let api = content_api().await;
    let mut body = text_template("Hi");
    body["friendly_name"] = Value::Null;
    body["variables"] = Value::Null;
    let made = api.send_json("POST", "/v1/Content", &body).await.expect(201);
    assert_eq!(
        (&made["friendly_name"], &made["variables"]),
        (&json!(""), &json!({}))
    );
    assert_eq!(made["date_created"], made["date_updated"]);
}

#[tokio::test]
async fn a_template_needs_types_and_a_language_b781() {
    let api = content_api().await;
    let variables = |n: usize| -> Value { (0..n).map(|i| (i.to_string(), json!("x"))).collect() };
    let with = |name: &str, value: Value| {
        let mut body = text_template("Hi");
        body[name] = value;
        body
    };
    for (body, code) in [
        (json!({}), 92001),
        (json!({"language": "en"}), 92001),
        (with("types", json!({})), 92001),
        (with("types", json!("twilio/text")), 92001),
        (with("types", json!({"twilio/fax": {"body": "Hi"}})), 92008),
        (with("types", json!({"twilio/text": {"body": ""}})), 20001),
        (with("language", Value::Null), 92003),
        (with("language", json!("")), 92004),
        (with("language", json!("english")), 92004),
        (with("language", json!(5)), 20001),
        (with("variables", variables(101)), 92002),
        (with("variables", json!(["x"])), 92007),
        (with("variables", json!({"1": 2})), 92007),
        (with("friendly_name", json!("x".repeat(257))), 20002),
        (json!([1]), 20001),
    ] {
        api.send_json("POST", "/v1/Content", &body)
            .await
            .refused(400, code);
    }
    assert_eq!(api.get("/v1/Content").await.expect(200)["contents"], json!([]));
    for body in [
        with("variables", variables(100)),
        with("friendly_name", json!("x".repeat(256))),
    ] {
        api.send_json("POST", "/v1/Content", &body).await.expect(201);
    }
}

/// The limits themselves are tested beside their tables; here: that they reach the caller, with the field's name.
#[tokio::test]
async fn a_text_over_its_limit_is_refused_b797() {
    let api = content_api().await;
    api.send_json("POST", "/v1/Content", &text_template(&"é".repeat(1600)))
        .await
        .expect(201);
    let message = api
        .send_json("POST", "/v1/Content", &text_template(&"é".repeat(1601)))
        .await
        .refused(400, 20001);
    assert_eq!(message, "Invalid parameter value: types.twilio/text.body");
}

#[tokio::test]
async fn the_body_must_be_json() {
    let api = content_api().await;
    let message = api
        .post("/v1/Content", &[("language", "en")])
        .await
        .refused(400, 20001);
    assert!(
        message.starts_with("The body is not the JSON that is expected"),
        "{message}"
    );
}

/// ContentUpdateContent: PUT is the method, and exists on this product only.
#[tokio::test]
async fn a_template_is_replaced() {
    let api = content_api().await;
    let mut first = text_template("one");
    first["friendly_name"] = json!("kept");
    first["variables"] = json!({"1": "x"});
    let path = format!("/v1/Content/{}", template(&api, &first).await);
    let media = json!({"twilio/media": {"body": "two", "media": ["https://example.com/a.png"]}});
    let changed = api
        .send_json("PUT", &path, &json!({"types": media, "language": "de"}))
        .await
        .expect(200);
    assert_eq!((&changed["types"], &changed["language"]), (&media, &json!("de")));
    assert_eq!(
        (&changed["friendly_name"], &changed["variables"]),
        (&json!("kept"), &json!({"1": "x"}))
    );
    assert_eq!(api.get(&path).await.expect(200), changed);
    api.send_json("PUT", &path, &json!({"language": "en"}))
        .await
        .refused(400, 92001);
    api.send_json("POST", &path, &text_template("x"))
        .await
        .refused(405, 20004);
    assert_eq!(api.get(&path).await.expect(200), changed);
    let nowhere = "/v1/Content/HX00000000000000000000000000000000";
    api.send_json("PUT", nowhere, &text_template("x"))
        .await
        .refused(404, 20404);
    let conversation = api.on_host("conversations.twilio.com").conversation(&[]).await;
    api.on_host("conversations.twilio.com")
        .send_json("PUT", &conversation, &json!({}))
        .await
        .refused(405, 20004);
}
