//! Laws of merging, for any params.

use maestro_core::params::{Stage, merge};
use maestro_model::codec::{read, to_text};
use maestro_model::param::{ParamDefinition, ParamMap, ParamMode, ParamSource, ParamValue};
use proptest::prelude::*;

const LAUNCH: Stage = Stage::fresh(ParamSource::Launch);

fn definition() -> impl Strategy<Value = ParamDefinition> {
    let value = prop_oneof![
        any::<i64>().prop_map(ParamValue::Long),
        "[a-z0-9$]{0,6}".prop_map(|t| ParamValue::String(t.into())),
        any::<bool>().prop_map(ParamValue::Boolean),
        prop::collection::vec(any::<i64>(), 0..3).prop_map(|v| ParamValue::LongArray(v.into())),
    ];
    let mode = prop::option::of(prop::sample::select(
        &[
            ParamMode::Mutable,
            ParamMode::MutableOnStartRestart,
            ParamMode::MutableOnStart,
            ParamMode::Immutable,
            ParamMode::Constant,
        ][..],
    ));
    let leaf = (value, mode.clone()).prop_map(|(value, mode)| {
        let mut definition = ParamDefinition::literal(value);
        definition.mode = mode;
        definition
    });
    leaf.prop_recursive(2, 8, 3, move |inner| {
        (prop::collection::vec(("[a-c]", inner), 0..3), mode.clone()).prop_map(|(entries, mode)| {
            let entries: ParamMap = entries.into_iter().map(|(n, d)| (n.into(), d)).collect();
            let mut definition = ParamDefinition::literal(ParamValue::Map(entries.into()));
            definition.mode = mode;
            definition
        })
    })
}

fn definitions() -> impl Strategy<Value = ParamMap> {
    prop::collection::vec(("[a-e]", definition()), 0..5)
        .prop_map(|entries| entries.into_iter().map(|(n, d)| (n.into(), d)).collect())
}

fn base() -> impl Strategy<Value = ParamMap> {
    definitions().prop_map(|d| {
        merge(
            ParamMap::default(),
            &d,
            Stage::fresh(ParamSource::Definition),
        )
        .expect("new names are never refused")
    })
}

proptest! {
    #[test]
    fn nothing_changes_nothing(base in base()) {
        prop_assert_eq!(merge(base.clone(), &ParamMap::default(), LAUNCH).unwrap(), base);
    }

    #[test]
    fn what_was_merged_can_be_sent_again(base in base()) {
        let mut again = base.clone();
        // A client sends what it read, without the source.
        for definition in again.values_mut() {
            definition.meta = Default::default();
        }
        let merged = merge(base.clone(), &again, LAUNCH).unwrap();
        for (name, definition) in &merged {
            prop_assert_eq!(definition.mode, base[name].mode);
            prop_assert_eq!(to_text(&definition.value().map(|_| 1)), to_text(&base[name].value().map(|_| 1)));
        }
    }

    #[test]
    fn names_keep_their_places_and_modes_never_loosen(base in base(), incoming in definitions()) {
        if let Ok(merged) = merge(base.clone(), &incoming, LAUNCH) {
            let old: Vec<_> = base.keys().collect();
            let kept: Vec<_> = merged.keys().take(old.len()).collect();
            prop_assert_eq!(kept, old);
            for name in incoming.keys() {
                prop_assert!(merged.contains_key(name));
            }
            for (name, definition) in &base {
                prop_assert_eq!(definition.ty(), merged[name].ty());
                prop_assert!(merged[name].mode >= definition.mode);
                let fixed = definition.mode >= Some(ParamMode::Immutable);
                if fixed && !matches!(definition.value(), Some(ParamValue::Map(_))) {
                    prop_assert_eq!(definition.value(), merged[name].value());
                }
            }
        }
    }

    #[test]
    fn the_later_stage_wins(base in base(), incoming in definitions()) {
        if let Ok(merged) = merge(base, &incoming, LAUNCH) {
            for (name, definition) in &incoming {
                if let (Some(ParamValue::Long(given)), Some(ParamValue::Long(got))) =
                    (definition.value(), merged[name].value())
                {
                    prop_assert_eq!(given, got);
                }
            }
        }
    }

    #[test]
    fn merged_params_survive_their_json(base in base()) {
        let read: ParamMap = read(to_text(&base).as_bytes()).unwrap();
        prop_assert_eq!(to_text(&read), to_text(&base));
        prop_assert_eq!(read, base);
    }
}
