//! In which conversations somebody takes part.

use serde_json::{Value, json};

use crate::common::{Api, api, fields, path_of};

const ADDRESS: &str = "MessagingBinding.Address";
const PROXY: &str = "MessagingBinding.ProxyAddress";
const PROJECTED: &str = "MessagingBinding.ProjectedAddress";
const BY_IDENTITY: &str = "/v1/ParticipantConversations?Identity=alice";
const BY_ADDRESS: &str = "/v1/ParticipantConversations?Address=%2B15558675310";

/// A conversation with one participant; their SIDs.
async fn with(api: &Api, form: &[(&str, &str)]) -> (String, String) {
    let conversation = api.conversation(&[]).await;
    let made = api
        .post(&format!("{conversation}/Participants"), form)
        .await
        .expect(201);
    (
        conversation[18..].to_owned(),
        made["sid"].as_str().unwrap().to_owned(),
    )
}

async fn found(api: &Api, path: &str) -> Vec<String> {
    let listed = api.get(path).await.expect(200);
    let all = listed["conversations"].as_array().unwrap();
    all.iter()
        .map(|c| c["conversation_sid"].as_str().unwrap().to_owned())
        .collect()
}

/// ListParticipantConversation.
#[tokio::test]
async fn by_identity_in_any_state_sorted_by_sid_b185() {
    let api = api().await;
    let mut expected = Vec::new();
    for state in ["active", "inactive", "closed"] {
        let (conversation, _) = with(&api, &[("Identity", "alice")]).await;
        api.post(&format!("/v1/Conversations/{conversation}"), &[("State", state)])
            .await
            .expect(200);
        with(&api, &[("Identity", "bob")]).await;
        expected.push(conversation);
    }
    expected.sort();
    assert_eq!(found(&api, BY_IDENTITY).await, expected);
    let answer = api.get(&format!("{BY_IDENTITY}&PageSize=1")).await;
    let item = &answer.text[answer.text.find(":[").unwrap() + 2..];
    assert_eq!(
        fields(&item[..item.len() - 2]),
        [
            "account_sid",
            "chat_service_sid",
            "conversation_sid",
            "participant_sid",
            "conversation_friendly_name",
            "conversation_state",
            "conversation_timers",
            "conversation_attributes",
            "conversation_date_created",
            "conversation_date_updated",
            "conversation_created_by",
            "conversation_unique_name",
            "participant_user_sid",
            "participant_identity",
            "participant_messaging_binding",
            "links"
        ]
    );
    let page = answer.expect(200);
    let first = &page["conversations"][0];
    let user = api.get("/v1/Users/alice").await.expect(200);
    assert_eq!(
        (&first["participant_user_sid"], &first["participant_identity"]),
        (&user["sid"], &"alice".into())
    );
    assert!(first["participant_messaging_binding"].is_null());
    for name in ["participant", "conversation"] {
        api.get(&path_of(&first["links"][name])).await.expect(200);
    }
    // The filter stays in the page URLs (B-023), and every row comes once.
    let mut seen = vec![first["conversation_sid"].as_str().unwrap().to_owned()];
    let mut next = page["meta"]["next_page_url"].clone();
    while !next.is_null() {
        assert!(
            next.as_str().unwrap().contains("?Identity=alice&PageSize=1"),
            "{next}"
        );
        let page = api.get(&path_of(&next)).await.expect(200);
        seen.push(
            page["conversations"][0]["conversation_sid"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        next = page["meta"]["next_page_url"].clone();
    }
    assert_eq!(seen, expected);
    let most = api.get(&format!("{BY_IDENTITY}&PageSize=51")).await.expect(200);
    assert_eq!(most["meta"]["page_size"], 50);
}

/// ListParticipantConversation.
#[tokio::test]
async fn by_address_behind_any_number_or_none_b185() {
    let api = api().await;
    let phone = (ADDRESS, "+15558675310");
    let (closed, _) = with(&api, &[phone, (PROXY, "+15017122661")]).await;
    api.post(&format!("/v1/Conversations/{closed}"), &[("State", "closed")])
        .await
        .expect(200);
    let (again, _) = with(&api, &[phone, (PROXY, "+15017122661")]).await;
    let (native, member) = with(&api, &[phone]).await;
    with(
        &api,
        &[
            (ADDRESS, "whatsapp:+15558675310"),
            (PROXY, "whatsapp:+15017122661"),
        ],
    )
    .await;
    let mut expected = vec![closed, again.clone(), native.clone()];
    expected.sort();
    assert_eq!(found(&api, BY_ADDRESS).await, expected);
    // One conversation twice, behind two numbers: both of its participants, on pages of one.
    let second = [phone, (PROXY, "+15017122662")];
    api.post(&format!("/v1/Conversations/{again}/Participants"), &second)
        .await
        .expect(201);
    let mut at = format!("{BY_ADDRESS}&PageSize=1");
    let mut seen = Vec::new();
    loop {
        let page = api.get(&at).await.expect(200);
        let item = &page["conversations"][0];
        assert_eq!(item["participant_messaging_binding"]["address"], "+15558675310");
        seen.push(item["participant_sid"].as_str().unwrap().to_owned());
        if page["meta"]["next_page_url"].is_null() {
            break;
        }
        at = path_of(&page["meta"]["next_page_url"]);
        assert!(at.contains("Address=%2B15558675310"), "{at}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4);
    let listed = api.get(BY_ADDRESS).await.expect(200);
    let all = listed["conversations"].as_array().unwrap();
    let bare = all
        .iter()
        .find(|c| c["conversation_sid"] == native.as_str())
        .unwrap();
    assert_eq!(bare["participant_sid"], Value::from(member));
    assert_eq!(
        bare["participant_messaging_binding"],
        json!({"address": "+15558675310", "proxy_address": null, "type": "sms", "level": null, "name": null,
            "projected_address": null})
    );
    assert!(bare["participant_user_sid"].is_null() && bare["participant_identity"].is_null());
}

#[tokio::test]
async fn exactly_and_with_an_encoded_plus_b186_b188() {
    let api = api().await;
    let (conversation, _) = with(&api, &[(ADDRESS, "+15558675310"), (PROXY, "+15017122661")]).await;
    let (chat, _) = with(&api, &[("Identity", "alice")]).await;
    assert_eq!(found(&api, BY_ADDRESS).await, [conversation]);
    assert_eq!(found(&api, BY_IDENTITY).await, [chat]);
    for query in [
        "Address=+15558675310",
        "Address=%2B1555867531",
        "Address=%2B155586753100",
        "Address=15558675310",
        "Address=%2B15017122661",
        "Address=%25",
        "Identity=alic",
        "Identity=alice2",
        "Identity=Alice",
        "Identity=%25",
        "Identity=%2B15558675310",
        "Address=alice",
    ] {
        let none = found(&api, &format!("/v1/ParticipantConversations?{query}")).await;
        assert!(none.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn one_of_the_two_b187() {
    let api = api().await;
    let both = "/v1/ParticipantConversations?Identity=alice&Address=%2B15558675310";
    let message = api.get(both).await.refused(400, 50451);
    assert_eq!(
        message,
        "One user identifier parameter for lookup at a time is allowed. Please, use either Identity or Address."
    );
    for query in ["", "?Identity=", "?Address=&Identity=", "?Name=alice"] {
        api.get(&format!("/v1/ParticipantConversations{query}"))
            .await
            .refused(400, 20001);
    }
}

#[tokio::test]
async fn a_number_alone_is_not_found_even_with_an_identity_later_b189() {
    let api = api().await;
    let (conversation, number) = with(&api, &[(PROJECTED, "+15017122661")]).await;
    let by_number = "/v1/ParticipantConversations?Address=%2B15017122661";
    assert!(found(&api, by_number).await.is_empty());
    let path = format!("/v1/Conversations/{conversation}/Participants/{number}");
    api.post(&path, &[("Identity", "alice")]).await.expect(200);
    assert!(found(&api, BY_IDENTITY).await.is_empty() && found(&api, by_number).await.is_empty());
    // His own list has it all the same.
    assert_eq!(found(&api, "/v1/Users/alice/Conversations").await, [conversation]);
    let (known, _) = with(&api, &[("Identity", "alice"), (PROJECTED, "+15017122662")]).await;
    assert_eq!(found(&api, BY_IDENTITY).await, [known]);
    let listed = api.get(BY_IDENTITY).await.expect(200);
    assert_eq!(
        listed["conversations"][0]["participant_messaging_binding"]["projected_address"],
        "+15017122662"
    );
}

/// ListServiceParticipantConversation.
#[tokio::test]
async fn services_are_apart_b031() {
    let api = api().await;
    with(&api, &[("Identity", "alice")]).await;
    with(&api, &[(ADDRESS, "+15558675310"), (PROXY, "+15017122661")]).await;
    let service = api
        .post("/v1/Services", &[("FriendlyName", "s")])
        .await
        .expect(201);
    let root = format!("/v1/Services/{}", service["sid"].as_str().unwrap());
    for query in ["Identity=alice", "Address=%2B15558675310"] {
        assert!(
            found(&api, &format!("{root}/ParticipantConversations?{query}"))
                .await
                .is_empty()
        );
    }
    let made = api.post(&format!("{root}/Conversations"), &[]).await.expect(201);
    let inner = made["sid"].as_str().unwrap().to_owned();
    let participants = format!("{root}/Conversations/{inner}/Participants");
    api.post(&participants, &[("Identity", "alice")])
        .await
        .expect(201);
    let listed = api
        .get(&format!("{root}/ParticipantConversations?Identity=alice"))
        .await
        .expect(200);
    let item = &listed["conversations"][0];
    assert_eq!(
        (&item["conversation_sid"], &item["chat_service_sid"]),
        (&inner.into(), &service["sid"])
    );
    assert!(item["links"]["participant"].as_str().unwrap().contains(&root));
    assert_eq!(found(&api, BY_IDENTITY).await.len(), 1);
}
