//! The log of Programmable Messaging, and what conversations write into it.

mod changes;
mod entries;
mod files;
mod lists;

use confab_domain::inbound::Arrival;
use confab_domain::job::{Claim, Kind};
use confab_domain::media::{Category, Complete, Owner, Reserve};
use confab_domain::receipt::{Report, Status};
use confab_domain::{Actor, handset};
use confab_types::{AccountSid, Address, MediaSid, Sid as _};
use serde_json::Value;

use crate::common::{ACCOUNT, Api};

const PROXY: &str = "+15017122661";
const ANN: &str = "+15558675310";
const BEN: &str = "+15558675311";
const WHATSAPP: &str = "whatsapp:+15558675312";

fn log() -> String {
    log_of(ACCOUNT)
}

fn log_of(account: &str) -> String {
    format!("/2010-04-01/Accounts/{account}/Messages.json")
}

fn one(sid: &Value) -> String {
    log().replace(".json", &format!("/{}.json", sid.as_str().unwrap()))
}

/// A conversation with phones; its path.
async fn with_phones(api: &Api, phones: &[(&str, &str)]) -> String {
    let path = api.conversation(&[]).await;
    for (address, proxy) in phones {
        let binding = [
            ("MessagingBinding.Address", *address),
            ("MessagingBinding.ProxyAddress", *proxy),
        ];
        api.post(&format!("{path}/Participants"), &binding)
            .await
            .expect(201);
    }
    path
}

async fn say(api: &Api, conversation: &str, form: &[(&str, &str)]) -> String {
    api.make(&format!("{conversation}/Messages"), form).await
}

async fn listed(api: &Api, list: &str) -> Vec<Value> {
    let page = api.on_host("api.twilio.com").get(list).await.expect(200);
    page["messages"].as_array().unwrap().clone()
}

async fn logged(api: &Api, sid: &Value) -> Value {
    api.on_host("api.twilio.com").get(&one(sid)).await.expect(200)
}

/// A carrier reports on a message; whether that was news.
async fn report(api: &Api, sid: &Value, status: Status, error_code: Option<i64>) -> bool {
    let report = Report {
        channel_message: sid.as_str().unwrap().to_owned(),
        status,
        error_code,
    };
    api.engine.execute(Actor::Carrier, report).await.unwrap()
}

/// A phone writes to a number of the account; the SID of its message.
async fn phone_sends(api: &Api, phone: &str, to: &str, body: &str) -> Value {
    phone_sends_files(api, phone, to, body, 0).await
}

/// As [`phone_sends`], with files that are still to be fetched.
async fn phone_sends_files(api: &Api, phone: &str, to: &str, body: &str, files: usize) -> Value {
    let send = handset::Send {
        account: AccountSid::parse(ACCOUNT).unwrap(),
        handset: Address::parse(phone).unwrap(),
        to: to.to_owned(),
        others: Vec::new(),
        body: body.to_owned(),
        media: vec!["http://a.example/1".to_owned(); files],
    };
    api.engine.execute(Actor::Carrier, send).await.unwrap().sid.into()
}

/// The message of a phone that waits for its files: its job, and itself.
async fn waiting(api: &Api) -> (i64, Arrival) {
    let jobs = api
        .engine
        .execute(Actor::System, Claim { most: 100 })
        .await
        .unwrap();
    let waits = |job: confab_domain::job::Job| match job.kind {
        Kind::Receive(arrival) => Some((job.id, arrival)),
        _ => None,
    };
    jobs.into_iter().find_map(waits).unwrap()
}

/// A file that a phone sent, as it is stored before its message comes in.
async fn stored(api: &Api, phone: &str) -> MediaSid {
    let reserve = Reserve {
        owner: Owner::Phone {
            account: AccountSid::parse(ACCOUNT).unwrap(),
            address: phone.to_owned(),
        },
        category: Category::Media,
        filename: None,
        bytes: 3,
    };
    let media = api.engine.execute(Actor::Carrier, reserve).await.unwrap();
    let complete = Complete {
        media,
        content_type: "image/png".into(),
        size: 3,
    };
    api.engine.execute(Actor::Carrier, complete).await.unwrap();
    media
}
