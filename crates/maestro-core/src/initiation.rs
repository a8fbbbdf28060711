//! What triggers must be, and what the initiator of a start decides (spec 05 ST-4 to ST-7, CR-1).

use maestro_model::definition::{
    Properties, SignalTrigger, Workflow, signal_trigger_uuid, time_triggers_uuid,
};
use maestro_model::run::Initiator;

use crate::message::Refusal;

/// Whether a trigger may start this version: it must be the active one and have the trigger, and triggers of the kind may
/// not be disabled. Other initiators may start any version.
///
/// # Errors
/// Why it may not.
pub fn check_trigger(
    initiator: &Initiator,
    workflow: &Workflow,
    version: i64,
    active: Option<i64>,
    properties: &Properties,
) -> Result<(), Refusal> {
    let (kind, uuid, disabled) = match initiator {
        Initiator::Time { trigger_uuid, .. } => {
            ("TIME", trigger_uuid, properties.time_trigger_disabled)
        }
        Initiator::Signal { trigger_uuid, .. } => {
            ("SIGNAL", trigger_uuid, properties.signal_trigger_disabled)
        }
        Initiator::Manual { .. } | Initiator::Upstream { .. } => return Ok(()),
    };
    let id = || -> Box<str> { (&*workflow.id).into() };
    if active != Some(version) {
        return Err(Refusal::NotActive {
            workflow: id(),
            version,
        });
    }
    let is_known = match initiator {
        Initiator::Time { .. } => {
            let own = workflow
                .time_triggers
                .as_deref()
                .and_then(time_triggers_uuid);
            own.is_some_and(|own| own.to_string() == **uuid)
        }
        _ => workflow
            .signal_triggers
            .iter()
            .flatten()
            .any(|trigger| signal_trigger_uuid(trigger).to_string() == **uuid),
    };
    if !is_known {
        return Err(Refusal::NoTrigger {
            workflow: id(),
            trigger: (&**uuid).into(),
        });
    }
    if disabled == Some(true) {
        return Err(Refusal::TriggerDisabled {
            workflow: id(),
            kind,
        });
    }
    Ok(())
}

/// Whether the signal triggers of a version that becomes the active one can wait for anything (spec 01 section 7.2,
/// 08 ST-4). One that is switched off, or not active, may be empty.
///
/// # Errors
/// Which one cannot.
pub fn check_subscription(workflow: &Workflow, properties: &Properties) -> Result<(), Refusal> {
    if properties.signal_trigger_disabled == Some(true) {
        return Ok(());
    }
    let waits = |trigger: &SignalTrigger| {
        let signals = trigger.definitions.as_ref();
        signals.is_some_and(|signals| !signals.is_empty())
    };
    let triggers = workflow.signal_triggers.as_deref().unwrap_or_default();
    match triggers.iter().position(|trigger| !waits(trigger)) {
        None => Ok(()),
        Some(index) => Err(Refusal::EmptyTrigger {
            workflow: (&*workflow.id).into(),
            index,
        }),
    }
}

/// `instance_step_concurrency` of a run (spec 05 CR-1): what another run starts takes none from its definition.
#[must_use]
pub fn instance_step_concurrency(initiator: &Initiator, workflow: &Workflow) -> Option<i64> {
    match initiator {
        Initiator::Upstream { .. } => None,
        _ => workflow.instance_step_concurrency,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maestro_model::codec::read;

    #[test]
    fn triggers_start_the_active_version_that_has_them() {
        let text = r#"{"id":"w","steps":[],"instance_step_concurrency":5,
            "time_triggers":[{"type":"CRON","cron":"15 3 * * *","timezone":"Europe/Paris"}]}"#;
        let workflow: Workflow = read(text.as_bytes()).expect("definition");
        let uuid = "cace173c-0497-36c1-b8eb-f16328ba992f";
        let time = |uuid: &str| Initiator::Time {
            trigger_uuid: uuid.into(),
            trigger_time: 1,
            timezone: "".into(),
            depth: 0,
        };
        let disabled = Properties {
            time_trigger_disabled: Some(true),
            ..Properties::default()
        };
        let none = Properties::default();
        let check = |uuid: &str, active, properties| {
            check_trigger(&time(uuid), &workflow, 2, active, properties)
        };
        assert!(check(uuid, Some(2), &none).is_ok());
        for active in [None, Some(1)] {
            let refused = check(uuid, active, &none);
            assert!(matches!(refused, Err(Refusal::NotActive { .. })));
        }
        let refused = check("7b92bd31-8478-35db-bb77-dfdb3d7260fc", Some(2), &none);
        assert!(matches!(refused, Err(Refusal::NoTrigger { .. })));
        let refused = check(uuid, Some(2), &disabled).expect_err("disabled");
        let text = refused.to_string();
        assert!(
            text.starts_with("Trigger type [TIME] is disabled for the workflow"),
            "{text}"
        );
        let manual = Initiator::manual("ana".into());
        assert!(check_trigger(&manual, &workflow, 2, None, &disabled).is_ok());
        assert_eq!(instance_step_concurrency(&manual, &workflow), Some(5));
    }
}
