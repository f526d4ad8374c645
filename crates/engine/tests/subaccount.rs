//! What a suspended account's credentials and tokens are worth.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use confab_domain::account::Status;
use confab_domain::{Actor, Error, key, subaccount};
use confab_engine::CredentialsChange;
use confab_testkit::{access_token, engine};
use confab_types::ApiError;

#[tokio::test]
async fn a_suspended_account_is_not_let_in_by_token_nor_by_password_b001_b702() {
    let engine = engine().await;
    let owner = engine.account.sid;
    let account = engine
        .create_subaccount(confab_domain::Actor::Rest, owner, None)
        .await
        .unwrap();
    let (key, secret) = engine
        .create_key(confab_domain::Actor::Rest, account.sid, String::new())
        .await
        .unwrap();
    let (sid, name) = (account.sid.to_string(), key.sid.to_string());
    let service = account.default_service.to_string();
    let token = access_token(&sid, "bob", &service, &name, &secret, 3600);
    let password = engine.auth_token(&account).unwrap();
    let set = |status| {
        let command = subaccount::Update {
            viewer: owner,
            account: account.sid,
            friendly_name: None,
            status: Some(status),
        };
        engine.execute(Actor::Rest, command)
    };
    for status in [Status::Active, Status::Suspended, Status::Active, Status::Closed] {
        set(status).await.unwrap();
        let by_password = engine.authenticate(&sid, &password).await.map(|p| p.account());
        let by_key = engine.authenticate(&name, &secret).await.map(|p| p.account());
        let by_token = engine.verify_token(&token).await.map(|t| (t.account, t.key));
        let signer = engine.check_signer(key.sid).await;
        if status == Status::Active {
            assert_eq!(by_password, Ok(account.sid));
            assert_eq!(by_key, Ok(account.sid));
            assert_eq!(by_token, Ok((account.sid, key.sid)));
            assert_eq!(signer, Ok(()));
        } else {
            assert_eq!(by_password, Err(Error::code(20005)));
            assert_eq!(by_key, Err(Error::code(20005)));
            assert_eq!(by_token, Err(ApiError::new(20005).status(403).into()));
            assert_eq!(signer, Err(ApiError::new(20005).status(403).into()));
        }
        let wrong = engine.authenticate(&sid, "guessed").await.map(|p| p.account());
        assert_eq!(wrong, Err(Error::code(20003)));
    }
}

/// Whoever was let in by a key hears of its end, and the engine knows by then.
#[tokio::test]
async fn a_deleted_key_is_told_and_good_for_nothing_b003() {
    let engine = engine().await;
    let account = engine.account.sid;
    let (key, _) = engine
        .create_key(confab_domain::Actor::Rest, account, String::new())
        .await
        .unwrap();
    let (other, _) = engine
        .create_key(confab_domain::Actor::Rest, account, String::new())
        .await
        .unwrap();
    let mut changes = engine.credential_changes();
    let version = engine.credentials_version();
    assert_eq!(engine.check_signer(key.sid).await, Ok(()));
    assert_eq!(engine.credentials_version(), version);
    let delete = key::Delete {
        account,
        key: key.sid,
    };
    engine.execute(Actor::Rest, delete).await.unwrap();
    assert_ne!(engine.credentials_version(), version);
    assert_eq!(engine.check_signer(key.sid).await, Err(Error::code(20103)));
    assert_eq!(engine.check_signer(other.sid).await, Ok(()));
    let told = CredentialsChange {
        account,
        key: Some(key.sid),
    };
    assert_eq!(changes.recv().await, Some(told));
}
