//! States of conversations that change behind the callers' backs, by the worker of the server.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::sync::Arc;

use confab_channels::{Dispatcher, Simulator};
use confab_domain::conversation::{self, Conversation, CreateWithParticipants, Fields, State};
use confab_domain::{Actor, Change, Commit, job, participant};
use confab_jobs::Worker;
use confab_testkit::{TestClock, TestEngine, engine_at, engine_over, soon};
use confab_types::ConversationSid;
use tokio::sync::{mpsc, oneshot};

const PHONE: &str = "+15558675310";
const NUMBER: &str = "+15017122661";

/// An engine whose jobs are done.
struct Server {
    engine: TestEngine,
    commits: mpsc::Receiver<Commit>,
    // The worker ends when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl Server {
    fn start(engine: TestEngine) -> Self {
        let commits = engine.commits();
        let simulator = Arc::new(Simulator::new((*engine).clone()));
        let dispatcher = Dispatcher::new((*engine).clone(), simulator);
        let (stop, stops) = oneshot::channel::<()>();
        let worker = Worker::new((*engine).clone(), Arc::new(dispatcher), Arc::new(|_, _| {}));
        tokio::spawn(worker.run(async move {
            let _ = stops.await;
        }));
        Self {
            engine,
            commits,
            _stop: stop,
        }
    }

    /// Waits until clients are told that a conversation is in a state.
    async fn reaches(&mut self, sid: ConversationSid, state: State) {
        let reached = async {
            while let Some(commit) = self.commits.recv().await {
                for change in commit.changes {
                    if let Change::Conversation(row) = change
                        && (row.sid, row.state) == (sid, state)
                    {
                        return;
                    }
                }
            }
        };
        soon(state.name(), reached).await;
    }
}

async fn create(engine: &TestEngine, inactive: &str, closed: &str) -> Conversation {
    let create = conversation::Create {
        account: engine.account.sid,
        service: engine.account.default_service,
        fields: Fields {
            timer_inactive: Some(inactive.into()),
            timer_closed: Some(closed.into()),
            ..Fields::default()
        },
    };
    engine.execute(Actor::Rest, create).await.unwrap()
}

fn with_phone(engine: &TestEngine) -> CreateWithParticipants {
    CreateWithParticipants {
        account: engine.account.sid,
        service: engine.account.default_service,
        fields: Fields::default(),
        participants: vec![
            r#"{"identity":"alice"}"#.into(),
            format!(r#"{{"messaging_binding":{{"address":"{PHONE}","proxy_address":"{NUMBER}"}}}}"#),
        ],
    }
}

async fn get(engine: &TestEngine, sid: ConversationSid) -> Conversation {
    let read = engine.read(move |tx| conversation::by_sid(tx, sid));
    read.await.unwrap().unwrap()
}

#[tokio::test]
async fn timers_run_out_b119_b125() {
    let clock = TestClock::new();
    let mut server = Server::start(engine_at(clock.clone()).await);
    let made = create(&server.engine, "PT1M", "PT10M").await;
    clock.advance(60);
    server.reaches(made.sid, State::Inactive).await;
    clock.advance(600);
    server.reaches(made.sid, State::Closed).await;
}

#[tokio::test]
async fn a_start_makes_up_for_what_was_missed_b126() {
    let clock = TestClock::new();
    let engine = engine_at(clock.clone()).await;
    let made = create(&engine, "PT1M", "PT10M").await;
    let later = create(&engine, "P30D", "PT0S").await;
    // A worker took the job and died over it.
    clock.advance(60);
    let claimed = engine
        .execute(Actor::System, job::Claim { most: 10 })
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    clock.advance(3600);
    let mut server = Server::start(engine_over(engine.into_store(), clock.clone()).await);
    server.reaches(made.sid, State::Inactive).await;
    server.reaches(made.sid, State::Closed).await;
    assert_eq!(get(&server.engine, later.sid).await.state, State::Active);
    clock.advance(30 * 24 * 3600);
    server.reaches(later.sid, State::Inactive).await;
}

#[tokio::test]
async fn participants_are_let_in_also_after_a_restart_b137() {
    let engine = engine_at(TestClock::new()).await;
    let made = engine.execute(Actor::Rest, with_phone(&engine)).await.unwrap();
    assert_eq!(made.state, State::Initializing);
    let mut server = Server::start(engine_over(engine.into_store(), TestClock::new()).await);
    server.reaches(made.sid, State::Active).await;
    let open = get(&server.engine, made.sid).await;
    assert_eq!((open.participants_count, open.non_chat_count), (2, 1));
}

#[tokio::test]
async fn a_pair_that_was_taken_meanwhile_closes_it_b140() {
    let engine = engine_at(TestClock::new()).await;
    let made = engine.execute(Actor::Rest, with_phone(&engine)).await.unwrap();
    let other = create(&engine, "PT0S", "PT0S").await;
    let add = participant::Add {
        service: other.service,
        conversation: other.sid.to_string(),
        fields: participant::Fields {
            address: Some(PHONE.into()),
            proxy_address: Some(NUMBER.into()),
            ..participant::Fields::default()
        },
    };
    engine.execute(Actor::Rest, add).await.unwrap();
    let mut server = Server::start(engine);
    server.reaches(made.sid, State::Closed).await;
    assert_eq!(get(&server.engine, made.sid).await.participants_count, 0);
}
