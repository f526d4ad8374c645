//! Templates.

use confab_domain::{Actor, content};
use confab_testkit::engine;
use serde_json::json;

use crate::{CALLERS, at_once};

#[tokio::test]
async fn one_of_many_submits_a_template() {
    let engine = engine().await;
    let account = engine.account.sid;
    let create = content::Create {
        account,
        fields: content::Fields {
            language: Some("en".into()),
            types: Some(json!({"twilio/text": {"body": "Hi"}})),
            ..content::Fields::default()
        },
    };
    let template = engine.execute(Actor::Rest, create).await.unwrap();
    let (done, refused) = at_once(&engine, |n| content::Submit {
        account,
        key: template.sid.to_string(),
        name: format!("name_{n}"),
        category: "UTILITY".into(),
    })
    .await;
    assert_eq!((done.len(), refused), (1, vec![20409; CALLERS - 1]));
    let sid = template.sid;
    let stored = engine.read(move |tx| content::find(tx, account, sid)).await;
    let stored = stored.unwrap().unwrap().approval.unwrap();
    assert_eq!(stored.name, done[0].name);
}
