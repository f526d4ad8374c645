//! Accounts and their subaccounts.

use serde_json::json;

use crate::common::{ACCOUNT, Api, OTHER_ACCOUNT, TOKEN, api, fields};

const ALL: &str = "/2010-04-01/Accounts.json";

fn path(sid: &str) -> String {
    format!("/2010-04-01/Accounts/{sid}.json")
}

/// The caller that a subaccount's own token makes, with its SID.
async fn subaccount(api: &Api, name: &str) -> (Api, String) {
    let made = api.post(ALL, &[("FriendlyName", name)]).await.expect(201);
    let (sid, token) = (
        made["sid"].as_str().unwrap(),
        made["auth_token"].as_str().unwrap(),
    );
    (api.as_caller(sid, token), sid.to_owned())
}

/// CreateAccount, FetchAccount
#[tokio::test]
async fn a_subaccount_has_a_token_and_services_of_its_own_b012_b032() {
    let api = api().await.on_host("api.twilio.com");
    let answer = api.post(ALL, &[("FriendlyName", "shop")]).await;
    assert_eq!(
        fields(&answer.text),
        [
            "auth_token",
            "date_created",
            "date_updated",
            "friendly_name",
            "owner_account_sid",
            "sid",
            "status",
            "subresource_uris",
            "type",
            "uri"
        ]
    );
    let made = answer.expect(201);
    assert_eq!(
        (
            &made["friendly_name"],
            &made["owner_account_sid"],
            &made["status"]
        ),
        (&json!("shop"), &json!(ACCOUNT), &json!("active"))
    );
    let sid = made["sid"].as_str().unwrap();
    assert_eq!(made["uri"], path(sid));
    assert_eq!(api.get(&path(sid)).await.expect(200), made);
    let token = made["auth_token"].as_str().unwrap();
    assert_ne!(token, TOKEN);
    let own = api.as_caller(sid, token);
    assert_eq!(own.get(&path(sid)).await.expect(200), made);
    own.get(&path(ACCOUNT)).await.refused(404, 20404);
    let (here, there) = (
        own.on_host("conversations.twilio.com"),
        api.on_host("conversations.twilio.com"),
    );
    let mine = here.get("/v1/Configuration").await.expect(200);
    let theirs = there.get("/v1/Configuration").await.expect(200);
    assert_eq!(mine["account_sid"], sid);
    assert_ne!(
        mine["default_chat_service_sid"],
        theirs["default_chat_service_sid"]
    );
    let conversation = here.conversation(&[]).await;
    there.get(&conversation).await.refused(404, 20404);
    let service = mine["default_chat_service_sid"].as_str().unwrap();
    there
        .get(&format!("/v1/Services/{service}/Conversations"))
        .await
        .refused(404, 20404);
}

/// rest.md §1.2
#[tokio::test]
async fn the_owner_reaches_what_a_subaccount_has_below_its_path() {
    let api = api().await.on_host("api.twilio.com");
    let (own, sid) = subaccount(&api, "shop").await;
    let numbers = format!("/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json");
    let made = api
        .post(&numbers, &[("PhoneNumber", "+15017122661")])
        .await
        .expect(201);
    assert_eq!(made["account_sid"], sid);
    let listed = own.get(&numbers).await.expect(200);
    assert_eq!(listed["incoming_phone_numbers"][0], made);
    let keys = format!("/2010-04-01/Accounts/{sid}/Keys.json");
    let key = api.post(&keys, &[]).await.expect(201);
    let by_key = api.as_caller(key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    by_key.get(&numbers).await.expect(200);
    by_key
        .on_host("conversations.twilio.com")
        .get("/v1/Conversations")
        .await
        .expect(200);
    // A key of the owner acts for the owner only.
    let keys = format!("/2010-04-01/Accounts/{ACCOUNT}/Keys.json");
    let key = api.post(&keys, &[]).await.expect(201);
    let by_key = api.as_caller(key["sid"].as_str().unwrap(), key["secret"].as_str().unwrap());
    by_key.get(&numbers).await.refused(404, 20404);
    by_key.get(ALL).await.refused(403, 20003);
    by_key.post(ALL, &[]).await.refused(403, 20003);
    let stranger = api.as_caller(OTHER_ACCOUNT, TOKEN);
    stranger.get(&numbers).await.refused(404, 20404);
    stranger.get(&path(&sid)).await.refused(404, 20404);
    let close = [("Status", "closed")];
    stranger.post(&path(&sid), &close).await.refused(404, 20404);
}

/// UpdateAccount
#[tokio::test]
async fn a_suspended_account_may_not_be_used_and_a_closed_one_never_again() {
    let api = api().await.on_host("api.twilio.com");
    let (own, sid) = subaccount(&api, "shop").await;
    let set = |status: &'static str| {
        let (api, path) = (&api, path(&sid));
        async move { api.post(&path, &[("Status", status)]).await }
    };
    own.get(&path(&sid)).await.expect(200);
    assert_eq!(set("suspended").await.expect(200)["status"], "suspended");
    own.get(&path(&sid)).await.refused(400, 20005);
    own.on_host("conversations.twilio.com")
        .get("/v1/Conversations")
        .await
        .refused(400, 20005);
    let guessed = api.as_caller(&sid, "guessed");
    guessed.get(&path(&sid)).await.refused(401, 20003);
    assert_eq!(api.get(&path(&sid)).await.expect(200)["status"], "suspended");
    set("active").await.expect(200);
    own.get(&path(&sid)).await.expect(200);
    set("closed").await.expect(200);
    own.get(&path(&sid)).await.refused(400, 20005);
    set("active").await.refused(400, 20001);
    set("suspended").await.refused(400, 20001);
    assert_eq!(set("closed").await.expect(200)["status"], "closed");
}

#[tokio::test]
async fn bad_input_changes_nothing_b008_b014() {
    let api = api().await.on_host("api.twilio.com");
    let (own, sid) = subaccount(&api, "shop").await;
    let (long, longest) = ("é".repeat(65), "é".repeat(64));
    api.refuse_all(ALL, &[ALL], &[(&[("FriendlyName", &long)], 20002)])
        .await;
    api.refuse_all(
        &path(&sid),
        &[ALL],
        &[
            (&[("FriendlyName", &long)], 20002),
            (&[("FriendlyName", "")], 20002),
            (&[("FriendlyName", "other"), ("Status", "paused")], 20001),
            (&[("FriendlyName", "other"), ("Status", "")], 20001),
        ],
    )
    .await;
    // The first account stays: nobody could open it again.
    api.refuse_all(
        &path(ACCOUNT),
        &[ALL],
        &[
            (&[("FriendlyName", "other"), ("Status", "suspended")], 20001),
            (&[("FriendlyName", "other"), ("Status", "closed")], 20001),
        ],
    )
    .await;
    own.post(&path(&sid), &[("Status", "closed")])
        .await
        .refused(403, 20006);
    own.post(ALL, &[]).await.refused(403, 20006);
    let before = api.get(&path(&sid)).await.expect(200);
    assert_eq!(api.post(&path(&sid), &[]).await.expect(200), before);
    let renamed = own
        .post(&path(&sid), &[("FriendlyName", &longest), ("Status", "active")])
        .await
        .expect(200);
    assert_eq!(renamed["friendly_name"], longest);
    let own_name = api
        .post(&path(ACCOUNT), &[("FriendlyName", "head office")])
        .await
        .expect(200);
    assert_eq!(own_name["friendly_name"], "head office");
}

/// ListAccount
#[tokio::test]
async fn an_account_lists_itself_and_its_subaccounts_b022_b023_b886() {
    let api = api().await.on_host("api.twilio.com");
    let (own, first) = subaccount(&api, "shop").await;
    let (_, second) = subaccount(&api, "shop").await;
    let unnamed = api.post(ALL, &[]).await.expect(201);
    let name = unnamed["friendly_name"].as_str().unwrap();
    assert!(name.starts_with("SubAccount Created at 20"), "{name}");
    api.post(&path(&second), &[("Status", "suspended")])
        .await
        .expect(200);
    let listed = |query: &'static str| {
        let api = &api;
        async move {
            let mut at = format!("{ALL}{query}");
            let mut sids = Vec::new();
            loop {
                let page = api.get(&at).await.expect(200);
                let accounts = page["accounts"].as_array().unwrap();
                sids.extend(accounts.iter().map(|a| a["sid"].as_str().unwrap().to_owned()));
                match page["next_page_uri"].as_str() {
                    Some(next) => at = next.to_owned(),
                    None => return sids,
                }
            }
        }
    };
    let all = listed("?PageSize=2").await;
    assert_eq!(all.len(), 4);
    assert!(all.contains(&ACCOUNT.to_owned()) && all.contains(&first));
    assert_eq!(listed("?FriendlyName=shop&PageSize=1").await.len(), 2);
    assert_eq!(listed("?Status=suspended").await, [second]);
    assert_eq!(listed("?FriendlyName=shop&Status=active").await, [first.as_str()]);
    api.get(&format!("{ALL}?Status=paused")).await.refused(400, 20001);
    let mine = own.get(ALL).await.expect(200);
    assert_eq!(mine["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(mine["accounts"][0]["sid"], first);
    let theirs = api.as_caller(OTHER_ACCOUNT, TOKEN).get(ALL).await.expect(200);
    assert_eq!(theirs["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(theirs["accounts"][0]["sid"], OTHER_ACCOUNT);
}
