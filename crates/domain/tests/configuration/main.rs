//! What accounts, services and conversations are set up with: stored as it was given, refused as it is documented, gone
//! with what it belongs to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failing step of a test ends the test"
)]

mod account_webhook;
mod address_configuration;
mod alert;
mod binding;
mod messaging_service;
mod notification;
mod role;
mod service;
mod service_webhook;
mod webhook;

use std::sync::Arc;

use confab_domain::conversation::{self, Conversation};
use confab_domain::service::{self as services, Service};
use confab_domain::user::{self, User};
use confab_domain::{Actor, Command, Error, Page, Transaction, Window};
use confab_store::Tx;
use confab_testkit::TestEngine;
use confab_types::{Cursor, ServiceSid};

/// Runs a command of REST.
async fn run<C: Command>(engine: &TestEngine, command: C) -> Result<C::Output, Error> {
    engine.execute(Actor::Rest, command).await
}

/// Runs a command that must be refused, and gives status and code.
async fn refused<C: Command>(engine: &TestEngine, command: C) -> (u16, u32)
where
    C::Output: std::fmt::Debug,
{
    match run(engine, command).await {
        Err(Error::Api(error)) => (error.status, error.code),
        other => panic!("not refused: {other:?}"),
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A text of some characters that take more than a byte each.
fn long(chars: usize) -> String {
    "é".repeat(chars)
}

async fn new_conversation(engine: &TestEngine, service: ServiceSid) -> Conversation {
    let command = conversation::Create {
        account: engine.account.sid,
        service,
        fields: conversation::Fields::default(),
    };
    run(engine, command).await.unwrap()
}

async fn new_service(engine: &TestEngine) -> Service {
    let command = services::Create {
        account: engine.account.sid,
        friendly_name: "another".into(),
    };
    run(engine, command).await.unwrap()
}

async fn delete_service(engine: &TestEngine, service: ServiceSid) {
    let command = services::Delete {
        account: engine.account.sid,
        service,
    };
    while !run(engine, command.clone()).await.unwrap() {}
}

async fn new_user(engine: &TestEngine, service: ServiceSid, identity: &str) -> User {
    let command = user::Create {
        account: engine.account.sid,
        service,
        identity: identity.into(),
        friendly_name: None,
        attributes: None,
        role: None,
    };
    run(engine, command).await.unwrap()
}

fn start(size: usize) -> Window {
    Window { cursor: None, size }
}

/// Rows of a table, whatever they belong to: nothing else tells that none was left over.
async fn rows(engine: &TestEngine, sql: &'static str) -> i64 {
    // It reads whole tables, which nothing but a test may do.
    let unseen = engine.store().clone().probed(Arc::new(|_, _, _| Ok(())));
    let count = move |tx: &mut dyn Tx| tx.first(sql, &[])?.unwrap().int();
    unseen.read(count).await.unwrap()
}

/// Walks a list to its end and back by pages of a size, and gives what it saw on the way there.
async fn walk<T, F>(engine: &TestEngine, size: usize, list: F) -> Vec<T>
where
    T: Clone + PartialEq + std::fmt::Debug + Send + 'static,
    F: Fn(&mut Transaction<'_>, &Window) -> confab_domain::Result<Page<T>> + Clone + Send + 'static,
{
    let page = |cursor: Option<Cursor>| {
        let (list, window) = (list.clone(), Window { cursor, size });
        async move { engine.read(move |tx| list(tx, &window)).await.unwrap() }
    };
    let (mut there, mut cursor) = (Vec::new(), None);
    loop {
        let found = page(cursor).await;
        assert!(found.items.len() <= size);
        there.push(found.items);
        cursor = found.next;
        if cursor.is_none() {
            let mut back = vec![there.last().unwrap().clone()];
            let mut before = found.previous;
            while before.is_some() {
                let found = page(before).await;
                back.push(found.items);
                before = found.previous;
            }
            back.reverse();
            assert_eq!(back, there);
            return there.into_iter().flatten().collect();
        }
    }
}
