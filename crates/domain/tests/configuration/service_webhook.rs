//! Webhooks of one service.

use confab_domain::endpoint::Method;
use confab_domain::event::Event;
use confab_domain::service_webhook::{self, ServiceWebhook, Update};
use confab_testkit::{TestEngine, engine};
use confab_types::ServiceSid;

use crate::{delete_service, new_service, refused, rows, run, texts};

fn nothing(engine: &TestEngine, service: ServiceSid) -> Update {
    Update {
        account: engine.account.sid,
        service,
        pre_webhook_url: None,
        post_webhook_url: None,
        filters: None,
        method: None,
    }
}

async fn fetch(engine: &TestEngine, service: ServiceSid) -> ServiceWebhook {
    engine
        .read(move |tx| service_webhook::fetch(tx, service))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_never_set_is_null_b066() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let fresh = fetch(&engine, service).await;
    assert_eq!((fresh.pre_webhook_url, fresh.post_webhook_url), (None, None));
    assert_eq!((fresh.filters, fresh.method), (None, None));
    let method = Update {
        method: Some("Post".into()),
        ..nothing(&engine, service)
    };
    run(&engine, method).await.unwrap();
    let found = fetch(&engine, service).await;
    assert_eq!((found.filters, found.method), (None, Some(Method::Post)));
}

#[tokio::test]
async fn a_service_has_its_own_b031_b467() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let set = Update {
        pre_webhook_url: Some("https://example.com/pre".into()),
        post_webhook_url: Some("https://example.com/post".into()),
        filters: Some(texts(&["onUserUpdate", "onUserAdded", "onUserUpdated"])),
        ..nothing(&engine, service)
    };
    run(&engine, set).await.unwrap();
    let clear = Update {
        post_webhook_url: Some(String::new()),
        ..nothing(&engine, service)
    };
    run(&engine, clear).await.unwrap();
    let found = fetch(&engine, service).await;
    assert_eq!(found.pre_webhook_url.as_deref(), Some("https://example.com/pre"));
    assert_eq!(found.post_webhook_url, None);
    assert_eq!(
        found.filters,
        Some(vec![Event::UserUpdate, Event::UserAdded, Event::UserUpdated])
    );
    let other = new_service(&engine).await.sid;
    assert_eq!(fetch(&engine, other).await.pre_webhook_url, None);
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_b067_b068() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let nothing = || nothing(&engine, service);
    for (command, code) in [
        (
            Update {
                pre_webhook_url: Some("https://example.com/pre".into()),
                filters: Some(texts(&["onMessageSent"])),
                ..nothing()
            },
            50365,
        ),
        (
            Update {
                pre_webhook_url: Some("javascript:alert(1)".into()),
                ..nothing()
            },
            50054,
        ),
        (
            Update {
                post_webhook_url: Some("https:example.com".into()),
                ..nothing()
            },
            50054,
        ),
        (
            Update {
                method: Some(String::new()),
                ..nothing()
            },
            50055,
        ),
    ] {
        let told = format!("{command:?}");
        assert_eq!(refused(&engine, command).await, (400, code), "{told}");
    }
    assert_eq!(fetch(&engine, service).await.pre_webhook_url, None);
    let gone = new_service(&engine).await.sid;
    delete_service(&engine, gone).await;
    let late = Update {
        service: gone,
        ..nothing()
    };
    assert_eq!(refused(&engine, late).await, (404, 20404));
    assert_eq!(
        rows(&engine, "SELECT CAST(COUNT(*) AS BIGINT) FROM service_webhook").await,
        0
    );
}
