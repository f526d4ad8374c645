//! What the fragment of a webhook's URL says about the connection: `#rc=2&rp=5xx,rt&ct=1000&rt=3000&tt=9000`.
//!
//! The fragment is never sent and never signed. A value that is not understood, or out of bounds, counts as not there.

use std::time::Duration;

/// Time for a call without overrides (B-404, B-410).
const USUAL: Duration = Duration::from_secs(5);
/// Time for the whole of a call with overrides, its repetitions included; bounds and defaults are the published ones.
const LONGEST: Duration = Duration::from_secs(15);
const MOST_RETRIES: u32 = 5;

/// Which failures are repeated at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) connect: bool,
    pub(crate) read: bool,
    pub(crate) client_errors: bool,
    pub(crate) server_errors: bool,
}

/// How a URL is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// Longest time for a connection.
    pub(crate) connect: Duration,
    /// Longest time without a byte.
    pub(crate) read: Duration,
    /// Longest time for all.
    pub(crate) total: Duration,
    /// How often it is repeated at once.
    pub(crate) retries: u32,
    /// For which failures.
    pub(crate) policy: Policy,
}

impl Overrides {
    /// Reads the fragment of a URL.
    pub(crate) fn of(url: &str) -> Self {
        let mut overrides = Self {
            connect: USUAL,
            read: USUAL,
            total: USUAL,
            retries: 0,
            policy: Policy::default(),
        };
        let Some((_, fragment)) = url.split_once('#') else {
            return overrides;
        };
        let mut said = Said::default();
        for pair in fragment.split('&') {
            if let Some((name, value)) = pair.split_once('=') {
                said.read(name, value);
            }
        }
        if said == Said::default() {
            return overrides;
        }
        overrides.connect = said.connect.unwrap_or(USUAL);
        overrides.read = said.read.unwrap_or(LONGEST);
        overrides.total = said.total.unwrap_or(LONGEST);
        if said.retries.is_some() || said.policy.is_some() {
            overrides.retries = said.retries.unwrap_or(1);
            overrides.policy = said.policy.unwrap_or(Policy {
                connect: true,
                ..Policy::default()
            });
        }
        overrides
    }
}

#[derive(Default, PartialEq)]
struct Said {
    connect: Option<Duration>,
    read: Option<Duration>,
    total: Option<Duration>,
    retries: Option<u32>,
    policy: Option<Policy>,
}

impl Said {
    fn read(&mut self, name: &str, value: &str) {
        match name {
            "ct" => self.connect = millis(value, 10_000),
            "rt" => self.read = millis(value, 15_000),
            "tt" => self.total = millis(value, 15_000),
            "rc" => self.retries = value.parse().ok().filter(|n| *n <= MOST_RETRIES),
            "rp" => self.policy = policy(value),
            // `e` (where the call leaves from) and `sni` mean nothing here: SNI is always sent.
            _ => {}
        }
    }
}

fn millis(text: &str, most: u64) -> Option<Duration> {
    let millis: u64 = text.parse().ok()?;
    (100..=most)
        .contains(&millis)
        .then(|| Duration::from_millis(millis))
}

fn policy(text: &str) -> Option<Policy> {
    let mut policy = Policy::default();
    // A comma in a fragment may have been encoded.
    for word in text.replace("%2C", ",").replace("%2c", ",").split(',') {
        match word {
            "ct" => policy.connect = true,
            "rt" => policy.read = true,
            "4xx" => policy.client_errors = true,
            "5xx" => policy.server_errors = true,
            "all" => {
                policy = Policy {
                    connect: true,
                    read: true,
                    client_errors: true,
                    server_errors: true,
                }
            }
            _ => return None,
        }
    }
    Some(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_fragment_a_call_has_five_seconds_b410() {
        for url in [
            "https://a.example/",
            "https://a.example/#",
            "https://a.example/#top",
            "https://a.example/#rc=6",
        ] {
            let found = Overrides::of(url);
            assert_eq!((found.total, found.retries), (USUAL, 0), "{url}");
        }
    }

    #[test]
    fn a_fragment_sets_times_and_repetitions() {
        let found = Overrides::of("https://a.example/?x=1#rc=2&rp=5xx,rt&ct=1000&rt=3000&tt=9000");
        assert_eq!(found.connect, Duration::from_secs(1));
        assert_eq!(found.read, Duration::from_secs(3));
        assert_eq!(found.total, Duration::from_secs(9));
        assert_eq!(found.retries, 2);
        let policy = Policy {
            read: true,
            server_errors: true,
            ..Policy::default()
        };
        assert_eq!(found.policy, policy);
    }

    #[test]
    fn what_is_out_of_bounds_counts_as_not_there() {
        let found = Overrides::of("https://a.example/#rc=1&ct=99&rt=15001&tt=100&rp=6xx");
        assert_eq!((found.connect, found.read), (USUAL, LONGEST));
        assert_eq!(found.total, Duration::from_millis(100));
        assert!(found.policy.connect && !found.policy.read && found.retries == 1);
        assert_eq!(Overrides::of("https://a.example/#rp=all").retries, 1);
        assert!(
            Overrides::of("https://a.example/#rp=4xx%2C5xx")
                .policy
                .client_errors
        );
    }
}
