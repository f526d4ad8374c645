//! API keys under their older name.

use crate::common::{ACCOUNT, api, fields};

/// CreateNewSigningKey, FetchSigningKey, UpdateSigningKey, DeleteSigningKey, ListSigningKey
#[tokio::test]
async fn signing_keys_are_the_keys_b003_b013_b891() {
    let api = api().await.on_host("api.twilio.com");
    let all = format!("/2010-04-01/Accounts/{ACCOUNT}/SigningKeys");
    let keys = format!("/2010-04-01/Accounts/{ACCOUNT}/Keys");
    let answer = api.post(&format!("{all}.json"), &[("FriendlyName", "one")]).await;
    assert_eq!(
        fields(&answer.text),
        ["sid", "friendly_name", "date_created", "date_updated", "secret"]
    );
    let made = answer.expect(201);
    let (sid, secret) = (made["sid"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let path = format!("{all}/{sid}.json");
    let found = api.get(&path).await;
    assert!(!found.text.contains(secret));
    let found = found.expect(200);
    assert_eq!(api.get(&format!("{keys}/{sid}.json")).await.expect(200), found);
    let renamed = api.post(&path, &[("FriendlyName", "two")]).await.expect(200);
    assert_eq!(renamed["friendly_name"], "two");
    let long = "é".repeat(65);
    api.post(&path, &[("FriendlyName", &long)])
        .await
        .refused(400, 20002);
    api.post(&path, &[("FriendlyName", &long[2..])]).await.expect(200);
    api.post(&format!("{all}.json"), &[("FriendlyName", &long)])
        .await
        .refused(400, 20002);
    let listed = api.get(&format!("{all}.json?PageSize=1")).await.expect(200);
    assert_eq!(listed["signing_keys"][0]["sid"], sid);
    assert_eq!(listed["uri"], format!("{all}.json?PageSize=1&Page=0"));
    let by_key = api.as_caller(sid, secret);
    by_key
        .on_host("conversations.twilio.com")
        .get("/v1/Conversations")
        .await
        .expect(200);
    by_key.get(&format!("{all}.json")).await.refused(403, 20003);
    by_key.post(&format!("{all}.json"), &[]).await.refused(403, 20003);
    api.delete(&path).await.expect(204);
    api.delete(&path).await.refused(404, 20404);
    api.get(&format!("{keys}/{sid}.json")).await.refused(404, 20404);
    by_key
        .on_host("conversations.twilio.com")
        .get("/v1/Conversations")
        .await
        .refused(401, 20003);
}
