//! Pages of lists.

use std::collections::HashSet;

use crate::common::{api, path_of};

#[tokio::test]
async fn an_empty_list_has_its_meta_b021() {
    let api = api().await;
    let answer = api.get("/v1/Conversations").await;
    let url = "http://conversations.twilio.com/v1/Conversations?PageSize=50&Page=0";
    assert_eq!(
        answer.text,
        format!(
            "{{\"meta\":{{\"page\":0,\"page_size\":50,\"first_page_url\":\"{url}\",\"previous_page_url\":null,\
             \"url\":\"{url}\",\"next_page_url\":null,\"key\":\"conversations\"}},\"conversations\":[]}}"
        )
    );
}

#[tokio::test]
async fn next_links_visit_every_row_once_also_while_rows_are_added_b022_b027() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    for i in 0..7 {
        api.post(&format!("{path}/Messages"), &[("Body", &i.to_string())])
            .await
            .expect(201);
    }
    let mut at = format!("{path}/Messages?PageSize=3");
    let (mut seen, mut pages) = (Vec::new(), Vec::new());
    loop {
        let page = api.get(&at).await.expect(200);
        assert_eq!(page["meta"]["page"], pages.len());
        seen.extend(
            page["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["index"].as_i64().unwrap()),
        );
        let next = page["meta"]["next_page_url"].clone();
        pages.push(page);
        if next.is_null() {
            break;
        }
        if pages.len() == 2 {
            api.post(&format!("{path}/Messages"), &[("Body", "late")])
                .await
                .expect(201);
        }
        at = path_of(&next);
    }
    assert_eq!(seen, (0..8).collect::<Vec<_>>());
    let next = pages[0]["meta"]["next_page_url"].as_str().unwrap();
    assert!(
        next.contains("/Messages?PageSize=3&Page=1&PageToken=PA"),
        "{next}"
    );
    assert_eq!(pages[1]["meta"]["url"], next);
    let back = api
        .get(&path_of(&pages[2]["meta"]["previous_page_url"]))
        .await
        .expect(200);
    assert_eq!(back["messages"], pages[1]["messages"]);
    let first = api
        .get(&path_of(&back["meta"]["previous_page_url"]))
        .await
        .expect(200);
    assert_eq!(first["messages"], pages[0]["messages"]);
    assert!(first["meta"]["previous_page_url"].is_null());
    let moved = api
        .get(&format!("{path}/Messages?PageSize=3&Page=2"))
        .await
        .expect(200);
    assert_eq!(
        (&moved["meta"]["page"], &moved["messages"]),
        (&2.into(), &pages[0]["messages"])
    );
}

#[tokio::test]
async fn filters_stay_in_page_urls_b023() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    for _ in 0..3 {
        api.post(&format!("{path}/Messages"), &[("Body", "x")])
            .await
            .expect(201);
    }
    let page = api
        .get(&format!("{path}/Messages?Order=desc&PageSize=2"))
        .await
        .expect(200);
    for name in ["first_page_url", "url", "next_page_url"] {
        assert!(
            page["meta"][name]
                .as_str()
                .unwrap()
                .contains("?Order=desc&PageSize=2&Page="),
            "{name}"
        );
    }
    let next = path_of(&page["meta"]["next_page_url"]);
    let indexes = |page: &serde_json::Value| {
        page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["index"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(indexes(&page), [2, 1]);
    assert_eq!(indexes(&api.get(&next).await.expect(200)), [0]);
    // A token belongs to its order.
    api.get(&next.replace("Order=desc&", ""))
        .await
        .refused(400, 20001);
    let dates = api
        .get("/v1/Conversations?StartDate=2020-01-01T00%3A00%3A00%2B01%3A00")
        .await
        .expect(200);
    let first = dates["meta"]["first_page_url"].as_str().unwrap();
    assert!(
        first.ends_with("?StartDate=2020-01-01T00%3A00%3A00%2B01%3A00&PageSize=50&Page=0"),
        "{first}"
    );
}

#[tokio::test]
async fn page_sizes_are_clamped_or_refused_b024_b025() {
    let api = api().await;
    for (path, max) in [
        ("/v1/Conversations", 100),
        ("/v1/Users", 50),
        ("/v1/Services", 100),
    ] {
        for (asked, used) in [(1, 1), (max, max), (max + 1, max), (1000, max)] {
            let page = api.get(&format!("{path}?PageSize={asked}")).await.expect(200);
            assert_eq!(page["meta"]["page_size"], used);
        }
        api.get(&format!("{path}?PageSize=1001"))
            .await
            .refused(400, 20007);
        for wrong in ["0", "-1", "x", "", "1.5", "99999999999999999999"] {
            api.get(&format!("{path}?PageSize={wrong}"))
                .await
                .refused(400, 20001);
        }
    }
}

#[tokio::test]
async fn tokens_that_were_not_issued_are_refused_b026() {
    let api = api().await;
    let path = api.conversation(&[]).await;
    for _ in 0..2 {
        api.post(&format!("{path}/Messages"), &[("Body", "x")])
            .await
            .expect(201);
    }
    let page = api.get(&format!("{path}/Messages?PageSize=1")).await.expect(200);
    let next = path_of(&page["meta"]["next_page_url"]);
    let token = next.rsplit_once('=').unwrap().1;
    for list in ["/v1/Conversations", "/v1/Users", &format!("{path}/Participants")] {
        for token in [token, "PA", "x", "PA0000"] {
            api.get(&format!("{list}?PageToken={token}"))
                .await
                .refused(400, 20001);
        }
    }
    let other = api.conversation(&[]).await;
    api.get(&format!("{other}/Messages?PageToken={token}"))
        .await
        .refused(400, 20001);
    api.get("/v1/Users?Page=x").await.refused(400, 20001);
    api.get("/v1/Users?Page=-1").await.refused(400, 20001);
}

#[tokio::test]
async fn newest_conversations_come_first_and_all_come_once() {
    let api = api().await;
    let mut made = Vec::new();
    for i in 0..5 {
        let date = format!("2020-01-0{}T00:00:00Z", i / 2 + 1);
        made.push(api.conversation(&[("DateCreated", &date)]).await);
    }
    let mut at = "/v1/Conversations?PageSize=2".to_owned();
    let (mut seen, mut dates) = (HashSet::new(), Vec::new());
    loop {
        let page = api.get(&at).await.expect(200);
        for row in page["conversations"].as_array().unwrap() {
            assert!(seen.insert(path_of(&row["url"])));
            dates.push(row["date_created"].as_str().unwrap().to_owned());
        }
        if page["meta"]["next_page_url"].is_null() {
            break;
        }
        at = path_of(&page["meta"]["next_page_url"]);
    }
    assert_eq!(seen, made.into_iter().collect());
    assert!(dates.is_sorted_by(|a, b| a >= b));
}
