//! What the server counts of itself: requests, memory, processor time.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use hyper::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::route::Route;

/// Classes of statuses, 1xx to 5xx.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

type Requests = Family<[(&'static str, String); 3], Counter<u64, AtomicU64>>;

/// Counts requests. The counters are looked up once, so that a request costs one addition.
pub(crate) struct HttpMetrics {
    by_route: Vec<[Counter<u64, AtomicU64>; 5]>,
    elsewhere: [Counter<u64, AtomicU64>; 5],
    seconds: Histogram,
}

impl HttpMetrics {
    pub(crate) fn new(registry: &mut Registry, routes: &[Route]) -> Self {
        let requests = Requests::default();
        let of = |verb: &str, pattern: &str| {
            CLASSES.map(|class| {
                let labels = [
                    ("method", verb.to_owned()),
                    ("route", pattern.to_owned()),
                    ("status", class.to_owned()),
                ];
                requests.get_or_create_owned(&labels)
            })
        };
        let metrics = Self {
            by_route: routes.iter().map(|r| of(r.verb, r.pattern)).collect(),
            elsewhere: of("", ""),
            seconds: Histogram::new(exponential_buckets(1e-4, 10_f64.powf(0.5), 11)),
        };
        registry.register(
            "maestro_http_requests",
            "Requests that were answered",
            requests,
        );
        registry.register_with_unit(
            "maestro_http_request_duration",
            "From the head of a request to the head of its answer",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        registry.register_collector(Box::new(Process));
        metrics
    }

    pub(crate) fn answered(&self, route: Option<usize>, status: StatusCode, took: Duration) {
        let counters = route
            .and_then(|route| self.by_route.get(route))
            .unwrap_or(&self.elsewhere);
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        counters[class].inc();
        self.seconds.observe(took.as_secs_f64());
    }
}

/// Memory and processor time of this process, where the system tells them.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        if let Some(bytes) = resident_bytes() {
            let gauge = ConstGauge::new(bytes);
            let metric = encoder.encode_descriptor(
                "process_resident_memory",
                "Memory that is in use",
                Some(&Unit::Bytes),
                gauge.metric_type(),
            )?;
            gauge.encode(metric)?;
        }
        if let Some(seconds) = cpu_seconds() {
            let counter = ConstCounter::new(seconds);
            let metric = encoder.encode_descriptor(
                "process_cpu",
                "Processor time that was used",
                Some(&Unit::Seconds),
                counter.metric_type(),
            )?;
            counter.encode(metric)?;
        }
        Ok(())
    }
}

fn resident_bytes() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split(' ').nth(1)?.parse().ok()?;
    i64::try_from(pages * rustix::param::page_size()).ok()
}

fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold blanks. After it come the state and 10 fields.
    let (_, fields) = text.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (ticks.next()?.parse().ok()?, ticks.next()?.parse().ok()?);
    #[expect(
        clippy::cast_precision_loss,
        reason = "ticks per second are 100 or 1000"
    )]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Some((user + system) / per_second)
}
