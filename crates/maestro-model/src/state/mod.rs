//! The durable state of runs and steps: what a row holds, and nothing that can be derived from a definition.
//!
//! Shared by the engine that decides (it owns this state in memory), the store that keeps it, and the views that
//! render it. Every struct here is encoded as CBOR with numbered fields, so that an older or newer server can read it:
//! a number is never reused, a new field is optional.

mod ids;
mod row;
mod status;
mod timeline;

pub use ids::{AttemptRef, InstanceRef, Millis, RunKey, StepOrd, WorkflowKey, step_uuid};
pub use row::{
    ActionKind, Artifact, Conditions, DeletedWorkflow, Origin, PropertiesRow, Retries, RowSink,
    RunBody, RunHead, RunPolicy, RunRow, Stamp, StatusChange, StepRow, StepState, StepTimes,
    Termination, VersionRow, WorkflowRow,
};
pub use status::{InstanceStatus, RunStatus, StepStatus};
pub use timeline::{Level, Text, Timeline, TimelineEvent};
