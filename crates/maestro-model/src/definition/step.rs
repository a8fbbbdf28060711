//! Steps (spec 01 section 6).

use super::{ParsableLong, RetryPolicy, SignalDependency, SignalOutput, TagList};
use crate::param::ParamMap;
use crate::text_enum::text_enum;
use crate::{Map, Str};

/// A step: what all kinds share, and the kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Unique over the whole workflow, nested steps included.
    pub id: Str,
    /// Display name; the id when absent.
    pub name: Option<Str>,
    /// Free text.
    pub description: Option<Str>,
    /// Where to go from here.
    pub transition: Transition,
    /// What a failure does to the run; [`FailureMode::FailAfterRunning`] when absent.
    pub failure_mode: Option<FailureMode>,
    /// Tags.
    pub tags: Option<TagList>,
    /// Longest time of an attempt.
    pub timeout: Option<ParsableLong>,
    /// Signals to wait for.
    pub signal_dependencies: Option<Vec<SignalDependency>>,
    /// Signals to announce.
    pub signal_outputs: Option<Vec<SignalOutput>>,
    /// Params.
    pub params: Option<ParamMap>,
    /// What the step does.
    pub kind: StepKind,
}

impl Step {
    /// The type of the step.
    pub fn ty(&self) -> StepType {
        match &self.kind {
            StepKind::Leaf(leaf) => leaf.ty.into(),
            StepKind::Subworkflow(_) => StepType::Subworkflow,
            StepKind::Foreach(_) => StepType::Foreach,
            StepKind::While(_) => StepType::While,
            StepKind::Template(_) => StepType::Template,
        }
    }

    /// The steps inside of a loop; none for other kinds.
    pub fn nested(&self) -> &[Step] {
        match &self.kind {
            StepKind::Foreach(Foreach { steps, .. }) | StepKind::While(While { steps, .. }) => {
                steps
            }
            StepKind::Leaf(_) | StepKind::Subworkflow(_) | StepKind::Template(_) => &[],
        }
    }
}

/// What a step does: the wrapper key in JSON, and the fields of that kind (spec 01 section 6.3).
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// `step`: runs work itself.
    Leaf(LeafStep),
    /// `subworkflow`: runs another workflow.
    Subworkflow(Subworkflow),
    /// `foreach`: runs its steps for each element.
    Foreach(Foreach),
    /// `while`: runs its steps as long as a condition holds.
    While(While),
    /// `template`: a placeholder; no push accepts it (spec 01 ST-1).
    Template(Template),
}

/// The fields of a typed step.
#[derive(Debug, Clone, PartialEq)]
pub struct LeafStep {
    /// What runs.
    pub ty: LeafType,
    /// Job template.
    pub sub_type: Option<Str>,
    /// Version of the job template.
    pub sub_type_version: Option<Str>,
    /// How often and when it is tried again.
    pub retry_policy: Option<RetryPolicy>,
}

/// The fields of a sub-workflow step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Subworkflow {
    /// Whether to wait for it; true when absent.
    pub sync: Option<bool>,
    /// Whether only the step's own params are passed down; false when absent.
    pub explicit_params: Option<bool>,
}

/// The fields of a foreach step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Foreach {
    /// How many iterations at once, at most 500; 0 and less are accepted at push (spec 01 ST-4).
    pub concurrency: Option<i64>,
    /// Whether iterations start and end in order; false when absent.
    pub strict_ordering: Option<bool>,
    /// The steps of an iteration; may be empty at push (spec 01 ST-6).
    pub steps: Vec<Step>,
}

/// The fields of a while step.
#[derive(Debug, Clone, PartialEq)]
pub struct While {
    /// SEL condition.
    pub condition: Str,
    /// The steps of an iteration; may be empty at push (spec 01 ST-6).
    pub steps: Vec<Step>,
}

/// The fields of a template step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Template {
    /// What it stands for.
    pub sub_type: Option<Str>,
}

/// Where to go from a step (spec 01 section 6.4).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transition {
    /// As given; checked against the successors, never filled in.
    pub predecessors: Vec<Str>,
    /// Condition by step id: SEL text as sent; absent is as good as a text that is not `true`.
    pub successors: Map<Option<Str>>,
}

text_enum! {
    /// The type of a step (spec 01 section 2.7, spec 07 BX-1).
    pub enum StepType as "step type" {
        /// Does nothing.
        NoOp = "NoOp",
        /// Waits.
        Sleep = "Sleep",
        /// Has no runtime.
        Titus = "Titus",
        /// A notebook in a container.
        Notebook = "Notebook",
        /// A container on Kubernetes.
        Kubernetes = "Kubernetes",
        /// A request.
        Http = "Http",
        /// Has no runtime of its own.
        Join = "Join",
        /// A loop over elements.
        Foreach = "foreach",
        /// A loop with a condition.
        While = "while",
        /// Another workflow.
        Subworkflow = "subworkflow",
        /// A placeholder.
        Template = "template",
        /// A shell script (ours).
        Shell = "Shell",
        /// A Python program (ours).
        Python = "Python",
        /// SQL statements (ours).
        Sql = "Sql",
        /// A container (ours).
        Docker = "Docker",
    }
}

text_enum! {
    /// The type of a step that runs work itself: what `type` of a `step` may be.
    pub enum LeafType as "step type" {
        /// Does nothing.
        NoOp = "NoOp",
        /// Waits.
        Sleep = "Sleep",
        /// No push accepts it (spec 01 ST-1).
        Titus = "Titus",
        /// A notebook in a container.
        Notebook = "Notebook",
        /// A container on Kubernetes.
        Kubernetes = "Kubernetes",
        /// A request.
        Http = "Http",
        /// No push accepts it (spec 01 ST-1).
        Join = "Join",
        /// A shell script (spec 07 section 16.2).
        Shell = "Shell",
        /// A Python program (spec 07 section 16.3).
        Python = "Python",
        /// SQL statements (spec 07 section 16.4).
        Sql = "Sql",
        /// A container (spec 07 section 16.5).
        Docker = "Docker",
    }
}

impl LeafType {
    /// Whether there is a runtime for it (spec 01 ST-1).
    pub const fn has_runtime(self) -> bool {
        !matches!(self, Self::Titus | Self::Join)
    }
}

impl From<LeafType> for StepType {
    fn from(ty: LeafType) -> Self {
        match ty {
            LeafType::NoOp => StepType::NoOp,
            LeafType::Sleep => StepType::Sleep,
            LeafType::Titus => StepType::Titus,
            LeafType::Notebook => StepType::Notebook,
            LeafType::Kubernetes => StepType::Kubernetes,
            LeafType::Http => StepType::Http,
            LeafType::Join => StepType::Join,
            LeafType::Shell => StepType::Shell,
            LeafType::Python => StepType::Python,
            LeafType::Sql => StepType::Sql,
            LeafType::Docker => StepType::Docker,
        }
    }
}

text_enum! {
    /// What the failure of a step does to the run.
    pub enum FailureMode as "failure mode" {
        /// Stops the others at once.
        FailImmediately = "FAIL_IMMEDIATELY",
        /// Lets the running ones end.
        FailAfterRunning = "FAIL_AFTER_RUNNING",
        /// Nothing.
        IgnoreFailure = "IGNORE_FAILURE",
    }
}
