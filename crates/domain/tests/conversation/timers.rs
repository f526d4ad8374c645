//! Timers, second by second.

use confab_domain::conversation::{Conversation, Fields, State};
use confab_domain::{Actor, Change, Stream, message};
use confab_types::{ConversationSid, Timestamp};

use crate::{PHONE, World, phone, timers};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

/// Dates of the transitions that are ahead.
fn dates(conversation: &Conversation) -> (Option<Timestamp>, Option<Timestamp>) {
    (conversation.date_inactive(), conversation.date_closed())
}

impl World {
    async fn timed(&self, inactive: Option<&str>, closed: Option<&str>) -> ConversationSid {
        self.create(timers(inactive, closed)).await.unwrap().sid
    }

    async fn state(&self, sid: ConversationSid) -> State {
        self.get(sid).await.state
    }

    /// So many seconds pass, and the worker looks at the jobs.
    async fn pass(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.work().await;
    }
}

#[tokio::test]
async fn a_timer_is_a_duration_in_days_or_smaller_b116() {
    let world = World::new().await;
    for (text, seconds) in [
        ("P1D", 86_400),
        ("PT24H", 86_400),
        ("PT60M", HOUR),
        ("P1DT1H1M1S", 90_061),
    ] {
        let made = world.create(timers(Some(text), Some(text))).await.unwrap();
        let inactive = world.now().plus_seconds(seconds);
        assert_eq!(
            dates(&made),
            (Some(inactive), Some(inactive.plus_seconds(seconds))),
            "{text}"
        );
    }
    for text in ["P6M", "P1Y", "P1W", "", "60", "soon", "-PT60S", "P"] {
        let refused = world.create(timers(Some(text), None)).await.unwrap_err();
        assert_eq!(refused, 50379, "{text}");
        let refused = world.create(timers(None, Some(text))).await.unwrap_err();
        assert_eq!(refused, 50380, "{text}");
    }
}

#[tokio::test]
async fn a_timer_has_a_least_length_b117() {
    let world = World::new().await;
    let just = world.create(timers(Some("PT60S"), Some("PT600S"))).await.unwrap();
    assert_eq!(
        dates(&just),
        (
            Some(world.now().plus_seconds(60)),
            Some(world.now().plus_seconds(660))
        )
    );
    for (inactive, closed, code) in [
        (Some("PT59S"), None, 50375),
        (Some("PT59.999S"), None, 50375),
        (None, Some("PT599S"), 50376),
        (None, Some("PT9M"), 50376),
    ] {
        assert_eq!(world.create(timers(inactive, closed)).await.unwrap_err(), code);
        assert_eq!(
            world
                .update(just.sid, timers(inactive, closed))
                .await
                .unwrap_err(),
            code
        );
    }
    assert_eq!(dates(&world.get(just.sid).await), dates(&just));
}

#[tokio::test]
async fn no_length_takes_a_timer_away_b118_b128() {
    let world = World::new().await;
    let sid = world.timed(None, None).await;
    let both = world
        .update(sid, timers(Some("PT1M"), Some("PT10M")))
        .await
        .unwrap();
    assert_eq!(
        dates(&both),
        (
            Some(world.now().plus_seconds(60)),
            Some(world.now().plus_seconds(660))
        )
    );
    // The time to closing begins anew: a conversation must not be over at once because it was idle.
    world.clock.advance(30);
    let one = world.update(sid, timers(Some("PT0S"), None)).await.unwrap();
    assert_eq!(dates(&one), (None, Some(world.now().plus_seconds(600))));
    let none = world.update(sid, timers(None, Some("PT0S"))).await.unwrap();
    assert_eq!(dates(&none), (None, None));
    world.pass(HOUR).await;
    assert_eq!(world.state(sid).await, State::Active);
    assert_eq!(world.next_job().await, None);
}

#[tokio::test]
async fn with_both_timers_it_becomes_inactive_and_then_closed_b119_b125_b127() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), Some("PT10M")).await;
    let start = world.now();
    world.pass(59).await;
    assert_eq!(world.state(sid).await, State::Active);
    world.pass(1).await;
    let inactive = world.get(sid).await;
    assert_eq!(
        (inactive.state, inactive.state_at, inactive.updated_at),
        (State::Inactive, world.now(), world.now())
    );
    assert_eq!(dates(&inactive), (None, Some(start.plus_seconds(660))));
    world.pass(599).await;
    assert_eq!(world.state(sid).await, State::Inactive);
    world.pass(1).await;
    let closed = world.get(sid).await;
    assert_eq!((closed.state, closed.state_at), (State::Closed, world.now()));
    assert_eq!(dates(&closed), (None, None));
    assert_eq!(world.next_job().await, None);
}

#[tokio::test]
async fn a_late_run_does_not_move_the_date_that_was_shown_b119() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), Some("PT10M")).await;
    let closes = world.get(sid).await.date_closed();
    world.pass(3 * MINUTE).await;
    let inactive = world.get(sid).await;
    assert_eq!(
        (inactive.state, inactive.date_closed()),
        (State::Inactive, closes)
    );
}

#[tokio::test]
async fn without_timers_nothing_changes_by_itself_b120() {
    let world = World::new().await;
    let sid = world.timed(None, None).await;
    assert_eq!(world.next_job().await, None);
    world.pass(365 * 24 * HOUR).await;
    assert_eq!(world.state(sid).await, State::Active);
}

#[tokio::test]
async fn with_the_timer_to_inactivity_alone_it_stays_inactive_b121() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), None).await;
    world.pass(MINUTE).await;
    assert_eq!(world.state(sid).await, State::Inactive);
    assert_eq!(world.next_job().await, None);
    world.pass(365 * 24 * HOUR).await;
    assert_eq!(world.state(sid).await, State::Inactive);
    // A message begins it all again.
    world.post(sid, "hello").await.unwrap();
    let awake = world.get(sid).await;
    assert_eq!(awake.state, State::Active);
    assert_eq!(dates(&awake), (Some(world.now().plus_seconds(60)), None));
    world.pass(MINUTE).await;
    assert_eq!(world.state(sid).await, State::Inactive);
}

#[tokio::test]
async fn with_the_timer_to_closing_alone_it_is_never_inactive_b122() {
    let world = World::new().await;
    let sid = world.timed(None, Some("PT10M")).await;
    let made = world.get(sid).await;
    assert_eq!(dates(&made), (None, Some(world.now().plus_seconds(600))));
    world.pass(599).await;
    assert_eq!(world.state(sid).await, State::Active);
    world.pass(1).await;
    assert_eq!(world.state(sid).await, State::Closed);
}

#[tokio::test]
async fn a_message_moves_both_dates_and_writes_no_job_b123() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), Some("PT10M")).await;
    let first_look = world.next_job().await;
    world.clock.advance(30);
    world.post(sid, "hello").await.unwrap();
    let moved = world.get(sid).await;
    assert_eq!(
        dates(&moved),
        (
            Some(world.now().plus_seconds(60)),
            Some(world.now().plus_seconds(660))
        )
    );
    assert_eq!(world.next_job().await, first_look);
    // The job looks at the time that it was written for, and comes again.
    world.pass(30).await;
    assert_eq!(world.state(sid).await, State::Active);
    assert_eq!(world.next_job().await, moved.date_inactive());
    world.pass(30).await;
    assert_eq!(world.state(sid).await, State::Inactive);
}

#[tokio::test]
async fn removing_the_last_message_does_not_move_activity_back_b123() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), None).await;
    world.clock.advance(30);
    let message = world.post(sid, "hello").await.unwrap();
    let before = dates(&world.get(sid).await);
    world
        .rest(message::Delete {
            service: world.service,
            conversation: sid.to_string(),
            key: message.sid.to_string(),
        })
        .await
        .unwrap();
    let after = world.get(sid).await;
    assert_eq!((after.last_message_index, dates(&after)), (None, before));
}

#[tokio::test]
async fn what_is_no_activity_leaves_the_clock_alone_b123() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), None).await;
    let before = dates(&world.get(sid).await);
    world.clock.advance(30);
    let named = Fields {
        friendly_name: Some("a name".into()),
        ..Fields::default()
    };
    assert_eq!(dates(&world.update(sid, named).await.unwrap()), before);
    world.set_state(sid, "active").await.unwrap();
    world.add(sid, crate::chat("alice")).await.unwrap();
    assert_eq!(dates(&world.get(sid).await), before);
}

#[tokio::test]
async fn a_state_set_by_hand_restarts_the_clock_b124() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), Some("PT10M")).await;
    world.clock.advance(30);
    let inactive = world.set_state(sid, "inactive").await.unwrap();
    assert_eq!(dates(&inactive), (None, Some(world.now().plus_seconds(600))));
    world.clock.advance(300);
    let active = world.set_state(sid, "active").await.unwrap();
    assert_eq!(
        dates(&active),
        (
            Some(world.now().plus_seconds(60)),
            Some(world.now().plus_seconds(660))
        )
    );
    assert_eq!(world.next_job().await, active.date_inactive());
    world.pass(MINUTE).await;
    assert_eq!(world.state(sid).await, State::Inactive);
}

#[tokio::test]
async fn a_conversation_that_begins_inactive_waits_for_its_closing_b119() {
    let world = World::new().await;
    let fields = Fields {
        state: Some("inactive".into()),
        ..timers(Some("PT1M"), Some("PT10M"))
    };
    let made = world.create(fields).await.unwrap();
    assert_eq!(dates(&made), (None, Some(world.now().plus_seconds(600))));
    world.pass(600).await;
    assert_eq!(world.state(made.sid).await, State::Closed);
}

#[tokio::test]
async fn overdue_changes_happen_when_the_worker_is_back_b126() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), Some("PT10M")).await;
    world.clock.advance(24 * HOUR);
    assert_eq!(world.state(sid).await, State::Active);
    world.work().await;
    assert_eq!(world.state(sid).await, State::Closed);
}

#[tokio::test]
async fn each_change_is_one_that_clients_hear_of_b125() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), Some("PT10M")).await;
    let mut commits = world.commits();
    world.pass(MINUTE).await;
    world.pass(10 * MINUTE).await;
    for (state, seq) in [(State::Inactive, 1), (State::Closed, 2)] {
        let commit = commits.recv().await.unwrap();
        assert_eq!((commit.stream, commit.seq), (Stream::Conversation(sid), seq));
        match commit.changes.as_slice() {
            [Change::Conversation(row)] => assert_eq!((row.state, row.document_seq), (state, seq)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn running_twice_too_early_or_too_late_changes_nothing_b126() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), None).await;
    let due = world.get(sid).await.date_inactive();
    assert_eq!(world.run_timers(sid).await, due);
    world.clock.advance(60);
    assert_eq!(world.run_timers(sid).await, None);
    let inactive = world.get(sid).await;
    world.clock.advance(60);
    assert_eq!(world.run_timers(sid).await, None);
    let after = world.get(sid).await;
    assert_eq!((after.seq, after.state_at), (inactive.seq, inactive.state_at));
    world.delete(sid).await.unwrap();
    assert_eq!(world.run_timers(sid).await, None);
}

#[tokio::test]
async fn a_timer_that_closes_frees_number_pairs_b172() {
    let world = World::new().await;
    let sid = world.timed(None, Some("PT10M")).await;
    world.add(sid, phone(PHONE)).await.unwrap();
    let other = world.timed(None, None).await;
    assert_eq!(world.add(other, phone(PHONE)).await.unwrap_err(), 50416);
    world.pass(600).await;
    world.add(other, phone(PHONE)).await.unwrap();
}

#[tokio::test]
async fn a_conversation_has_one_job_however_often_its_timers_are_set_b126() {
    let world = World::new().await;
    let sid = world.timed(Some("PT1M"), Some("PT10M")).await;
    for _ in 0..3 {
        world.update(sid, timers(Some("PT2M"), None)).await.unwrap();
        world.set_state(sid, "inactive").await.unwrap();
        world.post(sid, "hello").await.unwrap();
    }
    world.clock.advance(120);
    let claim = confab_domain::job::Claim { most: 10 };
    let claimed = world.execute(Actor::System, claim).await.unwrap();
    assert_eq!(claimed.len(), 1);
    // Whose row is replaced while it runs finds nothing to postpone; its successor stands.
    world.set_state(sid, "inactive").await.unwrap();
    world.run(claimed.into_iter().next().unwrap()).await;
    let closes = world.get(sid).await.date_closed();
    assert!(closes.is_some());
    assert_eq!(world.next_job().await, closes);
}

#[tokio::test]
async fn removal_takes_the_job_along_b132() {
    let world = World::new().await;
    let sid = world.timed(Some("P1D"), None).await;
    world.delete(sid).await.unwrap();
    world.work().await;
    assert_eq!(world.next_job().await, None);
}
