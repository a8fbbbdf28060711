//! Workflow definitions: what a client pushes (spec 01 sections 2-7).

mod alerting;
mod backoff_codec;
mod duration;
mod merge;
mod properties;
mod request;
mod retry;
mod signal;
mod step;
mod step_codec;
mod tag;
mod time_trigger;
mod trigger_uuid;
mod user;
mod version;
mod workflow;

pub use alerting::{
    AlertAction, AlertGranularity, AlertType, AlertTypeConfig, Alerting, BypassDigestConfig,
    PagerDutyConfig, PagerDutySeverity, Set, Slack, Tct,
};
pub use duration::{ParsableLong, duration_ms};
pub use merge::StrategyGuard;
pub use properties::{Properties, RunStrategy, RunStrategyRule};
pub use request::{GitInfo, PropertiesUpdate, WorkflowCreateRequest};
pub use retry::{
    Backoff, ExponentialBackoff, FailureClass, Growth, PerClass, ResolvedBackoff,
    ResolvedRetryPolicy, RetryFault, RetryLimits, RetryPolicy,
};
pub use signal::{
    DependencyMatch, SignalDependency, SignalMatchParam, SignalOperator, SignalOutput,
    SignalTrigger, SignalTriggerEntry, SignalValue,
};
pub use step::{
    FailureMode, Foreach, LeafStep, LeafType, Step, StepKind, StepType, Subworkflow, Template,
    Transition, While,
};
pub(crate) use tag::repeated_name;
pub use tag::{Tag, TagList, TagNamespace};
pub use time_trigger::{Schedule, TimeTrigger};
pub use trigger_uuid::{signal_trigger_uuid, time_triggers_uuid, uuid_of};
pub use user::User;
pub use version::{Metadata, PropertiesSnapshot, WorkflowDefinition};
pub use workflow::{Criticality, Workflow};
