//! How fast a client may send, whatever the owner has set: always on, and far beyond what the SDK does.
//!
//! A connection's requests are answered one after the other, and nothing is read meanwhile: what a client sends beyond
//! that waits on its own side of the network, so a flood costs no memory. It does cost time of the processor that others
//! wait for. So each frame has a price in time, and a client that is far ahead of what it has paid for hears 429, and
//! then has to go.

use std::time::Duration;

use tokio::time::Instant;

/// Price of a frame: a client may send 1000 in a second for ever. The original documents 500 requests a second (B-746).
const PRICE: Duration = Duration::from_millis(1);
/// Bytes that are in the price; a greater frame takes so many times longer to read.
const BYTES: usize = 4096;
/// How far ahead a client may be. The SDK reads some five entities of each conversation when it starts, all at once, and
/// follows them: a user with the documented 1000 conversations (B-741) sends half as many frames as this allows.
const AHEAD: Duration = Duration::from_secs(10);
/// Who goes on although he hears 429 is sent away.
const TOO_FAR: Duration = Duration::from_secs(20);
/// Confirmations that a client may owe: more than a replay of the greatest size makes. Replies, which are not confirmed,
/// are counted along, so the number would grow for ever otherwise.
const UNCONFIRMED: u32 = 50_000;

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Take it.
    Fine,
    /// A request is answered with 429.
    TooMuch,
    /// The connection ends.
    Flood,
}

/// What one client has sent.
pub(crate) struct Meter {
    /// Until when its frames are paid.
    paid_until: Instant,
    /// Frames to it that it has not confirmed: each makes it send one back, which is free (realtime.md §2.2).
    unconfirmed: u32,
}

impl Meter {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            paid_until: now,
            unconfirmed: 0,
        }
    }

    /// Frames go to the client.
    pub(crate) fn sent(&mut self, frames: usize) {
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        self.unconfirmed = self.unconfirmed.saturating_add(frames).min(UNCONFIRMED);
    }

    /// A frame has come.
    pub(crate) fn received(&mut self, bytes: usize, is_reply: bool, now: Instant) -> Verdict {
        if is_reply && self.unconfirmed > 0 && bytes <= BYTES {
            self.unconfirmed -= 1;
            return Verdict::Fine;
        }
        let prices = u32::try_from(1 + bytes / BYTES).unwrap_or(u32::MAX);
        self.paid_until = self.paid_until.max(now) + PRICE.saturating_mul(prices);
        match self.paid_until - now {
            ahead if ahead > TOO_FAR => Verdict::Flood,
            ahead if ahead > AHEAD => Verdict::TooMuch,
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(meter: &mut Meter, frames: usize, bytes: usize, now: Instant) -> Vec<Verdict> {
        let mut verdicts: Vec<_> = (0..frames).map(|_| meter.received(bytes, false, now)).collect();
        verdicts.dedup();
        verdicts
    }

    #[test]
    fn a_burst_is_taken_a_flood_is_not() {
        use Verdict::{Fine, Flood, TooMuch};
        let start = Instant::now();
        let mut meter = Meter::new(start);
        assert_eq!(verdicts(&mut meter, 10_000, 500, start), [Fine]);
        assert_eq!(verdicts(&mut meter, 10_000, 500, start), [TooMuch]);
        assert_eq!(verdicts(&mut meter, 1, 500, start), [Flood]);
        // Ten seconds later half of it is paid, and a frame less than ten thousand too much.
        let later = start + Duration::from_secs(10);
        assert_eq!(verdicts(&mut meter, 1, 500, later), [TooMuch]);
        let rested = start + Duration::from_secs(60);
        assert_eq!(verdicts(&mut meter, 10_000, 500, rested), [Fine]);
    }

    #[test]
    fn a_thousand_a_second_may_go_on_for_ever() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        for second in 0..1000 {
            let now = start + Duration::from_secs(second);
            assert_eq!(verdicts(&mut meter, 1000, 500, now), [Verdict::Fine]);
        }
    }

    #[test]
    fn great_frames_cost_more() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        assert_eq!(verdicts(&mut meter, 38, 1 << 20, start), [Verdict::Fine]);
        assert_eq!(verdicts(&mut meter, 1, 1 << 20, start), [Verdict::TooMuch]);
    }

    #[test]
    fn confirming_what_the_server_sent_is_free_and_no_more_than_that() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.sent(30_000);
        for _ in 0..40_000 {
            assert_eq!(meter.received(200, true, start), Verdict::Fine);
        }
        assert_eq!(meter.received(200, true, start), Verdict::TooMuch);
    }
}
