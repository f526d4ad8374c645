//! The configuration of a service, and its end.

use confab_domain::binding::{MessageType, Register};
use confab_domain::credential::CredentialType;
use confab_domain::notification::{self, Setting};
use confab_domain::role;
use confab_domain::service::{self, Configure};
use confab_domain::service_webhook;
use confab_testkit::{TestEngine, engine};
use confab_types::ServiceSid;
use futures_util::future::join_all;

use crate::{delete_service, new_conversation, new_service, new_user, refused, rows, run, start, texts};

fn configure(engine: &TestEngine, service: ServiceSid) -> Configure {
    Configure {
        account: engine.account.sid,
        service,
        conversation_creator_role: None,
        conversation_role: None,
        service_role: None,
        reachability_enabled: None,
    }
}

async fn new_role(engine: &TestEngine, service: ServiceSid, kind: &str, permission: &str) -> String {
    let command = role::Create {
        account: engine.account.sid,
        service,
        friendly_name: "another".into(),
        kind: kind.into(),
        permissions: texts(&[permission]),
    };
    run(engine, command).await.unwrap().sid.to_string()
}

#[tokio::test]
async fn default_roles_are_of_the_right_type_and_service_b056_b057() {
    let engine = engine().await;
    let service = new_service(&engine).await;
    assert!(!service.reachability_enabled);
    let of_users = new_role(&engine, service.sid, "service", "joinConversation").await;
    let of_members = new_role(&engine, service.sid, "conversation", "sendMessage").await;
    let home = engine.account.default_service;
    let abroad = [
        new_role(&engine, home, "service", "joinConversation").await,
        new_role(&engine, home, "conversation", "sendMessage").await,
    ];
    let nothing = || configure(&engine, service.sid);
    let nobody = "RL00000000000000000000000000000000";
    for text in [&of_users, &abroad[1], nobody, "RL1", ""] {
        let text = Some(text.to_owned());
        let creator = Configure {
            conversation_creator_role: text.clone(),
            ..nothing()
        };
        assert_eq!(refused(&engine, creator).await, (400, 50106), "{text:?}");
        let member = Configure {
            // What is right besides is not done either.
            reachability_enabled: Some(true),
            conversation_role: text.clone(),
            ..nothing()
        };
        assert_eq!(refused(&engine, member).await, (400, 50109), "{text:?}");
    }
    for text in [&of_members, &abroad[0], nobody] {
        let user = Configure {
            conversation_role: Some(of_members.clone()),
            service_role: Some(text.to_owned()),
            ..nothing()
        };
        assert_eq!(refused(&engine, user).await, (400, 50102), "{text}");
    }
    let (account, sid) = (engine.account.sid, service.sid);
    let kept = engine
        .read(move |tx| service::fetch(tx, account, sid))
        .await
        .unwrap();
    assert_eq!(kept.conversation_role, service.conversation_role);
    assert_eq!(kept.updated_at, service.updated_at);
    assert!(!kept.reachability_enabled);
    let same = run(&engine, nothing()).await.unwrap();
    assert_eq!(same.updated_at, service.updated_at);

    let all = Configure {
        conversation_creator_role: Some(of_members.clone()),
        conversation_role: Some(of_members.clone()),
        service_role: Some(of_users.clone()),
        reachability_enabled: Some(true),
        ..nothing()
    };
    let changed = run(&engine, all).await.unwrap();
    assert_eq!(changed.conversation_creator_role.to_string(), of_members);
    assert_eq!(changed.conversation_role.to_string(), of_members);
    assert_eq!(changed.service_role.to_string(), of_users);
    assert!(changed.reachability_enabled);
    // Whoever comes now gets them.
    let user = new_user(&engine, service.sid, "bob").await;
    assert_eq!(user.role_sid.to_string(), of_users);
}

#[tokio::test]
async fn a_service_takes_all_that_it_was_set_up_with_along_b058() {
    const LEFT: &str = "SELECT CAST((SELECT COUNT(*) FROM service_webhook) + (SELECT COUNT(*) FROM binding) \
         + (SELECT COUNT(*) FROM service_notification) \
         + (SELECT COUNT(*) FROM role WHERE service_sid NOT IN (SELECT sid FROM service)) AS BIGINT)";
    let engine = engine().await;
    let service = new_service(&engine).await.sid;
    let hooks = service_webhook::Update {
        account: engine.account.sid,
        service,
        pre_webhook_url: Some("https://example.com/".into()),
        post_webhook_url: None,
        filters: None,
        method: None,
    };
    run(&engine, hooks).await.unwrap();
    let push = notification::Update {
        account: engine.account.sid,
        service,
        log_enabled: Some(true),
        new_message: Setting::default(),
        badge_count_enabled: None,
        with_media: Setting::default(),
        added_to_conversation: Setting::default(),
        removed_from_conversation: Setting::default(),
    };
    run(&engine, push).await.unwrap();
    new_conversation(&engine, service).await;
    new_user(&engine, service, "bob").await;
    let register = Register {
        account: engine.account.sid,
        service,
        identity: "bob".into(),
        endpoint: Some("phone".into()),
        kind: CredentialType::Fcm,
        address: "token".into(),
        credential: None,
        message_types: vec![MessageType::NewMessage],
    };
    run(&engine, register).await.unwrap();
    assert_eq!(rows(&engine, LEFT).await, 3);
    delete_service(&engine, service).await;
    assert_eq!(rows(&engine, LEFT).await, 0);
}

#[tokio::test]
async fn nobody_sets_up_a_service_behind_its_end_b058() {
    const LEFT: &str = "SELECT CAST((SELECT COUNT(*) FROM service_webhook) \
         + (SELECT COUNT(*) FROM role WHERE service_sid NOT IN (SELECT sid FROM service)) AS BIGINT)";
    let engine = engine().await;
    for _ in 0..6 {
        let service = new_service(&engine).await.sid;
        let hooks = service_webhook::Update {
            account: engine.account.sid,
            service,
            pre_webhook_url: Some("https://example.com/".into()),
            post_webhook_url: None,
            filters: None,
            method: None,
        };
        let role = role::Create {
            account: engine.account.sid,
            service,
            friendly_name: "late".into(),
            kind: "service".into(),
            permissions: texts(&["joinConversation"]),
        };
        let late = async {
            let hooks = run(&engine, hooks).await.map(drop);
            [hooks, run(&engine, role).await.map(drop)]
        };
        let (results, ()) = tokio::join!(late, delete_service(&engine, service));
        for error in results.into_iter().filter_map(Result::err) {
            assert_eq!(error, confab_domain::Error::code(20404));
        }
        assert_eq!(rows(&engine, LEFT).await, 0);
    }
}

#[tokio::test]
async fn two_who_set_a_part_each_leave_both() {
    let engine = engine().await;
    let service = engine.account.default_service;
    let mut commands = Vec::new();
    let role = new_role(&engine, service, "service", "joinConversation").await;
    for _ in 0..4 {
        commands.push(Configure {
            service_role: Some(role.clone()),
            ..configure(&engine, service)
        });
        commands.push(Configure {
            reachability_enabled: Some(true),
            ..configure(&engine, service)
        });
    }
    for result in join_all(commands.into_iter().map(|c| run(&engine, c))).await {
        result.unwrap();
    }
    let roles = engine
        .read(move |tx| role::list(tx, service, &start(50)))
        .await
        .unwrap();
    assert_eq!(roles.items.len(), 5);
    let found = run(&engine, configure(&engine, service)).await.unwrap();
    assert_eq!(
        (found.service_role.to_string(), found.reachability_enabled),
        (role, true)
    );
}
