//! Devices that are registered for push.

use confab_domain::binding::{self, Binding, Delete, Filter, IDENTITIES, MessageType, Register};
use confab_domain::credential::{self, CredentialType, Renewal, Sealed};
use confab_domain::{Actor, Error, job, reachability, service, user};
use confab_testkit::{TestClock, TestEngine, engine, engine_at};
use confab_types::{AccountSid, BindingSid, CredentialSid, Sid as _};
use futures_util::future::join_all;

use crate::{new_service, new_user, refused, rows, run, start, texts, walk};

fn register(engine: &TestEngine, identity: &str, endpoint: &str, kind: CredentialType) -> Register {
    Register {
        account: engine.account.sid,
        service: engine.account.default_service,
        identity: identity.into(),
        endpoint: Some(endpoint.into()),
        kind,
        address: format!("token of {endpoint}"),
        credential: None,
        message_types: vec![MessageType::NewMessage],
    }
}

async fn with_users(identities: &[&str]) -> TestEngine {
    let engine = engine().await;
    for identity in identities {
        new_user(&engine, engine.account.default_service, identity).await;
    }
    engine
}

async fn list(engine: &TestEngine, types: &[&str], identities: &[&str]) -> Result<Vec<Binding>, Error> {
    let service = engine.account.default_service;
    let filter = Filter {
        types: texts(types),
        identities: texts(identities),
    };
    engine
        .read(move |tx| Ok(binding::list(tx, service, &filter, &start(100))?.items))
        .await
}

#[tokio::test]
async fn the_same_registration_again_takes_the_place_of_the_first_b625() {
    let engine = with_users(&["alice", "bob"]).await;
    let first = run(&engine, register(&engine, "bob", "phone", CredentialType::Fcm))
        .await
        .unwrap();
    assert_eq!(first.created_at, first.updated_at);
    let again = Register {
        address: "new token".into(),
        message_types: vec![
            MessageType::RemovedFromConversation,
            MessageType::AddedToConversation,
        ],
        ..register(&engine, "bob", "phone", CredentialType::Fcm)
    };
    let second = run(&engine, again).await.unwrap();
    assert_eq!((second.sid, second.created_at), (first.sid, first.created_at));
    assert!(second.updated_at > first.updated_at);
    let (service, sid) = (second.service, second.sid);
    let found = engine
        .read(move |tx| binding::fetch(tx, service, sid))
        .await
        .unwrap();
    assert_eq!(found.address, "new token");
    assert_eq!(found.message_types, second.message_types);
    // Another device, another push service, another identity on the same device.
    for command in [
        register(&engine, "bob", "tablet", CredentialType::Fcm),
        register(&engine, "bob", "phone", CredentialType::Apn),
        register(&engine, "alice", "phone", CredentialType::Fcm),
    ] {
        assert_ne!(run(&engine, command).await.unwrap().sid, first.sid);
    }
    assert_eq!(list(&engine, &[], &[]).await.unwrap().len(), 4);
}

#[tokio::test]
async fn registrations_at_the_same_time_leave_one_b625() {
    let engine = with_users(&["bob"]).await;
    let made = join_all((0..8).map(|n| {
        let command = Register {
            address: format!("token {n}"),
            ..register(&engine, "bob", "phone", CredentialType::Fcm)
        };
        run(&engine, command)
    }))
    .await;
    let sids: Vec<BindingSid> = made.into_iter().map(|b| b.unwrap().sid).collect();
    assert!(sids.iter().all(|sid| *sid == sids[0]));
    assert_eq!(list(&engine, &[], &[]).await.unwrap().len(), 1);
}

/// rest.md §2.18
#[tokio::test]
async fn a_list_is_of_any_of_the_types_and_any_of_the_identities() {
    let engine = with_users(&["alice", "bob", "carol"]).await;
    let mut all = Vec::new();
    for endpoint in ["phone", "tablet"] {
        for identity in ["alice", "bob", "carol"] {
            for kind in CredentialType::ALL {
                all.push(
                    run(&engine, register(&engine, identity, endpoint, kind))
                        .await
                        .unwrap(),
                );
            }
        }
    }
    all.sort_by_key(|b| b.sid);
    let service = engine.account.default_service;
    for (types, identities) in [
        (&[][..], &[][..]),
        (&["apn"][..], &[][..]),
        (&["fcm", "apn", "fcm"][..], &[][..]),
        (&["twilsock"][..], &[][..]),
        (&["twilsock", "gcm"][..], &[][..]),
        (&[][..], &["bob"][..]),
        (&[][..], &["carol", "alice", "carol", "nobody"][..]),
        (&["apn", "gcm"][..], &["bob", "alice"][..]),
        (&["twilsock"][..], &["bob"][..]),
    ] {
        let filter = Filter {
            types: texts(types),
            identities: texts(identities),
        };
        let expected: Vec<BindingSid> = all
            .iter()
            .filter(|b| types.is_empty() || types.contains(&b.kind.name()))
            .filter(|b| identities.is_empty() || identities.contains(&b.identity.as_str()))
            .map(|b| b.sid)
            .collect();
        for size in [1, 4, 100] {
            let filter = filter.clone();
            let seen = walk(&engine, size, move |tx, window| {
                Ok(binding::list(tx, service, &filter, window)?.map(|b| b.sid))
            })
            .await;
            assert_eq!(seen, expected, "{types:?} {identities:?} by {size}");
        }
    }
    let unknown = list(&engine, &["apn", "sms"], &[]).await.unwrap_err();
    assert!(matches!(unknown, Error::Api(api) if api.code == 20001));
    let names: Vec<String> = (0..=IDENTITIES).map(|n| format!("user {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let many = list(&engine, &[], &names).await.unwrap_err();
    assert!(matches!(many, Error::Api(api) if api.code == 20001));
    assert_eq!(list(&engine, &[], &names[1..]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_binding_is_of_its_service_b013_b031() {
    let engine = with_users(&["bob"]).await;
    let made = run(&engine, register(&engine, "bob", "phone", CredentialType::Apn))
        .await
        .unwrap();
    let abroad = new_service(&engine).await.sid;
    let delete = |service| Delete {
        service,
        binding: made.sid,
    };
    assert_eq!(refused(&engine, delete(abroad)).await, (404, 20404));
    run(&engine, delete(made.service)).await.unwrap();
    assert_eq!(refused(&engine, delete(made.service)).await, (404, 20404));
}

/// rest.md §2.7
#[tokio::test]
async fn a_user_takes_his_bindings_along_also_those_of_the_last_moment() {
    let engine = with_users(&["alice"]).await;
    let service = engine.account.default_service;
    let hers = run(&engine, register(&engine, "alice", "phone", CredentialType::Fcm))
        .await
        .unwrap();
    let nobody = register(&engine, "nobody", "phone", CredentialType::Fcm);
    assert_eq!(refused(&engine, nobody).await, (404, 20404));
    for _ in 0..8 {
        new_user(&engine, service, "bob").await;
        run(&engine, register(&engine, "bob", "phone", CredentialType::Fcm))
            .await
            .unwrap();
        let gone = user::Delete {
            service,
            key: "bob".into(),
        };
        let (late, gone) = tokio::join!(
            run(&engine, register(&engine, "bob", "tablet", CredentialType::Fcm)),
            run(&engine, gone)
        );
        gone.unwrap();
        if let Err(error) = late {
            assert_eq!(error, Error::code(20404));
        }
        let left = list(&engine, &[], &[]).await.unwrap();
        assert_eq!(left.iter().map(|b| b.sid).collect::<Vec<_>>(), [hers.sid]);
    }
}

#[tokio::test]
async fn a_credential_is_of_the_account_and_the_push_service_b625() {
    let engine = with_users(&["bob"]).await;
    let account = engine.account.sid;
    let create = credential::Create {
        sid: CredentialSid::from_bits(1),
        account,
        friendly_name: String::new(),
        kind: CredentialType::Fcm,
        sandbox: None,
        secret: Sealed("first".into()),
    };
    let made = run(&engine, create).await.unwrap();
    let with = |credential, kind| Register {
        credential: Some(credential),
        ..register(&engine, "bob", "phone", kind)
    };
    let unknown = with(CredentialSid::from_bits(2), CredentialType::Fcm);
    assert_eq!(refused(&engine, unknown).await, (400, 52002));
    let foreign = Register {
        account: AccountSid::from_bits(2),
        ..with(made.sid, CredentialType::Fcm)
    };
    assert_eq!(refused(&engine, foreign).await, (400, 52002));
    let other = with(made.sid, CredentialType::Gcm);
    assert_eq!(refused(&engine, other).await, (400, 52003));
    assert_eq!(
        rows(&engine, "SELECT CAST(COUNT(*) AS BIGINT) FROM binding").await,
        0
    );
    let bound = run(&engine, with(made.sid, CredentialType::Fcm)).await.unwrap();
    assert_eq!(bound.credential, Some(made.sid));
    // rest.md §2.19: what devices are registered with stays of its kind.
    let change = |seen: &str, kind, secret: &str| credential::Update {
        account,
        credential: made.sid,
        friendly_name: None,
        sandbox: None,
        secret: Some(Renewal {
            seen: Sealed(seen.into()),
            kind,
            secret: Sealed(secret.into()),
        }),
    };
    let other_kind = change("first", CredentialType::Gcm, "second");
    assert_eq!(refused(&engine, other_kind).await, (400, 52003));
    run(&engine, change("first", CredentialType::Fcm, "second"))
        .await
        .unwrap();
    let end = Delete {
        service: bound.service,
        binding: bound.sid,
    };
    run(&engine, end).await.unwrap();
    let changed = run(&engine, change("second", CredentialType::Gcm, "third"))
        .await
        .unwrap();
    assert_eq!(changed.kind, CredentialType::Gcm);
}

/// A year, in seconds.
const YEAR: i64 = binding::RENEWED_SECONDS;

/// Does the jobs that are due, as a worker would; how many there were.
async fn work(engine: &TestEngine) -> usize {
    let mut done = 0;
    loop {
        let claim = job::Claim { most: 10 };
        let claimed = engine.execute(Actor::System, claim).await.unwrap();
        if claimed.is_empty() {
            return done;
        }
        for job in claimed {
            assert_eq!(job.kind, job::Kind::DropBindings);
            let run_at = engine
                .execute(Actor::System, binding::DropUnrenewed)
                .await
                .unwrap();
            let postpone = job::Postpone {
                id: job.id,
                run_at,
                error: None,
            };
            engine.execute(Actor::System, postpone).await.unwrap();
            done += 1;
        }
    }
}

async fn notifiable(engine: &TestEngine, identity: &'static str) -> Option<bool> {
    let service = engine.account.default_service;
    let user = engine.read(move |tx| reachability::fetch(tx, service, identity));
    user.await.unwrap().reachability.unwrap().notifiable
}

#[tokio::test]
async fn what_is_not_renewed_for_a_year_is_dropped_b627_b548() {
    let clock = TestClock::new();
    let engine = engine_at(clock.clone()).await;
    let configure = service::Configure {
        account: engine.account.sid,
        service: engine.account.default_service,
        conversation_creator_role: None,
        conversation_role: None,
        service_role: None,
        reachability_enabled: Some(true),
    };
    run(&engine, configure).await.unwrap();
    for identity in ["alice", "bob"] {
        new_user(&engine, engine.account.default_service, identity).await;
    }
    let registers = |identity, endpoint| {
        run(
            &engine,
            register(&engine, identity, endpoint, CredentialType::Fcm),
        )
    };
    registers("alice", "phone").await.unwrap();
    registers("bob", "phone").await.unwrap();
    clock.advance(1000);
    registers("bob", "tablet").await.unwrap();
    assert_eq!(rows(&engine, "SELECT COUNT(*) FROM job").await, 1);

    // A second before the year of the first two is over nothing happens; bob's phone is renewed by then.
    clock.advance(YEAR - 1001);
    assert_eq!(work(&engine).await, 0);
    registers("bob", "phone").await.unwrap();
    clock.advance(1);
    assert_eq!(work(&engine).await, 1);
    let left: Vec<_> = list(&engine, &[], &[]).await.unwrap();
    assert_eq!(
        left.iter().map(|b| b.endpoint.as_str()).collect::<Vec<_>>(),
        ["phone", "tablet"]
    );
    assert!(left.iter().all(|b| b.identity == "bob"));
    assert_eq!(
        (
            notifiable(&engine, "alice").await,
            notifiable(&engine, "bob").await
        ),
        (Some(false), Some(true))
    );

    // The tablet follows when its own year is over, and then the phone; only with the last one he is not notifiable.
    clock.advance(999);
    assert_eq!(work(&engine).await, 0);
    clock.advance(1);
    assert_eq!(work(&engine).await, 1);
    assert_eq!(list(&engine, &[], &[]).await.unwrap().len(), 1);
    assert_eq!(notifiable(&engine, "bob").await, Some(true));
    clock.advance(YEAR);
    assert_eq!(work(&engine).await, 1);
    assert_eq!(list(&engine, &[], &[]).await.unwrap().len(), 0);
    assert_eq!(notifiable(&engine, "bob").await, Some(false));

    // The job goes on for those who come later, one for all.
    registers("alice", "phone").await.unwrap();
    assert_eq!(notifiable(&engine, "alice").await, Some(true));
    assert_eq!(rows(&engine, "SELECT COUNT(*) FROM job").await, 1);
    clock.advance(YEAR);
    assert!(work(&engine).await > 0);
    assert_eq!(list(&engine, &[], &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn many_are_dropped_in_steps_b627() {
    let clock = TestClock::new();
    let engine = engine_at(clock.clone()).await;
    new_user(&engine, engine.account.default_service, "bob").await;
    let all = (0..205).map(|n| {
        let command = register(&engine, "bob", &format!("device {n}"), CredentialType::Apn);
        run(&engine, command)
    });
    for made in join_all(all).await {
        made.unwrap();
    }
    clock.advance(YEAR);
    assert_eq!(work(&engine).await, 3);
    assert_eq!(rows(&engine, "SELECT COUNT(*) FROM binding").await, 0);
}
