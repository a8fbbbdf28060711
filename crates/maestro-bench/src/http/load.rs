//! Load: starts from several callers, as fast as they can or at a rate.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use hdrhistogram::Histogram;

use crate::server::Client;

/// The body of a start by hand.
pub(super) const START: &str = r#"{"initiator":{"type":"MANUAL"}}"#;

/// How a caller waits if a refusal does not say when to come again.
const PAUSE: Duration = Duration::from_secs(1);

/// The latencies of the starts that were accepted, in microseconds, and how many were refused before.
pub(super) struct Starts {
    pub(super) latencies: Histogram<u64>,
    pub(super) refused: u64,
}

/// The path of a start of a workflow's active version.
pub(super) fn start_path(workflow: &str) -> String {
    format!("/api/v3/workflows/{workflow}/versions/active/actions/start")
}

/// Callers that each start one instance after the other, `total` in all. A refused one waits as long as the answer says,
/// and up to as long again, so that those who were refused together do not come back together; then it tries again.
pub(super) fn start_all(
    address: &str,
    clients: u64,
    total: u64,
    workflow: impl Fn(u64) -> String + Sync,
) -> anyhow::Result<Starts> {
    let next = AtomicU64::new(0);
    let refused = AtomicU64::new(0);
    let latencies = callers(clients, |caller| {
        let mut client = Client::connect(address)?;
        let mut histogram = Histogram::<u64>::new(3)?;
        let mut spread = Spread(caller);
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= total {
                return Ok(histogram);
            }
            let path = start_path(&workflow(n));
            loop {
                let asked = Instant::now();
                let answer = client.call("POST", &path, START)?;
                match answer.status {
                    200 => {
                        histogram.record(u64::try_from(asked.elapsed().as_micros())?)?;
                        break;
                    }
                    429 | 503 => {
                        refused.fetch_add(1, Ordering::Relaxed);
                        let pause = answer.retry_after.unwrap_or(PAUSE);
                        std::thread::sleep(pause + pause.mul_f64(spread.next()));
                    }
                    status => bail!("{status} {}", answer.text),
                }
            }
        }
    })?;
    Ok(Starts {
        latencies,
        refused: refused.into_inner(),
    })
}

/// Starts at a fixed rate a second, each due at its own moment, so that a stall is not hidden by callers that wait for it.
/// The latencies from when each was due, in microseconds.
pub(super) fn start_at_rate(
    address: &str,
    clients: u64,
    total: u64,
    rate: u64,
    workflow: impl Fn(u64) -> String + Sync,
) -> anyhow::Result<Histogram<u64>> {
    let next = AtomicU64::new(0);
    let began = Instant::now();
    callers(clients, |_| {
        let mut client = Client::connect(address)?;
        let mut histogram = Histogram::<u64>::new(3)?;
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= total {
                return Ok(histogram);
            }
            let due = Duration::from_micros(n * 1_000_000 / rate);
            if let Some(wait) = due.checked_sub(began.elapsed()) {
                std::thread::sleep(wait);
            }
            client.json("POST", &start_path(&workflow(n)), START)?;
            let late = began.elapsed().saturating_sub(due);
            histogram.record(u64::try_from(late.as_micros())?)?;
        }
    })
}

/// Runs so many callers, each on a thread of its own; all their figures.
fn callers(
    count: u64,
    call: impl Fn(u64) -> anyhow::Result<Histogram<u64>> + Sync,
) -> anyhow::Result<Histogram<u64>> {
    let call = &call;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|caller| scope.spawn(move || call(caller)))
            .collect();
        let mut all = Histogram::<u64>::new(3)?;
        for thread in threads {
            let figures = thread.join();
            all.add(figures.map_err(|_| anyhow::anyhow!("a client panicked"))??)?;
        }
        Ok(all)
    })
}

/// Numbers from 0 to 1, different for each caller.
struct Spread(u64);

impl Spread {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 40) as f64 / f64::from(1 << 24)
    }
}
