//! Commands that meet each other, on the engine under test.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod deletions;
mod groups;
mod leases;
mod locks;
mod makers;

use std::sync::Arc;

use confab_domain::message::Message;
use confab_domain::{Actor, Command, Error, Order, Window, conversation, message, participant};
use confab_testkit::TestEngine;
use confab_types::ConversationSid;

const CALLERS: usize = 16;

/// Runs the same command from many callers at once: how many succeeded, and the codes of the others.
async fn at_once<C: Command>(engine: &TestEngine, make: impl Fn(usize) -> C) -> (Vec<C::Output>, Vec<u32>) {
    let barrier = Arc::new(tokio::sync::Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|n| {
            let (engine, barrier, command) = ((**engine).clone(), Arc::clone(&barrier), make(n));
            tokio::spawn(async move {
                barrier.wait().await;
                engine.execute(Actor::Rest, command).await
            })
        })
        .collect();
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for caller in callers {
        match caller.await.unwrap() {
            Ok(output) => done.push(output),
            Err(Error::Api(error)) => refused.push(error.code),
            Err(error) => panic!("{error}"),
        }
    }
    (done, refused)
}

async fn conversation(engine: &TestEngine) -> ConversationSid {
    engine
        .execute(Actor::Rest, create(engine, None))
        .await
        .unwrap()
        .sid
}

fn create(engine: &TestEngine, unique_name: Option<&str>) -> conversation::Create {
    conversation::Create {
        account: engine.account.sid,
        service: engine.account.default_service,
        fields: conversation::Fields {
            unique_name: unique_name.map(str::to_owned),
            ..conversation::Fields::default()
        },
    }
}

fn post(engine: &TestEngine, conversation: ConversationSid, body: &str) -> message::Create {
    message::Create {
        service: engine.account.default_service,
        conversation: conversation.to_string(),
        author: None,
        body: Some(body.to_owned()),
        subject: None,
        attributes: None,
        content: confab_domain::content::Reference::default(),
        created_at: None,
        updated_at: None,
        media: Vec::new(),
    }
}

fn phone(address: &str) -> participant::Fields {
    participant::Fields {
        address: Some(address.into()),
        proxy_address: Some("+15017122661".into()),
        ..participant::Fields::default()
    }
}

async fn messages(engine: &TestEngine, conversation: ConversationSid) -> Vec<Message> {
    let read = move |tx: &mut confab_domain::Transaction<'_>| {
        let found = conversation::by_sid(tx, conversation)?.unwrap();
        Ok(message::list(
            tx,
            &found,
            Order::Ascending,
            &Window {
                cursor: None,
                size: 10_000,
            },
        )?
        .items)
    };
    engine.read(read).await.unwrap()
}

/// What makes a group of texting.
fn member(address: Option<&str>, projected: Option<&str>) -> participant::Fields {
    participant::Fields {
        address: address.map(str::to_owned),
        projected_address: projected.map(str::to_owned),
        ..participant::Fields::default()
    }
}

fn all() -> Window {
    Window {
        cursor: None,
        size: 1000,
    }
}
