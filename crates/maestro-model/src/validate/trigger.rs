//! Rules of triggers (spec 01 V-40 to V-45).

use super::{Checker, step};
use crate::codec::At;
use crate::definition::{SignalTrigger, Workflow};

pub(super) fn check(checker: &mut Checker<'_>, workflow: &Workflow, now: i64, at: &At<'_>) {
    let time_at = at.name("timeTriggers");
    for (index, trigger) in workflow.time_triggers.iter().flatten().enumerate() {
        let at = time_at.index(index);
        step::timeout(
            checker,
            trigger.fuzzy_max_delay(),
            &at.name("fuzzyMaxDelay"),
        );
        let _ = now;
    }
    let signal_at = at.name("signalTriggers");
    for (index, trigger) in workflow.signal_triggers.iter().flatten().enumerate() {
        let limit = checker.limits.signal_names;
        checker.found(&signal_at.index(index), signal_fault(trigger, limit));
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
