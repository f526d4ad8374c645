//! Time, latencies, and what is told of many of them.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nanoseconds since the first call: one clock for senders and receivers, which are in the same process.
pub(super) fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Latencies.
#[derive(Default)]
pub(super) struct Samples {
    micros: Vec<u32>,
}

impl Samples {
    pub(super) fn push(&mut self, took: Duration) {
        self.micros.push(took.as_micros().try_into().unwrap_or(u32::MAX));
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.micros.append(&mut other.micros);
    }

    pub(super) fn len(&self) -> usize {
        self.micros.len()
    }

    /// Median and 99th percentile in milliseconds; nothing of nothing.
    pub(super) fn summary(mut self) -> Option<Quantiles> {
        self.micros.sort_unstable();
        let last = self.micros.len().checked_sub(1)?;
        let at = |part: f64| f64::from(self.micros[(last as f64 * part).round() as usize]) / 1000.0;
        Some(Quantiles {
            p50: at(0.50),
            p99: at(0.99),
        })
    }
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Quantiles {
    /// The median of each over repetitions.
    pub(super) fn median(repetitions: &[Self]) -> Option<Self> {
        let middle = |of: fn(&Self) -> f64| median(repetitions.iter().map(of));
        Some(Self {
            p50: middle(|one| one.p50)?,
            p99: middle(|one| one.p99)?,
        })
    }
}

/// The middle value, or the mean of the two in the middle.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len().is_multiple_of(2) {
        (values[values.len() / 2 - 1] + upper) / 2.0
    } else {
        upper
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut samples = Samples::default();
        assert!(Samples::default().summary().is_none());
        for n in 0..=100 {
            samples.push(Duration::from_micros(n * 1000));
        }
        assert_eq!(samples.summary(), Some(Quantiles { p50: 50.0, p99: 99.0 }));
    }
}
