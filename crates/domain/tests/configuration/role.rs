//! Roles, and who holds them.

use confab_domain::role::{self, Create, Delete, Role, RoleType, Update};
use confab_domain::{Error, conversation, participant, service, user};
use confab_testkit::{TestEngine, engine};
use confab_types::{RoleSid, ServiceSid};
use futures_util::future::join;

use crate::{long, new_conversation, new_service, new_user, refused, rows, run, start, texts, walk};

fn create(engine: &TestEngine, kind: &str, permissions: &[&str]) -> Create {
    Create {
        account: engine.account.sid,
        service: engine.account.default_service,
        friendly_name: "guest".into(),
        kind: kind.into(),
        permissions: texts(permissions),
    }
}

fn delete(engine: &TestEngine, role: RoleSid) -> Delete {
    Delete {
        service: engine.account.default_service,
        role,
    }
}

async fn all(engine: &TestEngine, service: ServiceSid) -> Vec<Role> {
    engine
        .read(move |tx| role::list(tx, service, &start(50)))
        .await
        .unwrap()
        .items
}

#[tokio::test]
async fn a_new_service_has_four_roles_b053_b054_b657_b658_b659_b660() {
    let engine = engine().await;
    let service = new_service(&engine).await;
    let roles = all(&engine, service.sid).await;
    let named = |name: &str| roles.iter().find(|r| r.friendly_name == name).unwrap();
    let expected = [
        (
            "service admin",
            RoleType::Service,
            "createConversation joinConversation deleteConversation editConversationAttributes \
             editConversationName addParticipant removeParticipant editAnyMessage deleteAnyMessage \
             editAnyMessageAttributes editAnyUserInfo editAnyParticipantAttributes",
        ),
        (
            "service user",
            RoleType::Service,
            "createConversation joinConversation editOwnUserInfo",
        ),
        (
            "channel admin",
            RoleType::Conversation,
            "sendMessage sendMediaMessage leaveConversation editNotificationLevel deleteConversation \
             removeParticipant editConversationName editConversationAttributes addParticipant \
             editAnyParticipantAttributes editAnyMessage editAnyMessageAttributes deleteAnyMessage",
        ),
        (
            "channel user",
            RoleType::Conversation,
            "sendMessage sendMediaMessage leaveConversation editNotificationLevel \
             editOwnParticipantAttributes editOwnMessage editOwnMessageAttributes deleteOwnMessage",
        ),
    ];
    assert_eq!(roles.len(), expected.len());
    for (name, kind, permissions) in expected {
        let role = named(name);
        assert_eq!((role.kind, role.service), (kind, service.sid), "{name}");
        assert_eq!(role.permissions.join(" "), permissions, "{name}");
        // Each of them could also have been made by hand.
        let again = Create {
            service: service.sid,
            friendly_name: name.into(),
            permissions: role.permissions.clone(),
            ..create(&engine, kind.name(), &[])
        };
        assert_eq!(run(&engine, again).await.unwrap().permissions, role.permissions);
    }
    assert_eq!(service.service_role, named("service user").sid);
    assert_eq!(service.conversation_role, named("channel user").sid);
    assert_eq!(service.conversation_creator_role, named("channel admin").sid);
}

#[tokio::test]
async fn a_role_lists_permissions_of_its_level_b654_b655() {
    let engine = engine().await;
    let before = all(&engine, engine.account.default_service).await.len();
    for (command, code) in [
        (create(&engine, "service", &["sendMessage"]), 50104),
        (create(&engine, "conversation", &["createConversation"]), 50104),
        (create(&engine, "conversation", &["sendMessage", "fly"]), 50104),
        (create(&engine, "deployment", &["sendMessage"]), 50105),
        (create(&engine, "", &["sendMessage"]), 50105),
        (create(&engine, "conversation", &[]), 20001),
        (
            Create {
                friendly_name: long(65),
                ..create(&engine, "conversation", &["sendMessage"])
            },
            50003,
        ),
    ] {
        let told = format!("{command:?}");
        assert_eq!(refused(&engine, command).await, (400, code), "{told}");
    }
    assert_eq!(all(&engine, engine.account.default_service).await.len(), before);
    let longest = Create {
        friendly_name: long(64),
        ..create(
            &engine,
            "conversation",
            &["sendMessage", "leaveConversation", "sendMessage"],
        )
    };
    let made = run(&engine, longest).await.unwrap();
    assert_eq!(made.permissions, ["sendMessage", "leaveConversation"]);
    assert_eq!(
        (made.friendly_name, made.kind),
        (long(64), RoleType::Conversation)
    );
}

#[tokio::test]
async fn an_update_replaces_the_list_b656() {
    let engine = engine().await;
    let made = run(&engine, create(&engine, "service", &["addParticipant"]))
        .await
        .unwrap();
    let update = |permissions: &[&str]| Update {
        service: made.service,
        role: made.sid,
        permissions: texts(permissions),
    };
    let changed = run(&engine, update(&["editAnyMessage", "joinConversation"]))
        .await
        .unwrap();
    assert_eq!(changed.permissions, ["editAnyMessage", "joinConversation"]);
    assert!(changed.updated_at > made.updated_at);
    assert_eq!(refused(&engine, update(&[])).await, (400, 20001));
    assert_eq!(refused(&engine, update(&["sendMessage"])).await, (400, 50104));
    let abroad = Update {
        service: new_service(&engine).await.sid,
        ..update(&["editAnyMessage"])
    };
    assert_eq!(refused(&engine, abroad).await, (404, 20404));
    let (service, sid) = (made.service, made.sid);
    let kept = engine
        .read(move |tx| role::fetch(tx, service, sid))
        .await
        .unwrap();
    assert_eq!(kept.permissions, ["editAnyMessage", "joinConversation"]);
}

#[tokio::test]
async fn the_list_is_walked_by_pages_b022_b031() {
    let engine = engine().await;
    let service = engine.account.default_service;
    for _ in 0..5 {
        run(&engine, create(&engine, "service", &["addParticipant"]))
            .await
            .unwrap();
    }
    let seen = walk(&engine, 2, move |tx, window| {
        Ok(role::list(tx, service, window)?.map(|r| r.sid))
    })
    .await;
    let expected: Vec<RoleSid> = all(&engine, service).await.iter().map(|r| r.sid).collect();
    assert_eq!(seen.len(), 9);
    assert_eq!(seen, expected);
}

/// rest.md §2.10
#[tokio::test]
async fn a_role_that_somebody_has_is_not_deleted() {
    let engine = engine().await;
    let service = engine.account.default_service;
    for role in all(&engine, service).await {
        let expected = if role.friendly_name == "service admin" {
            None
        } else {
            Some((409, 20409))
        };
        match expected {
            None => run(&engine, delete(&engine, role.sid)).await.unwrap(),
            Some(error) => assert_eq!(
                refused(&engine, delete(&engine, role.sid)).await,
                error,
                "{}",
                role.friendly_name
            ),
        }
    }
    // A user's.
    let made = run(&engine, create(&engine, "service", &["addParticipant"]))
        .await
        .unwrap();
    let bob = new_user(&engine, service, "bob").await;
    let change = |role: RoleSid| user::Update {
        service,
        key: "bob".into(),
        friendly_name: None,
        attributes: None,
        role: Some(role.to_string()),
    };
    run(&engine, change(made.sid)).await.unwrap();
    assert_eq!(refused(&engine, delete(&engine, made.sid)).await, (409, 20409));
    run(&engine, change(bob.role_sid)).await.unwrap();
    run(&engine, delete(&engine, made.sid)).await.unwrap();
    assert_eq!(refused(&engine, delete(&engine, made.sid)).await, (404, 20404));
    assert_eq!(refused(&engine, change(made.sid)).await, (400, 50102));
    // A participant's.
    let made = run(&engine, create(&engine, "conversation", &["sendMessage"]))
        .await
        .unwrap();
    let conversation = new_conversation(&engine, service).await;
    let add = participant::Add {
        service,
        conversation: conversation.sid.to_string(),
        fields: participant::Fields {
            identity: Some("bob".into()),
            role: Some(made.sid.to_string()),
            ..participant::Fields::default()
        },
    };
    run(&engine, add).await.unwrap();
    assert_eq!(refused(&engine, delete(&engine, made.sid)).await, (409, 20409));
    let gone = conversation::Delete {
        service,
        key: conversation.sid.to_string(),
    };
    run(&engine, gone).await.unwrap();
    run(&engine, delete(&engine, made.sid)).await.unwrap();
}

/// Whoever is first: either the role stays, or nobody gets it.
#[tokio::test]
async fn a_role_is_not_deleted_under_who_just_gets_it() {
    const DANGLING: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT role_sid FROM chat_user \
         UNION ALL SELECT role_sid FROM participant WHERE role_sid IS NOT NULL \
         UNION ALL SELECT service_role_sid FROM service UNION ALL SELECT conversation_role_sid FROM service) AS held \
         WHERE role_sid NOT IN (SELECT sid FROM role)";
    let engine = engine().await;
    let service = engine.account.default_service;
    let conversation = new_conversation(&engine, service).await.sid.to_string();
    for n in 0..12 {
        let (kind, permission) = [("service", "addParticipant"), ("conversation", "sendMessage")][n % 2];
        let role = run(&engine, create(&engine, kind, &[permission]))
            .await
            .unwrap()
            .sid;
        let get = async {
            if n % 4 < 2 {
                let configure = service::Configure {
                    account: engine.account.sid,
                    service,
                    conversation_creator_role: None,
                    conversation_role: (kind == "conversation").then(|| role.to_string()),
                    service_role: (kind == "service").then(|| role.to_string()),
                    reachability_enabled: None,
                };
                run(&engine, configure).await.map(drop)
            } else if kind == "service" {
                let create = user::Create {
                    account: engine.account.sid,
                    service,
                    identity: format!("user {n}"),
                    friendly_name: None,
                    attributes: None,
                    role: Some(role.to_string()),
                };
                run(&engine, create).await.map(drop)
            } else {
                let add = participant::Add {
                    service,
                    conversation: conversation.clone(),
                    fields: participant::Fields {
                        identity: Some(format!("user {n}")),
                        role: Some(role.to_string()),
                        ..participant::Fields::default()
                    },
                };
                run(&engine, add).await.map(drop)
            }
        };
        match join(get, run(&engine, delete(&engine, role))).await {
            (Ok(()), Err(Error::Api(error))) => assert_eq!(error.code, 20409),
            (Err(Error::Api(error)), Ok(())) => assert_eq!(error.status, 400),
            other => panic!("{other:?}"),
        }
        assert_eq!(rows(&engine, DANGLING).await, 0);
    }
}
