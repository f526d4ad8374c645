//! What fails together, and how it is spared.

use std::time::Duration;

use confab_types::Timestamp;

/// Failures one after another, in whatever lanes, after which a target is spared.
const PATIENCE: u32 = 5;
/// Pauses between tries of a spared target.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is known of a target; only while there is work for it.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// Failures since the last call that went well.
    failures: u32,
    /// When the first of these was, as far as this process knows.
    failing_since: Option<Timestamp>,
    /// When it may be tried again, while it is spared.
    probe_at: Option<Timestamp>,
}

/// What became of a lane's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The target answered.
    Answered,
    /// It could not be reached, or is not well.
    Failing,
    /// Nothing was called.
    Idle,
}

impl Target {
    /// How many lanes may be begun now, of those that are begun and those that may be of a target that is well.
    pub(crate) fn room(&self, now: Timestamp, (begun, left): (usize, usize)) -> usize {
        match self.probe_at {
            None => left,
            Some(at) if at <= now => 1_usize.saturating_sub(begun),
            Some(_) => 0,
        }
    }

    /// Whether it is tried by one lane now and then.
    pub(crate) fn is_spared(&self) -> bool {
        self.probe_at.is_some()
    }

    /// When there may be room again though nothing else happens.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.probe_at
    }

    /// Whether it is spared, and has not answered since a moment. A process that has just begun knows of no failures: what
    /// waited while the server was down is tried for as long as anything else.
    pub(crate) fn failing_since(&self, moment: Timestamp) -> bool {
        self.probe_at.is_some() && self.failing_since.is_some_and(|since| since <= moment)
    }

    /// Takes in what became of a lane's calls; whether the target is back after it was spared.
    pub(crate) fn heard(&mut self, report: Report, now: Timestamp) -> bool {
        match report {
            Report::Idle => false,
            Report::Answered => {
                self.failures = 0;
                self.failing_since = None;
                self.probe_at.take().is_some()
            }
            Report::Failing => {
                self.failures += 1;
                self.failing_since.get_or_insert(now);
                if let Some(beyond) = self.failures.checked_sub(PATIENCE) {
                    let pause = FIRST_PAUSE * (1 << beyond.min(6));
                    let pause = pause.min(LONGEST_PAUSE);
                    let micros = i64::try_from(pause.as_micros()).unwrap_or(i64::MAX);
                    self.probe_at = Some(Timestamp(now.0 + micros));
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_keeps_failing_is_tried_by_one_lane_now_and_then() {
        let mut target = Target::default();
        let mut now = Timestamp(0);
        for _ in 0..PATIENCE {
            assert_eq!(target.room(now, (0, 128)), 128);
            assert!(!target.is_spared());
            assert!(!target.heard(Report::Failing, now));
        }
        assert_eq!(target.room(now, (0, 128)), 0);
        assert!(target.is_spared());
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let at = target.next().unwrap();
            pauses.push((at.0 - now.0) / 1_000_000);
            now = at;
            assert_eq!(target.room(now, (0, 128)), 1);
            assert_eq!(target.room(now, (1, 127)), 0);
            target.heard(Report::Failing, now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(target.failing_since(Timestamp(0)));
        assert!(!target.failing_since(Timestamp(-1)));
        now = target.next().unwrap();
        assert!(target.heard(Report::Answered, now));
        assert!(!target.failing_since(now));
        assert_eq!(target.room(now, (3, 125)), 125);
        assert!(!target.heard(Report::Answered, now));
    }
}
