//! Numbers by their kind.

use crate::common::{ACCOUNT, Api, api};

fn path(kind: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers{kind}.json")
}

async fn listed(api: &Api, list: &str) -> Vec<String> {
    let page = api.get(list).await.expect(200);
    page["incoming_phone_numbers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["phone_number"].as_str().unwrap().to_owned())
        .collect()
}

/// CreateIncomingPhoneNumberLocal, CreateIncomingPhoneNumberMobile, CreateIncomingPhoneNumberTollFree,
/// ListIncomingPhoneNumberLocal, ListIncomingPhoneNumberMobile, ListIncomingPhoneNumberTollFree
#[tokio::test]
async fn each_kind_has_its_list_b023_b886() {
    let api = api().await.on_host("api.twilio.com");
    for (kind, number, shown) in [
        ("/Local", "+15017122661", "local"),
        ("/Mobile", "+491701234567", "mobile"),
        ("/TollFree", "+18005550100", "tollfree"),
        ("", "+18885550100", "tollfree"),
        ("", "+15017122662", "local"),
    ] {
        let made = api
            .post(&path(kind), &[("PhoneNumber", number), ("FriendlyName", "desk")])
            .await
            .expect(201);
        assert_eq!(
            (&made["phone_number"], &made["type"]),
            (&number.into(), &shown.into())
        );
        let uri = made["uri"].as_str().unwrap();
        assert_eq!(api.get(uri).await.expect(200), made);
    }
    let sorted = |mut numbers: Vec<String>| {
        numbers.sort();
        numbers
    };
    assert_eq!(
        sorted(listed(&api, &path("/Local")).await),
        ["+15017122661", "+15017122662"]
    );
    assert_eq!(listed(&api, &path("/Mobile")).await, ["+491701234567"]);
    assert_eq!(
        sorted(listed(&api, &path("/TollFree")).await),
        ["+18005550100", "+18885550100"]
    );
    assert_eq!(listed(&api, &path("")).await.len(), 5);
    let by_name = format!("{}?FriendlyName=desk&PageSize=1", path("/TollFree"));
    let page = api.get(&by_name).await.expect(200);
    let next = page["next_page_uri"].as_str().unwrap();
    assert!(next.starts_with(&path("/TollFree")) && next.contains("FriendlyName=desk&"));
    assert_eq!(listed(&api, next).await.len(), 1);
    let other = format!("{}?FriendlyName=door", path("/Local"));
    assert_eq!(listed(&api, &other).await.len(), 0);
    let one = format!("{}?PhoneNumber=%2B15017122661", path("/Mobile"));
    assert_eq!(listed(&api, &one).await.len(), 0);
}

#[tokio::test]
async fn a_number_of_another_kind_is_refused_b008() {
    let api = api().await.on_host("api.twilio.com");
    api.post(&path(""), &[("PhoneNumber", "+15017122660")])
        .await
        .expect(201);
    let long = "é".repeat(65);
    for (kind, good, wrong) in [
        ("/Local", "+15017122661", "+18005550100"),
        ("/Mobile", "+15017122662", "+18335550100"),
        ("/TollFree", "+18445550100", "+15017122663"),
    ] {
        api.refuse_all(
            &path(kind),
            &[&path("")],
            &[
                (&[], 20001),
                (&[("PhoneNumber", "")], 20001),
                (&[("PhoneNumber", "501")], 21421),
                (&[("PhoneNumber", wrong)], 21421),
                (&[("PhoneNumber", good), ("FriendlyName", &long)], 20002),
            ],
        )
        .await;
        let border = [("PhoneNumber", good), ("FriendlyName", &long[2..])];
        api.post(&path(kind), &border).await.expect(201);
        api.post(&path(kind), &border).await.refused(400, 21422);
    }
}
