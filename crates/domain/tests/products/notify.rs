//! Notify's services.

use confab_domain::notify::service;
use confab_testkit::engine;

use crate::{CALLERS, at_once};

#[tokio::test]
async fn ten_of_many_services_are_made_b861() {
    let engine = engine().await;
    let account = engine.account.sid;
    let (done, refused) = at_once(&engine, |_| service::Create {
        account,
        fields: service::Fields::default(),
    })
    .await;
    assert_eq!((done.len(), refused), (10, vec![20001; CALLERS - 10]));
}
