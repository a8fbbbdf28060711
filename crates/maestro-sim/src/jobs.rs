//! The runtimes of the simulation: jobs that outlive the server, like processes under their supervisors.

use std::collections::BTreeMap;

use maestro_core::message::{News, Outcome, Report};
use maestro_model::Str;
use maestro_model::state::{AttemptRef, Millis};
use uuid::Uuid;

/// One job: launched at most once, whatever happens to the server.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) workflow: Str,
    pub(crate) at: AttemptRef,
    /// When it ends, and how, unless it is cancelled.
    pub(crate) ends: Millis,
    pub(crate) outcome: Outcome,
    /// It is over.
    pub(crate) over: bool,
    /// The server has forgotten it.
    pub(crate) released: bool,
}

/// All jobs by the uuid of their attempt.
#[derive(Default)]
pub(crate) struct Jobs {
    pub(crate) all: BTreeMap<Uuid, Job>,
}

impl Jobs {
    /// What the runtime says of a job now: that it has begun, or how it ended.
    pub(crate) fn news(job: &Job, now: Millis) -> Vec<Report> {
        let report = |news| Report {
            at: job.at,
            news,
            artifacts: Vec::new(),
            timeline: Vec::new(),
        };
        let mut reports = vec![report(News::Started)];
        if job.over || now >= job.ends {
            reports.push(report(News::Ended(job.outcome.clone())));
        }
        reports
    }
}
