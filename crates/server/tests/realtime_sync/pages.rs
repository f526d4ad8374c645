//! Pages of items.

use confab_testkit::{Socket, TestServer};
use serde_json::{Value, json};

use crate::support::{CONVERSATIONS, add, conversation, say, user};

/// A page of items: their keys and what `next_token` and `previous_token` are.
struct Items {
    keys: Vec<String>,
    next: Option<String>,
    previous: Option<String>,
}

impl Items {
    async fn get(socket: &mut Socket, path: &str, params: &[(&str, &str)]) -> Self {
        let (status, body) = socket.request("GET", path, params, None).await;
        assert_eq!(status, 200, "{path} {params:?}: {body}");
        let items = body["items"].as_array().unwrap();
        let token = |name: &str| match &body["meta"][name] {
            Value::Null => None,
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            other => panic!("{name}: {other}"),
        };
        assert!(
            body["meta"].as_object().unwrap().contains_key("next_token"),
            "{body}"
        );
        assert!(
            body["meta"].as_object().unwrap().contains_key("previous_token"),
            "{body}"
        );
        let keys = items.iter().map(|item| match (&item["key"], &item["index"]) {
            (Value::String(key), Value::Null) => key.clone(),
            (Value::Null, Value::Number(index)) => index.to_string(),
            _ => panic!("{item}"),
        });
        Self {
            keys: keys.collect(),
            next: token("next_token"),
            previous: token("previous_token"),
        }
    }

    fn ends(&self) -> (bool, bool) {
        (self.next.is_some(), self.previous.is_some())
    }

    async fn follow(socket: &mut Socket, path: &str, token: Option<&String>) -> Self {
        Self::get(socket, path, &[("PageToken", token.expect("a token"))]).await
    }
}

fn numbers(range: impl IntoIterator<Item = i64>) -> Vec<String> {
    range.into_iter().map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn pages_of_messages_start_at_from_and_tell_what_lies_on_both_sides_s4_7() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut messages = Vec::new();
    for n in 0..40 {
        messages.push(say(&server, &sid, &n.to_string()).await);
    }
    // Holes: at the start, inside, and at the end.
    for hole in [0, 15, 16, 39] {
        let path = format!("{CONVERSATIONS}/{sid}/Messages/{}", messages[hole]);
        server.delete(&path).await.expect(204);
    }
    let mut socket = server.client("alice").await;
    let path = format!("/v3/Lists/{sid}.messages/Items");
    let there: Vec<i64> = (1..39).filter(|n| *n != 15 && *n != 16).collect();
    type Case = (&'static [(&'static str, &'static str)], Vec<i64>, (bool, bool));
    let cases: Vec<Case> = vec![
        (&[], there.clone(), (false, false)),
        (&[("PageSize", "5")], (1..=5).collect(), (true, false)),
        (&[("PageSize", "36")], there.clone(), (false, false)),
        (&[("PageSize", "35")], there[..35].to_vec(), (true, false)),
        (
            &[("PageSize", "1000"), ("HideExpired", "true")],
            there.clone(),
            (false, false),
        ),
        (
            &[("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (
            &[("From", "30"), ("PageSize", "5"), ("Order", "desc")],
            (26..=30).rev().collect(),
            (true, true),
        ),
        (
            &[("From", "30"), ("PageSize", "5"), ("Order", "asc")],
            (30..=34).collect(),
            (true, true),
        ),
        (&[("From", "30")], (30..=38).collect(), (false, true)),
        (
            &[("From", "16"), ("PageSize", "3")],
            vec![17, 18, 19],
            (true, true),
        ),
        (
            &[("From", "16"), ("PageSize", "3"), ("Order", "desc")],
            vec![14, 13, 12],
            (true, true),
        ),
        (&[("From", "0"), ("PageSize", "3")], vec![1, 2, 3], (true, false)),
        (&[("From", "1"), ("PageSize", "3")], vec![1, 2, 3], (true, false)),
        (&[("From", "-7"), ("PageSize", "3")], vec![1, 2, 3], (true, false)),
        (
            &[("From", "0"), ("PageSize", "3"), ("Order", "desc")],
            vec![],
            (false, true),
        ),
        (
            &[("From", "1"), ("PageSize", "3"), ("Order", "desc")],
            vec![1],
            (false, true),
        ),
        (
            &[("From", "38"), ("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (
            &[("From", "39"), ("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (
            &[("From", "9999"), ("PageSize", "3"), ("Order", "desc")],
            vec![38, 37, 36],
            (true, false),
        ),
        (&[("From", "38"), ("PageSize", "3")], vec![38], (false, true)),
        (&[("From", "39"), ("PageSize", "3")], vec![], (false, true)),
        (&[("From", "9223372036854775807")], vec![], (false, true)),
        (
            &[("From", "-9223372036854775808"), ("PageSize", "1")],
            vec![1],
            (true, false),
        ),
        (
            &[
                ("From", "9223372036854775807"),
                ("PageSize", "1"),
                ("Order", "desc"),
            ],
            vec![38],
            (true, false),
        ),
        (
            &[("Index", "7"), ("PageSize", "50"), ("Order", "asc")],
            vec![7],
            (false, false),
        ),
        (&[("Index", "15")], vec![], (false, false)),
        (&[("Index", "0")], vec![], (false, false)),
        (&[("Index", "-1")], vec![], (false, false)),
        (&[("Index", "40")], vec![], (false, false)),
        (&[("Index", "9223372036854775807")], vec![], (false, false)),
    ];
    for (params, keys, ends) in cases {
        let page = Items::get(&mut socket, &path, params).await;
        assert_eq!(
            (page.keys.clone(), page.ends()),
            (numbers(keys), ends),
            "{params:?}"
        );
    }
    // §4.7: getMessages(5, 30, "backwards") of 2.6.5, and on in both directions.
    let params = [("From", "30"), ("PageSize", "5"), ("Order", "desc")];
    let first = Items::get(&mut socket, &path, &params).await;
    let newer = Items::follow(&mut socket, &path, first.previous.as_ref()).await;
    assert_eq!(
        (newer.keys.clone(), newer.ends()),
        (numbers((31..=35).rev()), (true, true))
    );
    let newest = Items::follow(&mut socket, &path, newer.previous.as_ref()).await;
    assert_eq!(
        (newest.keys.clone(), newest.ends()),
        (numbers((36..=38).rev()), (true, false))
    );
    let back = Items::follow(&mut socket, &path, newest.next.as_ref()).await;
    assert_eq!(back.keys, newer.keys);
    let older = Items::follow(&mut socket, &path, first.next.as_ref()).await;
    assert_eq!(
        (older.keys.clone(), older.ends()),
        (numbers((21..=25).rev()), (true, true))
    );
    // From end to end in both orders, with tokens alone: each index once.
    for order in ["asc", "desc"] {
        let mut page = Items::get(&mut socket, &path, &[("PageSize", "7"), ("Order", order)]).await;
        assert_eq!(page.previous, None);
        let mut seen = page.keys.clone();
        let mut pages = vec![page.keys.clone()];
        while page.next.is_some() {
            page = Items::follow(&mut socket, &path, page.next.as_ref()).await;
            seen.extend(page.keys.clone());
            pages.push(page.keys.clone());
        }
        let mut wanted = there.clone();
        if order == "desc" {
            wanted.reverse();
        }
        assert_eq!(seen, numbers(wanted), "{order}");
        // And back again, page by page.
        pages.pop();
        while let Some(keys) = pages.pop() {
            page = Items::follow(&mut socket, &path, page.previous.as_ref()).await;
            assert_eq!(page.keys, keys, "{order}");
        }
        assert_eq!(page.previous, None, "{order}");
    }
}

#[tokio::test]
async fn an_empty_list_has_no_pages_around_and_a_map_starts_at_from_s4_7() {
    let server = TestServer::start().await;
    let sid = conversation(&server, &["alice"]).await;
    let mut socket = server.client("alice").await;
    let list = format!("/v3/Lists/{sid}.messages/Items");
    for params in [
        &[][..],
        &[("From", "0")],
        &[("Order", "desc")],
        &[("From", "5"), ("Order", "desc")],
        &[("Index", "0")],
    ] {
        let page = Items::get(&mut socket, &list, params).await;
        assert_eq!((page.keys.len(), page.ends()), (0, (false, false)), "{params:?}");
    }
    for n in 0..6 {
        add(&server, &sid, &format!("member {n}")).await;
    }
    let map = format!("/v3/Maps/{sid}.roster/Items");
    let all = Items::get(&mut socket, &map, &[("PageSize", "50"), ("Order", "asc")]).await;
    assert_eq!((all.keys.len(), all.ends()), (7, (false, false)));
    let keys = all.keys;
    assert!(keys.is_sorted(), "§4.7: code-point order: {keys:?}");
    // A missing key between two: the smaller one with a character more.
    let between = format!("{}0", keys[2]);
    let before_all = "MB";
    let after_all = "é";
    for (from, order, wanted, ends) in [
        (keys[3].as_str(), "asc", &[3, 4][..], (true, true)),
        (keys[3].as_str(), "desc", &[3, 2], (true, true)),
        (keys[0].as_str(), "asc", &[0, 1], (true, false)),
        (keys[0].as_str(), "desc", &[0], (false, true)),
        (keys[6].as_str(), "asc", &[6], (false, true)),
        (keys[6].as_str(), "desc", &[6, 5], (true, false)),
        (between.as_str(), "asc", &[3, 4], (true, true)),
        (between.as_str(), "desc", &[2, 1], (true, true)),
        (before_all, "asc", &[0, 1], (true, false)),
        (before_all, "desc", &[], (false, true)),
        (after_all, "asc", &[], (false, true)),
        (after_all, "desc", &[6, 5], (true, false)),
        ("\u{e000}", "desc", &[6, 5], (true, false)),
        ("\u{1}", "asc", &[0, 1], (true, false)),
    ] {
        let params = [("From", from), ("Order", order), ("PageSize", "2")];
        let page = Items::get(&mut socket, &map, &params).await;
        let wanted: Vec<String> = wanted.iter().map(|at| keys[*at].clone()).collect();
        assert_eq!((page.keys.clone(), page.ends()), (wanted, ends), "{params:?}");
    }
    for (key, found) in [(keys[4].as_str(), 1), (between.as_str(), 0), ("é", 0), ("MB", 0)] {
        let page = Items::get(&mut socket, &map, &[("Key", key), ("HideExpired", "true")]).await;
        assert_eq!((page.keys.len(), page.ends()), (found, (false, false)), "{key}");
    }
    let info = format!("/v3/Maps/{}.info/Items", user(&server, "alice").await);
    for (key, found) in [("friendlyName", 1), ("attributes", 1), ("nonsense", 0)] {
        let page = Items::get(&mut socket, &info, &[("Key", key)]).await;
        assert_eq!(page.keys.len(), found, "{key}");
    }
    // A token of another list, or of another order's making, is none.
    let token = Items::get(&mut socket, &map, &[("PageSize", "2")])
        .await
        .next
        .unwrap();
    for path in [
        &list,
        &info,
        &format!("/v3/Maps/{}.my_conversations/Items", user(&server, "alice").await),
    ] {
        let (status, body) = socket.request("GET", path, &[("PageToken", &token)], None).await;
        assert_eq!((status, &body["code"]), (400, &json!(20001)), "{path}: {body}");
    }
}
