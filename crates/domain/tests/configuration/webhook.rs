//! Webhooks of a conversation.

use confab_domain::conversation;
use confab_domain::endpoint::Method;
use confab_domain::event::Event;
use confab_domain::webhook::{self, Create, Delete, Fields, Target, Update, Webhook};
use confab_testkit::{TestEngine, engine};
use confab_types::{FlowSid, Sid as _, WebhookSid};
use futures_util::future::join_all;

use crate::{new_conversation, new_service, refused, rows, run, start, texts};

const URL: &str = "https://example.com/hook";
const FLOW: &str = "FW00000000000000000000000000000001";

fn create(engine: &TestEngine, conversation: &str, target: &str, fields: Fields) -> Create {
    Create {
        service: engine.account.default_service,
        conversation: conversation.into(),
        target: target.into(),
        fields,
        replay_after: None,
    }
}

fn update(engine: &TestEngine, webhook: &Webhook, fields: Fields) -> Update {
    Update {
        service: engine.account.default_service,
        conversation: webhook.conversation.to_string(),
        webhook: webhook.sid,
        fields,
    }
}

fn hook() -> Fields {
    Fields {
        url: Some(URL.into()),
        filters: Some(texts(&["onMessageAdded"])),
        ..Fields::default()
    }
}

fn trigger() -> Fields {
    Fields {
        url: Some(URL.into()),
        triggers: Some(texts(&["help"])),
        ..Fields::default()
    }
}

async fn conversation(engine: &TestEngine) -> String {
    new_conversation(engine, engine.account.default_service)
        .await
        .sid
        .to_string()
}

#[tokio::test]
async fn each_target_keeps_its_own_parts_b503_b505_b518() {
    let engine = engine().await;
    let c = conversation(&engine).await;
    let all = |method: &str| Fields {
        method: Some(method.into()),
        triggers: Some(texts(&["help", "hilfe"])),
        flow: Some(FLOW.into()),
        ..hook()
    };
    let made = run(&engine, create(&engine, &c, "webhook", all("gEt")))
        .await
        .unwrap();
    let expected = Target::Webhook {
        url: URL.into(),
        method: Method::Get,
        filters: vec![Event::MessageAdded],
    };
    assert_eq!(made.target, expected);
    assert_eq!(made.conversation.to_string(), c);
    assert_eq!(made.created_at, made.updated_at);
    let made = run(&engine, create(&engine, &c, "trigger", all("POST")))
        .await
        .unwrap();
    let expected = Target::Trigger {
        url: URL.into(),
        method: Method::Post,
        triggers: texts(&["help", "hilfe"]),
    };
    assert_eq!(made.target, expected);
    // The method is POST when nothing says otherwise, and a flow has none.
    let made = run(&engine, create(&engine, &c, "trigger", trigger()))
        .await
        .unwrap();
    assert!(matches!(
        made.target,
        Target::Trigger {
            method: Method::Post,
            ..
        }
    ));
    let fields = Fields {
        filters: Some(texts(&["onSomethingElse"])),
        ..all("PUT")
    };
    let made = run(&engine, create(&engine, &c, "studio", fields)).await.unwrap();
    let flow = FlowSid::parse(FLOW).unwrap();
    assert_eq!(made.target, Target::Studio { flow });
}

#[tokio::test]
async fn what_a_target_needs_is_asked_for_by_its_own_code_b502_b503_b504() {
    let engine = engine().await;
    let c = conversation(&engine).await;
    let url = |chars: usize| Some(format!("https://example.com/{}", "é".repeat(chars - 20)));
    let keywords = |count: usize| Some((0..count).map(|n| format!("word {n}")).collect());
    for (target, fields, code) in [
        ("", hook(), 50364),
        ("Webhook", hook(), 50364),
        ("fax", hook(), 50364),
        ("webhook", Fields { url: None, ..hook() }, 50369),
        (
            "webhook",
            Fields {
                url: Some(String::new()),
                ..hook()
            },
            50369,
        ),
        (
            "webhook",
            Fields {
                url: url(513),
                ..hook()
            },
            50372,
        ),
        (
            "webhook",
            Fields {
                url: Some("ftp://example.com".into()),
                ..hook()
            },
            50054,
        ),
        (
            "webhook",
            Fields {
                method: Some("PUT".into()),
                ..hook()
            },
            50055,
        ),
        (
            "webhook",
            Fields {
                filters: None,
                ..hook()
            },
            50370,
        ),
        (
            "webhook",
            Fields {
                filters: Some(Vec::new()),
                ..hook()
            },
            50370,
        ),
        (
            "trigger",
            Fields {
                url: None,
                ..trigger()
            },
            50369,
        ),
        (
            "trigger",
            Fields {
                triggers: None,
                ..trigger()
            },
            50371,
        ),
        (
            "trigger",
            Fields {
                triggers: Some(Vec::new()),
                ..trigger()
            },
            50371,
        ),
        (
            "trigger",
            Fields {
                triggers: keywords(6),
                ..trigger()
            },
            50362,
        ),
        (
            "trigger",
            Fields {
                triggers: Some(vec!["é".repeat(249)]),
                ..trigger()
            },
            50366,
        ),
        (
            "trigger",
            Fields {
                triggers: Some(texts(&["help", ""])),
                ..trigger()
            },
            50366,
        ),
        ("studio", Fields::default(), 50367),
        (
            "studio",
            Fields {
                flow: Some("FW1".into()),
                ..Fields::default()
            },
            50367,
        ),
    ] {
        let told = format!("{target} {fields:?}");
        assert_eq!(
            refused(&engine, create(&engine, &c, target, fields)).await,
            (400, code),
            "{told}"
        );
    }
    assert_eq!(
        rows(&engine, "SELECT CAST(COUNT(*) AS BIGINT) FROM webhook").await,
        0
    );
    let at_the_limit = Fields {
        url: url(512),
        triggers: Some([vec!["é".repeat(248)], texts(&["b", "c", "d", "e"])].concat()),
        ..Fields::default()
    };
    let made = run(&engine, create(&engine, &c, "trigger", at_the_limit.clone()))
        .await
        .unwrap();
    let Target::Trigger { url, triggers, .. } = made.target else {
        panic!("{made:?}");
    };
    assert_eq!(
        (Some(url), Some(triggers)),
        (at_the_limit.url, at_the_limit.triggers)
    );
}

#[tokio::test]
async fn filters_are_names_of_what_has_happened_b467_b468_b514() {
    let engine = engine().await;
    let c = conversation(&engine).await;
    let after: Vec<Event> = Event::ALL.iter().copied().filter(|e| !e.is_pre()).collect();
    assert_eq!((Event::ALL.len(), after.len()), (23, 13));
    let fields = Fields {
        filters: Some(after.iter().map(|e| e.name().to_owned()).collect()),
        ..hook()
    };
    let made = run(&engine, create(&engine, &c, "webhook", fields))
        .await
        .unwrap();
    let filters = |webhook: &Webhook| match &webhook.target {
        Target::Webhook { filters, .. } => filters.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(filters(&made), after);
    let names = Event::ALL.iter().filter(|e| e.is_pre()).map(|e| e.name()).chain([
        "onMessageSend",
        "onMessageSent",
        "onConversationDestroyed",
        "onmessageadded",
        "",
    ]);
    for name in names {
        let fields = Fields {
            filters: Some(texts(&["onMessageAdded", name])),
            ..Fields::default()
        };
        assert_eq!(
            refused(&engine, update(&engine, &made, fields)).await,
            (400, 50365),
            "{name}"
        );
    }
    // The list is replaced as a whole, and each name counts once.
    let fields = Fields {
        filters: Some(texts(&[
            "onDeliveryUpdated",
            "onConversationRemoved",
            "onDeliveryUpdated",
        ])),
        ..Fields::default()
    };
    let changed = run(&engine, update(&engine, &made, fields)).await.unwrap();
    assert_eq!(
        filters(&changed),
        [Event::DeliveryUpdated, Event::ConversationRemoved]
    );
}

#[tokio::test]
async fn an_update_changes_parts_and_neither_target_nor_replay_b502_b511() {
    let engine = engine().await;
    let c = conversation(&engine).await;
    let command = Create {
        replay_after: Some(0),
        ..create(&engine, &c, "webhook", hook())
    };
    let made = run(&engine, command).await.unwrap();
    assert_eq!(made.replay_after, Some(0));
    let same = run(&engine, update(&engine, &made, Fields::default()))
        .await
        .unwrap();
    assert_eq!(
        (same.target, same.updated_at),
        (made.target.clone(), made.updated_at)
    );
    let fields = Fields {
        url: Some("http://example.com/other".into()),
        method: Some("get".into()),
        // Of other targets.
        triggers: Some(texts(&["help"])),
        flow: Some("no flow".into()),
        ..Fields::default()
    };
    let changed = run(&engine, update(&engine, &made, fields)).await.unwrap();
    let expected = Target::Webhook {
        url: "http://example.com/other".into(),
        method: Method::Get,
        filters: vec![Event::MessageAdded],
    };
    assert_eq!(changed.target, expected);
    assert_eq!(changed.replay_after, Some(0));
    assert!(changed.updated_at > made.updated_at);
    for (fields, code) in [
        (
            Fields {
                url: Some(String::new()),
                ..Fields::default()
            },
            50369,
        ),
        (
            Fields {
                filters: Some(Vec::new()),
                ..Fields::default()
            },
            50370,
        ),
        (
            Fields {
                url: Some("https://example.com/third".into()),
                method: Some("PATCH".into()),
                ..Fields::default()
            },
            50055,
        ),
    ] {
        assert_eq!(
            refused(&engine, update(&engine, &made, fields)).await,
            (400, code)
        );
    }
    let (conversation, sid) = (made.conversation, made.sid);
    let kept = engine
        .read(move |tx| webhook::fetch(tx, conversation, sid))
        .await
        .unwrap();
    assert_eq!(kept.target, expected);
}

#[tokio::test]
async fn replay_starts_at_an_index_or_not_at_all_b509_b510() {
    let engine = engine().await;
    let c = conversation(&engine).await;
    let made = run(&engine, create(&engine, &c, "webhook", hook()))
        .await
        .unwrap();
    assert_eq!(made.replay_after, None);
    let from = |index| Create {
        replay_after: Some(index),
        ..create(&engine, &c, "webhook", hook())
    };
    assert_eq!(refused(&engine, from(-1)).await, (400, 20001));
    let made = run(&engine, from(i64::MAX)).await.unwrap();
    assert_eq!(made.replay_after, Some(i64::MAX));
}

#[tokio::test]
async fn five_and_not_one_more_also_at_the_same_time_b501_b516() {
    let engine = engine().await;
    let c = conversation(&engine).await;
    let made = join_all((0..12).map(|_| run(&engine, create(&engine, &c, "webhook", hook())))).await;
    assert_eq!(made.iter().filter(|m| m.is_ok()).count(), 5);
    assert_eq!(
        refused(&engine, create(&engine, &c, "webhook", hook())).await,
        (400, 50361)
    );
    let sids: Vec<WebhookSid> = made.into_iter().flatten().map(|w| w.sid).collect();
    let conversation = run_parent(&engine, &c).await;
    let page = engine
        .read(move |tx| webhook::list(tx, conversation, &start(5)))
        .await
        .unwrap();
    let mut listed: Vec<WebhookSid> = page.items.iter().map(|w| w.sid).collect();
    assert!(listed.is_sorted());
    let mut expected = sids.clone();
    expected.sort_unstable();
    listed.sort_unstable();
    assert_eq!((listed, page.next, page.previous), (expected, None, None));
    // One that goes makes room for another.
    let delete = Delete {
        service: engine.account.default_service,
        conversation: c.clone(),
        webhook: sids[0],
    };
    run(&engine, delete.clone()).await.unwrap();
    assert_eq!(refused(&engine, delete).await, (404, 50360));
    run(&engine, create(&engine, &c, "webhook", hook()))
        .await
        .unwrap();
}

async fn run_parent(engine: &TestEngine, key: &str) -> confab_types::ConversationSid {
    let (service, key) = (engine.account.default_service, key.to_owned());
    engine
        .read(move |tx| conversation::parent(tx, service, &key))
        .await
        .unwrap()
        .sid
}

#[tokio::test]
async fn a_webhook_is_known_in_its_conversation_only_b031() {
    let engine = engine().await;
    let (c, other) = (conversation(&engine).await, conversation(&engine).await);
    let made = run(&engine, create(&engine, &c, "webhook", hook()))
        .await
        .unwrap();
    let misplaced = Update {
        conversation: other.clone(),
        ..update(&engine, &made, hook())
    };
    assert_eq!(refused(&engine, misplaced).await, (404, 50360));
    let abroad = Update {
        service: new_service(&engine).await.sid,
        ..update(&engine, &made, hook())
    };
    assert_eq!(refused(&engine, abroad).await, (404, 50350));
    let nowhere = create(&engine, "CH00000000000000000000000000000000", "webhook", hook());
    assert_eq!(refused(&engine, nowhere).await, (404, 50350));
}

#[tokio::test]
async fn webhooks_go_with_their_conversation_also_those_of_the_last_moment_b132() {
    let engine = engine().await;
    for _ in 0..8 {
        let c = conversation(&engine).await;
        run(&engine, create(&engine, &c, "webhook", hook()))
            .await
            .unwrap();
        let delete = conversation::Delete {
            service: engine.account.default_service,
            key: c.clone(),
        };
        let (late, gone) = tokio::join!(
            run(
                &engine,
                create(
                    &engine,
                    &c,
                    "studio",
                    Fields {
                        flow: Some(FLOW.into()),
                        ..Fields::default()
                    }
                )
            ),
            run(&engine, delete)
        );
        gone.unwrap();
        if let Err(error) = late {
            assert_eq!(error, confab_domain::Error::code(50350));
        }
    }
    assert_eq!(
        rows(&engine, "SELECT CAST(COUNT(*) AS BIGINT) FROM webhook").await,
        0
    );
}
