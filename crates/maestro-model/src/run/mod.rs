//! Requests that start runs, and the values that instances share with them (spec 04 sections 4, 8, 10; 05 sections 3, 4).

mod breakpoint;
mod initiator;
mod policy;
mod request;
mod timeline;

pub use breakpoint::{BreakpointRequest, NodeRef};
pub use initiator::{Ancestor, Ancestors, Initiator, UpstreamKind};
pub use policy::{RestartConfig, RestartNode, RunConfig, UpstreamRestartMode};
pub use request::{RestartRequest, RunRequest, StartRequest, StepRestartRequest};
pub use timeline::{LogLevel, MilestoneType, Timeline, TimelineEvent, TimelineEventKind};
