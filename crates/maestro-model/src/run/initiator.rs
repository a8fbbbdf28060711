//! Who or what starts a run (spec 05 section 3).

use crate::codec::{At, FromJson, JsonError, Members};
use crate::definition::User;
use crate::json::{Json, ToJson, Writer};
use crate::param::Params;
use crate::text_enum::text_enum;
use crate::validate::is_inline_workflow_id;
use crate::{Map, Str};

/// Who or what starts a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Initiator {
    /// A user.
    Manual {
        /// As sent.
        depth: i32,
        /// The caller.
        user: Option<User>,
    },
    /// A time trigger.
    Time {
        /// Id of the time triggers.
        trigger_uuid: Str,
        /// When it was due, in epoch milliseconds.
        trigger_time: i64,
        /// Zone of the trigger; may be empty.
        timezone: Str,
        /// As sent.
        depth: i32,
    },
    /// A signal trigger.
    Signal {
        /// Id of the trigger.
        trigger_uuid: Str,
        /// As sent.
        depth: i32,
        /// Number of the matched instance by signal name.
        signal_id_map: Option<Map<i64>>,
        /// Params of the trigger.
        params: Option<Params>,
    },
    /// A step of another run.
    Upstream {
        /// What kind of step.
        kind: UpstreamKind,
        /// From the root to the direct parent; never empty.
        ancestors: Ancestors,
    },
}

text_enum! {
    /// The kind of a step that starts runs.
    pub enum UpstreamKind as "initiator type" {
        /// Of another workflow.
        Subworkflow = "SUBWORKFLOW",
        /// Of a foreach.
        Foreach = "FOREACH",
        /// Of a while.
        While = "WHILE",
        /// Of a template.
        Template = "TEMPLATE",
    }
}

impl UpstreamKind {
    /// Whether the run belongs to a loop rather than to a workflow of its own.
    pub const fn is_inline(self) -> bool {
        !matches!(self, Self::Subworkflow)
    }
}

text_enum! {
    enum InitiatorType as "initiator type" {
        Manual = "MANUAL",
        Time = "TIME",
        Signal = "SIGNAL",
        Subworkflow = "SUBWORKFLOW",
        Foreach = "FOREACH",
        While = "WHILE",
        Template = "TEMPLATE",
    }
}

/// The steps above a run, from the root to the direct parent; at least one (spec 05 IN-1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestors(Vec<Ancestor>);

impl Ancestors {
    /// Of a list; `None` if it is empty.
    pub fn new(list: Vec<Ancestor>) -> Option<Self> {
        (!list.is_empty()).then_some(Self(list))
    }

    /// All of them, the root first.
    pub fn iter(&self) -> std::slice::Iter<'_, Ancestor> {
        self.0.iter()
    }

    /// How many.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// The first one.
    pub fn root(&self) -> &Ancestor {
        self.0.first().expect("never empty by construction")
    }

    /// The last one.
    pub fn parent(&self) -> &Ancestor {
        self.0.last().expect("never empty by construction")
    }

    /// The last one that is not inside of a loop; the root if all are (spec 05 IN-2).
    pub fn non_inline_parent(&self) -> &Ancestor {
        self.0
            .iter()
            .rev()
            .find(|ancestor| !is_inline_workflow_id(&ancestor.workflow_id))
            .unwrap_or_else(|| self.root())
    }
}

/// A step above a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// Workflow.
    pub workflow_id: Str,
    /// Instance.
    pub instance_id: i64,
    /// Run.
    pub run_id: i64,
    /// Step.
    pub step_id: Option<Str>,
    /// Attempt.
    pub step_attempt_id: i64,
    /// Whether the step waits for the run; true when absent, written as given.
    pub sync: Option<bool>,
}

impl FromJson for Ancestor {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let mut number = |name| {
            members
                .field(name)
                .map(|number: Option<i64>| number.unwrap_or(0))
        };
        let (instance_id, run_id, step_attempt_id) = (
            number("instance_id")?,
            number("run_id")?,
            number("step_attempt_id")?,
        );
        let ancestor = Self {
            workflow_id: members.field("workflow_id")?,
            instance_id,
            run_id,
            step_id: members.field("step_id")?,
            step_attempt_id,
            sync: members.field("sync")?,
        };
        members.close(&[
            "workflow_id",
            "instance_id",
            "run_id",
            "step_id",
            "step_attempt_id",
            "sync",
        ])?;
        Ok(ancestor)
    }
}

impl ToJson for Ancestor {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("workflow_id", &self.workflow_id);
            members.always("instance_id", &self.instance_id);
            members.always("run_id", &self.run_id);
            members.member("step_id", &self.step_id);
            members.always("step_attempt_id", &self.step_attempt_id);
            members.member("sync", &self.sync);
        });
    }
}

impl Initiator {
    /// A user who starts a run through the API.
    pub const fn manual(user: User) -> Self {
        Initiator::Manual {
            depth: 0,
            user: Some(user),
        }
    }

    /// The word of the type.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Initiator::Manual { .. } => "MANUAL",
            Initiator::Time { .. } => "TIME",
            Initiator::Signal { .. } => "SIGNAL",
            Initiator::Upstream { kind, .. } => kind.as_str(),
        }
    }

    /// How many runs are above this one.
    pub fn depth(&self) -> i32 {
        match self {
            Initiator::Manual { depth, .. }
            | Initiator::Time { depth, .. }
            | Initiator::Signal { depth, .. } => *depth,
            Initiator::Upstream { ancestors, .. } => {
                i32::try_from(ancestors.depth()).unwrap_or(i32::MAX)
            }
        }
    }

    /// The steps above the run, for nested ones.
    pub const fn ancestors(&self) -> Option<&Ancestors> {
        match self {
            Initiator::Upstream { ancestors, .. } => Some(ancestors),
            Initiator::Manual { .. } | Initiator::Time { .. } | Initiator::Signal { .. } => None,
        }
    }

    /// Whether the run belongs to a loop (spec 05 section 3).
    pub const fn is_inline(&self) -> bool {
        matches!(self, Initiator::Upstream { kind, .. } if kind.is_inline())
    }
}

impl FromJson for Initiator {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let ty = members.field("type")?;
        let depth: Option<i32> = members.field("depth")?;
        let depth = depth.unwrap_or(0);
        let upstream = |kind, mut members: Members<'_>| {
            let list: Vec<Ancestor> = members.field("ancestors")?;
            members.close(&["ancestors", "depth", "type"])?;
            let ancestors = Ancestors::new(list)
                .ok_or_else(|| at.name("ancestors").fault("must not be empty"))?;
            Ok(Initiator::Upstream { kind, ancestors })
        };
        match ty {
            InitiatorType::Manual => {
                let user = members.field("user")?;
                members.close(&["depth", "type", "user"])?;
                Ok(Initiator::Manual { depth, user })
            }
            InitiatorType::Time => {
                let initiator = Initiator::Time {
                    trigger_uuid: members.field("trigger_uuid")?,
                    trigger_time: members.field("trigger_time")?,
                    timezone: members.field("timezone")?,
                    depth,
                };
                members.close(&["trigger_uuid", "trigger_time", "timezone", "depth", "type"])?;
                Ok(initiator)
            }
            InitiatorType::Signal => {
                let initiator = Initiator::Signal {
                    trigger_uuid: members.field("trigger_uuid")?,
                    depth,
                    signal_id_map: members.field("signal_id_map")?,
                    params: members.field("params")?,
                };
                members.close(&["trigger_uuid", "depth", "type", "signal_id_map", "params"])?;
                Ok(initiator)
            }
            InitiatorType::Subworkflow => upstream(UpstreamKind::Subworkflow, members),
            InitiatorType::Foreach => upstream(UpstreamKind::Foreach, members),
            InitiatorType::While => upstream(UpstreamKind::While, members),
            InitiatorType::Template => upstream(UpstreamKind::Template, members),
        }
    }
}

impl ToJson for Initiator {
    fn write(&self, out: &mut Writer) {
        out.object(|members| match self {
            Initiator::Manual { depth, user } => {
                members.always("depth", depth);
                members.always("type", self.type_name());
                members.member("user", user);
            }
            Initiator::Time {
                trigger_uuid,
                trigger_time,
                timezone,
                depth,
            } => {
                members.always("trigger_uuid", trigger_uuid);
                members.always("trigger_time", trigger_time);
                members.always("timezone", timezone);
                members.always("depth", depth);
                members.always("type", self.type_name());
            }
            Initiator::Signal {
                trigger_uuid,
                depth,
                signal_id_map,
                params,
            } => {
                members.always("trigger_uuid", trigger_uuid);
                members.always("depth", depth);
                members.always("type", self.type_name());
                members.member("signal_id_map", signal_id_map);
                members.member("params", params);
            }
            Initiator::Upstream { ancestors, .. } => {
                members.always("ancestors", &ancestors.0);
                members.always("depth", &self.depth());
                members.always("type", self.type_name());
            }
        });
    }
}
