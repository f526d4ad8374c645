//! Which push notifications a service sends.

use confab_domain::notification::{self, NewMessage, Notice, Notification, Setting, Update, WithMedia};
use confab_testkit::{TestEngine, engine};

use crate::{long, refused, run};

fn nothing(engine: &TestEngine) -> Update {
    Update {
        account: engine.account.sid,
        service: engine.account.default_service,
        log_enabled: None,
        new_message: Setting::default(),
        badge_count_enabled: None,
        with_media: Setting::default(),
        added_to_conversation: Setting::default(),
        removed_from_conversation: Setting::default(),
    }
}

async fn fetch(engine: &TestEngine) -> Notification {
    let service = engine.account.default_service;
    engine
        .read(move |tx| notification::fetch(tx, service))
        .await
        .unwrap()
}

fn template(text: &str) -> Setting {
    Setting {
        template: Some(text.into()),
        ..Setting::default()
    }
}

fn sound(text: &str) -> Setting {
    Setting {
        sound: Some(text.into()),
        ..Setting::default()
    }
}

#[tokio::test]
async fn all_kinds_are_off_on_a_new_service_b069_b601() {
    let engine = engine().await;
    let fresh = fetch(&engine).await;
    assert!(!fresh.log_enabled);
    assert_eq!(fresh.new_message, NewMessage::default());
    assert_eq!(fresh.added_to_conversation, Notice::default());
    assert_eq!(fresh.removed_from_conversation, Notice::default());
}

#[tokio::test]
async fn each_value_is_set_and_taken_away_by_itself_b069() {
    let engine = engine().await;
    let set = Update {
        log_enabled: Some(true),
        new_message: Setting {
            enabled: Some(true),
            template: Some("${CONVERSATION}".into()),
            sound: Some("bell".into()),
        },
        badge_count_enabled: Some(false),
        with_media: template("a picture"),
        added_to_conversation: sound("door"),
        removed_from_conversation: Setting {
            enabled: Some(true),
            ..Setting::default()
        },
        ..nothing(&engine)
    };
    run(&engine, set).await.unwrap();
    run(&engine, nothing(&engine)).await.unwrap();
    let found = fetch(&engine).await;
    assert!(found.log_enabled);
    let expected = NewMessage {
        enabled: true,
        template: Some("${CONVERSATION}".into()),
        badge_count_enabled: Some(false),
        sound: Some("bell".into()),
        with_media: Some(WithMedia {
            enabled: false,
            template: Some("a picture".into()),
        }),
    };
    assert_eq!(found.new_message, expected);
    assert_eq!(found.added_to_conversation.sound.as_deref(), Some("door"));
    assert!(!found.added_to_conversation.enabled);
    assert!(found.removed_from_conversation.enabled);
    let clear = Update {
        log_enabled: Some(false),
        new_message: template(""),
        with_media: Setting {
            enabled: Some(true),
            template: Some(String::new()),
            sound: None,
        },
        added_to_conversation: sound(""),
        ..nothing(&engine)
    };
    let found = run(&engine, clear).await.unwrap();
    assert!(!found.log_enabled);
    assert_eq!(found.new_message.template, None);
    assert_eq!(found.new_message.sound.as_deref(), Some("bell"));
    let media = Some(WithMedia {
        enabled: true,
        template: None,
    });
    assert_eq!(found.new_message.with_media, media);
    assert_eq!(found.added_to_conversation, Notice::default());
}

#[tokio::test]
async fn texts_and_sounds_end_somewhere() {
    let engine = engine().await;
    for (command, code) in [
        (
            Update {
                new_message: template(&long(1025)),
                ..nothing(&engine)
            },
            50058,
        ),
        (
            Update {
                log_enabled: Some(true),
                with_media: template(&long(1025)),
                ..nothing(&engine)
            },
            50058,
        ),
        (
            Update {
                added_to_conversation: template(&long(1025)),
                ..nothing(&engine)
            },
            50058,
        ),
        (
            Update {
                removed_from_conversation: sound(&long(257)),
                ..nothing(&engine)
            },
            50059,
        ),
    ] {
        assert_eq!(refused(&engine, command).await, (400, code));
    }
    let found = fetch(&engine).await;
    assert!(!found.log_enabled);
    assert_eq!(found.new_message, NewMessage::default());
    let longest = Update {
        new_message: template(&long(1024)),
        removed_from_conversation: sound(&long(256)),
        ..nothing(&engine)
    };
    let found = run(&engine, longest).await.unwrap();
    assert_eq!(found.new_message.template, Some(long(1024)));
    assert_eq!(found.removed_from_conversation.sound, Some(long(256)));
}
