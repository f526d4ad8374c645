//! Devices that are registered for push.

use confab_domain::Actor;
use confab_domain::binding::{MessageType, Register};
use confab_domain::credential::CredentialType;
use confab_types::{AccountSid, ServiceSid, Sid};
use serde_json::json;

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, fields, path_of};

/// The path of a service's bindings, with two users that have an Apple and a Google device each.
async fn bindings(api: &Api) -> String {
    let service = api
        .post("/v1/Services", &[("FriendlyName", "other")])
        .await
        .expect(201);
    let sid = ServiceSid::parse(service["sid"].as_str().unwrap()).unwrap();
    for identity in ["alice", "bob"] {
        api.post(&path_of(&service["links"]["users"]), &[("Identity", identity)])
            .await
            .expect(201);
        for (endpoint, kind) in [("phone", CredentialType::Apn), ("tablet", CredentialType::Fcm)] {
            let register = Register {
                account: AccountSid::parse(ACCOUNT).unwrap(),
                service: sid,
                identity: identity.into(),
                endpoint: Some(endpoint.into()),
                kind,
                address: "the device's token".into(),
                credential: None,
                message_types: vec![
                    MessageType::RemovedFromConversation,
                    MessageType::NewMessage,
                    MessageType::AddedToConversation,
                ],
            };
            api.engine.execute(Actor::System, register).await.unwrap();
        }
    }
    path_of(&service["links"]["bindings"])
}

/// FetchServiceBinding, DeleteServiceBinding
#[tokio::test]
async fn a_binding_is_shown_without_its_token_and_ended_b005_b013_b031() {
    let api = api().await;
    let path = bindings(&api).await;
    let listed = api.get(&format!("{path}?Identity=bob&BindingType=apn")).await;
    assert!(!listed.text.contains("token"), "{}", listed.text);
    let one = listed.expect(200)["bindings"][0].clone();
    let own = path_of(&one["url"]);
    let answer = api.get(&own).await;
    assert_eq!(
        fields(&answer.text),
        [
            "sid",
            "account_sid",
            "chat_service_sid",
            "date_created",
            "date_updated",
            "endpoint",
            "identity",
            "binding_type",
            "credential_sid",
            "message_types",
            "url"
        ]
    );
    assert_eq!(answer.expect(200), one);
    assert_eq!(
        (&one["identity"], &one["endpoint"], &one["binding_type"]),
        (&json!("bob"), &json!("phone"), &json!("apn"))
    );
    assert!(one["credential_sid"].is_null());
    assert_eq!(
        one["message_types"],
        json!([
            "removed_from_conversation",
            "new_message",
            "added_to_conversation"
        ])
    );
    assert_eq!(own, format!("{path}/{}", one["sid"].as_str().unwrap()));
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.delete(&own).await.refused(404, 20404);
    api.get(&format!("{path}/BS1")).await.refused(404, 20404);
    api.post(&own, &[]).await.refused(405, 20004);
    api.post(&path, &[("Identity", "carol")])
        .await
        .refused(405, 20004);
    api.delete(&own).await.expect(204);
    api.delete(&own).await.refused(404, 20404);
    assert_eq!(api.sids(&path, "bindings", 100).await.len(), 3);
}

/// ListServiceBinding
#[tokio::test]
async fn the_list_is_of_any_of_its_filters_b022_b023_b024_b025() {
    let api = api().await;
    let path = bindings(&api).await;
    for (filters, expected) in [
        ("", 4),
        ("?BindingType=apn", 2),
        ("?BindingType=apn&BindingType=fcm", 4),
        ("?BindingType=gcm", 0),
        ("?BindingType=twilsock", 0),
        ("?BindingType=twilsock&BindingType=fcm", 2),
        ("?Identity=alice", 2),
        ("?Identity=alice&Identity=bob&Identity=alice", 4),
        ("?Identity=alice&BindingType=fcm", 1),
        ("?Identity=carol", 0),
        ("?Identity=", 4),
        ("?BindingType=", 4),
    ] {
        for size in [1, 3, 100] {
            let seen = api.sids(&format!("{path}{filters}"), "bindings", size).await;
            assert_eq!(seen.len(), expected, "{filters}");
            assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
        }
    }
    let page = api
        .get(&format!("{path}?Identity=alice&Identity=bob&PageSize=1"))
        .await
        .expect(200);
    let next = path_of(&page["meta"]["next_page_url"]);
    assert!(next.contains("Identity=alice&Identity=bob&"), "{next}");
    let clamped = api.get(&format!("{path}?PageSize=101")).await.expect(200);
    assert_eq!(clamped["meta"]["page_size"], 100);
    api.get(&format!("{path}?BindingType=sms"))
        .await
        .refused(400, 20001);
    let identities = |count: usize| {
        let each: Vec<String> = (0..count).map(|n| format!("Identity=user{n}")).collect();
        format!("{path}?{}", each.join("&"))
    };
    api.get(&identities(100)).await.expect(200);
    api.get(&identities(101)).await.refused(400, 20001);
}
