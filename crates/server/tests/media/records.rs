//! Records and bytes, and the URLs that lead to them.

use confab_media::Links;
use confab_testkit::TestServer;
use confab_types::{MediaSid, Sid as _};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PNG, bytes, client, collection, download, send, sid, temporary, uploaded, with_token};

/// CreateMedia, FetchMedia, FetchMediaContent, FetchTemporaryContent.
#[tokio::test]
async fn an_upload_has_a_record_and_its_bytes_can_be_had_b271_b272_b273_b278_b286() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "?Category=media&Filename=b%20c.png", "image/png", PNG).await;
    let media = sid(&record);
    assert!(MediaSid::parse(&media).is_some());
    let url = format!("{}{}/{media}", server.url(), collection(&server));
    let expected = json!({
        "sid": media, "account_sid": server.account_sid, "service_sid": server.service_sid,
        "date_created": record["date_created"], "date_upload_updated": record["date_upload_updated"],
        "date_updated": null, "size": PNG.len(), "content_type": "image/png", "filename": "b c.png",
        "author": "system", "category": "media", "message_sid": null, "channel_sid": null, "url": url,
        "is_multipart_upstream": false,
        "links": {"content": format!("{url}/Content"), "content_direct_temporary": temporary(&record)},
    });
    assert_eq!(record, expected);
    assert!(record["date_created"].as_str().unwrap().ends_with('Z'));

    let fetched = server.get(&url).await.expect(200).json;
    assert_eq!(
        (sid(&fetched), &fetched["size"]),
        (media.clone(), &record["size"])
    );
    let unnamed = uploaded(&server, "", "text/plain", "x").await;
    assert_eq!(unnamed["filename"], Value::Null);

    let account = (&server.account_sid, Some(&server.auth_token));
    let redirect = client()
        .get(format!("{url}/Content"))
        .basic_auth(account.0, account.1);
    let (status, headers, _) = bytes(redirect).await;
    assert_eq!(status, 307);
    let (status, headers, body) = download(headers["location"].to_str().unwrap()).await;
    assert_eq!((status, body.as_slice()), (200, PNG));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-length", "20"),
        (
            "content-disposition",
            "inline; filename=\"b c.png\"; filename*=UTF-8''b%20c.png",
        ),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"));
}

#[tokio::test]
async fn a_temporary_url_is_good_for_what_it_was_made_for_b278() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "", "text/plain", "one").await;
    let other = uploaded(&server, "", "text/plain", "two").await;
    let media = MediaSid::parse(&sid(&record)).unwrap();
    let links = Links::new(&server.engine().vault().derive("temporary media URLs").unwrap());
    let made = |seconds_ago: i64| {
        let at = server.engine().now().plus_seconds(-seconds_ago);
        format!("{}/media{}", server.url(), links.sign(media, at))
    };
    assert_eq!(download(&made(290)).await.0, 200);
    let (status, _, body) = download(&made(300)).await;
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &error["code"]), (403, &json!(20403)));

    let good = temporary(&record);
    let elsewhere = good.replace(&sid(&record), &sid(&other));
    let longer = good.replace("Expires=1", "Expires=2");
    let bare = good.split('?').next().unwrap().to_owned();
    for url in [elsewhere, longer, bare, good.replace("Signature=", "Signature=A")] {
        assert_eq!(download(&url).await.0, 403, "{url}");
    }
    let again = server.get(record["url"].as_str().unwrap()).await.expect(200).json;
    assert_eq!(download(&temporary(&again)).await.2, b"one");
}

#[tokio::test]
async fn parts_of_the_bytes_can_be_had() {
    let server = TestServer::start().await;
    let url = temporary(&uploaded(&server, "", "text/plain", "0123456789").await);
    let (status, headers, body) = bytes(client().get(&url).header("Range", "bytes=2-4")).await;
    assert_eq!((status, body.as_slice()), (206, b"234".as_slice()));
    assert_eq!(headers["content-range"], "bytes 2-4/10");
    let (status, headers, _) = bytes(client().get(&url).header("Range", "bytes=10-")).await;
    assert_eq!(
        (status, &headers["content-range"]),
        (416, &"bytes */10".parse().unwrap())
    );
    let (status, headers, body) = bytes(client().head(&url)).await;
    assert_eq!(
        (status, headers["content-length"].to_str().unwrap(), body.len()),
        (200, "10", 0)
    );
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_only_to_be_saved() {
    let server = TestServer::start().await;
    for (content_type, name) in [
        ("text/html", "a.html"),
        ("image/svg+xml", "a.svg"),
        ("text/xml", "a.xml"),
    ] {
        let record = uploaded(&server, &format!("?Filename={name}"), content_type, "<script/>").await;
        let (_, headers, _) = download(&temporary(&record)).await;
        assert_eq!(headers["content-type"], content_type);
        let disposition = headers["content-disposition"].to_str().unwrap();
        assert!(disposition.starts_with("attachment; "), "{disposition}");
    }
}

#[tokio::test]
async fn media_cannot_be_changed_b279() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "", "text/plain", "x").await;
    let url = record["url"].as_str().unwrap();
    assert_eq!(
        server.post(url, &[("Filename", "y")]).await.expect(405).code(),
        Some(20004)
    );
    assert_eq!(server.delete(url).await.expect(405).code(), Some(20004));
    let put = server.rest.request(Method::PUT, url).body("y");
    assert_eq!(send(&server, put).await.status, 405);
    assert_eq!(download(&temporary(&record)).await.2, b"x");
}

/// FetchMediaSet
#[tokio::test]
async fn a_set_has_the_records_in_the_order_of_the_request_b287() {
    let server = TestServer::start().await;
    let mut sids = Vec::new();
    for text in ["a", "b", "c"] {
        sids.push(sid(&uploaded(&server, "", "text/plain", text).await));
    }
    let unknown = "ME00000000000000000000000000000001".to_owned();
    let asked = [&sids[2], &unknown, &sids[0], &sids[1]];
    let path = format!("{}Set", collection(&server));
    let body = |list: &[&String]| {
        let list: Vec<Value> = list.iter().map(|sid| json!({"media_sid": sid})).collect();
        json!({"command": "get", "list": list}).to_string()
    };
    let post = |body: String| {
        let request = server.rest.request(Method::POST, &path);
        request.header("Content-Type", "application/json").body(body)
    };
    let set = send(&server, post(body(&asked))).await.expect(200).json;
    let seen: Vec<_> = set
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["code"].as_u64().unwrap(),
                one["media_record"]["sid"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (200, sids[2].as_str()),
            (404, &unknown),
            (200, &sids[0]),
            (200, &sids[1])
        ]
    );
    assert_eq!(set[1]["media_record"], json!({"sid": unknown}));
    assert_eq!(download(&temporary(&set[2]["media_record"])).await.2, b"a");

    let token = server.token("alice").await;
    let request = with_token(&server, Method::POST, &path, &token).body(body(&asked[..1]));
    let set = send(&server, request).await.expect(200).json;
    assert_eq!(set[0]["code"], 403);
    for wrong in [
        "",
        "[]",
        r#"{"command":"put","list":[]}"#,
        r#"{"command":"get","list":[{"media_sid":"x"}]}"#,
        r#"{"command":"get","list":[{}]}"#,
    ] {
        let refused = send(&server, post(wrong.to_owned())).await;
        assert_eq!((refused.status, refused.code()), (400, Some(20001)), "{wrong}");
    }
}

/// ListService
/// McsListService.
#[tokio::test]
async fn the_services_of_the_account_are_listed() {
    let server = TestServer::start().await;
    let services = server.rest.list("/mcs/v1/Services", "services").await;
    assert_eq!(services.len(), 1);
    let media = format!("{}{}", server.url(), collection(&server));
    assert_eq!(services[0]["links"]["media"], json!(media));
}

#[tokio::test]
async fn links_follow_the_host_by_which_the_request_came() {
    let server = TestServer::start().await;
    let record = uploaded(&server, "", "text/plain", "x").await;
    let on_host = format!("/v1/Services/{}/Media/{}", server.service_sid, sid(&record));
    let fetch = server
        .rest
        .request(Method::GET, &on_host)
        .header("Host", "mcs.us1.twilio.com");
    let seen = send(&server, fetch).await.expect(200).json;
    assert_eq!(seen["url"], json!(format!("http://mcs.us1.twilio.com{on_host}")));
    let url = temporary(&seen);
    let path = url.strip_prefix("http://media.us1.twilio.com").unwrap();
    let bytes = server.rest.anonymous().request(Method::GET, path);
    let bytes = send(&server, bytes.header("Host", "media.us1.twilio.com"))
        .await
        .expect(200);
    assert_eq!(bytes.text, "x");
}

#[tokio::test]
async fn browsers_may_ask_from_other_origins() {
    let server = TestServer::start().await;
    for path in [
        collection(&server),
        "/media/ME00000000000000000000000000000001".into(),
    ] {
        let asked = server.rest.anonymous().request(Method::OPTIONS, &path);
        let answer = send(&server, asked).await.expect(204);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert!(answer.headers.contains_key("access-control-max-age"));
    }
    let asked = server
        .rest
        .anonymous()
        .request(Method::OPTIONS, &collection(&server));
    let allowed = send(&server, asked).await;
    let allowed = allowed.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(
        allowed.contains("X-Twilio-Token") && allowed.contains("Content-Type"),
        "{allowed}"
    );
}
