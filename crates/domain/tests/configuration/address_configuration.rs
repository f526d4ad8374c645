//! Configurations of the account's addresses.

use confab_domain::address_configuration::{
    self, AddressConfiguration, AutoCreation, AutoCreationType, Create, Delete, Fields, TYPES, Update,
};
use confab_domain::endpoint::Method;
use confab_domain::event::Event;
use confab_domain::{Error, Limits, number};
use confab_testkit::{TestEngine, engine, engine_with};
use confab_types::{AccountSid, Sid as _};
use futures_util::future::{join, join_all};

use crate::{long, new_service, refused, rows, run, texts, walk};

const FLOW: &str = "FW00000000000000000000000000000001";

fn create(engine: &TestEngine, kind: &str, address: &str, fields: Fields) -> Create {
    Create {
        account: engine.account.sid,
        kind: kind.into(),
        address: address.into(),
        address_country: None,
        fields,
    }
}

fn update(engine: &TestEngine, key: &str, fields: Fields) -> Update {
    Update {
        account: engine.account.sid,
        key: key.into(),
        fields,
    }
}

async fn fetch(engine: &TestEngine, key: &str) -> Result<AddressConfiguration, Error> {
    let (account, key) = (engine.account.sid, key.to_owned());
    engine
        .read(move |tx| address_configuration::fetch(tx, account, &key))
        .await
}

fn webhook() -> Fields {
    Fields {
        kind: Some("webhook".into()),
        webhook_url: Some("https://example.com/".into()),
        ..Fields::default()
    }
}

#[tokio::test]
async fn an_address_is_found_by_sid_and_by_itself_b072_b073() {
    let engine = engine().await;
    let made = run(&engine, create(&engine, "sms", "+15550001", Fields::default()))
        .await
        .unwrap();
    assert_eq!((made.kind.as_str(), made.address.as_str()), ("sms", "+15550001"));
    assert_eq!(made.auto_creation, AutoCreation::default());
    for key in [made.sid.to_string().as_str(), "+15550001"] {
        assert_eq!(fetch(&engine, key).await.unwrap().sid, made.sid);
    }
    let again = create(&engine, "sms", "+15550001", Fields::default());
    assert_eq!(refused(&engine, again).await, (409, 20409));
    for key in ["+15550002", "IG00000000000000000000000000000000", "IG1", ""] {
        assert_eq!(fetch(&engine, key).await.unwrap_err(), Error::code(20404));
        assert_eq!(
            refused(&engine, update(&engine, key, webhook())).await,
            (404, 20404)
        );
    }
    let delete = Delete {
        account: engine.account.sid,
        key: "+15550001".into(),
    };
    run(&engine, delete.clone()).await.unwrap();
    assert_eq!(refused(&engine, delete).await, (404, 20404));
}

#[tokio::test]
async fn of_two_at_the_same_time_one_is_the_second_b072() {
    let engine = engine().await;
    let made =
        join_all((0..6).map(|_| run(&engine, create(&engine, "sms", "+15550001", Fields::default())))).await;
    assert_eq!(made.iter().filter(|m| m.is_ok()).count(), 1);
    for error in made.into_iter().filter_map(Result::err) {
        assert!(matches!(error, Error::Api(api) if api.code == 20409));
    }
}

/// rest.md §15 row 9
#[tokio::test]
async fn each_channel_has_its_kind_of_address() {
    let engine = engine().await;
    let addresses = [
        "+15550001",
        "whatsapp:+15550001",
        "messenger:1",
        "gbm:1",
        "a@example.com",
        "rcs:brand",
        "apple:1",
        "chat:bob",
    ];
    let mut made = Vec::new();
    for (kind, address) in TYPES.iter().zip(addresses) {
        let new = run(&engine, create(&engine, kind, address, Fields::default()))
            .await
            .unwrap();
        assert_eq!(new.kind, *kind);
        made.push((new.sid, new.kind));
    }
    made.sort_unstable_by_key(|(sid, _)| *sid);
    for (kind, address, code) in [
        ("sms", "whatsapp:+15550002", 20001),
        ("whatsapp", "+15550002", 20001),
        ("email", "messenger:2", 20001),
        ("fax", "+15550002", 20001),
        ("SMS", "+15550002", 20001),
        ("", "+15550002", 20001),
        ("sms", "fifteen", 50413),
        ("sms", "", 50413),
    ] {
        let command = create(&engine, kind, address, Fields::default());
        assert_eq!(refused(&engine, command).await, (400, code), "{kind} {address}");
    }
    let account = engine.account.sid;
    for kind in TYPES {
        let seen = walk(&engine, 1, move |tx, window| {
            Ok(address_configuration::list(tx, account, Some(kind), window)?.map(|c| c.kind))
        })
        .await;
        assert_eq!(seen, [kind]);
    }
    let seen = walk(&engine, 3, move |tx, window| {
        Ok(address_configuration::list(tx, account, None, window)?.map(|c| (c.sid, c.kind)))
    })
    .await;
    assert_eq!(seen, made);
    let window = crate::start(50);
    let unknown = engine
        .read(move |tx| {
            Ok(address_configuration::list(tx, account, Some("fax"), &window)?
                .items
                .len())
        })
        .await;
    assert!(matches!(unknown, Err(Error::Api(api)) if api.code == 20001));
}

#[tokio::test]
async fn an_address_of_another_account_is_refused_b076() {
    let engine = engine().await;
    let foreign = number::Create {
        account: AccountSid::from_bits(2),
        address: "+15550009".into(),
        friendly_name: None,
        kind: None,
    };
    run(&engine, foreign).await.unwrap();
    let command = create(&engine, "sms", "+15550009", Fields::default());
    assert_eq!(refused(&engine, command).await, (400, 50413));
}

#[tokio::test]
async fn an_address_of_nobody_is_taken_only_where_that_is_set_b076_b169() {
    let engine = engine_with(Limits {
        auto_claim: false,
        ..Limits::default()
    })
    .await;
    let command = create(&engine, "sms", "+15550001", Fields::default());
    assert_eq!(refused(&engine, command.clone()).await, (400, 50413));
    let number = number::Create {
        account: engine.account.sid,
        address: "+15550001".into(),
        friendly_name: None,
        kind: None,
    };
    run(&engine, number).await.unwrap();
    run(&engine, command).await.unwrap();
}

#[tokio::test]
async fn an_update_leaves_what_it_does_not_name_b074() {
    let engine = engine().await;
    let service = new_service(&engine).await.sid;
    let all = Fields {
        friendly_name: Some("front desk".into()),
        enabled: Some(true),
        conversation_service: Some(service.to_string()),
        webhook_filters: Some(texts(&["onMessageAdded", "onConversationAdded"])),
        studio_flow: Some(FLOW.into()),
        studio_retry_count: Some(3),
        ..webhook()
    };
    let made = run(&engine, create(&engine, "sms", "+15550001", all))
        .await
        .unwrap();
    let expected = AutoCreation {
        enabled: Some(true),
        kind: Some(AutoCreationType::Webhook),
        conversation_service_sid: Some(service.to_string()),
        webhook_url: Some("https://example.com/".into()),
        webhook_method: Some(Method::Post),
        webhook_filters: Some(vec![Event::MessageAdded, Event::ConversationAdded]),
        studio_flow_sid: Some(FLOW.into()),
        studio_retry_count: Some(3),
    };
    assert_eq!(made.auto_creation, expected);
    let same = run(&engine, update(&engine, "+15550001", Fields::default()))
        .await
        .unwrap();
    assert_eq!(same.updated_at, made.updated_at);
    let part = Fields {
        enabled: Some(false),
        webhook_method: Some("get".into()),
        ..Fields::default()
    };
    let changed = run(&engine, update(&engine, &made.sid.to_string(), part))
        .await
        .unwrap();
    let expected = AutoCreation {
        enabled: Some(false),
        webhook_method: Some(Method::Get),
        ..expected
    };
    assert_eq!(changed.auto_creation, expected);
    assert_eq!(changed.friendly_name.as_deref(), Some("front desk"));
    let clear = Fields {
        friendly_name: Some(String::new()),
        kind: Some("default".into()),
        conversation_service: Some(String::new()),
        webhook_url: Some(String::new()),
        webhook_filters: Some(Vec::new()),
        studio_flow: Some(String::new()),
        studio_retry_count: Some(0),
        ..Fields::default()
    };
    run(&engine, update(&engine, "+15550001", clear)).await.unwrap();
    let found = fetch(&engine, "+15550001").await.unwrap();
    assert_eq!(found.friendly_name, None);
    let expected = AutoCreation {
        enabled: Some(false),
        kind: Some(AutoCreationType::Default),
        conversation_service_sid: None,
        webhook_url: None,
        webhook_method: Some(Method::Get),
        webhook_filters: Some(Vec::new()),
        studio_flow_sid: None,
        studio_retry_count: Some(0),
    };
    assert_eq!(found.auto_creation, expected);
}

#[tokio::test]
async fn what_an_address_cannot_do_is_refused_and_changes_nothing_b075_b077_b314() {
    let engine = engine().await;
    let made = run(&engine, create(&engine, "sms", "+15550001", webhook()))
        .await
        .unwrap();
    let filters = |name: &str| Fields {
        webhook_filters: Some(texts(&["onMessageAdded", name])),
        ..webhook()
    };
    let foreign = "IS00000000000000000000000000000000";
    for (fields, code) in [
        (
            Fields {
                kind: Some("webhook".into()),
                webhook_url: Some(String::new()),
                ..Fields::default()
            },
            50369,
        ),
        (
            Fields {
                kind: Some("studio".into()),
                ..webhook()
            },
            20001,
        ),
        (
            Fields {
                kind: Some("flow".into()),
                ..webhook()
            },
            20001,
        ),
        (
            Fields {
                webhook_url: Some(format!("https://example.com/{}", "a".repeat(493))),
                ..webhook()
            },
            50372,
        ),
        (
            Fields {
                webhook_url: Some("example.com".into()),
                ..webhook()
            },
            50054,
        ),
        (
            Fields {
                webhook_method: Some("HEAD".into()),
                ..webhook()
            },
            50055,
        ),
        (filters("onMessageAdd"), 50365),
        (filters("onUserAdded"), 50365),
        (filters("onUserUpdated"), 50365),
        (filters("onMessageSent"), 50365),
        (
            Fields {
                conversation_service: Some("IS1".into()),
                ..webhook()
            },
            20001,
        ),
        (
            Fields {
                conversation_service: Some(foreign.into()),
                ..webhook()
            },
            20001,
        ),
        (
            Fields {
                studio_flow: Some("FW1".into()),
                ..webhook()
            },
            50367,
        ),
        (
            Fields {
                studio_retry_count: Some(4),
                ..webhook()
            },
            20001,
        ),
        (
            Fields {
                studio_retry_count: Some(-1),
                ..webhook()
            },
            20001,
        ),
        (
            Fields {
                friendly_name: Some(long(257)),
                ..webhook()
            },
            50003,
        ),
    ] {
        let told = format!("{fields:?}");
        // A flow was asked for, and no other code tells so.
        let code = if fields.kind.as_deref() == Some("studio") {
            50367
        } else {
            code
        };
        let command = create(&engine, "sms", "+15550002", fields.clone());
        assert_eq!(refused(&engine, command).await, (400, code), "{told}");
        assert_eq!(
            refused(&engine, update(&engine, "+15550001", fields)).await,
            (400, code),
            "{told}"
        );
    }
    let kept = fetch(&engine, "+15550001").await.unwrap();
    assert_eq!(
        (kept.auto_creation, kept.friendly_name, kept.updated_at),
        (made.auto_creation, None, made.updated_at)
    );
    assert_eq!(
        rows(
            &engine,
            "SELECT CAST((SELECT COUNT(*) FROM number) + (SELECT COUNT(*) FROM address_configuration) AS BIGINT)"
        )
        .await,
        2
    );
    let names: Vec<&str> = Event::ALL
        .iter()
        .filter(|e| !e.is_pre())
        .map(|e| e.name())
        .filter(|name| !name.starts_with("onUser"))
        .collect();
    assert_eq!(names.len(), 11);
    let at_the_limit = Fields {
        friendly_name: Some(long(256)),
        webhook_url: Some(format!("https://example.com/{}", "a".repeat(492))),
        webhook_filters: Some(texts(&names)),
        ..webhook()
    };
    run(&engine, update(&engine, "+15550001", at_the_limit))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_country_has_two_letters() {
    let engine = engine().await;
    let with = |address: &str, country: &str| Create {
        address_country: Some(country.into()),
        ..create(&engine, "sms", address, Fields::default())
    };
    for country in ["D", "DEU", "D1", "Ä"] {
        assert_eq!(
            refused(&engine, with("12345", country)).await,
            (400, 20001),
            "{country}"
        );
    }
    let made = run(&engine, with("12345", "de")).await.unwrap();
    assert_eq!(made.address_country.as_deref(), Some("DE"));
    let made = run(&engine, with("54321", "")).await.unwrap();
    assert_eq!(made.address_country, None);
}

#[tokio::test]
async fn two_who_set_a_part_each_leave_both_b074() {
    let engine = engine().await;
    run(&engine, create(&engine, "sms", "+15550001", webhook()))
        .await
        .unwrap();
    for n in 0..8 {
        let url = format!("https://example.com/{n}");
        let one = Fields {
            webhook_url: Some(url.clone()),
            ..Fields::default()
        };
        let other = Fields {
            studio_retry_count: Some(n % 4),
            ..Fields::default()
        };
        let (one, other) = join(
            run(&engine, update(&engine, "+15550001", one)),
            run(&engine, update(&engine, "+15550001", other)),
        )
        .await;
        one.and(other).unwrap();
        let found = fetch(&engine, "+15550001").await.unwrap().auto_creation;
        assert_eq!(
            (found.webhook_url, found.studio_retry_count),
            (Some(url), Some(n % 4))
        );
    }
}
