//! Lists of templates.

use serde_json::{Value, json};

use crate::common::{Api, OTHER_ACCOUNT, TOKEN, path_of};
use crate::content::{content_api, template, text_template};

fn named(name: &str, language: &str, types: Value) -> Value {
    json!({"friendly_name": name, "language": language, "types": types})
}

/// Names of the templates of a list over all of its pages.
async fn names(api: &Api, path: &str) -> Vec<String> {
    let (mut names, mut at) = (Vec::new(), path.to_owned());
    loop {
        let page = api.get(&at).await.expect(200);
        for item in page["contents"].as_array().unwrap() {
            names.push(item["friendly_name"].as_str().unwrap().to_owned());
        }
        if page["meta"]["next_page_url"].is_null() {
            return names;
        }
        at = path_of(&page["meta"]["next_page_url"]);
    }
}

async fn three(api: &Api) {
    for (name, language, types) in [
        ("banana", "en", json!({"twilio/text": {"body": "yellow"}})),
        (
            "apple",
            "de",
            json!({"twilio/quick-reply": {"body": "red", "actions": [{"title": "green"}]}}),
        ),
        (
            "cherry",
            "en",
            json!({"twilio/text": {"body": "red"}, "twilio/media": {"media": ["https://example.com/1.png"]}}),
        ),
    ] {
        template(api, &named(name, language, types)).await;
    }
}

/// ContentListContent, ContentListContentAndApprovals, ContentListLegacyContent
#[tokio::test]
async fn the_lists_of_v1_are_newest_first() {
    let api = content_api().await;
    three(&api).await;
    let newest = ["cherry", "apple", "banana"];
    assert_eq!(names(&api, "/v1/Content").await, newest);
    assert_eq!(names(&api, "/v1/Content?PageSize=1").await, newest);
    assert_eq!(names(&api, "/v1/ContentAndApprovals?PageSize=2").await, newest);
    assert!(names(&api, "/v1/LegacyContent").await.is_empty());
    assert!(
        names(&api.as_caller(OTHER_ACCOUNT, TOKEN), "/v1/Content")
            .await
            .is_empty()
    );
    let page = api.get("/v1/Content?PageSize=1").await.expect(200);
    assert_eq!(page["meta"]["key"], "contents");
    let one = &page["contents"][0];
    let fetched = format!("/v1/Content/{}", one["sid"].as_str().unwrap());
    assert_eq!(&api.get(&fetched).await.expect(200), one);
}

#[tokio::test]
async fn the_list_with_approvals_tells_them() {
    let api = content_api().await;
    let sid = template(&api, &text_template("Hi")).await;
    let ask = format!("/v1/Content/{sid}/ApprovalRequests/whatsapp");
    api.send_json("POST", &ask, &json!({"name": "hi", "category": "UTILITY"}))
        .await
        .expect(201);
    for path in ["/v1/ContentAndApprovals", "/v2/ContentAndApprovals"] {
        let item = &api.get(path).await.expect(200)["contents"][0];
        assert_eq!(item["sid"], sid);
        assert_eq!(
            item["approval_requests"],
            json!({
                "name": "hi", "category": "UTILITY", "content_type": "twilio/text", "status": "approved",
                "rejection_reason": "", "allow_category_change": true,
            })
        );
    }
}

/// ContentListContent, ContentListContentAndApprovals
#[tokio::test]
async fn the_lists_of_v2_are_sorted_as_wanted() {
    let api = content_api().await;
    three(&api).await;
    for list in ["/v2/Content", "/v2/ContentAndApprovals"] {
        for (query, expected) in [
            ("", ["cherry", "apple", "banana"]),
            ("SortByDate=asc", ["banana", "apple", "cherry"]),
            ("SortByDate=desc", ["cherry", "apple", "banana"]),
            ("SortByContentName=asc", ["apple", "banana", "cherry"]),
            ("SortByContentName=desc", ["cherry", "banana", "apple"]),
        ] {
            assert_eq!(names(&api, &format!("{list}?PageSize=1&{query}")).await, expected);
        }
    }
    // The date is that of the last change.
    let banana = &api.get("/v2/Content?SortByDate=asc").await.expect(200)["contents"][0];
    let path = format!("/v1/Content/{}", banana["sid"].as_str().unwrap());
    api.send_json("PUT", &path, &named("banana", "en", banana["types"].clone()))
        .await
        .expect(200);
    assert_eq!(
        names(&api, "/v2/Content?SortByDate=asc").await,
        ["apple", "cherry", "banana"]
    );
    assert_eq!(
        names(&api, "/v1/Content").await,
        ["cherry", "apple", "banana"],
        "that of the creation stays"
    );
}

#[tokio::test]
async fn the_lists_of_v2_are_filtered() {
    let api = content_api().await;
    three(&api).await;
    let cherry = api.get("/v1/Content?PageSize=1").await.expect(200)["contents"][0]["sid"].clone();
    let ask = format!(
        "/v1/Content/{}/ApprovalRequests/whatsapp",
        cherry.as_str().unwrap()
    );
    api.send_json("POST", &ask, &json!({"name": "hi", "category": "UTILITY"}))
        .await
        .expect(201);
    for (query, expected) in [
        ("ContentName=an", &["banana"][..]),
        ("ContentName=%5E%5Bac%5D", &["cherry", "apple"]),
        ("ContentName=%28%3Fi%29APPLE", &["apple"]),
        ("Content=red", &["cherry", "apple"]),
        ("Content=gre.n", &["apple"]),
        ("Content=twilio", &[]),
        ("Language=de", &["apple"]),
        ("Language=de&Language=en", &["cherry", "apple", "banana"]),
        ("ContentType=twilio%2Fmedia", &["cherry"]),
        ("ContentType=twilio%2Ftext", &["cherry", "banana"]),
        ("ChannelEligibility=whatsapp:approved", &["cherry"]),
        ("ChannelEligibility=whatsapp:unsubmitted", &["apple", "banana"]),
        (
            "DateCreatedAfter=2001-01-01T00:00:00Z",
            &["cherry", "apple", "banana"],
        ),
        ("DateCreatedBefore=2001-01-01T00:00:00Z", &[]),
        ("Language=en&Content=red&ContentName=e", &["cherry"]),
        ("SortByContentName=asc&Language=en", &["banana", "cherry"]),
    ] {
        for size in [1, 50] {
            let path = format!("/v2/Content?{query}&PageSize={size}");
            assert_eq!(names(&api, &path).await, expected, "{path}");
        }
    }
    for wrong in [
        "SortByDate=up",
        "SortByContentName=",
        "ContentName=%5B",
        "Content=%28a%7B999%7D%29%7B999%7D",
        "ChannelEligibility=approved",
        "ChannelEligibility=whatsapp:lovely",
        "DateCreatedAfter=yesterday",
    ] {
        let message = api.get(&format!("/v2/Content?{wrong}")).await.refused(400, 20001);
        let name = wrong.split('=').next().unwrap();
        assert_eq!(message, format!("Invalid parameter value: {name}"));
    }
}

/// What passes lies far apart, and the pages before are found as well as those behind.
#[tokio::test]
async fn a_filtered_list_goes_both_ways_b022() {
    let api = content_api().await;
    for i in 0..300 {
        let language = if i % 100 == 0 { "de" } else { "en" };
        template(
            &api,
            &named(&i.to_string(), language, json!({"twilio/text": {"body": "x"}})),
        )
        .await;
    }
    let first = api.get("/v2/Content?Language=de&PageSize=1").await.expect(200);
    let second = api
        .get(&path_of(&first["meta"]["next_page_url"]))
        .await
        .expect(200);
    let third = api
        .get(&path_of(&second["meta"]["next_page_url"]))
        .await
        .expect(200);
    let name = |page: &Value| page["contents"][0]["friendly_name"].clone();
    assert_eq!([name(&first), name(&second), name(&third)], ["200", "100", "0"]);
    assert!(third["meta"]["next_page_url"].is_null());
    let back = api
        .get(&path_of(&third["meta"]["previous_page_url"]))
        .await
        .expect(200);
    assert_eq!(back["contents"], second["contents"]);
    let back = api
        .get(&path_of(&back["meta"]["previous_page_url"]))
        .await
        .expect(200);
    assert_eq!(back["contents"], first["contents"]);
}
