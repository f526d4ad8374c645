//! Metrics for `GET /metrics`.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{Method, StatusCode};
use confab_realtime::Counters;
use confab_store::{Cause, Stats};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    product: &'static str,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProductLabels {
    product: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    moment: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RetryLabels {
    cause: &'static str,
}

/// All metrics of the process. Counters, gauges and histograms are shared handles: a clone counts into the same
/// place, so a busy component keeps its own and never looks anything up.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    http_requests: Family<RequestLabels, Counter>,
    http_durations: Family<ProductLabels, Histogram, fn() -> Histogram>,
    jobs_done: Family<JobLabels, Counter>,
    jobs_failed: Family<JobLabels, Counter>,
    webhook_durations: Family<WebhookLabels, Histogram, fn() -> Histogram>,
    /// Open SDK connections.
    pub realtime_connections: Gauge,
    /// Frames that came from SDK clients.
    pub frames_in: Counter,
    /// Frames that went to SDK clients.
    pub frames_out: Counter,
    /// Commits that were not given to SDK connections yet.
    pub commits_waiting: Gauge,
    /// Deliveries that SDK connections have not taken yet.
    pub deliveries_waiting: Gauge,
    /// Committed units of work.
    pub store_writes: Counter,
    /// Commits; `store_writes / store_commits` is how many units of work shared one on average.
    pub store_commits: Counter,
    /// Units of work that were rolled back: refused requests, for the most part.
    pub store_failed: Counter,
    store_retried: Family<RetryLabels, Counter>,
}

impl Metrics {
    /// Registers all metrics. The process counts as started now.
    pub fn new(version: &'static str) -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("confab"),
            http_requests: Family::default(),
            http_durations: Family::new_with_constructor(request_durations),
            jobs_done: Family::default(),
            jobs_failed: Family::default(),
            webhook_durations: Family::new_with_constructor(request_durations),
            realtime_connections: Gauge::default(),
            frames_in: Counter::default(),
            frames_out: Counter::default(),
            commits_waiting: Gauge::default(),
            deliveries_waiting: Gauge::default(),
            store_writes: Counter::default(),
            store_commits: Counter::default(),
            store_failed: Counter::default(),
            store_retried: Family::default(),
        };
        metrics.registered(version)
    }

    fn registered(mut self, version: &'static str) -> Self {
        // The encoder adds `_total`, `_info` and the full stop by itself.
        let r = &mut self.registry;
        r.register(
            "build",
            "Version of the server",
            Info::new([("version", version)]),
        );
        r.register(
            "http_requests",
            "Answered HTTP requests",
            self.http_requests.clone(),
        );
        r.register(
            "http_request_duration_seconds",
            "Seconds from a request's head to its answer",
            self.http_durations.clone(),
        );
        r.register(
            "realtime_connections",
            "Open SDK connections",
            self.realtime_connections.clone(),
        );
        r.register(
            "realtime_frames_in",
            "Frames from SDK clients",
            self.frames_in.clone(),
        );
        r.register(
            "realtime_frames_out",
            "Frames to SDK clients",
            self.frames_out.clone(),
        );
        r.register(
            "realtime_commits_waiting",
            "Commits that were not given to SDK connections yet",
            self.commits_waiting.clone(),
        );
        r.register(
            "realtime_deliveries_waiting",
            "Events that wait until SDK connections take them",
            self.deliveries_waiting.clone(),
        );
        r.register(
            "store_writes",
            "Committed units of work",
            self.store_writes.clone(),
        );
        r.register(
            "store_commits",
            "Commits; writes divided by commits is the mean size of a group",
            self.store_commits.clone(),
        );
        r.register(
            "store_failed",
            "Units of work that were rolled back, refused requests among them",
            self.store_failed.clone(),
        );
        r.register(
            "store_retried",
            "Units of work that ran again, by SQLSTATE; race is a lost race that the server saw itself",
            self.store_retried.clone(),
        );
        r.register("jobs_done", "Jobs that succeeded", self.jobs_done.clone());
        r.register(
            "jobs_failed",
            "Attempts of jobs that failed",
            self.jobs_failed.clone(),
        );
        r.register(
            "webhook_duration_seconds",
            "Seconds that calls of webhooks took, by their moment (pre, post) and outcome",
            self.webhook_durations.clone(),
        );
        let start = Gauge::<f64, AtomicU64>::default();
        start.set(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64(),
        );
        r.register(
            "process_start_time_seconds",
            "Start of the process in Unix time",
            start,
        );
        self
    }

    /// Counts an answered request. `product` comes from the routing table, never from the request: labels live
    /// as long as the process.
    pub fn http_request(&self, product: &'static str, method: &Method, status: StatusCode, took: Duration) {
        let labels = RequestLabels {
            product,
            method: method_label(method),
            status: status_label(status),
        };
        self.http_requests.get_or_create(&labels).inc();
        self.http_durations
            .get_or_create(&ProductLabels { product })
            .observe(took.as_secs_f64());
    }

    /// Takes over what the store has counted since the start.
    pub fn store(&self, stats: &Stats) {
        for (counter, count) in [
            (&self.store_writes, &stats.units),
            (&self.store_commits, &stats.commits),
            (&self.store_failed, &stats.failed),
        ] {
            counter.inner().store(count.load(Relaxed), Relaxed);
        }
        for cause in Cause::ALL {
            let labels = RetryLabels { cause: cause.name() };
            let counter = self.store_retried.get_or_create(&labels);
            counter.inner().store(stats.retried(cause), Relaxed);
        }
    }

    /// Takes over what the SDK connections have counted since the start.
    pub fn realtime(&self, counters: &Counters) {
        self.realtime_connections.set(counters.connections.load(Relaxed));
        self.frames_in
            .inner()
            .store(counters.frames_in.load(Relaxed), Relaxed);
        self.frames_out
            .inner()
            .store(counters.frames_out.load(Relaxed), Relaxed);
        for (gauge, count) in [
            (&self.commits_waiting, &counters.commits_waiting),
            (&self.deliveries_waiting, &counters.deliveries_waiting),
        ] {
            gauge.set(i64::try_from(count.load(Relaxed)).unwrap_or(i64::MAX));
        }
    }

    /// Counts a job that succeeded.
    pub fn job_done(&self, kind: &str) {
        self.jobs_done
            .get_or_create(&JobLabels {
                kind: kind.to_owned(),
            })
            .inc();
    }

    /// Counts a failed attempt of a job.
    pub fn job_failed(&self, kind: &str) {
        self.jobs_failed
            .get_or_create(&JobLabels {
                kind: kind.to_owned(),
            })
            .inc();
    }

    /// Counts a call of a webhook, asked before (`pre`) or told after (`post`) an event.
    pub fn webhook(&self, moment: &'static str, ok: bool, took: Duration) {
        let outcome = if ok { "ok" } else { "failed" };
        self.webhook_durations
            .get_or_create(&WebhookLabels { moment, outcome })
            .observe(took.as_secs_f64());
    }

    /// Adds a metric that another component owns.
    pub fn registry_mut(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// The text of `GET /metrics`.
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(8 * 1024);
        if let Err(error) = encode(&mut text, &self.registry) {
            // Writing to a String does not fail; half a text would be read as counters that were reset.
            tracing::error!(%error, "cannot render the metrics");
            text.clear();
        }
        text
    }
}

fn request_durations() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ])
}

/// A client can invent methods, and every label value stays in memory.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::HEAD => "HEAD",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

fn status_label(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_counted_is_rendered() {
        let metrics = Metrics::new("0.1.0");
        let took = Duration::from_millis(3);
        metrics.http_request("conversations", &Method::POST, StatusCode::CREATED, took);
        metrics.http_request("conversations", &Method::POST, StatusCode::OK, took);
        metrics.http_request(
            "api",
            &Method::from_bytes(b"BREW").unwrap(),
            StatusCode::NOT_FOUND,
            took,
        );
        let counters = Counters::default();
        counters.connections.store(1, Relaxed);
        counters.frames_in.store(1, Relaxed);
        counters.frames_out.store(2, Relaxed);
        counters.deliveries_waiting.store(3, Relaxed);
        metrics.realtime(&counters);
        let stats = Stats::default();
        stats.units.store(5, Relaxed);
        stats.commits.store(1, Relaxed);
        metrics.store(&stats);
        metrics.store(&stats);
        metrics.job_done("channel_send");
        metrics.job_failed("channel_send");
        let text = metrics.render();
        for line in [
            r#"confab_build_info{version="0.1.0"} 1"#,
            r#"confab_http_requests_total{product="conversations",method="POST",status="2xx"} 2"#,
            r#"confab_http_requests_total{product="api",method="other",status="4xx"} 1"#,
            r#"confab_http_request_duration_seconds_bucket{le="0.005",product="conversations"} 2"#,
            r#"confab_http_request_duration_seconds_bucket{le="0.0025",product="conversations"} 0"#,
            "confab_realtime_connections 1",
            "confab_realtime_frames_in_total 1",
            "confab_realtime_frames_out_total 2",
            "confab_realtime_commits_waiting 0",
            "confab_realtime_deliveries_waiting 3",
            "confab_store_writes_total 5",
            "confab_store_commits_total 1",
            r#"confab_jobs_done_total{kind="channel_send"} 1"#,
            r#"confab_jobs_failed_total{kind="channel_send"} 1"#,
            "# EOF",
        ] {
            assert!(
                text.lines().any(|rendered| rendered == line),
                "{line} is missing in\n{text}"
            );
        }
        assert!(text.contains("confab_process_start_time_seconds 1"), "{text}");
    }
}
