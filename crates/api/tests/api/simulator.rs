//! The simulator's handsets.

use crate::common::api;

const PHONE: &str = "/simulator/v1/Handsets/%2B15558675310";

#[tokio::test]
async fn a_handset_writes_into_its_conversation() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    let phone = [
        ("MessagingBinding.Address", "+15558675310"),
        ("MessagingBinding.ProxyAddress", "+15017122661"),
    ];
    api.post(&format!("{conversation}/Participants"), &phone)
        .await
        .expect(201);
    let form = [("To", "+15017122661"), ("Body", "hi")];
    let sent = api.post(&format!("{PHONE}/Messages"), &form).await.expect(201);
    assert_eq!(
        (&sent["direction"], &sent["from"]),
        (&"sent".into(), &"+15558675310".into())
    );
    let form = [
        ("To", "+15017122661"),
        ("MediaUrl", "http://a.example/1"),
        ("MediaUrl", "http://a.example/2"),
    ];
    let with_files = api.post(&format!("{PHONE}/Messages"), &form).await.expect(201);
    assert_eq!(
        with_files["media"],
        serde_json::json!(["http://a.example/1", "http://a.example/2"])
    );
    let messages = api.get(&format!("{conversation}/Messages")).await.expect(200);
    let message = &messages["messages"][0];
    assert_eq!(
        (&message["body"], &message["author"]),
        (&"hi".into(), &"+15558675310".into())
    );
    for (host, path) in [
        ("localhost", PHONE),
        ("conversations.twilio.com", "/simulator/v1/Handsets/+15558675310"),
    ] {
        let listed = api
            .on_host(host)
            .get(&format!("{path}/Messages?PageSize=1000"))
            .await
            .expect(200);
        assert_eq!(listed["messages"], serde_json::json!([sent, with_files]));
        assert_eq!(listed["meta"]["page_size"], 1000);
        let url = format!("http://{host}/simulator/v1/Handsets/+15558675310/Messages?PageSize=1000&Page=0");
        assert_eq!(listed["meta"]["url"], url);
    }
}

#[tokio::test]
async fn modes_and_refusals() {
    let api = api().await;
    let set = api.post(PHONE, &[("Mode", "manual")]).await.expect(200);
    assert_eq!(
        set,
        serde_json::json!({"number": "+15558675310", "mode": "manual"})
    );
    api.post(PHONE, &[("Mode", "loud")]).await.refused(400, 20001);
    api.post(PHONE, &[]).await.refused(400, 20001);
    let all = format!("{PHONE}/Messages");
    api.post(&all, &[("Body", "x")]).await.refused(400, 20001);
    api.post(&all, &[("To", "+15550000000"), ("Body", "x")])
        .await
        .refused(400, 21211);
    api.post(&format!("{all}/SM0"), &[("Status", "sent")])
        .await
        .refused(404, 20404);
    api.post(&format!("{all}/SM0"), &[("Status", "lost")])
        .await
        .refused(400, 20001);
    api.post(&format!("{all}/SM0"), &[("Status", "failed"), ("ErrorCode", "x")])
        .await
        .refused(400, 20001);
    api.get("/simulator/v1/Handsets/nonsense/Messages")
        .await
        .refused(404, 20404);
    api.with_auth(None).get(&all).await.refused(401, 20003);
}

#[tokio::test]
async fn phones_of_a_group_write_to_all_of_it_b223() {
    let api = api().await;
    let conversation = api.conversation(&[]).await;
    for form in [
        [("MessagingBinding.Address", "+15558675310")],
        [("MessagingBinding.Address", "+15558675311")],
        [("MessagingBinding.ProjectedAddress", "+15017122661")],
    ] {
        api.post(&format!("{conversation}/Participants"), &form)
            .await
            .expect(201);
    }
    let messages = format!("{PHONE}/Messages");
    let form = [
        ("To", "+15017122661"),
        ("OtherRecipients", "+15558675311"),
        ("Body", "hi all"),
    ];
    let sent = api.post(&messages, &form).await.expect(201);
    assert_eq!(sent["other_recipients"], serde_json::json!(["+15558675311"]));
    let listed = api.get(&format!("{conversation}/Messages")).await.expect(200);
    assert_eq!(
        (&listed["messages"][0]["body"], &listed["messages"][0]["author"]),
        (&"hi all".into(), &"+15558675310".into())
    );
    let form = [
        ("To", "+15017122661"),
        ("OtherRecipients", "nonsense"),
        ("Body", "x"),
    ];
    api.post(&messages, &form).await.refused(400, 20001);
    let many: Vec<_> = (0..101).map(|n| format!("+1555867{n:04}")).collect();
    let mut form = vec![("To", "+15017122661"), ("Body", "x")];
    form.extend(many.iter().map(|number| ("OtherRecipients", number.as_str())));
    api.post(&messages, &form).await.refused(400, 20001);
    api.post(&messages, &form[..102]).await.expect(201);
}
