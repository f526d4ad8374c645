//! Messages whose text a template makes.

use serde_json::json;

use crate::common::{Api, OTHER_ACCOUNT, TOKEN, api};
use crate::content::{template, text_template};

async fn greeting(api: &Api) -> String {
    let mut body = text_template("Hi {{1}}, {{ 2 }} at {{3}}");
    body["variables"] = json!({"1": "you", "2": "see you"});
    template(api, &body).await
}

/// CreateConversationMessage with a template.
#[tokio::test]
async fn the_text_is_rendered_b782_b783_b784() {
    let api = api().await;
    let sid = greeting(&api).await;
    let all = format!("{}/Messages", api.conversation(&[]).await);
    let made = api
        .post(
            &all,
            &[
                ("ContentSid", &sid),
                ("ContentVariables", r#"{"1":"Ann","3":"noon"}"#),
                ("Body", "not this"),
                ("MediaSid", "ME00000000000000000000000000000000"),
            ],
        )
        .await
        .expect(201);
    assert_eq!(made["body"], "Hi Ann, see you at noon");
    assert_eq!(
        (&made["author"], &made["content_sid"], &made["media"]),
        (&json!("system"), &json!(sid), &json!(null))
    );
    let path = format!("{all}/{}", made["sid"].as_str().unwrap());
    assert_eq!(api.get(&path).await.expect(200), made);
    assert_eq!(api.get(&all).await.expect(200)["messages"][0], made);

    let other = api
        .post(&all, &[("ContentSid", &sid), ("Author", "Bob")])
        .await
        .expect(201);
    assert_eq!(
        (&other["body"], &other["author"]),
        (&json!("Hi you, see you at {{3}}"), &json!("Bob"))
    );
}

#[tokio::test]
async fn a_message_outlives_its_template() {
    let api = api().await;
    let sid = template(&api, &text_template("Hi")).await;
    let all = format!("{}/Messages", api.conversation(&[]).await);
    let made = api.post(&all, &[("ContentSid", &sid)]).await.expect(201);
    let content = api.on_host("content.twilio.com");
    content.delete(&format!("/v1/Content/{sid}")).await.expect(204);
    let path = format!("{all}/{}", made["sid"].as_str().unwrap());
    assert_eq!(api.get(&path).await.expect(200), made);
    api.post(&all, &[("ContentSid", &sid)]).await.refused(400, 50526);
}

#[tokio::test]
async fn templates_and_variables_are_checked_b785_b786() {
    let api = api().await;
    let sid = greeting(&api).await;
    let all = format!("{}/Messages", api.conversation(&[]).await);
    let catalog = json!({"language": "en", "types": {"twilio/catalog": {"body": "Shoes"}}});
    let catalog = template(&api, &catalog).await;
    let foreign = template(&api.as_caller(OTHER_ACCOUNT, TOKEN), &text_template("x")).await;
    let unknown = "HX00000000000000000000000000000000";
    let one = |key: usize, value: usize| format!(r#"{{"{}":"{}"}}"#, "k".repeat(key), "v".repeat(value));
    let (key, value, long) = (one(17, 1), one(1, 257), format!("{{{}}}", " ".repeat(27_800)));
    for (content, variables, code) in [
        ("HX1", "", 50526),
        (unknown, "", 50526),
        (&foreign, "", 50526),
        (&sid, "{", 50527),
        (&sid, r#"["Ann"]"#, 50527),
        (&sid, r#"{"1":{}}"#, 50527),
        ("", r#"{"1":"Ann"}"#, 50528),
        (&sid, &long, 50529),
        (&sid, &key, 50540),
        (&sid, &value, 50541),
        (&catalog, "", 50542),
    ] {
        let form = [
            ("Body", "x"),
            ("ContentSid", content),
            ("ContentVariables", variables),
        ];
        api.post(&all, &form).await.refused(400, code);
    }
    assert_eq!(api.get(&all).await.expect(200)["messages"], json!([]));
    let longest = one(16, 256);
    let form = [("ContentSid", &*sid), ("ContentVariables", &longest)];
    // Nothing of what was refused took a place.
    assert_eq!(api.post(&all, &form).await.expect(201)["index"], 0);
}

#[tokio::test]
async fn a_rendered_text_for_a_phone_has_its_limit_b236_b787() {
    let api = api().await;
    let mut body = text_template(&format!("{}{{{{1}}}}", "x".repeat(1590)));
    body["types"]["twilio/quick-reply"] = json!({"body": "Pick", "actions": [{"title": "Yes"}]});
    let sid = template(&api, &body).await;
    let conversation = api.conversation(&[]).await;
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    api.post(&format!("{conversation}/Participants"), &phone)
        .await
        .expect(201);
    let all = format!("{conversation}/Messages");
    let send = |length: usize| {
        let variables = json!({"1": "y".repeat(length)}).to_string();
        let (api, all, sid) = (&api, &all, &sid);
        async move {
            let form = [("ContentSid", sid.as_str()), ("ContentVariables", &variables)];
            api.post(all, &form).await
        }
    };
    send(11).await.refused(400, 50504);
    let made = send(10).await.expect(201);
    // Its text form, since a phone has no buttons.
    assert_eq!(made["body"].as_str().unwrap().len(), 1600);
    assert_eq!(made["delivery"]["total"], 1);
}

#[tokio::test]
async fn a_template_of_media_alone_has_no_text() {
    let api = api().await;
    let media =
        json!({"language": "en", "types": {"twilio/media": {"media": ["https://example.com/1.png"]}}});
    let sid = template(&api, &media).await;
    let all = format!("{}/Messages", api.conversation(&[]).await);
    let made = api.post(&all, &[("ContentSid", &sid)]).await.expect(201);
    assert_eq!((&made["body"], &made["content_sid"]), (&json!(null), &json!(sid)));
}
