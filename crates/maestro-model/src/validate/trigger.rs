//! Rules of triggers (spec 01 V-40 to V-45).

use super::{Checker, step};
use crate::codec::At;
use crate::definition::{SignalTrigger, TimeTrigger, Workflow, signal_trigger_uuid};
use crate::schedule::{Cron, Schedule, ScheduleFault, Zone};
use std::collections::HashSet;

pub(super) fn check(checker: &mut Checker<'_>, workflow: &Workflow, now: i64, at: &At<'_>) {
    let time_at = at.name("timeTriggers");
    for (index, trigger) in workflow.time_triggers.iter().flatten().enumerate() {
        let at = time_at.index(index);
        step::timeout(
            checker,
            trigger.fuzzy_max_delay(),
            &at.name("fuzzyMaxDelay"),
        );
        time_fault(checker, trigger, now, &at);
    }
    let signal_at = at.name("signalTriggers");
    let signal_triggers = workflow.signal_triggers.as_deref().unwrap_or_default();
    repeated_signal_trigger(checker, signal_triggers, &signal_at);
    for (index, trigger) in signal_triggers.iter().enumerate() {
        let limit = checker.limits.signal_names;
        checker.found(&signal_at.index(index), signal_fault(trigger, limit));
    }
}

/// V-40 to V-42.
fn time_fault(checker: &mut Checker<'_>, trigger: &TimeTrigger, now: i64, at: &At<'_>) {
    if let TimeTrigger::Cron { cron, .. } = trigger
        && let Err(reason) = Cron::parse(cron)
    {
        checker.add(
            &at.name("cron"),
            format!("[cron expression] [{cron}]: {reason}"),
        );
    }
    if let Some(zone) = trigger.timezone()
        && Zone::parse(zone).is_none()
    {
        checker.add(
            &at.name("timezone"),
            format!(
                "[timezone expression] {}",
                ScheduleFault::Zone(zone.to_string())
            ),
        );
    }
    match Schedule::of(trigger, "") {
        Err(fault) => checker.add(at, format!("[time-trigger] {trigger}: {fault}")),
        Ok(schedule) => {
            let limit = checker.limits.trigger_spacing_ms;
            let first = schedule.next(now);
            let spacing = first.and_then(|first| Some(schedule.next(first)? - first));
            if let Some(spacing) = spacing.filter(|spacing| *spacing < limit) {
                checker.add(
                    at,
                    format!("[time-trigger] {trigger}: its next two executions are {spacing} ms apart, the least is {limit} ms"),
                );
            }
        }
    }
}

/// Two equal signal triggers have the same id (spec 01 UU-2).
fn repeated_signal_trigger(checker: &mut Checker<'_>, triggers: &[SignalTrigger], at: &At<'_>) {
    let mut seen = HashSet::new();
    for (index, trigger) in triggers.iter().enumerate() {
        if !seen.insert(signal_trigger_uuid(trigger)) {
            checker.add(
                &at.index(index),
                "[signal-trigger] is equal to one before it; remove it",
            );
        }
    }
}

/// V-43 to V-45; the first hit counts.
fn signal_fault(trigger: &SignalTrigger, limit: usize) -> Option<String> {
    let definitions = trigger.definitions.as_ref()?;
    let count = definitions.len();
    if count > limit {
        return Some(format!(
            "[signal-trigger] waits for {count} signal names, the limit is {limit}"
        ));
    }
    let keys = |entry: &crate::definition::SignalTriggerEntry| {
        entry.join_keys.as_ref().map_or(0, Vec::len)
    };
    let mut entries = definitions.iter();
    let (first_name, first) = entries.next()?;
    if let Some((name, entry)) = entries.find(|(_, entry)| keys(entry) != keys(first)) {
        return Some(format!(
            "[signal-trigger] all signals need equally many join_keys: [{first_name}] has {}, [{name}] has {}",
            keys(first),
            keys(entry)
        ));
    }
    definitions.iter().find_map(|(name, entry)| {
        let matched = entry.match_params.as_ref()?;
        let key = entry
            .join_keys
            .iter()
            .flatten()
            .find(|key| matched.contains_key(*key))?;
        Some(format!(
            "[signal-trigger] the signal [{name}] uses [{key}] in both join_keys and match_params"
        ))
    })
}
