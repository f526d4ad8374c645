//! The account's defaults.

use confab_domain::account::{self, Account, Configure};
use confab_domain::conversation::Fields;
use confab_domain::{Actor, service};
use confab_types::ServiceSid;

use crate::{World, code, timers};

impl World {
    fn configuration(&self) -> Configure {
        Configure {
            sid: self.account.sid,
            default_service: None,
            default_messaging_service: None,
            default_inactive_timer: None,
            default_closed_timer: None,
        }
    }

    async fn configure(&self, change: impl FnOnce(&mut Configure)) -> Result<Account, u32> {
        let mut configure = self.configuration();
        change(&mut configure);
        self.rest(configure).await
    }

    async fn account(&self) -> Account {
        let sid = self.account.sid;
        self.read(move |tx| account::find(tx, sid))
            .await
            .unwrap()
            .unwrap()
    }

    async fn new_service(&self) -> ServiceSid {
        let create = service::Create {
            account: self.account.sid,
            friendly_name: "other".into(),
        };
        self.rest(create).await.unwrap().sid
    }
}

#[tokio::test]
async fn timers_are_shown_as_they_were_set_b059() {
    let world = World::new().await;
    let fresh = world.account().await;
    assert_eq!(
        (fresh.default_inactive_timer, fresh.default_closed_timer),
        (None, None)
    );
    world
        .configure(|c| {
            c.default_inactive_timer = Some("PT60S".into());
            c.default_closed_timer = Some("P1D".into());
        })
        .await
        .unwrap();
    let set = world.account().await;
    assert_eq!(set.default_inactive_timer.as_deref(), Some("PT60S"));
    assert_eq!(set.default_closed_timer.as_deref(), Some("P1D"));
    let off = world
        .configure(|c| c.default_inactive_timer = Some("PT0S".into()))
        .await
        .unwrap();
    assert_eq!(off.default_inactive_timer, None);
    assert_eq!(off.default_closed_timer.as_deref(), Some("P1D"));
}

#[tokio::test]
async fn the_rules_of_timers_hold_b059_b116_b117() {
    let world = World::new().await;
    for (text, refusal) in [("PT59S", 50375), ("P6M", 50379), ("", 50379), ("soon", 50379)] {
        let refused = world
            .configure(|c| c.default_inactive_timer = Some(text.into()))
            .await;
        assert_eq!(refused.unwrap_err(), refusal, "{text}");
    }
    for (text, refusal) in [("PT599S", 50376), ("P1Y", 50380)] {
        // One bad parameter, and the good ones are not taken either.
        let refused = world
            .configure(|c| {
                c.default_inactive_timer = Some("PT1M".into());
                c.default_closed_timer = Some(text.into());
            })
            .await;
        assert_eq!(refused.unwrap_err(), refusal, "{text}");
    }
    world
        .configure(|c| c.default_closed_timer = Some("PT600S".into()))
        .await
        .unwrap();
    assert_eq!(world.account().await.default_inactive_timer, None);
}

#[tokio::test]
async fn defaults_are_copied_at_creation_only_b060() {
    let world = World::new().await;
    let before = world.create(Fields::default()).await.unwrap();
    world
        .configure(|c| {
            c.default_inactive_timer = Some("PT1M".into());
            c.default_closed_timer = Some("PT10M".into());
        })
        .await
        .unwrap();
    assert!(world.get(before.sid).await.date_inactive().is_none());
    let after = world.create(Fields::default()).await.unwrap();
    let (inactive, closed) = (after.date_inactive(), after.date_closed());
    assert_eq!(inactive, Some(world.now().plus_seconds(60)));
    assert_eq!(closed, Some(world.now().plus_seconds(660)));
    let own = world.create(timers(Some("PT0S"), Some("PT20M"))).await.unwrap();
    assert_eq!(
        (own.date_inactive(), own.date_closed()),
        (None, Some(world.now().plus_seconds(1200)))
    );
    world
        .configure(|c| {
            c.default_inactive_timer = Some("PT0S".into());
            c.default_closed_timer = Some("PT0S".into());
        })
        .await
        .unwrap();
    let kept = world.get(after.sid).await;
    assert_eq!((kept.date_inactive(), kept.date_closed()), (inactive, closed));
}

#[tokio::test]
async fn the_messaging_service_of_those_that_name_none_b061() {
    let world = World::new().await;
    let default = world.account().await.default_messaging_service;
    assert!(default.is_some());
    let made = world.create(Fields::default()).await.unwrap();
    assert_eq!(made.messaging_service, default);
    let none = Fields {
        messaging_service: Some(String::new()),
        ..Fields::default()
    };
    assert_eq!(world.create(none).await.unwrap().messaging_service, None);
    for (text, refusal) in [("nonsense", 50341), ("MG00000000000000000000000000000000", 50342)] {
        let refused = world
            .configure(|c| c.default_messaging_service = Some(text.into()))
            .await;
        assert_eq!(refused.unwrap_err(), refusal);
    }
    world
        .configure(|c| c.default_messaging_service = Some(String::new()))
        .await
        .unwrap();
    assert_eq!(
        world.create(Fields::default()).await.unwrap().messaging_service,
        None
    );
    assert_eq!(world.get(made.sid).await.messaging_service, default);
}

#[tokio::test]
async fn the_short_form_moves_to_the_new_default_service_at_once_b030() {
    let world = World::new().await;
    let short_form = async || {
        let account = world.account.sid.to_string();
        world
            .credentials(&account)
            .await
            .unwrap()
            .unwrap()
            .default_service
    };
    assert_eq!(short_form().await, world.service);
    let other = world.new_service().await;
    for (text, refusal) in [
        ("", 20001),
        ("IS1", 20001),
        ("IS00000000000000000000000000000000", 50050),
    ] {
        let refused = world.configure(|c| c.default_service = Some(text.into())).await;
        assert_eq!(refused.unwrap_err(), refusal, "{text}");
    }
    assert_eq!(short_form().await, world.service);
    let text = other.to_string();
    world.configure(|c| c.default_service = Some(text)).await.unwrap();
    assert_eq!(short_form().await, other);
}

#[tokio::test]
async fn an_update_of_nothing_changes_nothing_b014() {
    let world = World::new().await;
    let before = world.account().await;
    world.clock.advance(1);
    world.configure(|_| {}).await.unwrap();
    assert_eq!(world.account().await.updated_at, before.updated_at);
}

/// rest.md §2.14: the default service cannot be deleted, so it must not become the default one while it is.
#[tokio::test]
async fn a_service_is_not_made_the_default_one_while_it_is_deleted() {
    let world = World::new().await;
    for _ in 0..10 {
        let other = world.new_service().await;
        let mut configure = world.configuration();
        configure.default_service = Some(other.to_string());
        let delete = service::Delete {
            account: world.account.sid,
            service: other,
        };
        let (configured, deleted) = tokio::join!(
            world.execute(Actor::Rest, configure),
            world.execute(Actor::Rest, delete)
        );
        match (configured, deleted) {
            (Ok(_), Err(error)) => assert_eq!(code(error), 20001),
            (Err(error), Ok(done)) => assert_eq!((code(error), done), (50050, true)),
            both => panic!("{both:?}"),
        }
        let back = world.service.to_string();
        world.configure(|c| c.default_service = Some(back)).await.unwrap();
    }
}
