//! Alerting: whom to tell what (spec 01 section 4.3). Stored and echoed; only `tct` is interpreted.

use crate::codec::{At, FromJson, JsonError, Members, nearest, object};
use crate::json::{Json, ToJson, Writer};
use crate::text_enum::text_enum;
use crate::{Map, Str};

/// A list of which equal elements fall together (spec 01 JS-10).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set<T>(Vec<T>);

impl<T> Set<T> {
    /// The elements.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<T: PartialEq> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut set = Vec::new();
        for element in elements {
            if !set.contains(&element) {
                set.push(element);
            }
        }
        Self(set)
    }
}

impl<T: FromJson + PartialEq> FromJson for Set<T> {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        Vec::from_json(json, at).map(Self::from_iter)
    }
}

impl<T: ToJson> ToJson for Set<T> {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The alerting object of properties.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alerting {
    /// Mail addresses; may hold `${param}`.
    pub emails: Option<Set<Str>>,
    /// Services of PagerDuty.
    pub pagerduties: Option<Set<Str>>,
    /// Slack.
    pub slack: Option<Slack>,
    /// What is not held back for a digest.
    pub bypass_digest_config: Option<BypassDigestConfig>,
    /// By when a run should be done.
    pub tct: Option<Tct>,
    /// Settings by type of alert.
    pub type_configs: Option<Map<AlertTypeConfig>>,
    /// PagerDuty.
    pub pagerduty_config: Option<PagerDutyConfig>,
}

/// Whom to tell on Slack.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slack {
    /// Users.
    pub users: Option<Set<Str>>,
    /// Channels.
    pub channels: Option<Set<Str>>,
    /// Users to be mentioned.
    pub mention_users: Option<Set<Str>>,
}

/// What is not held back for a digest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BypassDigestConfig {
    /// Steps.
    pub steps: Option<Set<Str>>,
    /// The workflow itself.
    pub workflow: bool,
}

/// Target completion time: exactly one of the three times is set (spec 01 AL-1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tct {
    /// Hour of the target run date.
    pub completed_by_hour: Option<i32>,
    /// Minutes after the start.
    pub duration_minutes: Option<i32>,
    /// Epoch milliseconds.
    pub completed_by_ts: Option<i64>,
    /// Time zone of the hour.
    pub tz: Option<Str>,
}

/// Settings of one type of alert.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertTypeConfig {
    /// What to do; a set.
    pub actions: Option<Set<AlertAction>>,
    /// Whether this type is off.
    pub disabled: bool,
    /// Minutes.
    pub duration_minutes: Option<i32>,
    /// Mail addresses.
    pub emails: Option<Set<Str>>,
    /// What is watched.
    pub granularity: Option<AlertGranularity>,
    /// Services of PagerDuty.
    pub pagerduties: Option<Set<Str>>,
    /// Slack.
    pub slack: Option<Slack>,
}

/// Settings of PagerDuty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PagerDutyConfig {
    /// How bad it is.
    pub severity: Option<PagerDutySeverity>,
    /// Whether to page at any hour.
    pub always_page: Option<bool>,
}

impl Alerting {
    /// The same with every text replaced, but for names of types.
    #[must_use]
    pub fn with_texts(&self, replace: &mut dyn FnMut(&Str) -> Str) -> Self {
        let mut changed = self.clone();
        changed.for_each_set(&mut |set| *set = set.iter().map(&mut *replace).collect());
        if let Some(zone) = changed.tct.as_mut().and_then(|tct| tct.tz.as_mut()) {
            *zone = replace(zone);
        }
        changed
    }

    fn for_each_set(&mut self, change: &mut dyn FnMut(&mut Set<Str>)) {
        let own = [&mut self.emails, &mut self.pagerduties];
        own.into_iter().flatten().for_each(&mut *change);
        let steps = self
            .bypass_digest_config
            .as_mut()
            .and_then(|c| c.steps.as_mut());
        steps.into_iter().for_each(&mut *change);
        let configs = self.type_configs.iter_mut().flat_map(Map::values_mut);
        let mut slacks: Vec<&mut Slack> = self.slack.iter_mut().collect();
        for config in configs {
            let own = [&mut config.emails, &mut config.pagerduties];
            own.into_iter().flatten().for_each(&mut *change);
            slacks.extend(config.slack.as_mut());
        }
        for slack in slacks {
            let sets = [
                &mut slack.users,
                &mut slack.channels,
                &mut slack.mention_users,
            ];
            sets.into_iter().flatten().for_each(&mut *change);
        }
    }
}

text_enum! {
    /// A type of alert: a key of `type_configs`, in exact case.
    pub enum AlertType as "alert type" {
        /// A step failed.
        StepFailure = "STEP_FAILURE",
        /// The target completion time is over.
        TctViolation = "TCT_VIOLATION",
        /// It takes long.
        LongRunning = "LONG_RUNNING",
        /// A dependency is late.
        DependencyLate = "DEPENDENCY_LATE",
        /// A breakpoint was hit.
        BreakpointHit = "BREAKPOINT_HIT",
        /// The definition changed.
        DefinitionChange = "DEFINITION_CHANGE",
        /// A run succeeded.
        RunSuccess = "RUN_SUCCESS",
        /// No success within a time.
        SuccessWithin = "SUCCESS_WITHIN",
    }
}

text_enum! {
    /// What an alert does.
    pub enum AlertAction as "alert action" {
        /// A mail.
        Email = "email",
        /// A page.
        Page = "page",
        /// A message on Slack.
        Slack = "slack",
        /// Cancels the run.
        Cancel = "cancel",
    }
}

text_enum! {
    /// What an alert watches.
    pub enum AlertGranularity as "alert granularity" {
        /// Runs.
        Workflow = "WORKFLOW",
        /// Steps.
        Step = "STEP",
        /// Both.
        All = "ALL",
    }
}

text_enum! {
    /// How bad an alert is.
    pub enum PagerDutySeverity as "severity" {
        /// Critical.
        Critical = "CRITICAL",
        /// Error.
        Error = "ERROR",
        /// Warning.
        Warning = "WARNING",
        /// Information.
        Info = "INFO",
    }
}

object!(Slack, skip null { users, channels, mention_users });
object!(Tct, skip null { completed_by_hour, duration_minutes, completed_by_ts, tz });
object!(PagerDutyConfig, skip null { severity, always_page });

impl FromJson for Alerting {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        const FIELDS: &[&str] = &[
            "emails",
            "pagerduties",
            "slack",
            "bypass_digest_config",
            "tct",
            "type_configs",
            "pagerduty_config",
        ];
        let mut members = Members::open(json, at)?;
        let alerting = Self {
            emails: members.field("emails")?,
            pagerduties: members.field("pagerduties")?,
            slack: members.field("slack")?,
            bypass_digest_config: members.field("bypass_digest_config")?,
            tct: members.field("tct")?,
            type_configs: members.field("type_configs")?,
            pagerduty_config: members.field("pagerduty_config")?,
        };
        members.close(FIELDS)?;
        for key in alerting.type_configs.iter().flat_map(Map::keys) {
            let known: Vec<&str> = AlertType::ALL.iter().map(|ty| ty.as_str()).collect();
            if !known.contains(&&**key) {
                let hint = nearest(key, &known).map_or_else(|| known.join(", "), str::to_owned);
                let fault = at
                    .name("type_configs")
                    .name(key)
                    .fault(format!("unknown alert type `{key}`"));
                return Err(fault.hint(format!("known, in exactly this case: {hint}")));
            }
        }
        Ok(alerting)
    }
}

impl ToJson for Alerting {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.member("emails", &self.emails);
            members.member("pagerduties", &self.pagerduties);
            members.member("slack", &self.slack);
            members.member("bypass_digest_config", &self.bypass_digest_config);
            members.member("tct", &self.tct);
            members.member("type_configs", &self.type_configs);
            members.member("pagerduty_config", &self.pagerduty_config);
        });
    }
}

impl FromJson for BypassDigestConfig {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let steps = members.field("steps")?;
        let workflow: Option<bool> = members.field("workflow")?;
        members.close(&["steps", "workflow"])?;
        Ok(Self {
            steps,
            workflow: workflow.unwrap_or(false),
        })
    }
}

impl ToJson for BypassDigestConfig {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.member("steps", &self.steps);
            members.always("workflow", &self.workflow);
        });
    }
}

impl FromJson for AlertTypeConfig {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        const FIELDS: &[&str] = &[
            "actions",
            "disabled",
            "duration_minutes",
            "emails",
            "granularity",
            "pagerduties",
            "slack",
        ];
        let mut members = Members::open(json, at)?;
        let disabled: Option<bool> = members.field("disabled")?;
        let config = Self {
            actions: members.field("actions")?,
            disabled: disabled.unwrap_or(false),
            duration_minutes: members.field("duration_minutes")?,
            emails: members.field("emails")?,
            granularity: members.field("granularity")?,
            pagerduties: members.field("pagerduties")?,
            slack: members.field("slack")?,
        };
        members.close(FIELDS)?;
        Ok(config)
    }
}

impl ToJson for AlertTypeConfig {
    fn write(&self, out: &mut Writer) {
        out.object(|members| {
            members.filled("actions", &self.actions);
            members.always("disabled", &self.disabled);
            members.member("duration_minutes", &self.duration_minutes);
            members.member("emails", &self.emails);
            members.member("granularity", &self.granularity);
            members.member("pagerduties", &self.pagerduties);
            members.member("slack", &self.slack);
        });
    }
}
