//! Reading of parameters.

use axum::body::Body;
use confab_api::Options;

use crate::common::{api, api_with};

#[tokio::test]
async fn names_are_case_sensitive_and_unknown_ones_ignored_b007_b008_b010() {
    let api = api().await;
    let message = api
        .post("/v1/Users", &[("identity", "a"), ("X", "y")])
        .await
        .refused(400, 20001);
    assert_eq!(message, "Missing required parameter Identity in the post body");
    let made = api
        .post("/v1/Conversations", &[("friendlyName", "a"), ("Nonsense", "b")])
        .await
        .expect(201);
    assert!(made["friendly_name"].is_null());
}

#[tokio::test]
async fn only_a_form_is_read_b009() {
    let api = api().await;
    for (kind, read) in [
        ("application/x-www-form-urlencoded", true),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", true),
        ("application/json", false),
        ("text/plain", false),
        ("", false),
    ] {
        let mut request = api.request("POST", "/v1/Conversations");
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let made = api
            .send(request.body("FriendlyName=hello".into()).unwrap())
            .await
            .expect(201);
        assert_eq!(made["friendly_name"] == "hello", read, "{kind}");
    }
    let request = api
        .request("POST", "/v1/Users")
        .header("content-type", "application/json");
    api.send(request.body(r#"{"Identity":"a"}"#.into()).unwrap())
        .await
        .refused(400, 20001);
}

#[tokio::test]
async fn the_query_of_a_post_counts_below_its_body() {
    let api = api().await;
    let form = [("FriendlyName", "body")];
    let made = api
        .post("/v1/Conversations?FriendlyName=query&UniqueName=q", &form)
        .await
        .expect(201);
    assert_eq!(
        (&made["friendly_name"], &made["unique_name"]),
        (&"body".into(), &"q".into())
    );
}

#[tokio::test]
async fn what_is_no_text_changes_nothing() {
    let api = api().await;
    for form in ["FriendlyName=%ff", "FriendlyName=a%00b", "%c3%28=x"] {
        api.post_raw("/v1/Conversations", form).await.refused(400, 20001);
    }
    let listed = api.get("/v1/Conversations").await.expect(200);
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let api = api_with(Options {
        body_limit: 100,
        ..Options::default()
    })
    .await;
    let long = format!("FriendlyName={}", "x".repeat(100));
    let known = api
        .request("POST", "/v1/Conversations")
        .header("content-length", long.len());
    let known = known.header("content-type", "application/x-www-form-urlencoded");
    let known = api.send(known.body(Body::from(long.clone())).unwrap()).await;
    assert_eq!(known.refused(413, 20413), "Request Entity Too Large");
    api.post_raw("/v1/Conversations", long).await.refused(413, 20413);
    api.post_raw("/v1/Conversations", format!("FriendlyName={}", "x".repeat(87)))
        .await
        .expect(201);
}

#[tokio::test]
async fn the_webhook_header_is_true_or_false_b033() {
    let api = api().await;
    for (value, status) in [
        ("true", 201),
        ("False", 201),
        ("TRUE", 201),
        ("yes", 400),
        ("", 400),
    ] {
        let request = api
            .request("POST", "/v1/Conversations")
            .header("x-twilio-webhook-enabled", value);
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{value}");
    }
    let request = api
        .request("GET", "/v1/Conversations")
        .header("x-twilio-webhook-enabled", "yes");
    api.send(request.body(Body::empty()).unwrap()).await.expect(200);
}

#[tokio::test]
async fn dates_are_read_with_offsets_and_shown_in_utc_b016_b017() {
    let api = api().await;
    let form = [
        ("DateCreated", "2015-12-16T23:18:37.5+01:00"),
        ("DateUpdated", "2016-01-01T00:00:00Z"),
    ];
    let made = api.post("/v1/Conversations", &form).await.expect(201);
    assert_eq!(made["date_created"], "2015-12-16T22:18:37Z");
    assert_eq!(made["date_updated"], "2016-01-01T00:00:00Z");
    api.post("/v1/Conversations", &[("DateCreated", "yesterday")])
        .await
        .refused(400, 50308);
    api.post("/v1/Conversations", &[("DateUpdated", "12345")])
        .await
        .refused(400, 50309);
}
