//! Rules that look at a whole workflow (spec 01 V-30 to V-37, V-61).

use super::{Checker, cycle, ids, predecessors, step, trigger};
use crate::codec::At;
use crate::definition::{Step, Workflow};
use crate::param::{ParamMap, ParamValue};
use std::collections::{BTreeSet, HashSet};

pub(super) fn check(checker: &mut Checker<'_>, workflow: &Workflow, now: i64, at: &At<'_>) {
    let limits = checker.limits;
    checker.found(&at.name("id"), ids::workflow_id_fault(&workflow.id, limits));
    checker.length(
        &at.name("name"),
        workflow.name.as_deref(),
        limits.name_length,
    );
    checker.length(
        &at.name("description"),
        workflow.description.as_deref(),
        limits.description_length,
    );
    checker.tags(&at.name("tags"), workflow.tags.as_deref());
    step::timeout(checker, workflow.timeout.as_ref(), &at.name("timeout"));
    trigger::check(checker, workflow, now, at);
    step::params(checker, workflow.params.as_ref(), &at.name("params"));
    chain(checker, workflow, at);
    step::check_all(checker, &workflow.steps, &at.name("steps"));
}

/// The rules that stop at their first failure.
fn chain(checker: &mut Checker<'_>, workflow: &Workflow, at: &At<'_>) {
    let steps_at = at.name("steps");
    let fault = no_steps(workflow)
        .or_else(|| too_many_steps(workflow, checker.limits.steps))
        .or_else(|| repeated_id(workflow))
        .or_else(|| unknown_successor(&workflow.steps))
        .or_else(|| wrong_predecessors(&workflow.steps))
        .or_else(|| {
            let ids = cycle(&workflow.steps)?;
            Some(format!("[workflow step transition] the steps form a cycle: [{}]; remove one of the transitions", ids.join(" -> ")))
        });
    if let Some(text) = fault {
        checker.add(&steps_at, text);
        return;
    }
    let limit = checker.limits.instance_step_concurrency;
    if let Some(value) = workflow
        .instance_step_concurrency
        .filter(|value| !(1..=limit).contains(value))
    {
        let text =
            format!("[instance_step_concurrency] must be between 1 and {limit}, it is [{value}]");
        return checker.add(&at.name("instanceStepConcurrency"), text);
    }
    loop_params(checker, &workflow.steps, &mut Vec::new(), &steps_at);
}

fn no_steps(workflow: &Workflow) -> Option<String> {
    workflow.steps.is_empty().then(|| {
        "[workflow step definitions] must not be null or empty; add at least one step".to_owned()
    })
}

fn too_many_steps(workflow: &Workflow, limit: usize) -> Option<String> {
    let count = workflow.all_steps().count();
    (count > limit).then(|| {
        format!("[workflow step list] has {count} steps, nested ones included; the limit is {limit}; move some into a sub-workflow")
    })
}

fn repeated_id(workflow: &Workflow) -> Option<String> {
    let mut seen = HashSet::new();
    let id = workflow
        .all_steps()
        .map(|step| &step.id)
        .find(|id| !seen.insert(*id))?;
    Some(format!(
        "[workflow step list] the step id [{id}] is used more than once; ids are unique over all loops"
    ))
}

fn unknown_successor(steps: &[Step]) -> Option<String> {
    let known: HashSet<&str> = steps.iter().map(|step| &*step.id).collect();
    let (step, successor) = steps.iter().find_map(|step| {
        let successor = step
            .transition
            .successors
            .keys()
            .find(|id| !known.contains(&***id))?;
        Some((&step.id, successor))
    })?;
    let near = crate::codec::nearest(
        successor,
        &known
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>(),
    );
    let hint = near
        .map(|id| format!("; did you mean [{id}]?"))
        .unwrap_or_default();
    Some(format!(
        "[workflow step transition] the step [{step}] has a successor [{successor}] that is no step of this level{hint}"
    ))
}

fn wrong_predecessors(steps: &[Step]) -> Option<String> {
    steps.iter().zip(predecessors(steps)).find_map(|(step, computed)| {
        let given: BTreeSet<&str> = step.transition.predecessors.iter().map(|id| &**id).collect();
        (!given.is_empty() && given != computed).then(|| {
            format!(
                "[workflow step transition] the step [{}] gives the predecessors {given:?}, the successors of the others say {computed:?}; \
                 leave predecessors out or mend them",
                step.id
            )
        })
    })
}

/// ST-4, ST-5, V-36: loops have a literal map of params, whose names no loop around them has.
fn loop_params<'a>(
    checker: &mut Checker<'_>,
    steps: &'a [Step],
    around: &mut Vec<&'a ParamMap>,
    at: &At<'_>,
) {
    for (index, step) in steps.iter().enumerate() {
        if !step::is_loop(step) {
            continue;
        }
        let at = at.index(index);
        let declared = step
            .params
            .as_ref()
            .and_then(|params| params.get("loop_params"));
        let Some(ParamValue::Map(names)) = declared.and_then(|param| param.value()) else {
            let text = match declared {
                None => format!(
                    "the loop [{}] needs a param `loop_params`, a literal MAP",
                    step.id
                ),
                Some(param) => format!(
                    "`loop_params` of the loop [{}] must be a literal MAP, it is {} {}",
                    step.id,
                    if param.value().is_some() {
                        "a literal"
                    } else {
                        "an expression of type"
                    },
                    param.ty()
                ),
            };
            checker.add(&at.name("params").name("loop_params"), text);
            continue;
        };
        if let Some(name) = names
            .keys()
            .find(|name| around.iter().any(|outer| outer.contains_key(*name)))
        {
            let text = format!(
                "the loop param [{name}] of the loop [{}] is a loop param of a loop around it, too; rename one",
                step.id
            );
            checker.add(&at.name("params").name("loop_params").name(name), text);
        }
        around.push(names);
        loop_params(checker, step.nested(), around, &at.name("steps"));
        around.pop();
    }
}
