//! Webhooks of the account.

use confab_domain::account_webhook::{self, AccountWebhook, Target, Update};
use confab_domain::endpoint::Method;
use confab_domain::event::Event;
use confab_testkit::{TestEngine, engine};
use futures_util::future::join;

use crate::{refused, run, texts};

fn nothing(engine: &TestEngine) -> Update {
    Update {
        account: engine.account.sid,
        method: None,
        filters: None,
        pre_webhook_url: None,
        post_webhook_url: None,
        target: None,
    }
}

async fn fetch(engine: &TestEngine) -> AccountWebhook {
    let account = engine.account.sid;
    engine
        .read(move |tx| account_webhook::fetch(tx, account))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_fresh_account_calls_nobody_b062() {
    let engine = engine().await;
    let fresh = fetch(&engine).await;
    assert_eq!((fresh.pre_webhook_url, fresh.post_webhook_url), (None, None));
    assert_eq!((fresh.method, fresh.target), (Method::Post, Target::Webhook));
    assert_eq!(fresh.filters, []);
}

#[tokio::test]
async fn each_part_is_set_and_cleared_by_itself_b063_b064_b414_b467() {
    let engine = engine().await;
    let names: Vec<&str> = Event::ALL.iter().map(|e| e.name()).collect();
    let set = Update {
        method: Some("get".into()),
        filters: Some(texts(&names)),
        pre_webhook_url: Some("https://example.com/pre".into()),
        post_webhook_url: Some("http://example.com/post".into()),
        target: Some("flex".into()),
        ..nothing(&engine)
    };
    run(&engine, set).await.unwrap();
    run(&engine, nothing(&engine)).await.unwrap();
    let found = fetch(&engine).await;
    assert_eq!(found.pre_webhook_url.as_deref(), Some("https://example.com/pre"));
    assert_eq!(found.post_webhook_url.as_deref(), Some("http://example.com/post"));
    assert_eq!((found.method, found.target), (Method::Get, Target::Flex));
    assert_eq!(found.filters, Event::ALL);
    let clear = Update {
        filters: Some(texts(&["onMessageAdd"])),
        pre_webhook_url: Some(String::new()),
        target: Some("webhook".into()),
        ..nothing(&engine)
    };
    let found = run(&engine, clear).await.unwrap();
    assert_eq!(found.pre_webhook_url, None);
    assert_eq!(found.post_webhook_url.as_deref(), Some("http://example.com/post"));
    assert_eq!((found.method, found.target), (Method::Get, Target::Webhook));
    assert_eq!(found.filters, [Event::MessageAdd]);
    let none = Update {
        filters: Some(Vec::new()),
        ..nothing(&engine)
    };
    assert_eq!(run(&engine, none).await.unwrap().filters, []);
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_b064_b067_b068_b468() {
    let engine = engine().await;
    let with_filter = |name: &str| Update {
        filters: Some(texts(&["onMessageAdded", name])),
        ..nothing(&engine)
    };
    let with_target = |name: &str| Update {
        target: Some(name.into()),
        ..nothing(&engine)
    };
    for (command, code) in [
        (with_filter("onMessageSend"), 50365),
        (with_filter("onMessageSent"), 50365),
        (with_filter("onConversationDestroyed"), 50365),
        (with_filter("OnMessageAdded"), 50365),
        (with_target("Flex"), 20001),
        (with_target(""), 20001),
        (
            Update {
                pre_webhook_url: Some("example.com".into()),
                ..nothing(&engine)
            },
            50054,
        ),
        (
            Update {
                pre_webhook_url: Some("https://example.com/".into()),
                post_webhook_url: Some("mailto:a@example.com".into()),
                ..nothing(&engine)
            },
            50054,
        ),
        (
            Update {
                post_webhook_url: Some("https://example.com/".into()),
                method: Some("PUT".into()),
                ..nothing(&engine)
            },
            50055,
        ),
    ] {
        let told = format!("{command:?}");
        assert_eq!(refused(&engine, command).await, (400, code), "{told}");
    }
    let found = fetch(&engine).await;
    assert_eq!((found.pre_webhook_url, found.post_webhook_url), (None, None));
    assert_eq!(found.filters, []);
}

#[tokio::test]
async fn two_who_set_a_part_each_leave_both() {
    let engine = engine().await;
    for n in 0..8 {
        let url = format!("https://example.com/{n}");
        let pre = Update {
            pre_webhook_url: Some(url.clone()),
            ..nothing(&engine)
        };
        let post = Update {
            post_webhook_url: Some(url.clone()),
            ..nothing(&engine)
        };
        let (pre, post) = join(run(&engine, pre), run(&engine, post)).await;
        pre.and(post).unwrap();
        let found = fetch(&engine).await;
        assert_eq!(found.pre_webhook_url.as_ref(), Some(&url));
        assert_eq!(found.post_webhook_url.as_ref(), Some(&url));
    }
}
