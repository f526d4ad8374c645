//! The worker over a real store: order, repetition, an orderly end.
#![allow(clippy::unwrap_used, reason = "a failing step of a test ends the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use confab_domain::job::{Job, Kind};
use confab_domain::{Actor, conversation, message, participant};
use confab_jobs::{Handler, Outcome, Worker};
use confab_testkit::{TestEngine, engine, soon};
use tokio::sync::{Notify, mpsc, oneshot};

/// Tells what it is given, and answers as the test wants.
struct Scripted<F> {
    told: mpsc::UnboundedSender<(Kind, i64)>,
    answer: F,
}

#[async_trait]
impl<F> Handler for Scripted<F>
where
    F: Fn(&Job) -> Outcome + Send + Sync + 'static,
{
    async fn run(&self, job: &Job) -> Outcome {
        let outcome = (self.answer)(job);
        let _ = self.told.send((job.kind.clone(), job.attempts));
        outcome
    }
}

struct Running {
    stop: oneshot::Sender<()>,
    worker: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(engine: &TestEngine, handler: Arc<dyn Handler>) -> Self {
        let (stop, stops) = oneshot::channel::<()>();
        let worker = Worker::new((**engine).clone(), handler, Arc::new(|_, _| {}));
        let worker = tokio::spawn(worker.run(async move {
            let _ = stops.await;
        }));
        Self { stop, worker }
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        soon("the worker to end", self.worker).await.unwrap();
    }
}

/// A conversation with a phone in it.
async fn with_phone(engine: &TestEngine, number: &str) -> String {
    let service = engine.account.default_service;
    let create = conversation::Create {
        account: engine.account.sid,
        service,
        fields: conversation::Fields::default(),
    };
    let sid = engine.execute(Actor::Rest, create).await.unwrap().sid.to_string();
    let fields = participant::Fields {
        address: Some(number.into()),
        proxy_address: Some("+15017122661".into()),
        ..participant::Fields::default()
    };
    let add = participant::Add {
        service,
        conversation: sid.clone(),
        fields,
    };
    engine.execute(Actor::Rest, add).await.unwrap();
    sid
}

async fn post(engine: &TestEngine, conversation: &str, body: &str) {
    let create = message::Create {
        service: engine.account.default_service,
        conversation: conversation.to_owned(),
        author: None,
        body: Some(body.to_owned()),
        subject: None,
        attributes: None,
        content: confab_domain::content::Reference::default(),
        created_at: None,
        updated_at: None,
        media: Vec::new(),
    };
    engine.execute(Actor::Rest, create).await.unwrap();
}

fn text(kind: &Kind) -> (String, String) {
    match kind {
        Kind::Send { to, body, .. } => (to.clone(), body.clone()),
        other => panic!("not a message: {other:?}"),
    }
}

#[tokio::test]
async fn jobs_of_one_number_pair_run_in_order_and_others_beside_them() {
    let engine = engine().await;
    let numbers = ["+15558675310", "+15558675311", "+15558675312"];
    for number in numbers {
        let conversation = with_phone(&engine, number).await;
        for n in 0..50 {
            post(&engine, &conversation, &n.to_string()).await;
        }
    }
    let (told, mut runs) = mpsc::unbounded_channel();
    let running = Running::start(
        &engine,
        Arc::new(Scripted {
            told,
            answer: |_: &Job| Outcome::Done,
        }),
    );
    let mut bodies: Vec<(String, String)> = Vec::new();
    for _ in 0..150 {
        let (kind, _) = soon("a job", runs.recv()).await.unwrap();
        bodies.push(text(&kind));
    }
    for number in numbers {
        let of_number: Vec<_> = bodies
            .iter()
            .filter(|(to, _)| to == number)
            .map(|(_, body)| body.clone())
            .collect();
        assert_eq!(of_number, (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
    }
    running.stop().await;
    let now = engine.now();
    let left = engine
        .read(move |tx| confab_domain::job::next_due(tx, now))
        .await
        .unwrap();
    assert_eq!(left, None);
}

#[tokio::test]
async fn what_fails_or_panics_is_tried_again_and_holds_up_its_own_order_only() {
    let engine = engine().await;
    let failing = with_phone(&engine, "+15558675310").await;
    let other = with_phone(&engine, "+15558675311").await;
    post(&engine, &failing, "first").await;
    post(&engine, &failing, "second").await;
    let (told, mut runs) = mpsc::unbounded_channel();
    let answer = |job: &Job| match (text(&job.kind).1.as_str(), job.attempts) {
        ("first", 0) => Outcome::Failed {
            error: "no network".into(),
        },
        ("second", 0) => panic!("a bug"),
        _ => Outcome::Done,
    };
    let running = Running::start(&engine, Arc::new(Scripted { told, answer }));
    let next = async |runs: &mut mpsc::UnboundedReceiver<(Kind, i64)>| {
        let (kind, attempts) = soon("a job", runs.recv()).await.unwrap();
        (text(&kind).1, attempts)
    };
    assert_eq!(next(&mut runs).await, ("first".into(), 0));
    post(&engine, &other, "beside").await;
    assert_eq!(next(&mut runs).await, ("beside".into(), 0));
    assert_eq!(next(&mut runs).await, ("first".into(), 1));
    // Its first run panicked before it could tell.
    assert_eq!(next(&mut runs).await, ("second".into(), 1));
    running.stop().await;
}

#[tokio::test]
async fn work_in_steps_goes_on_until_it_is_done() {
    let engine = engine().await;
    let conversation = with_phone(&engine, "+15558675310").await;
    post(&engine, &conversation, "steps").await;
    let (told, mut runs) = mpsc::unbounded_channel();
    let steps = AtomicUsize::new(0);
    let now = engine.now();
    let answer = move |_: &Job| match steps.fetch_add(1, Ordering::SeqCst) {
        0..3 => Outcome::Again { at: now },
        _ => Outcome::Done,
    };
    let running = Running::start(&engine, Arc::new(Scripted { told, answer }));
    for _ in 0..4 {
        let (_, attempts) = soon("a step", runs.recv()).await.unwrap();
        // A step that went well is no failed try.
        assert_eq!(attempts, 0);
    }
    running.stop().await;
    assert!(runs.try_recv().is_err());
}

/// Waits in the middle of its work until the test lets it go on.
struct Slow {
    entered: Notify,
    go_on: Notify,
    done: AtomicBool,
}

#[async_trait]
impl Handler for Slow {
    async fn run(&self, _: &Job) -> Outcome {
        self.entered.notify_one();
        self.go_on.notified().await;
        self.done.store(true, Ordering::SeqCst);
        Outcome::Done
    }
}

#[tokio::test]
async fn the_end_waits_for_running_jobs() {
    let engine = engine().await;
    let conversation = with_phone(&engine, "+15558675310").await;
    post(&engine, &conversation, "slow").await;
    let slow = Arc::new(Slow {
        entered: Notify::new(),
        go_on: Notify::new(),
        done: AtomicBool::new(false),
    });
    let running = Running::start(&engine, Arc::clone(&slow) as Arc<dyn Handler>);
    soon("the job to start", slow.entered.notified()).await;
    let stopping = tokio::spawn(running.stop());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished());
    slow.go_on.notify_one();
    stopping.await.unwrap();
    assert!(slow.done.load(Ordering::SeqCst));
    let now = engine.now();
    assert_eq!(
        engine
            .read(move |tx| confab_domain::job::next_due(tx, now))
            .await
            .unwrap(),
        None
    );
}
