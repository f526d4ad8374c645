//! Requests for WhatsApp's approval of a template.

use serde_json::{Value, json};

use crate::common::Api;
use crate::content::{content_api, template, text_template};

async fn ask(api: &Api, sid: &str, name: &str, category: &str) -> crate::common::Answer {
    let path = format!("/v1/Content/{sid}/ApprovalRequests/whatsapp");
    api.send_json("POST", &path, &json!({"name": name, "category": category}))
        .await
}

async fn approval(api: &Api, sid: &str) -> Value {
    api.get(&format!("/v1/Content/{sid}/ApprovalRequests"))
        .await
        .expect(200)
}

/// ContentCreateApprovalCreate, ContentFetchApprovalFetch
#[tokio::test]
async fn a_request_is_received_and_granted() {
    let api = content_api().await;
    let sid = template(&api, &text_template("Hi {{1}}")).await;
    let before = approval(&api, &sid).await;
    assert_eq!(
        before["whatsapp"],
        json!({
            "type": "whatsapp", "name": "", "category": "", "content_type": "", "status": "unsubmitted",
            "rejection_reason": "", "allow_category_change": true,
        })
    );
    let asked = ask(&api, &sid, "greeting_1", "UTILITY").await.expect(201);
    let mut expected = json!({
        "name": "greeting_1", "category": "UTILITY", "content_type": "twilio/text", "status": "received",
        "rejection_reason": "", "allow_category_change": true,
    });
    assert_eq!(asked, expected);
    expected["type"] = "whatsapp".into();
    expected["status"] = "approved".into();
    let after = approval(&api, &sid).await;
    assert_eq!(after["whatsapp"], expected);
    assert_eq!(after["sid"], sid);
    assert_eq!(
        after["url"],
        format!("http://content.twilio.com/v1/Content/{sid}/ApprovalRequests")
    );
}

#[tokio::test]
async fn an_approved_template_stays_as_it_is() {
    let api = content_api().await;
    let sid = template(&api, &text_template("Hi")).await;
    ask(&api, &sid, "greeting", "MARKETING").await.expect(201);
    let path = format!("/v1/Content/{sid}");
    let before = api.get(&path).await.expect(200);
    api.send_json("PUT", &path, &text_template("Bye"))
        .await
        .refused(409, 20409);
    ask(&api, &sid, "again", "MARKETING").await.refused(409, 20409);
    assert_eq!(api.get(&path).await.expect(200), before);
    assert_eq!(approval(&api, &sid).await["whatsapp"]["name"], "greeting");
    api.delete(&path).await.expect(204);
}

#[tokio::test]
async fn a_request_is_checked() {
    let api = content_api().await;
    let sid = template(&api, &text_template("Hi")).await;
    for (name, category) in [
        ("Greeting", "UTILITY"),
        ("gre-eting", "UTILITY"),
        ("", "UTILITY"),
        (&*"x".repeat(513), "UTILITY"),
        ("greeting", "utility"),
        ("greeting", ""),
    ] {
        ask(&api, &sid, name, category).await.refused(400, 20001);
    }
    let path = format!("/v1/Content/{sid}/ApprovalRequests/whatsapp");
    let message = api
        .send_json("POST", &path, &json!({"name": "x"}))
        .await
        .refused(400, 20001);
    assert_eq!(message, "Missing required parameter category in the post body");
    assert_eq!(approval(&api, &sid).await["whatsapp"]["status"], "unsubmitted");
    ask(&api, "HX00000000000000000000000000000000", "x", "UTILITY")
        .await
        .refused(404, 20404);
    ask(&api, &sid, &"x".repeat(512), "AUTHENTICATION")
        .await
        .expect(201);
}

/// A quick reply has up to ten buttons, of which WhatsApp approves three.
#[tokio::test]
async fn approval_has_narrower_limits() {
    let api = content_api().await;
    let replies = |n: usize| {
        let actions = vec![json!({"title": "Yes", "id": "y"}); n];
        json!({"language": "en", "types": {
            "twilio/text": {"body": "Yes?"}, "twilio/quick-reply": {"body": "Yes?", "actions": actions},
        }})
    };
    let four = template(&api, &replies(4)).await;
    ask(&api, &four, "four", "UTILITY").await.refused(400, 20001);
    let three = template(&api, &replies(3)).await;
    let asked = ask(&api, &three, "three", "UTILITY").await.expect(201);
    assert_eq!(asked["content_type"], "twilio/quick-reply");
}
