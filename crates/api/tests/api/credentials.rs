//! Credentials of push services.

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

const PATH: &str = "/v1/Credentials";

/// A certificate and its key, as PEM.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["push.example.com".into()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// CreateCredential, FetchCredential, UpdateCredential
#[tokio::test]
async fn secrets_go_in_and_never_come_out_b070() {
    let api = api().await;
    let (certificate, private_key) = pair();
    let service_account = r#"{"project_id":"p","client_email":"push@p","private_key":"SECRET"}"#;
    let apple = [
        ("Type", "apn"),
        ("FriendlyName", "phones"),
        ("Certificate", &certificate),
        ("PrivateKey", &private_key),
        ("Sandbox", "true"),
    ];
    let answer = api.post(PATH, &apple).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "friendly_name",
            "type",
            "sandbox",
            "date_created",
            "date_updated",
            "url"
        ]
    );
    let made = answer.expect(201);
    assert_eq!(made["account_sid"], ACCOUNT);
    assert_eq!(
        (&made["type"], &made["sandbox"], &made["friendly_name"]),
        (&json!("apn"), &json!("True"), &json!("phones"))
    );
    let path = path_of(&made["url"]);
    assert_eq!(api.get(&path).await.expect(200), made);
    assert_eq!(api.post(&path, &[]).await.expect(200), made);
    let (other_certificate, other_key) = pair();
    let renewal = [
        ("Certificate", other_certificate.as_str()),
        ("PrivateKey", &other_key),
        ("Sandbox", "FALSE"),
        ("FriendlyName", ""),
    ];
    let changed = api.post(&path, &renewal).await.expect(200);
    assert_eq!(changed["sandbox"], "False");
    assert!(changed["friendly_name"].is_null());
    for form in [
        [("Type", "gcm"), ("ApiKey", "SECRET")],
        [("Type", "fcm"), ("Secret", "SECRET")],
        [("Type", "fcm"), ("Secret", service_account)],
    ] {
        let answer = api.post(PATH, &form).await;
        assert!(!answer.text.contains("SECRET"), "{}", answer.text);
        let made = answer.expect(201);
        assert_eq!(made["type"], form[0].1);
        assert!(made["sandbox"].is_null() && made["friendly_name"].is_null());
    }
    let listed = api.get(PATH).await;
    for secret in ["SECRET", "BEGIN", &private_key[60..100], &certificate[60..100]] {
        assert!(!listed.text.contains(secret));
    }
}

/// The published description's own examples: nothing but a type, and that in any letter case.
#[tokio::test]
async fn a_type_is_enough_for_now_b070_b071() {
    let api = api().await;
    for (sent, kind, sandbox) in [
        ("apn", "apn", json!("False")),
        ("GcM", "gcm", json!(null)),
        ("FcM", "fcm", json!(null)),
    ] {
        let made = api.post(PATH, &[("Type", sent)]).await.expect(201);
        assert_eq!((&made["type"], &made["sandbox"]), (&json!(kind), &sandbox));
    }
    let (certificate, private_key) = pair();
    let path = api.make(PATH, &[("Type", "apn")]).await;
    let with_certificate = ("Certificate", certificate.as_str());
    api.refuse_all(&path, &[&path], &[(&[with_certificate], 52161)])
        .await;
    let whole = [with_certificate, ("PrivateKey", private_key.as_str())];
    api.post(&path, &whole).await.expect(200);
}

#[tokio::test]
async fn bad_input_changes_nothing_and_is_not_repeated_b008_b070_b071_b077() {
    let api = api().await;
    let (certificate, private_key) = pair();
    let (other_certificate, other_key) = pair();
    let (long, longest) = ("é".repeat(65), "é".repeat(64));
    let apn = ("Type", "apn");
    let with_certificate = ("Certificate", certificate.as_str());
    let with_key = ("PrivateKey", private_key.as_str());
    let gcm = ("Type", "gcm");
    let api_key = ("ApiKey", "SECRET");
    let forms: &[(&[(&str, &str)], u64)] = &[
        (&[with_certificate, with_key], 20001),
        (&[("Type", "wns"), with_certificate, with_key], 20001),
        (&[apn, with_certificate], 52161),
        (&[apn, with_key], 52161),
        (&[apn, with_certificate, ("PrivateKey", "")], 52161),
        (&[apn, with_certificate, ("PrivateKey", "SECRET")], 20001),
        (&[apn, ("Certificate", "SECRET"), with_key], 20001),
        (&[apn, with_certificate, ("PrivateKey", &other_key)], 20001),
        (&[apn, ("Certificate", &private_key), with_key], 20001),
        (&[apn, with_certificate, with_key, ("Sandbox", "yes")], 20001),
        (&[gcm, ("Secret", "SECRET")], 52161),
        (&[gcm, api_key, ("FriendlyName", &long)], 20002),
        (&[("Type", "fcm"), api_key], 52161),
        (&[("Type", "fcm"), ("Secret", "{\"SECRET\":1}")], 20001),
    ];
    api.refuse_all(PATH, &[PATH], forms).await;
    for (form, _) in forms {
        let answer = api.post(PATH, form).await;
        assert!(
            !answer.text.contains("SECRET") && !answer.text.contains(&private_key[60..100]),
            "{}",
            answer.text
        );
    }
    let path = api
        .make(
            PATH,
            &[apn, with_certificate, with_key, ("FriendlyName", &longest)],
        )
        .await;
    api.refuse_all(
        &path,
        &[&path],
        &[
            (&[("Type", "wns")], 20001),
            (&[("Type", "gcm")], 52161),
            (&[("Certificate", &other_certificate)], 20001),
            (&[("PrivateKey", &other_key)], 20001),
            (&[("PrivateKey", "")], 52161),
            (&[("Sandbox", "true"), ("FriendlyName", &long)], 20002),
        ],
    )
    .await;
    // Both halves are still those of before: the same certificate again fits the key that is stored.
    api.post(&path, &[with_certificate]).await.expect(200);
}

/// ListCredential, DeleteCredential
#[tokio::test]
async fn credentials_are_of_their_account_b005_b013_b022_b024_b025_b031() {
    let api = api().await;
    let mut made = Vec::new();
    for n in 0..3 {
        let key = format!("key {n}");
        made.push(api.make(PATH, &[("Type", "gcm"), ("ApiKey", &key)]).await);
    }
    assert_eq!(api.sids(PATH, "credentials", 2).await.len(), 3);
    let clamped = api.get(&format!("{PATH}?PageSize=101")).await.expect(200);
    assert_eq!(clamped["meta"]["page_size"], 100);
    assert_eq!(clamped["meta"]["key"], "credentials");
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    assert_eq!(stranger.sids(PATH, "credentials", 2).await.len(), 0);
    stranger.get(&made[0]).await.refused(404, 20404);
    stranger
        .post(&made[0], &[("ApiKey", "mine")])
        .await
        .refused(404, 20404);
    stranger.delete(&made[0]).await.refused(404, 20404);
    api.get(&format!("{PATH}/CR1")).await.refused(404, 20404);
    api.delete(&made[0]).await.expect(204);
    api.delete(&made[0]).await.refused(404, 20404);
    assert_eq!(api.sids(PATH, "credentials", 100).await.len(), 2);
}
