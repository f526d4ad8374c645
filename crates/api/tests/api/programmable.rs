//! Accounts, keys and numbers of 2010-04-01.

use crate::common::{ACCOUNT, OTHER_ACCOUNT, TOKEN, api, fields};

#[tokio::test]
async fn the_account_of_the_caller() {
    let api = api().await.on_host("api.twilio.com");
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}.json");
    let found = api.get(&path).await.expect(200);
    assert_eq!(
        (&found["sid"], &found["auth_token"]),
        (&ACCOUNT.into(), &TOKEN.into())
    );
    assert_eq!(
        (&found["uri"], &found["status"]),
        (&path.as_str().into(), &"active".into())
    );
    assert!(found["date_created"].as_str().unwrap().ends_with(" +0000")); // B-886
    for other in [OTHER_ACCOUNT, "AC1", "SK00000000000000000000000000000001"] {
        api.get(&format!("/2010-04-01/Accounts/{other}.json"))
            .await
            .refused(404, 20404);
    }
    let message = api
        .get(&format!("/2010-04-01/Accounts/{ACCOUNT}"))
        .await
        .refused(404, 20404);
    assert_eq!(
        message,
        format!("The requested resource /Accounts/{ACCOUNT} was not found")
    );
    for (host, prefix) in [("localhost:8080", ""), ("localhost:8080", "/api")] {
        let found = api
            .on_host(host)
            .get(&format!("{prefix}{path}"))
            .await
            .expect(200);
        assert_eq!(found["uri"], path);
    }
}

#[tokio::test]
async fn keys_show_their_secret_once() {
    let api = api().await.on_host("api.twilio.com");
    let all = format!("/2010-04-01/Accounts/{ACCOUNT}/Keys");
    let made = api.post(&format!("{all}.json"), &[("FriendlyName", "one")]).await;
    assert_eq!(
        fields(&made.text),
        ["sid", "friendly_name", "date_created", "date_updated", "secret"]
    );
    let made = made.expect(201);
    let path = format!("{all}/{}.json", made["sid"].as_str().unwrap());
    let found = api.get(&path).await.expect(200);
    assert_eq!(
        (&found["friendly_name"], found.get("secret")),
        (&"one".into(), None)
    );
    assert_eq!(
        api.post(&path, &[("FriendlyName", "two")]).await.expect(200)["friendly_name"],
        "two"
    );
    api.post(&format!("{all}.json"), &[]).await.expect(201);
    let listed = api.get(&format!("{all}.json?PageSize=1")).await.expect(200);
    assert_eq!(listed["first_page_uri"], format!("{all}.json?PageSize=1&Page=0"));
    assert_eq!(
        (&listed["start"], &listed["end"], &listed["page_size"]),
        (&0.into(), &0.into(), &1.into())
    );
    let next = api
        .get(listed["next_page_uri"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(
        (&next["start"], &next["end"], &next["page"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert!(next["next_page_uri"].is_null() && next["previous_page_uri"].is_string());
    assert_ne!(next["keys"][0]["sid"], listed["keys"][0]["sid"]);
    api.delete(&path).await.expect(204);
    api.get(&path).await.refused(404, 20404);
}

#[tokio::test]
async fn an_api_key_may_not_see_accounts_and_keys() {
    let api = api().await.on_host("api.twilio.com");
    let all = format!("/2010-04-01/Accounts/{ACCOUNT}");
    let key = api.post(&format!("{all}/Keys.json"), &[]).await.expect(201);
    let by_key = api.as_caller(key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    by_key.get(&format!("{all}.json")).await.refused(403, 20003);
    by_key.get(&format!("{all}/Keys.json")).await.refused(403, 20003);
    by_key
        .post(&format!("{all}/Keys.json"), &[])
        .await
        .refused(403, 20003);
    by_key
        .get(&format!("{all}/IncomingPhoneNumbers.json"))
        .await
        .expect(200);
}

#[tokio::test]
async fn numbers_belong_to_one_account() {
    let api = api().await.on_host("api.twilio.com");
    let all = format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers");
    let made = api
        .post(&format!("{all}.json"), &[("PhoneNumber", "+15017122661")])
        .await
        .expect(201);
    assert_eq!(
        (&made["phone_number"], &made["friendly_name"]),
        (&"+15017122661".into(), &"+15017122661".into())
    );
    api.post(&format!("{all}.json"), &[("PhoneNumber", "+15017122662")])
        .await
        .expect(201);
    let other = format!("/2010-04-01/Accounts/{OTHER_ACCOUNT}/IncomingPhoneNumbers.json");
    let taken = api
        .as_caller(OTHER_ACCOUNT, TOKEN)
        .post(&other, &[("PhoneNumber", "+15017122661")])
        .await;
    taken.refused(400, 21422);
    api.post(&format!("{all}.json"), &[("PhoneNumber", "501")])
        .await
        .refused(400, 21421);
    api.post(&format!("{all}.json"), &[]).await.refused(400, 20001);
    let listed = api
        .get(&format!("{all}.json?PhoneNumber=%2B15017122661"))
        .await
        .expect(200);
    assert_eq!(listed["incoming_phone_numbers"].as_array().unwrap().len(), 1);
    assert_eq!(
        listed["uri"],
        format!("{all}.json?PhoneNumber=%2B15017122661&PageSize=50&Page=0")
    );
    let path = format!("{all}/{}.json", made["sid"].as_str().unwrap());
    assert_eq!(made["uri"], path);
    assert_eq!(
        api.post(&path, &[("FriendlyName", "n")]).await.expect(200)["friendly_name"],
        "n"
    );
    assert_eq!(api.get(&path).await.expect(200)["friendly_name"], "n");
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
}
