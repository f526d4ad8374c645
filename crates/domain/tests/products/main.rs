//! Commands of Content, Chat, Notify and Event Streams that meet each other, on the engine under test.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

mod chat;
mod content;
mod notify;
mod stream;

use std::sync::Arc;

use confab_domain::{Actor, Command, Error};
use confab_testkit::TestEngine;

const CALLERS: usize = 16;

/// Runs commands at once: what those that succeeded gave, and the codes of the others.
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
