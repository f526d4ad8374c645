//! Credentials of push services, sealed and kept to themselves.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use confab_domain::credential::{self, Credential, CredentialType, Delete};
use confab_domain::{Actor, Error, Result, Window};
use confab_engine::{CredentialFields, Parts, PushSecret};
use confab_testkit::{TestEngine, engine};
use confab_types::{AccountSid, CredentialSid, Sid as _};
use futures_util::future::join_all;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};

/// A text of some characters that take more than a byte each.
fn long(chars: usize) -> String {
    "é".repeat(chars)
}

async fn all(engine: &TestEngine) -> Vec<CredentialSid> {
    let account = engine.account.sid;
    let window = Window {
        cursor: None,
        size: 100,
    };
    let page = engine
        .read(move |tx| credential::list(tx, account, &window))
        .await
        .unwrap();
    page.items.iter().map(|c| c.sid).collect()
}

/// A certificate and its key, as PEM.
fn pair() -> (String, String) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = CertificateParams::new(vec!["push.example.com".into()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn apn(certificate: &str, private_key: &str) -> CredentialFields {
    let sent = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    CredentialFields {
        parts: Parts {
            certificate: sent(certificate),
            private_key: sent(private_key),
            ..Parts::default()
        },
        ..CredentialFields::default()
    }
}

fn fcm(secret: &str) -> CredentialFields {
    CredentialFields {
        parts: Parts {
            secret: Some(secret.into()),
            ..Parts::default()
        },
        ..CredentialFields::default()
    }
}

fn gcm(api_key: &str) -> CredentialFields {
    CredentialFields {
        parts: Parts {
            api_key: Some(api_key.into()),
            ..Parts::default()
        },
        ..CredentialFields::default()
    }
}

async fn create(engine: &TestEngine, kind: CredentialType, fields: CredentialFields) -> Result<Credential> {
    engine
        .create_credential(confab_domain::Actor::Rest, engine.account.sid, kind, fields)
        .await
}

async fn update(
    engine: &TestEngine,
    sid: CredentialSid,
    kind: Option<CredentialType>,
    fields: CredentialFields,
) -> Result<Credential> {
    engine
        .update_credential(confab_domain::Actor::Rest, engine.account.sid, sid, kind, fields)
        .await
}

fn code(result: Result<Credential>) -> (u16, u32) {
    match result {
        Err(Error::Api(error)) => (error.status, error.code),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn secrets_are_kept_sealed_and_shown_to_nobody_b070() {
    let engine = engine().await;
    let (certificate, private_key) = pair();
    let account =
        r#"{"type":"service_account","project_id":"p","client_email":"push@p","private_key":"THE-KEY"}"#;
    for (kind, fields, secrets) in [
        (
            CredentialType::Apn,
            apn(&certificate, &private_key),
            vec![certificate.as_str(), &private_key],
        ),
        (CredentialType::Gcm, gcm("THE-KEY"), vec!["THE-KEY"]),
        (CredentialType::Fcm, fcm("AAAA:THE-KEY"), vec!["THE-KEY"]),
        (CredentialType::Fcm, fcm(account), vec!["THE-KEY"]),
    ] {
        let told = format!("{fields:?}");
        let made = create(&engine, kind, fields).await.unwrap();
        let (account, sid) = (engine.account.sid, made.sid);
        let found = engine
            .read(move |tx| credential::fetch(tx, account, sid))
            .await
            .unwrap();
        let opened = engine.open_push_secret(&found).unwrap();
        for secret in secrets {
            let lines = secret
                .lines()
                .filter(|l| !l.starts_with("-----") && !l.is_empty());
            for line in lines {
                for text in [
                    &found.secret.0,
                    &format!("{found:?}"),
                    &format!("{opened:?}"),
                    &told,
                ] {
                    assert!(!text.contains(line), "{text}");
                }
            }
        }
        match opened {
            PushSecret::Apn {
                certificate: c,
                private_key: k,
            } => assert_eq!((c, k), (certificate.clone(), private_key.clone())),
            PushSecret::Gcm { api_key } => assert_eq!(api_key, "THE-KEY"),
            PushSecret::Fcm { secret } => assert!(secret.contains("THE-KEY")),
        }
    }
}

#[tokio::test]
async fn a_secret_of_one_credential_does_not_open_in_another_b070() {
    let engine = engine().await;
    let one = create(&engine, CredentialType::Gcm, gcm("one")).await.unwrap();
    let mut other = create(&engine, CredentialType::Gcm, gcm("other")).await.unwrap();
    other.secret = one.secret;
    assert_eq!(engine.open_push_secret(&other), Err(Error::code(20500)));
}

#[tokio::test]
async fn certificate_and_key_must_be_of_each_other_b071() {
    let engine = engine().await;
    let (certificate, private_key) = pair();
    let (other_certificate, other_key) = pair();
    let cut = &certificate[..certificate.len() / 2];
    for (fields, expected) in [
        (apn(&certificate, ""), 52161),
        (apn("", &private_key), 52161),
        (apn(&certificate, "  \n"), 52161),
        (apn("certificate", &private_key), 20001),
        (apn(&certificate, "key"), 20001),
        (apn(cut, &private_key), 20001),
        (apn(&private_key, &private_key), 20001),
        (apn(&certificate, &certificate), 20001),
        (apn(&other_certificate, &private_key), 20001),
        (apn(&certificate, &other_key), 20001),
        (
            apn(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                &private_key,
            ),
            20001,
        ),
        // What other push services have.
        (gcm("key"), 52161),
    ] {
        assert_eq!(
            code(create(&engine, CredentialType::Apn, fields).await),
            (400, expected)
        );
    }
    assert_eq!(all(&engine).await, []);
    // The leaf comes first, and who exports from a keychain has words around it.
    let chain = format!("Bag Attributes\n  friendlyName: push\n{certificate}{other_certificate}");
    create(&engine, CredentialType::Apn, apn(&chain, &private_key))
        .await
        .unwrap();
}

/// The documentation's sample sends a type and nothing else.
#[tokio::test]
async fn a_credential_may_get_its_secret_later_b070() {
    let engine = engine().await;
    let (certificate, private_key) = pair();
    for (kind, fields) in [
        (CredentialType::Apn, apn(&certificate, &private_key)),
        (CredentialType::Gcm, gcm("key")),
        (CredentialType::Fcm, fcm("key")),
    ] {
        let made = create(&engine, kind, CredentialFields::default()).await.unwrap();
        assert!(engine.open_push_secret(&made).unwrap().is_blank());
        let again = update(&engine, made.sid, Some(kind), CredentialFields::default());
        assert!(engine.open_push_secret(&again.await.unwrap()).unwrap().is_blank());
        if kind == CredentialType::Apn {
            for half in [apn(&certificate, ""), apn("", &private_key)] {
                assert_eq!(code(update(&engine, made.sid, None, half).await), (400, 52161));
            }
        }
        let filled = update(&engine, made.sid, None, fields).await.unwrap();
        assert!(!engine.open_push_secret(&filled).unwrap().is_blank());
    }
}

#[tokio::test]
async fn what_google_gives_is_json_or_a_key() {
    let engine = engine().await;
    for (kind, fields, expected) in [
        (CredentialType::Gcm, gcm(""), 52161),
        (CredentialType::Gcm, fcm("key"), 52161),
        (CredentialType::Fcm, fcm(" "), 52161),
        (CredentialType::Fcm, gcm("key"), 52161),
        (CredentialType::Fcm, fcm("{}"), 20001),
        (CredentialType::Fcm, fcm("{\"project_id\":\"p\""), 20001),
        (
            CredentialType::Fcm,
            fcm(r#"{"project_id":"p","client_email":"","private_key":"k"}"#),
            20001,
        ),
    ] {
        assert_eq!(code(create(&engine, kind, fields).await), (400, expected));
    }
}

#[tokio::test]
async fn only_apple_has_a_sandbox_b070() {
    let engine = engine().await;
    let (certificate, private_key) = pair();
    let with = |fields: CredentialFields, sandbox| CredentialFields { sandbox, ..fields };
    let sandbox = |wanted| {
        create(
            &engine,
            CredentialType::Apn,
            with(apn(&certificate, &private_key), wanted),
        )
    };
    assert_eq!(sandbox(None).await.unwrap().sandbox, Some(false));
    let made = sandbox(Some(true)).await.unwrap();
    assert_eq!(made.sandbox, Some(true));
    let nothing = CredentialFields::default();
    let same = update(&engine, made.sid, None, nothing.clone()).await.unwrap();
    assert_eq!((same.sandbox, same.updated_at), (Some(true), made.updated_at));
    let changed = update(&engine, made.sid, None, with(nothing, Some(false)))
        .await
        .unwrap();
    assert_eq!(changed.sandbox, Some(false));
    let google = create(&engine, CredentialType::Gcm, with(gcm("key"), Some(true)))
        .await
        .unwrap();
    assert_eq!(google.sandbox, None);
}

#[tokio::test]
async fn an_update_keeps_the_half_that_is_not_sent() {
    let engine = engine().await;
    let (certificate, private_key) = pair();
    let made = create(&engine, CredentialType::Apn, apn(&certificate, &private_key))
        .await
        .unwrap();
    // The same certificate again is still that of the key; another one is not.
    update(&engine, made.sid, None, apn(&certificate, ""))
        .await
        .unwrap();
    let (other_certificate, other_key) = pair();
    assert_eq!(
        code(update(&engine, made.sid, None, apn(&other_certificate, "")).await),
        (400, 20001)
    );
    assert_eq!(
        code(update(&engine, made.sid, None, apn("", &other_key)).await),
        (400, 20001)
    );
    assert_eq!(
        code(
            update(
                &engine,
                made.sid,
                Some(CredentialType::Fcm),
                CredentialFields::default()
            )
            .await
        ),
        (400, 52161)
    );
    let changed = update(&engine, made.sid, None, apn(&other_certificate, &other_key))
        .await
        .unwrap();
    let expected = PushSecret::Apn {
        certificate: other_certificate,
        private_key: other_key,
    };
    assert_eq!(engine.open_push_secret(&changed), Ok(expected));
    let changed = update(&engine, made.sid, Some(CredentialType::Fcm), fcm("key"))
        .await
        .unwrap();
    assert_eq!((changed.kind, changed.sandbox), (CredentialType::Fcm, None));
}

#[tokio::test]
async fn halves_of_two_callers_are_never_put_together() {
    let engine = engine().await;
    let pairs: Vec<(String, String)> = (0..3).map(|_| pair()).collect();
    let made = create(&engine, CredentialType::Apn, apn(&pairs[0].0, &pairs[0].1))
        .await
        .unwrap();
    for round in 0..4 {
        let updates = pairs
            .iter()
            .map(|(certificate, key)| update(&engine, made.sid, None, apn(certificate, key)));
        let done = join_all(updates).await;
        assert!(done.iter().any(Result::is_ok), "{round}");
        for error in done.into_iter().filter_map(Result::err) {
            assert_eq!(error, Error::code(20409));
        }
        let (account, sid) = (engine.account.sid, made.sid);
        let found = engine
            .read(move |tx| credential::fetch(tx, account, sid))
            .await
            .unwrap();
        let PushSecret::Apn {
            certificate,
            private_key,
        } = engine.open_push_secret(&found).unwrap()
        else {
            panic!("{found:?}");
        };
        assert!(pairs.contains(&(certificate, private_key)));
    }
}

#[tokio::test]
async fn a_name_has_at_most_64_characters_b077() {
    let engine = engine().await;
    let named = |name: &str| CredentialFields {
        friendly_name: Some(name.into()),
        ..gcm("key")
    };
    assert_eq!(
        code(create(&engine, CredentialType::Gcm, named(&long(65))).await),
        (400, 20002)
    );
    let made = create(&engine, CredentialType::Gcm, named(&long(64)))
        .await
        .unwrap();
    assert_eq!(made.friendly_name, Some(long(64)));
    assert_eq!(
        code(update(&engine, made.sid, None, named(&long(65))).await),
        (400, 20002)
    );
    let cleared = update(&engine, made.sid, None, named("")).await.unwrap();
    assert_eq!(cleared.friendly_name, None);
    let unnamed = create(&engine, CredentialType::Gcm, gcm("key")).await.unwrap();
    assert_eq!(unnamed.friendly_name, None);
}

#[tokio::test]
async fn credentials_are_listed_and_ended_by_their_account_b013_b031() {
    let engine = engine().await;
    let mut expected = Vec::new();
    for n in 0..3 {
        let made = create(&engine, CredentialType::Gcm, gcm(&format!("key {n}")))
            .await
            .unwrap();
        expected.push(made.sid);
    }
    expected.sort_unstable();
    assert_eq!(all(&engine).await, expected);
    let account = engine.account.sid;
    let delete = |account| {
        let command = Delete {
            account,
            credential: expected[0],
        };
        engine.execute(Actor::Rest, command)
    };
    let stranger = AccountSid::from_bits(2);
    assert_eq!(delete(stranger).await, Err(Error::code(20404)));
    let foreign = engine
        .update_credential(
            confab_domain::Actor::Rest,
            stranger,
            expected[0],
            None,
            gcm("mine"),
        )
        .await;
    assert_eq!(code(foreign), (404, 20404));
    delete(account).await.unwrap();
    assert_eq!(delete(account).await, Err(Error::code(20404)));
    assert_eq!(all(&engine).await, expected[1..]);
}
