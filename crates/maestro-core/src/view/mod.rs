//! What clients see of workflows, runs and steps: pure functions from rows to JSON.
//!
//! A view is computed when it is read, from the rows of one snapshot of the store, so that it is never behind them
//! (design, rule 11). Rows hold only what cannot be derived; everything else - definitions, predecessors, overviews,
//! roll-ups, the STATUS events of a timeline, literal params - is put back here.
//!
//! Start reading at [`InstanceView`] and [`StepView`]: each borrows the rows and the compiled [`Plan`] and is written with
//! [`maestro_model::codec::to_text`]. Absent on purpose: reading of rows, checks of requests, HTTP.

mod alerting;
mod answers;
mod enriched;
mod instance;
mod origins;
mod overview;
mod page;
mod params;
mod step;
mod timeline;
mod workflow;

pub use answers::{
    EndAnswer, StartAnswer, StepActionMap, UnblockAnswer, VersionAnswer, WorkflowActionMap,
    action_event, deleted_event, end_all_event, initiator_text, unblock_all_event,
};
pub use enriched::{MergedParams, enriched_extras};
pub use instance::{Aggregation, InstanceView};
pub use origins::{OriginsView, run_origins};
pub use page::{IdRange, Page, PageFault, PageRequest, Walk};
pub use step::StepView;
pub use timeline::wire_event;
pub use workflow::{
    DefinitionText, HistoryEntry, HistoryView, OverviewView, RunCounts, definition,
    properties_snapshot,
};

use std::fmt::Display;

use maestro_model::Str;
use maestro_model::codec::{FromJson, JsonError, read};
use maestro_model::definition::Properties;
use maestro_model::json::{ToJson, Writer};
use maestro_model::state::{RunRow, StepOrd};

use crate::plan::Plan;

/// What every view of a run or of one of its steps is made from.
#[derive(Clone, Copy, Debug)]
pub struct RunSource<'a> {
    /// The version that the run runs.
    pub plan: &'a Plan,
    /// The run.
    pub run: &'a RunRow,
    /// The snapshot of the properties that the run started with (`RunBody::properties`).
    pub properties: &'a Properties,
}

impl RunSource<'_> {
    /// The id of the workflow.
    fn workflow_id(&self) -> &str {
        &self.plan.workflow.id
    }

    /// `correlation_id` (spec 05 ID-10): one that was given, else that of the first run of a root.
    fn correlation_id(&self) -> String {
        match &self.run.body.origin.correlation_id {
            Some(given) => given.to_string(),
            None => format!("{}:{}:1", self.workflow_id(), self.run.id.instance),
        }
    }

    /// Whether a step is in the DAG of the run.
    fn has_step(&self, step: StepOrd) -> bool {
        self.run
            .body
            .dag
            .as_ref()
            .is_none_or(|dag| dag.contains(&step))
    }

    /// The steps of the run's DAG in its order, which is that of the definition (spec 05 DG-3).
    fn dag(&self) -> impl Iterator<Item = StepOrd> {
        (0..)
            .zip(&self.plan.steps)
            .map(|(step, _)| step)
            .filter(|step| self.has_step(*step))
    }

    /// The ids of the predecessors that a step has in the run's DAG.
    fn predecessors(&self, step: StepOrd) -> Vec<Str> {
        predecessors(self.plan, step, &|step| self.has_step(step))
    }
}

fn predecessors(plan: &Plan, step: StepOrd, has_step: &dyn Fn(StepOrd) -> bool) -> Vec<Str> {
    let all = plan.step(step).predecessors.iter();
    all.filter(|ord| has_step(**ord))
        .map(|ord| plan.step(*ord).id.clone())
        .collect()
}

/// A row holds a text that cannot be what was written there.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("the stored {what} of {place} cannot be read: {reason}")]
pub struct Damaged {
    what: &'static str,
    place: String,
    reason: String,
}

impl Damaged {
    fn new(what: &'static str, place: impl Into<String>, reason: impl Display) -> Self {
        Self {
            what,
            place: place.into(),
            reason: reason.to_string(),
        }
    }
}

/// Reads a JSON text of a row.
fn stored<T: FromJson>(
    text: &str,
    what: &'static str,
    place: impl FnOnce() -> String,
) -> Result<T, Damaged> {
    read(text.as_bytes()).map_err(|fault: JsonError| Damaged::new(what, place(), fault))
}

/// A value whose JSON a function writes.
struct Written<F>(F);

impl<F: Fn(&mut Writer)> ToJson for Written<F> {
    fn write(&self, out: &mut Writer) {
        (self.0)(out);
    }
}
