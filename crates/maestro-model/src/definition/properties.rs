//! Properties of a workflow, which belong to its id rather than to a version (spec 01 section 4).

use super::{Alerting, TagList, User};
use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members, object};
use crate::json::{Json, Object, ToJson, Writer};
use crate::text_enum::text_enum;

/// Properties (spec 01 section 4.1); everything may be unset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    /// Who owns the workflow; required for its first version.
    pub owner: Option<User>,
    /// Stored for a later access list (decision 3).
    pub access_control: Option<Object>,
    /// Which runs may be at work at once; [`RunStrategy::DEFAULT`] when unset.
    pub run_strategy: Option<RunStrategy>,
    /// How many steps of the workflow may be at work at once, 1..=1000.
    pub step_concurrency: Option<i64>,
    /// Whom to tell what.
    pub alerting: Option<Box<Alerting>>,
    /// Stored, not interpreted.
    pub alerting_disabled: Option<bool>,
    /// Whether signal triggers are off.
    pub signal_trigger_disabled: Option<bool>,
    /// Whether time triggers are off.
    pub time_trigger_disabled: Option<bool>,
    /// Free text.
    pub description: Option<Str>,
    /// Tags that are managed apart from versions.
    pub tags: Option<TagList>,
}

/// Which runs of a workflow may be at work at once (spec 01 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunStrategy {
    /// The rule.
    pub rule: RunStrategyRule,
    /// How many runs at once; more than 1 only with [`RunStrategyRule::Parallel`].
    pub workflow_concurrency: i64,
}

impl RunStrategy {
    /// What counts where nothing is stored (spec 01 RS-6).
    pub const DEFAULT: Self = Self::of(RunStrategyRule::Sequential);

    /// A rule with its default concurrency (spec 01 RS-1).
    pub const fn of(rule: RunStrategyRule) -> Self {
        Self {
            rule,
            workflow_concurrency: if matches!(rule, RunStrategyRule::Parallel) {
                20
            } else {
                1
            },
        }
    }
}

text_enum! {
    /// The rule of a run strategy.
    pub enum RunStrategyRule as "run strategy rule" {
        /// One after the other.
        Sequential = "SEQUENTIAL",
        /// One after the other, and none after a failed one.
        StrictSequential = "STRICT_SEQUENTIAL",
        /// The first one runs, others are stopped at once.
        FirstOnly = "FIRST_ONLY",
        /// The last one runs, others are stopped.
        LastOnly = "LAST_ONLY",
        /// Many at once.
        Parallel = "PARALLEL",
        /// One after the other, of the waiting ones only the last.
        SerialLatestOnly = "SERIAL_LATEST_ONLY",
    }
}

object!(Properties, skip null {
    owner, access_control, run_strategy, step_concurrency, alerting, alerting_disabled, signal_trigger_disabled,
    time_trigger_disabled, description, tags,
});

impl FromJson for RunStrategy {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        const FIELDS: &[&str] = &["rule", "workflow_concurrency"];
        let strategy = match &json {
            Json::String(_) => Self::of(RunStrategyRule::from_json(json, at)?),
            Json::Number(number) => match number.as_i64().filter(|_| number.is_integer()) {
                Some(workflow_concurrency) => Self {
                    rule: RunStrategyRule::Parallel,
                    workflow_concurrency,
                },
                None => {
                    return Err(at.wrong(
                        &json,
                        "a run strategy: a rule, an integer, or an object with a `rule`",
                    ));
                }
            },
            Json::Object(_) => {
                let mut members = Members::open(json, at)?;
                let rule: RunStrategyRule = members.field("rule")?;
                let concurrency: Option<i64> = members.field("workflow_concurrency")?;
                members.close(FIELDS)?;
                let default = Self::of(rule);
                Self {
                    rule,
                    workflow_concurrency: concurrency.unwrap_or(default.workflow_concurrency),
                }
            }
            _ => {
                return Err(at.wrong(
                    &json,
                    "a run strategy: a rule, an integer, or an object with a `rule`",
                ));
            }
        };
        if strategy.workflow_concurrency > 1 && strategy.rule != RunStrategyRule::Parallel {
            let Self {
                rule,
                workflow_concurrency,
            } = strategy;
            return Err(at
                .fault(format!(
                    "the rule {rule} cannot have a workflow_concurrency of {workflow_concurrency}"
                ))
                .hint("use the rule PARALLEL, or leave out workflow_concurrency"));
        }
        Ok(strategy)
    }
}

impl ToJson for RunStrategy {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.always("rule", &self.rule);
            members.always("workflow_concurrency", &self.workflow_concurrency);
        });
    }
}
