//! The log's list: filters, order, pages.

use confab_domain::receipt::Status;
use confab_testkit::TestClock;
use confab_types::Timestamp;
use serde_json::{Value, json};

use super::{ANN, BEN, PROXY, WHATSAPP, listed, log, phone_sends, report, say, with_phones};
use crate::common::{Api, api, api_at, encode, fields};

/// Walks a list by its own links; the SIDs of each page.
async fn pages(api: &Api, list: &str, size: usize) -> Vec<Vec<String>> {
    let api = api.on_host("api.twilio.com");
    let sids = |page: &Value| {
        let items = page["messages"].as_array().unwrap();
        items
            .iter()
            .map(|m| m["sid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mark = if list.contains('?') { '&' } else { '?' };
    let mut pages = Vec::new();
    let mut page = api.get(&format!("{list}{mark}PageSize={size}")).await.expect(200);
    loop {
        assert!(page["uri"].as_str().unwrap().starts_with(list), "{page}");
        assert_eq!(page["page"], pages.len());
        pages.push(sids(&page));
        match page["next_page_uri"].as_str() {
            Some(next) => page = api.get(next).await.expect(200),
            None => break,
        }
    }
    // And back.
    for known in pages.iter().rev().skip(1) {
        let previous = page["previous_page_uri"].as_str().unwrap().to_owned();
        page = api.get(&previous).await.expect(200);
        assert_eq!(&sids(&page), known);
    }
    assert!(page["previous_page_uri"].is_null());
    pages
}

const DAY: i64 = 86_400;

/// ListMessage: all filters in all combinations, against the unfiltered list.
#[tokio::test]
async fn each_combination_of_filters_shows_what_it_says_newest_first_b885_b886() {
    let clock = TestClock::new();
    let api = api_at(clock.clone()).await;
    let second = "+15017122669";
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY)]).await;
    with_phones(&api, &[(ANN, second)]).await;
    // Two hours apart, over three days; some are sent a day after they were made, some never.
    let mut late = Vec::new();
    for n in 0..36 {
        match n % 4 {
            0 => {
                phone_sends(&api, ANN, if n % 8 == 0 { PROXY } else { second }, "in").await;
            }
            1 => {
                phone_sends(&api, BEN, PROXY, "in").await;
            }
            _ => {
                let author = if n % 3 == 0 { ANN } else { "alice" };
                say(&api, &path, &[("Body", "out"), ("Author", author)]).await;
            }
        }
        let queued = listed(&api, &format!("{}?PageSize=3", log())).await;
        for message in queued.iter().filter(|m| m["status"] == "queued") {
            match n % 5 {
                0 => late.push((n + 12, message["sid"].clone())),
                1 => {}
                _ => {
                    report(&api, &message["sid"], Status::Sent, None).await;
                }
            }
        }
        for (_, sid) in late.iter().filter(|(at, _)| *at == n) {
            report(&api, sid, Status::Delivered, None).await;
        }
        clock.advance(7200);
    }
    let all = listed(&api, &format!("{}?PageSize=1000", log())).await;
    assert!(all.len() > 50);
    let at = |message: &Value, name: &str| {
        let text = message[name].as_str()?;
        Some(confab_types::Span::parse(text).unwrap().start.seconds())
    };
    assert!(
        all.windows(2)
            .all(|w| at(&w[0], "date_created") >= at(&w[1], "date_created"))
    );
    let today = at(all.last().unwrap(), "date_created").unwrap() / DAY * DAY;
    let iso = |seconds: i64| Timestamp(seconds * 1_000_000).iso_seconds();
    let (mut seen, mut empty) = (0, 0);
    // The query, and from which to which second it lets through.
    let mut dates: Vec<(String, i64, i64)> = vec![(String::new(), i64::MIN, i64::MAX)];
    for day in -1..5 {
        let start = today + day * DAY;
        let date = iso(start)[..10].to_owned();
        let noon = start + DAY / 2;
        dates.push((format!("DateSent={date}"), start, start + DAY));
        dates.push((format!("DateSent={}", encode(&iso(noon))), start, start + DAY));
        dates.push((format!("DateSent%3C={date}"), 0, start + DAY));
        dates.push((format!("DateSent%3E={date}"), start, i64::MAX));
        dates.push((format!("DateSent%3C={}", encode(&iso(noon))), 0, noon + 1));
        dates.push((
            format!("DateSent%3E={}&DateSent%3C={date}", encode(&iso(noon))),
            noon,
            start + DAY,
        ));
    }
    for to in [
        None,
        Some(PROXY),
        Some(second),
        Some(ANN),
        Some(BEN),
        Some(WHATSAPP),
    ] {
        for from in [None, Some(PROXY), Some(ANN), Some(BEN)] {
            for (date, since, until) in &dates {
                let mut wanted: Vec<&Value> = all
                    .iter()
                    .filter(|m| {
                        to.is_none_or(|to| m["to"] == to) && from.is_none_or(|from| m["from"] == from)
                    })
                    .filter(|m| {
                        date.is_empty() || at(m, "date_sent").is_some_and(|at| (*since..*until).contains(&at))
                    })
                    .collect();
                if !date.is_empty() {
                    // Stable: those of one moment stay as they are.
                    wanted.sort_by_key(|m| std::cmp::Reverse(at(m, "date_sent")));
                }
                let mut query = Vec::new();
                query.extend(to.map(|to| format!("To={}", encode(to))));
                query.extend(from.map(|from| format!("From={}", encode(from))));
                query.extend((!date.is_empty()).then(|| date.clone()));
                let list = format!("{}?{}", log(), query.join("&"));
                let found = listed(&api, &format!("{list}&PageSize=1000")).await;
                let order = |m: &Value| (at(m, "date_sent"), m["sid"].to_string());
                let (mut sorted, mut wanted_sorted) = (found.clone(), wanted.clone());
                sorted.sort_by_key(order);
                wanted_sorted.sort_by_key(|m| order(m));
                assert!(sorted.iter().eq(wanted_sorted), "{list}");
                let times = |name: &str| found.iter().map(|m| at(m, name)).collect::<Vec<_>>();
                let times = times(if date.is_empty() {
                    "date_created"
                } else {
                    "date_sent"
                });
                assert!(times.is_sorted_by(|a, b| a >= b), "{list}");
                if found.is_empty() {
                    empty += 1;
                } else {
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 200 && empty > 100, "{seen} {empty}");

    let day = format!("DateSent={}", &iso(today + DAY)[..10]);
    for list in [
        log(),
        format!("{}?To={}", log(), encode(PROXY)),
        format!("{}?From={}", log(), encode(PROXY)),
        format!("{}?To={}&From={}", log(), encode(BEN), encode(PROXY)),
        format!("{}?To={}&From={}", log(), encode(PROXY), encode(ANN)),
        format!("{}?{day}", log()),
        format!("{}?To={}&{day}", log(), encode(PROXY)),
        format!("{}?From={}&{day}", log(), encode(PROXY)),
        format!("{}?To={}&From={}&{day}", log(), encode(BEN), encode(PROXY)),
    ] {
        let mark = if list.contains('?') { '&' } else { '?' };
        let whole = listed(&api, &format!("{list}{mark}PageSize=1000")).await;
        let sids: Vec<&str> = whole.iter().map(|m| m["sid"].as_str().unwrap()).collect();
        let paged = pages(&api, &list, 2).await;
        assert!(paged.len() > 1, "{list}");
        assert_eq!(paged.concat(), sids, "{list}");
    }
}

#[tokio::test]
async fn a_page_of_the_log_is_in_the_form_of_2010_b886() {
    let api = api().await;
    with_phones(&api, &[(ANN, PROXY)]).await;
    for n in 0..3 {
        phone_sends(&api, ANN, PROXY, &n.to_string()).await;
    }
    let host = api.on_host("api.twilio.com");
    let list = format!("{}?To={}&PageSize=2", log(), encode(PROXY));
    let answer = host.get(&list).await;
    assert_eq!(
        fields(&answer.text),
        [
            "first_page_uri",
            "end",
            "next_page_uri",
            "page",
            "page_size",
            "previous_page_uri",
            "start",
            "uri",
            "messages"
        ]
    );
    let page = answer.expect(200);
    assert_eq!(
        page["first_page_uri"],
        format!("{}?To=%2B15017122661&PageSize=2&Page=0", log())
    );
    assert_eq!(
        [
            &page["start"],
            &page["end"],
            &page["page_size"],
            &page["previous_page_uri"]
        ],
        [&json!(0), &json!(1), &json!(2), &Value::Null]
    );
    let next = page["next_page_uri"].as_str().unwrap();
    assert_eq!(
        host.get(next).await.expect(200)["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // A token is of its own list.
    let token = next.split("PageToken=").nth(1).unwrap();
    host.get(&format!("{}?PageToken={token}&PageSize=2", log()))
        .await
        .refused(400, 20001);
    let empty = host.get(&format!("{}?To=%2B1999", log())).await.expect(200);
    assert_eq!([&empty["messages"], &empty["end"]], [&json!([]), &json!(0)]);
    for query in [
        "DateSent=soon",
        "DateSent%3C=2019-02-30",
        "DateSent%3E=12",
        "PageSize=0",
        "PageSize=1001",
        "PageToken=PAx",
    ] {
        let answer = host.get(&format!("{}?{query}", log())).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}
