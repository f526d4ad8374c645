//! Numbers of messaging services, and the end of a service.

use confab_domain::account::{self, Configure};
use confab_domain::messaging_service::{Create, Delete, Fields, MessagingService};
use confab_domain::number;
use confab_domain::pool::{self, Add};
use confab_testkit::{TestEngine, engine};
use confab_types::NumberSid;
use futures_util::future::{join, join_all};

use crate::{rows, run};

async fn new_service(engine: &TestEngine) -> MessagingService {
    let command = Create {
        account: engine.account.sid,
        fields: Fields {
            friendly_name: Some("desk".into()),
            ..Fields::default()
        },
    };
    run(engine, command).await.unwrap()
}

async fn new_number(engine: &TestEngine, address: &str) -> NumberSid {
    let command = number::Create {
        account: engine.account.sid,
        address: address.into(),
        friendly_name: None,
        kind: None,
    };
    run(engine, command).await.unwrap().sid
}

fn add(engine: &TestEngine, service: &MessagingService, number: NumberSid) -> Add {
    Add {
        account: engine.account.sid,
        service: service.sid,
        number,
    }
}

#[tokio::test]
async fn of_services_that_want_a_number_at_once_one_gets_it_b887() {
    let engine = engine().await;
    let mut services = Vec::new();
    for _ in 0..4 {
        services.push(new_service(&engine).await);
    }
    let number = new_number(&engine, "+15017122661").await;
    let added = join_all(
        services
            .iter()
            .map(|service| run(&engine, add(&engine, service, number))),
    )
    .await;
    assert_eq!(added.iter().filter(|a| a.is_ok()).count(), 1);
    for error in added.into_iter().filter_map(Result::err) {
        assert_eq!(error, confab_domain::Error::code(21712));
    }
}

#[tokio::test]
async fn nothing_points_to_a_service_that_is_gone_b061_b887() {
    const DANGLING: &str = "SELECT CAST((SELECT COUNT(*) FROM number WHERE messaging_service_sid IS NOT NULL) \
         + (SELECT COUNT(*) FROM account WHERE default_messaging_service_sid IS NOT NULL \
         AND default_messaging_service_sid NOT IN (SELECT sid FROM messaging_service)) AS BIGINT)";
    let engine = engine().await;
    let number = new_number(&engine, "+15017122661").await;
    for round in 0..8 {
        let service = new_service(&engine).await;
        let delete = Delete {
            account: engine.account.sid,
            service: service.sid,
        };
        let late = async {
            if round % 2 == 0 {
                run(&engine, add(&engine, &service, number)).await.map(drop)
            } else {
                let default = Configure {
                    sid: engine.account.sid,
                    default_service: None,
                    default_messaging_service: Some(service.sid.to_string()),
                    default_inactive_timer: None,
                    default_closed_timer: None,
                };
                run(&engine, default).await.map(drop)
            }
        };
        let (late, deleted) = join(late, run(&engine, delete)).await;
        deleted.unwrap();
        if let Err(confab_domain::Error::Store(error)) = late {
            panic!("{error}");
        }
        assert_eq!(rows(&engine, DANGLING).await, 0);
        let sid = service.sid;
        let left = engine
            .read(move |tx| pool::fetch(tx, sid, number))
            .await
            .unwrap_err();
        assert_eq!(left, confab_domain::Error::code(20404));
    }
    let sid = engine.account.sid;
    let account = engine
        .read(move |tx| account::find(tx, sid))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(account.owner, sid);
}
