//! What the engine counts, for `/metrics`.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The engine's metrics. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Step attempts that ended.
    pub steps: Counter,
    /// Runs that ended.
    pub runs: Counter,
    /// Reports for attempts that are not in progress.
    pub stale_reports: Counter,
    /// From a step's end to the call of its successor's runtime; for steps without a job, to the successor's own turn.
    pub step_to_step: Histogram,
    /// How long a commit took.
    pub commit: Histogram,
    /// Commits that were tried again.
    pub commit_retries: Counter,
    /// Commands that were refused since too many wait.
    pub refused: Counter,
    /// Runs at work.
    pub live_runs: Gauge<i64, std::sync::atomic::AtomicI64>,
    /// Runs that wait.
    pub queued_runs: Gauge<i64, std::sync::atomic::AtomicI64>,
    /// Local jobs that were launched.
    pub jobs: Counter<u64, AtomicU64>,
}

/// Seconds: 5 microseconds to 20 seconds, four to a decade.
fn buckets() -> impl Iterator<Item = f64> {
    prometheus_client::metrics::histogram::exponential_buckets(5e-6, 10_f64.powf(0.25), 27)
}

impl Metrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            steps: Counter::default(),
            runs: Counter::default(),
            stale_reports: Counter::default(),
            step_to_step: Histogram::new(buckets()),
            commit: Histogram::new(buckets()),
            commit_retries: Counter::default(),
            refused: Counter::default(),
            live_runs: Gauge::default(),
            queued_runs: Gauge::default(),
            jobs: Counter::default(),
        };
        let m = &metrics;
        registry.register(
            "maestro_steps_ended",
            "Step attempts that ended",
            m.steps.clone(),
        );
        registry.register(
            "maestro_runs_ended",
            "Workflow runs that ended",
            m.runs.clone(),
        );
        registry.register(
            "maestro_stale_reports",
            "Reports of runtimes that came too late",
            m.stale_reports.clone(),
        );
        registry.register_with_unit(
            "maestro_step_to_step",
            "From the end of a step to the call of its successor's runtime",
            Unit::Seconds,
            m.step_to_step.clone(),
        );
        registry.register_with_unit(
            "maestro_commit",
            "Time of a commit of the store",
            Unit::Seconds,
            m.commit.clone(),
        );
        registry.register(
            "maestro_commit_retries",
            "Commits that were tried again",
            m.commit_retries.clone(),
        );
        registry.register(
            "maestro_refused_commands",
            "Commands refused as too many",
            m.refused.clone(),
        );
        registry.register(
            "maestro_live_runs",
            "Workflow runs at work",
            m.live_runs.clone(),
        );
        registry.register(
            "maestro_queued_runs",
            "Workflow runs that wait",
            m.queued_runs.clone(),
        );
        registry.register(
            "maestro_jobs_launched",
            "Local jobs launched",
            m.jobs.clone(),
        );
        metrics
    }
}
