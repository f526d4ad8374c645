//! The log of Programmable Messaging, and what conversations write into it.

use confab_domain::inbound::{Accept, Arrival, Leave};
use confab_domain::job::{Claim, Kind};
use confab_domain::media::{Category, Collect, Collected, Complete, Owner, Reserve};
use confab_domain::receipt::{Report, Status};
use confab_domain::{Actor, handset};
use confab_testkit::TestClock;
use confab_types::{AccountSid, Address, MediaSid, Sid as _, Timestamp};
use serde_json::{Value, json};

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, api_at, encode, fields};

const PROXY: &str = "+15017122661";
const ANN: &str = "+15558675310";
const BEN: &str = "+15558675311";
const WHATSAPP: &str = "whatsapp:+15558675312";

fn log() -> String {
    log_of(ACCOUNT)
}

fn log_of(account: &str) -> String {
    format!("/2010-04-01/Accounts/{account}/Messages.json")
}

fn one(sid: &Value) -> String {
    log().replace(".json", &format!("/{}.json", sid.as_str().unwrap()))
}

/// A conversation with phones; its path.
async fn with_phones(api: &Api, phones: &[(&str, &str)]) -> String {
    let path = api.conversation(&[]).await;
    for (address, proxy) in phones {
        let binding = [
            ("MessagingBinding.Address", *address),
            ("MessagingBinding.ProxyAddress", *proxy),
        ];
        api.post(&format!("{path}/Participants"), &binding)
            .await
            .expect(201);
    }
    path
}

async fn say(api: &Api, conversation: &str, form: &[(&str, &str)]) -> String {
    api.make(&format!("{conversation}/Messages"), form).await
}

async fn listed(api: &Api, list: &str) -> Vec<Value> {
    let page = api.on_host("api.twilio.com").get(list).await.expect(200);
    page["messages"].as_array().unwrap().clone()
}

async fn logged(api: &Api, sid: &Value) -> Value {
    api.on_host("api.twilio.com").get(&one(sid)).await.expect(200)
}

/// A carrier reports on a message; whether that was news.
async fn report(api: &Api, sid: &Value, status: Status, error_code: Option<i64>) -> bool {
    let report = Report {
        channel_message: sid.as_str().unwrap().to_owned(),
        status,
        error_code,
    };
    api.engine.execute(Actor::Carrier, report).await.unwrap()
}

/// A phone writes to a number of the account; the SID of its message.
async fn phone_sends(api: &Api, phone: &str, to: &str, body: &str) -> Value {
    phone_sends_files(api, phone, to, body, 0).await
}

/// As [`phone_sends`], with files that are still to be fetched.
async fn phone_sends_files(api: &Api, phone: &str, to: &str, body: &str, files: usize) -> Value {
    let send = handset::Send {
        account: AccountSid::parse(ACCOUNT).unwrap(),
        handset: Address::parse(phone).unwrap(),
        to: to.to_owned(),
        others: Vec::new(),
        body: body.to_owned(),
        media: vec!["http://a.example/1".to_owned(); files],
    };
    api.engine.execute(Actor::Carrier, send).await.unwrap().sid.into()
}

/// ListMessage, FetchMessage
#[tokio::test]
async fn a_conversations_message_is_in_the_log_once_a_recipient_b252_b886() {
    let api = api().await;
    let whatsapp = (WHATSAPP, "whatsapp:+15017122661");
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY), whatsapp]).await;
    let conversation = api.get(&path).await.expect(200);
    let long = "é".repeat(161);
    let message = say(&api, &path, &[("Body", &long), ("Author", BEN)]).await;
    let receipts = api.get(&format!("{message}/Receipts")).await.expect(200);
    let mut sids: Vec<Value> = receipts["delivery_receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["channel_message_sid"].clone())
        .collect();
    let all = listed(&api, &log()).await;
    let mut in_log: Vec<Value> = all.iter().map(|m| m["sid"].clone()).collect();
    for sids in [&mut sids, &mut in_log] {
        sids.sort_by_key(Value::to_string);
    }
    assert_eq!(in_log, sids);

    let to = |address: &str| all.iter().find(|m| m["to"] == address).unwrap().clone();
    let sms = to(ANN);
    let uri = one(&sms["sid"]);
    let created = sms["date_created"].as_str().unwrap();
    assert!(created.ends_with(" +0000"), "{created}");
    assert_eq!(
        sms,
        json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": long, "date_created": created,
            "date_sent": null, "date_updated": created, "direction": "outbound-api", "error_code": null,
            "error_message": null, "from": PROXY, "messaging_service_sid": conversation["messaging_service_sid"],
            "num_media": "0", "num_segments": "2", "price": null, "price_unit": null, "sid": sms["sid"],
            "status": "queued", "subresource_uris": {"media": uri.replace(".json", "/Media.json")}, "to": ANN,
            "uri": uri,
        })
    );
    assert_eq!(logged(&api, &sms["sid"]).await, sms);
    let whatsapp = to(WHATSAPP);
    assert_eq!(
        [&whatsapp["from"], &whatsapp["num_segments"], &whatsapp["body"]],
        [&json!("whatsapp:+15017122661"), &json!("1"), &json!(long)]
    );
    assert!(whatsapp["sid"].as_str().unwrap().starts_with("WA"));
    assert_eq!(logged(&api, &whatsapp["sid"]).await, whatsapp);

    // Nobody outside chat, nothing in the log.
    let quiet = api.conversation(&[]).await;
    say(&api, &quiet, &[("Body", "among us")]).await;
    assert_eq!(listed(&api, &log()).await.len(), 2);
}

#[tokio::test]
async fn the_log_has_the_status_of_the_receipt_b252_b354() {
    let api = api().await;
    let whatsapp = (WHATSAPP, "whatsapp:+15017122661");
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY), whatsapp]).await;
    let message = say(&api, &path, &[("Body", "hi")]).await;
    let receipts = api.get(&format!("{message}/Receipts")).await.expect(200);
    let all = listed(&api, &log()).await;
    let sid = |to: &str| all.iter().find(|m| m["to"] == to).unwrap()["sid"].clone();
    for (to, status, error, code, text) in [
        (ANN, Status::Sent, None, json!(null), json!(null)),
        (ANN, Status::Delivered, None, json!(null), json!(null)),
        (BEN, Status::Sent, None, json!(null), json!(null)),
        (
            BEN,
            Status::Undelivered,
            Some(30003),
            json!(30003),
            json!("Unreachable destination handset"),
        ),
        (
            BEN,
            Status::Failed,
            Some(21610),
            json!(21610),
            json!("Attempt to send to unsubscribed recipient"),
        ),
        (WHATSAPP, Status::Read, None, json!(null), json!(null)),
        (
            WHATSAPP,
            Status::Failed,
            None,
            json!(30008),
            json!("Unknown error"),
        ),
    ] {
        let before = logged(&api, &sid(to)).await;
        assert!(report(&api, &sid(to), status, error).await);
        let after = logged(&api, &sid(to)).await;
        assert_eq!(
            [&after["status"], &after["error_code"], &after["error_message"]],
            [&json!(status.name()), &code, &text]
        );
        // The date of sending is set once.
        assert!(after["date_sent"].is_string());
        assert!(before["date_sent"].is_null() || before["date_sent"] == after["date_sent"]);
        let of_receipts = receipts["delivery_receipts"].as_array().unwrap();
        let receipt = of_receipts
            .iter()
            .find(|r| r["channel_message_sid"] == sid(to))
            .unwrap();
        let receipt = format!("{message}/Receipts/{}", receipt["sid"].as_str().unwrap());
        assert_eq!(api.get(&receipt).await.expect(200)["status"], after["status"]);
    }
    // What comes too late changes neither (B-355).
    let before = logged(&api, &sid(ANN)).await;
    assert!(!report(&api, &sid(ANN), Status::Sent, None).await);
    assert!(!report(&api, &sid(ANN), Status::Read, None).await);
    assert_eq!(logged(&api, &sid(ANN)).await, before);
}

#[tokio::test]
async fn a_group_message_is_one_entry_a_phone_b252_b225() {
    let api = api().await;
    let group = api.conversation(&[]).await;
    for form in [
        &[("MessagingBinding.Address", ANN)][..],
        &[("MessagingBinding.Address", BEN)],
        &[
            ("MessagingBinding.ProjectedAddress", PROXY),
            ("Identity", "alice"),
        ],
    ] {
        api.post(&format!("{group}/Participants"), form).await.expect(201);
    }
    let long = "x".repeat(161);
    say(&api, &group, &[("Body", &long), ("Author", "alice")]).await;
    let mut sent = listed(&api, &log()).await;
    sent.sort_by_key(|m| m["to"].to_string());
    assert_eq!(sent.iter().map(|m| &m["to"]).collect::<Vec<_>>(), [ANN, BEN]);
    for message in sent {
        assert!(message["sid"].as_str().unwrap().starts_with("MM"));
        assert_eq!(
            [&message["from"], &message["status"], &message["num_segments"]],
            [&json!(PROXY), &json!("queued"), &json!("1")]
        );
    }
}

#[tokio::test]
async fn a_phones_message_is_in_the_log_captured_or_not_b302() {
    let api = api().await;
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY)]).await;
    let captured = phone_sends(&api, ANN, PROXY, "hi").await;
    let other = phone_sends(&api, "+15558675319", PROXY, &"ж".repeat(71)).await;
    let in_log = logged(&api, &captured).await;
    let created = in_log["date_created"].clone();
    let uri = one(&captured);
    assert_eq!(
        in_log,
        json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": "hi", "date_created": created,
            "date_sent": created, "date_updated": created, "direction": "inbound", "error_code": null,
            "error_message": null, "from": ANN, "messaging_service_sid": null, "num_media": "0",
            "num_segments": "1", "price": null, "price_unit": null, "sid": captured, "status": "received",
            "subresource_uris": {"media": uri.replace(".json", "/Media.json")}, "to": PROXY, "uri": uri,
        })
    );
    let uncaptured = logged(&api, &other).await;
    assert_eq!(
        [
            &uncaptured["status"],
            &uncaptured["num_segments"],
            &uncaptured["from"]
        ],
        [&json!("received"), &json!("2"), &json!("+15558675319")]
    );
    assert_eq!(
        api.get(&format!("{path}/Messages")).await.expect(200)["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // What was captured went on to the other phone.
    let mut directions: Vec<Value> = listed(&api, &log())
        .await
        .iter()
        .map(|m| json!([m["direction"], m["from"], m["to"]]))
        .collect();
    directions.sort_by_key(Value::to_string);
    assert_eq!(
        directions,
        [
            json!(["inbound", ANN, PROXY]),
            json!(["inbound", "+15558675319", PROXY]),
            json!(["outbound-api", PROXY, BEN])
        ]
    );

    // A number in a messaging service: its messages came in by that.
    let host = api.on_host("messaging.twilio.com");
    let services = host.get("/v1/Services").await.expect(200);
    let service = services["services"][0]["sid"].as_str().unwrap();
    let numbers = format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers.json");
    let numbers = api.on_host("api.twilio.com").get(&numbers).await.expect(200);
    let number = numbers["incoming_phone_numbers"][0]["sid"].as_str().unwrap();
    host.post(
        &format!("/v1/Services/{service}/PhoneNumbers"),
        &[("PhoneNumberSid", number)],
    )
    .await
    .expect(201);
    let pooled = phone_sends(&api, ANN, PROXY, "again").await;
    assert_eq!(
        logged(&api, &pooled).await["messaging_service_sid"],
        json!(service)
    );
}

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

/// DeleteMessage, UpdateMessage
#[tokio::test]
async fn a_message_is_deleted_when_finished_and_redacted_at_any_time_b252() {
    let api = api().await;
    let path = with_phones(&api, &[(ANN, PROXY)]).await;
    let message = say(&api, &path, &[("Body", "secret")]).await;
    let entry = listed(&api, &log()).await.remove(0);
    let (sid, at) = (&entry["sid"], one(&entry["sid"]));
    let host = api.on_host("api.twilio.com");
    host.delete(&at).await.refused(400, 20009);
    host.refuse_all(
        &at,
        &[&at],
        &[
            (&[("Body", "other")], 20001),
            (&[("Status", "sent")], 20001),
            (&[("Status", "canceled")], 30409),
            (&[("Status", "canceled"), ("Body", "")], 30409),
        ],
    )
    .await;
    assert_eq!(host.post(&at, &[]).await.expect(200), entry);
    let redacted = host.post(&at, &[("Body", "")]).await.expect(200);
    assert_eq!(
        [&redacted["body"], &redacted["num_segments"]],
        [&json!(""), &json!("1")]
    );
    assert_eq!(logged(&api, sid).await, redacted);
    assert_eq!(api.get(&message).await.expect(200)["body"], "secret");
    report(&api, sid, Status::Sent, None).await;
    assert_eq!(logged(&api, sid).await["body"], "");
    host.post(&at, &[("Status", "canceled")])
        .await
        .refused(400, 30409);

    host.delete(&at).await.expect(204);
    host.get(&at).await.refused(404, 20404);
    host.delete(&at).await.refused(404, 20404);
    host.post(&at, &[("Body", "")]).await.refused(404, 20404);
    assert!(listed(&api, &log()).await.is_empty());
    // The conversation has its own copy, and its receipts go on.
    assert!(report(&api, sid, Status::Delivered, None).await);
    let receipts = api.get(&format!("{message}/Receipts")).await.expect(200);
    assert_eq!(receipts["delivery_receipts"][0]["status"], "delivered");

    let inbound = phone_sends(&api, ANN, PROXY, "hi").await;
    host.delete(&one(&inbound)).await.expect(204);
    assert!(listed(&api, &log()).await.is_empty());
}

#[tokio::test]
async fn the_log_outlives_messages_and_conversations_b252_b241_b242() {
    let api = api().await;
    let path = with_phones(&api, &[(ANN, PROXY)]).await;
    let messages = [
        say(&api, &path, &[("Body", "one")]).await,
        say(&api, &path, &[("Body", "two")]).await,
    ];
    let all = listed(&api, &log()).await;
    let sid = |body: &str| all.iter().find(|m| m["body"] == body).unwrap()["sid"].clone();
    api.post(&messages[0], &[("Body", "edited")]).await.expect(200);
    assert_eq!(logged(&api, &sid("one")).await["body"], "one");
    api.delete(&messages[0]).await.expect(204);
    assert!(report(&api, &sid("one"), Status::Sent, None).await);
    api.delete(&path).await.expect(204);
    assert_eq!(listed(&api, &log()).await.len(), 2);
    // A phone gets what is on its way to it, and the log hears of it by the same rules.
    for (status, news) in [
        (Status::Sent, true),
        (Status::Read, false),
        (Status::Undelivered, true),
        (Status::Delivered, false),
    ] {
        assert_eq!(
            report(&api, &sid("two"), status, Some(30005)).await,
            news,
            "{status:?}"
        );
    }
    let two = logged(&api, &sid("two")).await;
    assert_eq!(
        [&two["status"], &two["error_code"]],
        [&json!("undelivered"), &json!(30005)]
    );
    assert_eq!(logged(&api, &sid("one")).await["status"], "sent");
    // Nothing changes what came in.
    with_phones(&api, &[(ANN, PROXY)]).await;
    let inbound = phone_sends(&api, ANN, PROXY, "in").await;
    assert!(!report(&api, &inbound, Status::Delivered, None).await);
    assert_eq!(logged(&api, &inbound).await["status"], "received");
    assert!(
        !report(
            &api,
            &json!("SM00000000000000000000000000000000"),
            Status::Sent,
            None
        )
        .await
    );
}

#[tokio::test]
async fn a_log_is_its_accounts_and_that_ones_owners_b032() {
    let api = api().await;
    with_phones(&api, &[(ANN, PROXY)]).await;
    let sid = phone_sends(&api, ANN, PROXY, "hi").await;
    let text = sid.as_str().unwrap();
    let host = api.on_host("api.twilio.com");
    let other = host.as_caller(OTHER_ACCOUNT, TOKEN);
    other.get(&one(&sid)).await.refused(404, 20404);
    other.get(&log()).await.refused(404, 20404);
    let there = |text: &str| log_of(OTHER_ACCOUNT).replace(".json", &format!("/{text}.json"));
    other.get(&there(text)).await.refused(404, 20404);
    other.delete(&there(text)).await.refused(404, 20404);
    other
        .post(&there(text), &[("Body", "")])
        .await
        .refused(404, 20404);
    let media = there(&format!("{text}/Media"));
    other.get(&media).await.refused(404, 20404);
    assert!(listed(&other, &log_of(OTHER_ACCOUNT)).await.is_empty());

    // A subaccount has a log of its own, which its owner reads as well.
    let made = host.post("/2010-04-01/Accounts.json", &[]).await.expect(201);
    let (sub, token) = (
        made["sid"].as_str().unwrap(),
        made["auth_token"].as_str().unwrap(),
    );
    let of_sub = api.as_caller(sub, token);
    let path = with_phones(&of_sub, &[(BEN, "+15017122663")]).await;
    say(&of_sub, &path, &[("Body", "sub")]).await;
    let own = listed(&of_sub, &log_of(sub)).await;
    assert_eq!(own.len(), 1);
    assert_eq!(listed(&api, &log_of(sub)).await, own);
    assert_eq!(listed(&api, &log()).await.len(), 1);
    of_sub
        .on_host("api.twilio.com")
        .get(&log())
        .await
        .refused(404, 20404);

    // A key reads as its account does.
    let keys = format!("/2010-04-01/Accounts/{ACCOUNT}/Keys.json");
    let key = host.post(&keys, &[]).await.expect(201);
    let by_key = host.as_caller(key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    assert_eq!(listed(&by_key, &log()).await.len(), 1);
    by_key.get(&log_of(sub)).await.refused(404, 20404);
    host.with_auth(None).get(&log()).await.refused(401, 20003);

    for missing in [
        "SM00000000000000000000000000000000",
        "IM00000000000000000000000000000000",
        "SM1",
        "x",
    ] {
        host.get(&one(&json!(missing))).await.refused(404, 20404);
    }
    host.get(&log().replace(".json", &format!("/{text}")))
        .await
        .refused(404, 20404);
    let upper = format!("{}{}", &text[..2], text[2..].to_uppercase());
    assert_eq!(logged(&api, &json!(upper)).await["sid"], sid);
}

/// The message of a phone that waits for its files: its job, and itself.
async fn waiting(api: &Api) -> (i64, Arrival) {
    let jobs = api
        .engine
        .execute(Actor::System, Claim { most: 100 })
        .await
        .unwrap();
    let waits = |job: confab_domain::job::Job| match job.kind {
        Kind::Receive(arrival) => Some((job.id, arrival)),
        _ => None,
    };
    jobs.into_iter().find_map(waits).unwrap()
}

/// A file that a phone sent, as it is stored before its message comes in.
async fn stored(api: &Api, phone: &str) -> MediaSid {
    let reserve = Reserve {
        owner: Owner::Phone {
            account: AccountSid::parse(ACCOUNT).unwrap(),
            address: phone.to_owned(),
        },
        category: Category::Media,
        filename: None,
        bytes: 3,
    };
    let media = api.engine.execute(Actor::Carrier, reserve).await.unwrap();
    let complete = Complete {
        media,
        content_type: "image/png".into(),
        size: 3,
    };
    api.engine.execute(Actor::Carrier, complete).await.unwrap();
    media
}

fn media_of(sid: &Value) -> String {
    one(sid).replace(".json", "/Media.json")
}

/// ListMedia, FetchMedia, DeleteMedia
#[tokio::test]
async fn the_log_keeps_the_files_of_what_no_conversation_took_b302_b277() {
    let clock = TestClock::new();
    let api = api_at(clock.clone()).await;
    let host = api.on_host("api.twilio.com");
    with_phones(&api, &[(BEN, PROXY)]).await;
    let sid = phone_sends_files(&api, ANN, PROXY, "look", 4).await;
    let before = logged(&api, &sid).await;
    assert!(sid.as_str().unwrap().starts_with("MM"));
    assert_eq!(
        [&before["status"], &before["num_media"], &before["num_segments"]],
        [&json!("receiving"), &json!("4"), &json!("1")]
    );
    assert!(before["date_sent"].is_string());
    host.delete(&one(&sid)).await.refused(400, 20009);
    assert_eq!(
        host.get(&media_of(&sid)).await.expect(200)["media_list"],
        json!([])
    );

    let (job, arrival) = waiting(&api).await;
    let mut media = Vec::new();
    for _ in 0..3 {
        media.push(stored(&api, ANN).await);
        clock.advance(1);
    }
    let files = media.clone();
    let accept = Accept { job, arrival, media };
    api.engine.execute(Actor::Carrier, accept).await.unwrap();
    let after = logged(&api, &sid).await;
    assert_eq!(
        [&after["status"], &after["num_media"], &after["date_sent"]],
        [&json!("received"), &json!("3"), &before["date_sent"]]
    );
    clock.advance(301);
    for one in &files {
        let collected = api.engine.execute(Actor::System, Collect { media: *one }).await;
        assert_eq!(collected.unwrap(), Collected::Kept);
    }

    let list = media_of(&sid);
    let page = host.get(&format!("{list}?PageSize=2")).await.expect(200);
    let first = &page["media_list"][0];
    let uri = list.replace(".json", &format!("/{}.json", files[0]));
    assert_eq!(
        first,
        &json!({
            "account_sid": ACCOUNT, "content_type": "image/png", "date_created": first["date_created"],
            "date_updated": first["date_updated"], "parent_sid": sid, "sid": files[0].to_string(), "uri": uri,
        })
    );
    assert_eq!(host.get(&uri).await.expect(200), *first);
    let next = host
        .get(page["next_page_uri"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(next["media_list"][0]["sid"], files[2].to_string());
    assert_eq!(next["media_list"].as_array().unwrap().len(), 1);
    assert!(next["next_page_uri"].is_null());
    let back = host
        .get(next["previous_page_uri"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(back["media_list"], page["media_list"]);
    assert!(back["previous_page_uri"].is_null());

    let at = |n: usize| {
        let shown = if n < 2 {
            &page["media_list"][n]
        } else {
            &next["media_list"][0]
        };
        let span = confab_types::Span::parse(shown["date_created"].as_str().unwrap()).unwrap();
        encode(&span.start.iso_seconds())
    };
    for (query, count) in [
        (format!("DateCreated%3E={}", at(1)), 2),
        (format!("DateCreated%3C={}", at(0)), 1),
        (format!("DateCreated%3E={}&DateCreated%3C={}", at(1), at(1)), 1),
        ("DateCreated%3C=2001-01-01".into(), 0),
    ] {
        let page = host.get(&format!("{list}?{query}")).await.expect(200);
        assert_eq!(page["media_list"].as_array().unwrap().len(), count, "{query}");
    }
    host.get(&format!("{list}?DateCreated=x"))
        .await
        .refused(400, 20001);

    host.delete(&uri).await.expect(204);
    host.get(&uri).await.refused(404, 20404);
    host.delete(&uri).await.refused(404, 20404);
    let kinds = async |media| {
        api.engine
            .execute(Actor::System, Collect { media })
            .await
            .unwrap()
    };
    assert_eq!(kinds(files[0]).await, Collected::Gone);
    assert_eq!(
        host.get(&list).await.expect(200)["media_list"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    host.delete(&one(&sid)).await.expect(204);
    assert_eq!(kinds(files[1]).await, Collected::Gone);
    host.get(&list).await.refused(404, 20404);
}

#[tokio::test]
async fn a_file_in_a_conversation_is_that_ones_and_the_log_shows_it_b302_b280() {
    let api = api().await;
    let host = api.on_host("api.twilio.com");
    let path = with_phones(&api, &[(ANN, PROXY), (BEN, PROXY)]).await;
    let sid = phone_sends_files(&api, ANN, PROXY, "", 2).await;
    let (job, arrival) = waiting(&api).await;
    let media = vec![stored(&api, ANN).await, stored(&api, ANN).await];
    let files = media.clone();
    let accept = Accept { job, arrival, media };
    api.engine.execute(Actor::Carrier, accept).await.unwrap();
    // The other phone got the first of the two.
    let out = listed(&api, &format!("{}?To={}", log(), encode(BEN)))
        .await
        .remove(0);
    assert_eq!(
        [&out["num_media"], &out["body"], &out["num_segments"]],
        [&json!("1"), &json!(""), &json!("1")]
    );
    let shown = async |list: &str| {
        host.get(list).await.expect(200)["media_list"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(shown(&media_of(&sid)).await, 2);
    assert_eq!(shown(&media_of(&out["sid"])).await, 1);
    let file = media_of(&sid).replace(".json", &format!("/{}.json", files[0]));
    host.delete(&file).await.expect(204);
    assert_eq!(shown(&media_of(&sid)).await, 1);
    assert_eq!(shown(&media_of(&out["sid"])).await, 1);
    let messages = api.get(&format!("{path}/Messages")).await.expect(200);
    let message = &messages["messages"][0];
    assert_eq!(message["media"].as_array().unwrap().len(), 2);
    // A file is of its own message only, and can be deleted with one that is finished.
    let other = media_of(&out["sid"]).replace(".json", &format!("/{}.json", files[1]));
    host.get(&other).await.refused(404, 20404);
    let waits = media_of(&out["sid"]).replace(".json", &format!("/{}.json", files[0]));
    host.delete(&waits).await.refused(400, 20009);

    let at = format!("{path}/Messages/{}", message["sid"].as_str().unwrap());
    api.delete(&at).await.expect(204);
    assert_eq!(shown(&media_of(&sid)).await, 0);
    assert_eq!(shown(&media_of(&out["sid"])).await, 0);
    assert_eq!(logged(&api, &sid).await["num_media"], "2");
    host.delete(&one(&sid)).await.expect(204);
}

#[tokio::test]
async fn what_a_conversation_refuses_stays_in_the_log_b302() {
    let api = api().await;
    with_phones(&api, &[(ANN, PROXY)]).await;
    let sid = phone_sends_files(&api, ANN, PROXY, "look", 1).await;
    let behind = phone_sends(&api, ANN, PROXY, "and this").await;
    assert_eq!(logged(&api, &behind).await["status"], "receiving");
    let (job, arrival) = waiting(&api).await;
    let media = vec![stored(&api, ANN).await];
    let leave = Leave {
        job,
        sid: arrival.sid,
        media: media.clone(),
    };
    for _ in 0..2 {
        api.engine.execute(Actor::Carrier, leave.clone()).await.unwrap();
    }
    assert_eq!(logged(&api, &sid).await["status"], "received");
    let collected = api
        .engine
        .execute(Actor::System, Collect { media: media[0] })
        .await;
    assert_eq!(collected.unwrap(), Collected::Kept);
    // What waited behind it comes in.
    let (job, arrival) = waiting(&api).await;
    assert_eq!(json!(arrival.sid), behind);
    let accept = Accept {
        job,
        arrival,
        media: Vec::new(),
    };
    api.engine.execute(Actor::Carrier, accept).await.unwrap();
    let after = logged(&api, &behind).await;
    assert_eq!(
        [&after["status"], &after["num_media"]],
        [&json!("received"), &json!("0")]
    );
}
