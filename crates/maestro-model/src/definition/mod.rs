//! Workflow definitions: what a client pushes (spec 01 sections 2-7).

mod alerting;
mod duration;
mod properties;
mod request;
mod retry;
mod signal;
mod step;
mod step_codec;
mod tag;
mod time_trigger;
mod user;
mod version;
mod workflow;

pub use alerting::{
    AlertAction, AlertGranularity, AlertType, AlertTypeConfig, Alerting, BypassDigestConfig,
    PagerDutyConfig, PagerDutySeverity, Set, Slack, Tct,
};
pub use duration::{ParsableLong, duration_ms};
pub use properties::{Properties, RunStrategy, RunStrategyRule};
pub use request::{GitInfo, PropertiesUpdate, WorkflowCreateRequest};
pub use retry::{Backoff, ExponentialBackoff, FailureClass, PerClass, RetryPolicy};
pub use signal::{
    DependencyMatch, SignalDependency, SignalMatchParam, SignalOperator, SignalOutput,
    SignalTrigger, SignalTriggerEntry, SignalValue,
};
pub use step::{
    FailureMode, Foreach, LeafStep, LeafType, Step, StepKind, StepType, Subworkflow, Template,
    Transition, While,
};
pub use tag::{Tag, TagList, TagNamespace};
pub use time_trigger::{Schedule, TimeTrigger};
pub use user::User;
pub use version::{Metadata, PropertiesSnapshot, WorkflowDefinition};
pub use workflow::{Criticality, Workflow};
