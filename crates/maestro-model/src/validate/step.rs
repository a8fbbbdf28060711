//! Rules of single steps and of params (spec 01 V-15 to V-26).

use super::{Checker, ids, jobs};
use crate::Str;
use crate::codec::At;
use crate::definition::{ParsableLong, SignalDependency, SignalOutput, Step, StepKind};
use crate::param::{ParamMap, ParamValue};
use std::convert::Infallible;

/// What stands for a text with params while they are not known (spec 01 PL-4).
const TIMEOUT_DUMMY: &str = "123";
const RETRY_DUMMY: &str = "2";

pub(super) fn is_loop(step: &Step) -> bool {
    matches!(step.kind, StepKind::Foreach(_) | StepKind::While(_))
}

pub(super) fn check_all(checker: &mut Checker<'_>, steps: &[Step], at: &At<'_>) {
    for (index, step) in steps.iter().enumerate() {
        check(checker, step, &at.index(index));
    }
}

fn check(checker: &mut Checker<'_>, step: &Step, at: &At<'_>) {
    let limits = checker.limits;
    checker.found(&at.name("id"), ids::reference_fault(&step.id, limits));
    checker.length(&at.name("name"), step.name.as_deref(), limits.name_length);
    checker.length(
        &at.name("description"),
        step.description.as_deref(),
        limits.description_length,
    );
    checker.tags(&at.name("tags"), step.tags.as_deref());
    timeout(checker, step.timeout.as_ref(), &at.name("timeout"));
    dependencies(
        checker,
        step.signal_dependencies.as_deref(),
        &at.name("signalDependencies"),
    );
    outputs(
        checker,
        step.signal_outputs.as_deref(),
        &at.name("signalOutputs"),
    );
    params(checker, step.params.as_ref(), &at.name("params"));
    kind(checker, step, at);
}

fn kind(checker: &mut Checker<'_>, step: &Step, at: &At<'_>) {
    match &step.kind {
        StepKind::Leaf(leaf) => {
            if !leaf.ty.has_runtime() {
                checker.add(
                    &at.name("type"),
                    format!("the step type [{}] has no runtime here", leaf.ty),
                );
            }
            if let Some(policy) = &leaf.retry_policy {
                let resolved =
                    policy.resolve(checker.limits.retry, |text| Ok(stand_in(text, RETRY_DUMMY)));
                checker.found(
                    &at.name("retryPolicy"),
                    resolved.err().map(|fault| fault.to_string()),
                );
            }
            jobs::check(checker, step, leaf, &at.name("params"));
        }
        StepKind::Subworkflow(_) => {}
        StepKind::Foreach(foreach) => {
            let limit = checker.limits.foreach_concurrency;
            if let Some(value) = foreach.concurrency.filter(|value| *value > limit) {
                checker.add(
                    &at.name("concurrency"),
                    format!("must be less than or equal to {limit}, it is [{value}]"),
                );
            }
            check_all(checker, &foreach.steps, &at.name("steps"));
        }
        StepKind::While(while_) => check_all(checker, &while_.steps, &at.name("steps")),
        StepKind::Template(_) => checker.add(at, "a template step has no runtime here"),
    }
}

/// DU-3: a time-out is positive and not too long; one with params in it is not looked at.
pub(super) fn timeout(checker: &mut Checker<'_>, timeout: Option<&ParsableLong>, at: &At<'_>) {
    let Some(given) = timeout else { return };
    let resolved = given.resolve::<Infallible>(|text| Ok(stand_in(text, TIMEOUT_DUMMY)));
    let Ok(resolved) = resolved;
    let ms = resolved.timeout_ms();
    let days = checker.limits.timeout_days;
    if ms <= 0 || ms > days.saturating_mul(86_400_000) {
        checker.add(
            at,
            format!(
                "the timeout {given} comes to [{ms}] milliseconds; it must be more than 0 and at most {days} days, \
                 such as 3600 (seconds), \"2 hours\" or \"1 day 30 min\""
            ),
        );
    }
}

fn stand_in(text: &str, dummy: &str) -> Str {
    if text.contains('$') {
        dummy.into()
    } else {
        text.into()
    }
}

/// ID-2 for names, TG-5 and V-17 for tags, inside of literal MAPs, too.
pub(super) fn params(checker: &mut Checker<'_>, params: Option<&ParamMap>, at: &At<'_>) {
    for (name, param) in params.into_iter().flatten() {
        let at = at.name(name);
        checker.found(&at, ids::reference_fault(name, checker.limits));
        checker.tags(&at.name("tags"), param.tags.as_deref());
        if let Some(ParamValue::Map(entries)) = param.value() {
            self::params(checker, Some(entries), &at.name("value"));
        }
    }
}

/// V-18 to V-20.
fn dependencies(checker: &mut Checker<'_>, dependencies: Option<&[SignalDependency]>, at: &At<'_>) {
    let Some(dependencies) = dependencies else {
        return;
    };
    if dependencies.is_empty() {
        checker.add(at, "must not be empty; leave it out or name a signal");
    }
    for (index, dependency) in dependencies.iter().enumerate() {
        let at = at.index(index);
        if dependency.name.is_empty() {
            checker.add(&at.name("name"), "must not be null or empty");
        }
        let mut ranges = dependency
            .match_params
            .iter()
            .filter(|(_, matched)| matched.operator.is_range())
            .map(|(key, _)| key);
        if let (Some(first), Some(second)) = (ranges.next(), ranges.next()) {
            checker.add(
                &at.name("matchParams"),
                format!("the signal [{}] may have one range operator, [{first}] and [{second}] both have one", dependency.name),
            );
        }
    }
}

/// V-21, V-22.
fn outputs(checker: &mut Checker<'_>, outputs: Option<&[SignalOutput]>, at: &At<'_>) {
    let Some(outputs) = outputs else { return };
    if outputs.is_empty() {
        checker.add(at, "must not be empty; leave it out or name a signal");
    }
    for (index, output) in outputs.iter().enumerate() {
        if output.name.is_empty() {
            checker.add(&at.index(index).name("name"), "must not be null or empty");
        }
    }
}
