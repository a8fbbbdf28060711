//! Rules of properties (spec 01 V-11 to V-15, V-17) and of pushes as a whole (V-57, V-58, V-60).

use super::Checker;
use crate::codec::At;
use crate::definition::{Properties, Tct, WorkflowCreateRequest};

pub(super) fn check(checker: &mut Checker<'_>, properties: &Properties, at: &At<'_>) {
    let limits = checker.limits;
    let within = |what: &str, value: i64, limit: i64| {
        (!(1..=limit).contains(&value))
            .then(|| format!("[{what}] must be between 1 and {limit}, it is [{value}]"))
    };
    if let Some(strategy) = properties.run_strategy {
        let fault = within(
            "workflow_concurrency",
            strategy.workflow_concurrency,
            limits.workflow_concurrency,
        );
        checker.found(&at.name("runStrategy").name("workflowConcurrency"), fault);
    }
    if let Some(value) = properties.step_concurrency {
        checker.found(
            &at.name("stepConcurrency"),
            within("step_concurrency", value, limits.step_concurrency),
        );
    }
    if let Some(tct) = properties
        .alerting
        .as_ref()
        .and_then(|alerting| alerting.tct.as_ref())
    {
        checker.found(&at.name("alerting").name("tct"), tct_fault(tct));
    }
    checker.length(
        &at.name("description"),
        properties.description.as_deref(),
        limits.description_length,
    );
    checker.tags(&at.name("tags"), properties.tags.as_deref());
}

fn tct_fault(tct: &Tct) -> Option<String> {
    let given = [
        tct.completed_by_hour.is_some(),
        tct.duration_minutes.is_some(),
        tct.completed_by_ts.is_some(),
    ];
    let count = given.iter().filter(|given| **given).count();
    (count != 1).then(|| {
        format!(
            "[TCT definition] needs exactly one of completed_by_hour, duration_minutes and completed_by_ts, {count} are given"
        )
    })
}

/// Why a push is refused that a validation accepts (spec 01 section 8.1, steps 1, 5, 6 and 8); all are status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushFault {
    /// `is_active` was null.
    #[error("`is_active` may not be null; leave it out or give true or false")]
    NullIsActive,
    /// An extra has the name of a metadata field (V-57).
    #[error("the extra info must not contain the reserved key `{0}`; rename it")]
    ReservedExtra(&'static str),
    /// Tags among the properties (V-58).
    #[error("`properties.tags` cannot be set by a push; use the tag endpoints of the workflow")]
    Tags,
    /// The first version needs an owner (V-60).
    #[error("the first version of a workflow needs `properties` with an `owner`")]
    NoOwner,
}

/// Checks what only a push must keep to. `first` is whether no version of the workflow exists.
pub fn push_fault(request: &WorkflowCreateRequest, first: bool) -> Option<PushFault> {
    const RESERVED: [&str; 5] = [
        "workflow_id",
        "workflow_version_id",
        "version_author",
        "create_time",
        "git_info",
    ];
    let properties = request.properties.as_ref();
    if request.is_active.is_none() {
        return Some(PushFault::NullIsActive);
    }
    if let Some(key) = RESERVED
        .into_iter()
        .find(|key| request.extra_info.get(key).is_some())
    {
        return Some(PushFault::ReservedExtra(key));
    }
    if properties
        .and_then(|properties| properties.tags.as_ref())
        .is_some_and(|tags| !tags.is_empty())
    {
        return Some(PushFault::Tags);
    }
    (first && properties.is_none_or(|properties| properties.owner.is_none()))
        .then_some(PushFault::NoOwner)
}
