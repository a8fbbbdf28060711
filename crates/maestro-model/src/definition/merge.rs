//! What a change makes of the properties of a workflow (spec 01 section 4.4), as functions on plain data.

use super::{
    Properties, PropertiesSnapshot, PropertiesUpdate, RunStrategy, RunStrategyRule, Tag,
    TagNamespace, User,
};
use crate::Str;
use crate::json::Json;

impl Properties {
    /// After a push that gives properties for a workflow that exists (spec 01 PR-2): what is absent keeps its value, but
    /// run strategy, step concurrency and alerting are unset.
    #[must_use]
    pub fn after_push(&self, pushed: &Properties) -> Properties {
        Properties {
            run_strategy: pushed.run_strategy,
            step_concurrency: pushed.step_concurrency,
            alerting: pushed.alerting.clone(),
            ..self.overlaid(pushed)
        }
    }

    /// After a change through the properties endpoint (spec 01 PR-4 to PR-7).
    #[must_use]
    pub fn after_update(&self, update: &PropertiesUpdate) -> Properties {
        let mut changed = self.overlaid(&update.properties);
        if update.reset_run_strategy_rule {
            changed.run_strategy = None;
        } else if update.reset_workflow_concurrency
            && changed
                .run_strategy
                .is_some_and(|strategy| strategy.rule == RunStrategyRule::Parallel)
        {
            changed.run_strategy = Some(RunStrategy::of(RunStrategyRule::Parallel));
        }
        if update.reset_step_concurrency {
            changed.step_concurrency = None;
        }
        changed
    }

    /// After adding a tag through the tag endpoint (spec 01 section 4.5, PR-9): the system sets its namespace, who made it
    /// and when (epoch milliseconds); a tag of the same name is replaced in its place.
    #[must_use]
    pub fn with_tag(&self, tag: &Tag, creator: &Str, now: i64) -> Properties {
        let mut tag = tag.clone();
        tag.namespace = Some(TagNamespace::Platform);
        tag.attributes
            .insert("creator".into(), Json::from(&**creator));
        tag.attributes
            .insert("created_at_milli".into(), Json::from(now));
        let mut tags = self.tags.clone().unwrap_or_default();
        match tags.iter_mut().find(|other| other.name == tag.name) {
            Some(other) => *other = tag,
            None => tags.push(tag),
        }
        Properties {
            tags: Some(tags),
            ..self.clone()
        }
    }

    /// After removing a tag (spec 01 PR-10); `None` if there is no tag of that name.
    pub fn without_tag(&self, name: &str) -> Option<Properties> {
        let mut tags = self.tags.clone().unwrap_or_default();
        let at = tags.iter().position(|tag| &*tag.name == name)?;
        tags.remove(at);
        Some(Properties {
            tags: Some(tags),
            ..self.clone()
        })
    }

    /// The values of `change` where given, else those of `self`; each is taken as a whole (spec 01 PR-11).
    fn overlaid(&self, change: &Properties) -> Properties {
        fn either<T: Clone>(change: &Option<T>, current: &Option<T>) -> Option<T> {
            change.as_ref().or(current.as_ref()).cloned()
        }
        Properties {
            owner: either(&change.owner, &self.owner),
            access_control: either(&change.access_control, &self.access_control),
            run_strategy: either(&change.run_strategy, &self.run_strategy),
            step_concurrency: either(&change.step_concurrency, &self.step_concurrency),
            alerting: either(&change.alerting, &self.alerting),
            alerting_disabled: either(&change.alerting_disabled, &self.alerting_disabled),
            signal_trigger_disabled: either(
                &change.signal_trigger_disabled,
                &self.signal_trigger_disabled,
            ),
            time_trigger_disabled: either(
                &change.time_trigger_disabled,
                &self.time_trigger_disabled,
            ),
            description: either(&change.description, &self.description),
            tags: either(&change.tags, &self.tags),
        }
    }
}

impl PropertiesSnapshot {
    /// The snapshot that a push leaves (spec 01 PR-1 to PR-3): a new one if it gives properties, else the current one.
    /// `None` if there is neither; a first version needs properties (V-60).
    pub fn after_push(
        current: Option<&Self>,
        workflow_id: &Str,
        pushed: Option<&Properties>,
        author: &User,
        now: i64,
    ) -> Option<Self> {
        let Some(pushed) = pushed else {
            return current.cloned();
        };
        let properties = current.map_or_else(
            || pushed.clone(),
            |current| current.properties.after_push(pushed),
        );
        Some(Self {
            workflow_id: workflow_id.clone(),
            create_time: Self::create_time(current, now),
            author: author.clone(),
            properties,
        })
    }

    /// The snapshot that another change of the properties leaves.
    #[must_use]
    pub fn changed(&self, properties: Properties, author: &User, now: i64) -> Self {
        Self {
            workflow_id: self.workflow_id.clone(),
            create_time: Self::create_time(Some(self), now),
            author: author.clone(),
            properties,
        }
    }

    /// Strictly after the current snapshot, since it serves as the version of the properties (spec 01 section 4.6).
    fn create_time(current: Option<&Self>, now: i64) -> i64 {
        current.map_or(now, |current| now.max(current.create_time + 1))
    }
}

/// What must not be the case of the workflow's runs for a change of the run strategy (spec 01 PR-12 to PR-14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrategyGuard {
    /// Two or more runs that have not ended.
    TwoNonTerminal,
    /// A failed run that was neither unblocked nor superseded.
    Failed,
}

impl StrategyGuard {
    /// The guard for a change that gives `requested`, where the strategy was `current` and becomes `merged`.
    pub fn of(
        requested: Option<RunStrategy>,
        current: Option<RunStrategy>,
        merged: Option<RunStrategy>,
    ) -> Option<Self> {
        requested?;
        let (current, merged) = (
            current.unwrap_or(RunStrategy::DEFAULT),
            merged.unwrap_or(RunStrategy::DEFAULT),
        );
        if current == merged {
            return None;
        }
        match merged.rule {
            RunStrategyRule::FirstOnly | RunStrategyRule::LastOnly => Some(Self::TwoNonTerminal),
            RunStrategyRule::StrictSequential => Some(Self::Failed),
            RunStrategyRule::Sequential
            | RunStrategyRule::Parallel
            | RunStrategyRule::SerialLatestOnly => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn properties(json: &str) -> Properties {
        codec::read(json.as_bytes()).expect("properties")
    }

    fn update(json: &str) -> Result<PropertiesUpdate, codec::JsonError> {
        codec::read(json.as_bytes())
    }

    fn text(properties: &Properties) -> String {
        codec::to_text(properties)
    }

    // [01:6]
    #[test]
    fn a_push_resets_strategy_concurrency_and_alerting_and_keeps_the_rest() {
        let first = properties(
            r#"{"owner":"ann","run_strategy":"parallel","step_concurrency":5,"alerting":{},"description":"d","tags":["t"]}"#,
        );
        let second = first.after_push(&properties(r#"{"owner":"bob"}"#));
        assert_eq!(
            text(&second),
            r#"{"owner":"bob","description":"d","tags":[{"name":"t"}]}"#
        );
        // [01:19]
        assert_eq!(
            text(&second.after_push(&properties(r#"{"tags":[]}"#))),
            r#"{"owner":"bob","description":"d","tags":[]}"#
        );
    }

    // [01:50]
    #[test]
    fn resets_unset_and_conflicts_are_refused() {
        let parallel = properties(r#"{"run_strategy":5,"step_concurrency":6}"#);
        let after = |json: &str| parallel.after_update(&update(json).expect("an update"));
        assert_eq!(
            after(r#"{"reset_workflow_concurrency":true}"#)
                .run_strategy
                .map(|s| s.workflow_concurrency),
            Some(20)
        );
        assert_eq!(
            after(r#"{"reset_run_strategy_rule":true,"reset_workflow_concurrency":true}"#)
                .run_strategy,
            None
        );
        assert_eq!(
            after(r#"{"reset_step_concurrency":"True"}"#).step_concurrency,
            None
        );
        assert_eq!(
            after(r#"{"reset_step_concurrency":null,"step_concurrency":3}"#).step_concurrency,
            Some(3)
        );
        let last_only = properties(r#"{"run_strategy":"last_only"}"#);
        let reset = update(r#"{"reset_workflow_concurrency":true}"#).expect("an update");
        assert_eq!(last_only.after_update(&reset), last_only);
        for conflict in [
            r#"{"reset_step_concurrency":true,"step_concurrency":3}"#,
            r#"{"reset_run_strategy_rule":true,"run_strategy":"parallel"}"#,
            r#"{"reset_workflow_concurrency":1,"run_strategy":3}"#,
            r#"{"tags":["x"]}"#,
            r#"{"tags":[]}"#,
            r#"{"properties":{"tags":["x"]}}"#,
            r#"{"properties":{"step_concurrency":3},"reset_step_concurrency":true}"#,
            r#"{"colour":"blue"}"#,
        ] {
            assert!(update(conflict).is_err(), "{conflict}");
        }
        let nested = update(r#"{"description":"flat","properties":{"step_concurrency":3}}"#)
            .expect("an update");
        assert_eq!(
            text(&parallel.after_update(&nested)),
            r#"{"run_strategy":{"rule":"PARALLEL","workflow_concurrency":5},"step_concurrency":3}"#
        );
    }

    // [01:51]
    #[test]
    fn an_empty_update_makes_a_new_snapshot_with_the_same_values() {
        let snapshot = PropertiesSnapshot::after_push(
            None,
            &"w".into(),
            Some(&properties(r#"{"owner":"a"}"#)),
            &"ann".into(),
            7,
        )
        .expect("properties were given");
        let changed = snapshot.changed(
            snapshot
                .properties
                .after_update(&PropertiesUpdate::default()),
            &"bob".into(),
            7,
        );
        assert_eq!(changed.properties, snapshot.properties);
        assert_eq!(
            (changed.create_time, changed.author.name().as_ref()),
            (8, "bob")
        );
        // [01:5]
        let kept =
            PropertiesSnapshot::after_push(Some(&changed), &"w".into(), None, &"eve".into(), 99);
        assert_eq!(kept, Some(changed));
    }

    // [01:53]
    #[test]
    fn tags_are_replaced_in_place_and_removed_by_name() {
        let tag = |json: &str| codec::read::<Tag>(json.as_bytes()).expect("a tag");
        let one = properties("{}")
            .with_tag(&tag(r#""gold""#), &"erin".into(), 5)
            .with_tag(&tag(r#""red""#), &"erin".into(), 6);
        let two = one.with_tag(
            &tag(r#"{"name":"gold","namespace":"system","carat":24,"creator":"mallory"}"#),
            &"finn".into(),
            7,
        );
        assert_eq!(
            text(&two),
            r#"{"tags":[{"name":"gold","namespace":"PLATFORM","carat":24,"creator":"finn","created_at_milli":7},{"name":"red","namespace":"PLATFORM","creator":"erin","created_at_milli":6}]}"#
        );
        let none = two
            .without_tag("gold")
            .and_then(|p| p.without_tag("red"))
            .expect("both are there");
        assert_eq!(text(&none), r#"{"tags":[]}"#);
        assert_eq!(none.without_tag("gold"), None);
        assert_eq!(properties("{}").without_tag("gold"), None);
        assert_eq!(two.without_tag("GOLD"), None);
    }

    #[test]
    fn only_a_real_change_of_the_strategy_is_guarded() {
        let strategy =
            |json: &str| properties(&format!(r#"{{"run_strategy":{json}}}"#)).run_strategy;
        let guard = |requested: &str, current: &str| {
            StrategyGuard::of(strategy(requested), strategy(current), strategy(requested))
        };
        assert_eq!(
            guard(r#""last_only""#, r#""parallel""#),
            Some(StrategyGuard::TwoNonTerminal)
        );
        assert_eq!(
            guard(r#""first_only""#, "null"),
            Some(StrategyGuard::TwoNonTerminal)
        );
        assert_eq!(
            guard(r#""strict_sequential""#, "null"),
            Some(StrategyGuard::Failed)
        );
        assert_eq!(guard(r#""serial_latest_only""#, r#""parallel""#), None);
        assert_eq!(guard(r#""last_only""#, r#""last_only""#), None);
        assert_eq!(
            StrategyGuard::of(None, strategy(r#""last_only""#), None),
            None
        );
    }
}
