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

const HOOKS: [(&str, &str, &str); 13] = [
    ("SmsUrl", "sms_url", "https://example.com/sms"),
    ("SmsMethod", "sms_method", "GET"),
    (
        "SmsFallbackUrl",
        "sms_fallback_url",
        "https://example.com/sms-fallback",
    ),
    ("SmsFallbackMethod", "sms_fallback_method", "GET"),
    (
        "SmsApplicationSid",
        "sms_application_sid",
        "AP0123456789abcdef0123456789abcdef",
    ),
    ("StatusCallback", "status_callback", "https://example.com/status"),
    ("StatusCallbackMethod", "status_callback_method", "GET"),
    ("VoiceUrl", "voice_url", "https://example.com/voice"),
    ("VoiceMethod", "voice_method", "GET"),
    (
        "VoiceFallbackUrl",
        "voice_fallback_url",
        "https://example.com/voice-fallback",
    ),
    ("VoiceFallbackMethod", "voice_fallback_method", "GET"),
    (
        "VoiceApplicationSid",
        "voice_application_sid",
        "AP00000000000000000000000000000000",
    ),
    ("FriendlyName", "friendly_name", "desk"),
];

/// CreateIncomingPhoneNumber, UpdateIncomingPhoneNumber, FetchIncomingPhoneNumber
#[tokio::test]
async fn what_a_number_calls_is_kept_and_changed_one_by_one_b886() {
    let api = api().await.on_host("api.twilio.com");
    let form: Vec<_> = HOOKS.iter().map(|(name, _, value)| (*name, *value)).collect();
    for (kind, number) in [
        ("", "+15017122661"),
        ("/Local", "+15017122662"),
        ("/Mobile", "+15017122663"),
        ("/TollFree", "+18005550100"),
    ] {
        let mut given = form.clone();
        given.push(("PhoneNumber", number));
        let made = api.post(&path(kind), &given).await.expect(201);
        for (_, shown, value) in HOOKS {
            assert_eq!(made[shown], value, "{kind} {shown}");
        }
    }
    let bare = api
        .post(&path(""), &[("PhoneNumber", "+15017122664")])
        .await
        .expect(201);
    let uri = bare["uri"].as_str().unwrap();
    for (name, shown, value) in HOOKS {
        let mut expected = api.get(uri).await.expect(200);
        let changed = api.post(uri, &[(name, value)]).await.expect(200);
        expected[shown] = value.into();
        expected["date_updated"] = changed["date_updated"].clone();
        assert_eq!(changed, expected, "{name} changes nothing else");
        assert_eq!(api.get(uri).await.expect(200), changed);
    }
    assert_eq!(bare["voice_caller_id_lookup"], false);
    let changed = api
        .post(uri, &[("VoiceCallerIdLookup", "true")])
        .await
        .expect(200);
    assert_eq!(changed["voice_caller_id_lookup"], true);
    // An empty URL clears it.
    let cleared = api
        .post(
            uri,
            &[("SmsUrl", ""), ("VoiceUrl", ""), ("SmsApplicationSid", "")],
        )
        .await
        .expect(200);
    for shown in ["sms_url", "voice_url", "sms_application_sid"] {
        assert_eq!(cleared[shown], bare[shown], "{shown}");
    }
    let refused: &[(&[(&str, &str)], u64)] = &[
        (&[("SmsUrl", "example.com")], 20001),
        (&[("SmsFallbackUrl", "ftp://example.com/")], 20001),
        (&[("StatusCallback", "https://exa mple.com/")], 21609),
        (&[("SmsMethod", "PUT")], 20001),
        (&[("SmsApplicationSid", "AP1")], 20001),
        (&[("VoiceCallerIdLookup", "perhaps")], 20001),
        (&[("SmsUrl", "https://example.com/new"), ("VoiceUrl", "x")], 20001),
    ];
    api.refuse_all(uri, &[uri], refused).await;
}

#[tokio::test]
async fn a_number_of_an_area_is_one_that_nobody_has() {
    let api = api().await.on_host("api.twilio.com");
    let mut had = Vec::new();
    for _ in 0..5 {
        let form = [("AreaCode", "415"), ("SmsUrl", "https://example.com/sms")];
        let made = api.post(&path(""), &form).await.expect(201);
        let number = made["phone_number"].as_str().unwrap().to_owned();
        assert!(number.starts_with("+1415") && number.len() == 12, "{number}");
        assert_eq!(
            (&made["type"], &made["friendly_name"], &made["sms_url"]),
            (
                &"local".into(),
                &number.as_str().into(),
                &"https://example.com/sms".into()
            )
        );
        assert!(!had.contains(&number));
        had.push(number);
    }
    // A number that is named comes before the area.
    let both = [("AreaCode", "415"), ("PhoneNumber", "+15017122661")];
    let made = api.post(&path(""), &both).await.expect(201);
    assert_eq!(made["phone_number"], "+15017122661");
    api.refuse_all(
        &path(""),
        &[&path("")],
        &[
            (&[("AreaCode", "")], 20001),
            (&[("AreaCode", "41")], 21451),
            (&[("AreaCode", "4155")], 21451),
            (&[("AreaCode", "115")], 21451),
            (&[("AreaCode", "x15")], 21451),
            (&[("AreaCode", "800")], 21452),
            (&[("AreaCode", "415"), ("SmsUrl", "x")], 20001),
        ],
    )
    .await;
    // Of a kind there are numbers only by their name, as the published documents have it.
    api.post(&path("/Local"), &[("AreaCode", "415")])
        .await
        .refused(400, 20001);
}
