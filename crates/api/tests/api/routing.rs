//! Products by host and path, and the URLs that follow from them.

use axum::body::Body;
use confab_api::Options;

use crate::common::{api, api_with};

#[tokio::test]
async fn urls_echo_how_the_request_came() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    for (host, prefix, base) in [
        ("conversations.twilio.com", "", "http://conversations.twilio.com"),
        (
            "conversations.dublin.ie1.twilio.com:8080",
            "",
            "http://conversations.dublin.ie1.twilio.com:8080",
        ),
        (
            "127.0.0.1:8080",
            "/conversations",
            "http://127.0.0.1:8080/conversations",
        ),
    ] {
        let api = api.on_host(host);
        let found = api.get(&format!("{prefix}{path}")).await.expect(200);
        assert_eq!(found["url"], format!("{base}{path}"));
        assert_eq!(found["links"]["messages"], format!("{base}{path}/Messages"));
        let listed = api.get(&format!("{prefix}/v1/Conversations")).await.expect(200);
        assert_eq!(
            listed["meta"]["url"],
            format!("{base}/v1/Conversations?PageSize=50&Page=0")
        );
    }
    api.on_host("127.0.0.1:8080").get(&path).await.refused(404, 20404);
}

#[tokio::test]
async fn the_public_url_shows_on_hosts_without_a_product() {
    let options = Options {
        public_url: Some(("https".into(), "confab.example.org".into())),
        ..Options::default()
    };
    let api = api_with(options).await;
    let own = api.get("/v1/Configuration").await.expect(200);
    assert_eq!(own["url"], "https://conversations.twilio.com/v1/Configuration");
    let bare = api
        .on_host("10.1.1.1:8080")
        .get("/conversations/v1/Configuration")
        .await
        .expect(200);
    assert_eq!(
        bare["url"],
        "https://confab.example.org/conversations/v1/Configuration"
    );
}

#[tokio::test]
async fn forwarded_headers_of_a_stranger_are_not_believed() {
    let api = api().await;
    let request = api
        .request("GET", "/v1/Configuration")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "conversations.evil.example");
    let found = api.send(request.body(Body::empty()).unwrap()).await.expect(200);
    assert_eq!(found["url"], "http://conversations.twilio.com/v1/Configuration");
}

#[tokio::test]
async fn short_and_service_form_differ_in_urls_and_chat_service_sid_only_b028_b029() {
    let api = api().await;
    let configuration = api.get("/v1/Configuration").await.expect(200);
    let service = configuration["default_chat_service_sid"].as_str().unwrap();
    assert_eq!(
        configuration["links"]["service"],
        format!("http://conversations.twilio.com/v1/Services/{service}/Configuration")
    );
    let path = api.conversation(&[]).await;
    let message = api
        .post(&format!("{path}/Messages"), &[("Body", "hi")])
        .await
        .expect(201);
    let member = api
        .post(&format!("{path}/Participants"), &[("Identity", "alice")])
        .await
        .expect(201);
    let user = api.get("/v1/Users/alice").await.expect(200);
    for (found, adds_service) in [(message, true), (member, true), (user, false)] {
        let short_url = found["url"].as_str().unwrap().to_owned();
        let long_url = short_url.replace("/v1/", &format!("/v1/Services/{service}/"));
        let long_path = long_url.strip_prefix("http://conversations.twilio.com").unwrap();
        let mut long = api.get(long_path).await.expect(200);
        assert_eq!(long["url"], long_url);
        assert_eq!(long["chat_service_sid"], service);
        let mut short = found;
        if adds_service {
            long.as_object_mut().unwrap().remove("chat_service_sid");
        }
        for view in [&mut long, &mut short] {
            view.as_object_mut().unwrap().remove("url");
            view.as_object_mut().unwrap().remove("links");
        }
        assert_eq!(long, short);
    }
    let other = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let other = format!("/v1/Services/{}", other["sid"].as_str().unwrap());
    let there = api
        .post(&format!("{other}/Conversations"), &[("UniqueName", "there")])
        .await
        .expect(201);
    assert!(there["url"].as_str().unwrap().contains(&other));
    api.get("/v1/Conversations/there").await.refused(404, 20404);
    api.get(&format!("/v1/Conversations/{}", there["sid"].as_str().unwrap()))
        .await
        .refused(404, 20404);
    api.get(&format!("{other}/Conversations/there")).await.expect(200);
}

#[tokio::test]
async fn services_live_and_die_b051_b055_b058() {
    let api = api().await;
    let message = api.post("/v1/Services", &[]).await.refused(400, 20001);
    assert_eq!(
        message,
        "Missing required parameter FriendlyName in the post body"
    );
    api.post("/v1/Services", &[("FriendlyName", &"x".repeat(257))])
        .await
        .refused(400, 50003);
    let made = api.post("/v1/Services", &[("FriendlyName", "two")]).await;
    let order = [
        "conversations",
        "users",
        "roles",
        "bindings",
        "configuration",
        "participant_conversations",
    ];
    let at: Vec<_> = order
        .iter()
        .map(|name| made.text.find(&format!("\"{name}\"")).unwrap())
        .collect();
    assert!(at.is_sorted());
    let made = made.expect(201);
    let path = format!("/v1/Services/{}", made["sid"].as_str().unwrap());
    let conversation = api.post(&format!("{path}/Conversations"), &[]).await.expect(201);
    api.post(&format!("{path}/Users"), &[("Identity", "a")])
        .await
        .expect(201);
    assert_eq!(
        api.get("/v1/Services").await.expect(200)["services"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404); // B-013
    // Also for who used the service a moment ago.
    api.post(&format!("{path}/Conversations"), &[])
        .await
        .refused(404, 20404);
    api.get(&format!(
        "{path}/Conversations/{}",
        conversation["sid"].as_str().unwrap()
    ))
    .await
    .refused(404, 20404);
    let default = api.get("/v1/Configuration").await.expect(200);
    let default = format!(
        "/v1/Services/{}",
        default["default_chat_service_sid"].as_str().unwrap()
    );
    api.delete(&default).await.refused(400, 20001);
}
