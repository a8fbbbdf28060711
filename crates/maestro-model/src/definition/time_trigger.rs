//! Time triggers (spec 01 section 7.1).

use super::ParsableLong;
use crate::Str;
use crate::codec::{At, FromJson, JsonError, Members, Word, read_word};
use crate::json::{Json, ToJson, Writer};
use crate::text_enum::{same_word, text_enum};

/// Starts runs by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeTrigger {
    /// By a cron text.
    Cron {
        /// Unix (5 fields) or Quartz (6 or 7 fields).
        cron: Str,
        /// Region id or offset; UTC when absent or empty.
        timezone: Option<Str>,
        /// Bound of the jitter.
        fuzzy_max_delay: Option<ParsableLong>,
    },
    /// By a name.
    Predefined {
        /// The schedule.
        expression: Schedule,
        /// As for cron.
        timezone: Option<Str>,
        /// As for cron.
        fuzzy_max_delay: Option<ParsableLong>,
    },
    /// Parsed, but refused by every push (spec 01 V-42).
    Interval {
        /// How long between runs.
        interval: Option<Str>,
        /// From when.
        start: Option<Str>,
        /// As for cron.
        fuzzy_max_delay: Option<ParsableLong>,
    },
}

impl TimeTrigger {
    /// The cron text, for a predefined schedule the equal one.
    pub fn cron(&self) -> Option<&str> {
        match self {
            TimeTrigger::Cron { cron, .. } => Some(cron),
            TimeTrigger::Predefined { expression, .. } => Some(expression.cron()),
            TimeTrigger::Interval { .. } => None,
        }
    }

    /// The time zone as it was given.
    pub fn timezone(&self) -> Option<&Str> {
        match self {
            TimeTrigger::Cron { timezone, .. } | TimeTrigger::Predefined { timezone, .. } => {
                timezone.as_ref()
            }
            TimeTrigger::Interval { .. } => None,
        }
    }

    /// The bound of the jitter as it was given.
    pub fn fuzzy_max_delay(&self) -> Option<&ParsableLong> {
        match self {
            TimeTrigger::Cron {
                fuzzy_max_delay, ..
            }
            | TimeTrigger::Predefined {
                fuzzy_max_delay, ..
            }
            | TimeTrigger::Interval {
                fuzzy_max_delay, ..
            } => fuzzy_max_delay.as_ref(),
        }
    }
}

/// A schedule with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// At minute 0.
    Hourly,
    /// At midnight.
    Daily,
    /// Sunday at midnight.
    Weekly,
    /// On the first of a month at midnight.
    Monthly,
    /// On the first of January at midnight.
    Yearly,
}

impl Schedule {
    const ALL: [Self; 5] = [
        Self::Hourly,
        Self::Daily,
        Self::Weekly,
        Self::Monthly,
        Self::Yearly,
    ];

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "@hourly",
            Self::Daily => "@daily",
            Self::Weekly => "@weekly",
            Self::Monthly => "@monthly",
            Self::Yearly => "@yearly",
        }
    }

    /// Reads the word in any case, with or without the `@`, untrimmed.
    pub fn from_text(text: &str) -> Option<Self> {
        let word = text.strip_prefix('@').unwrap_or(text);
        Self::ALL
            .into_iter()
            .find(|schedule| same_word(&schedule.as_str()[1..], word))
    }

    /// The equal cron text.
    pub const fn cron(self) -> &'static str {
        match self {
            Self::Hourly => "0 * * * *",
            Self::Daily => "0 0 * * *",
            Self::Weekly => "0 0 * * 0",
            Self::Monthly => "0 0 1 * *",
            Self::Yearly => "0 0 1 1 *",
        }
    }
}

impl Word for Schedule {
    const WHAT: &'static str = "predefined schedule";
    fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::as_str)
    }
    fn parse(text: &str) -> Option<Self> {
        Self::from_text(text)
    }
}

impl FromJson for Schedule {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        read_word(&json, at)
    }
}

impl ToJson for Schedule {
    fn write(&self, out: &mut Writer) {
        out.string(self.as_str());
    }
}

text_enum! {
    /// The discriminator of a time trigger.
    enum TimeTriggerType as "time trigger type" {
        /// By a cron text.
        Cron = "CRON",
        /// By an interval.
        Interval = "INTERVAL",
        /// By a name.
        Predefined = "PREDEFINED",
    }
}

impl FromJson for TimeTrigger {
    fn from_json(json: Json, at: &At<'_>) -> Result<Self, JsonError> {
        let mut members = Members::open(json, at)?;
        let ty = members.field("type")?;
        let fuzzy_max_delay = members.field("fuzzy_max_delay")?;
        Ok(match ty {
            TimeTriggerType::Cron => {
                let trigger = Self::Cron {
                    cron: members.field("cron")?,
                    timezone: members.field("timezone")?,
                    fuzzy_max_delay,
                };
                members.close(&["cron", "fuzzy_max_delay", "timezone", "type"])?;
                trigger
            }
            TimeTriggerType::Predefined => {
                let expression = members.field("expression")?;
                let trigger = Self::Predefined {
                    expression,
                    timezone: members.field("timezone")?,
                    fuzzy_max_delay,
                };
                members.close(&["expression", "fuzzy_max_delay", "timezone", "type"])?;
                trigger
            }
            TimeTriggerType::Interval => {
                let interval = members.field("interval")?;
                let trigger = Self::Interval {
                    interval,
                    start: members.field("start")?,
                    fuzzy_max_delay,
                };
                members.close(&["fuzzy_max_delay", "interval", "start", "type"])?;
                trigger
            }
        })
    }
}

impl ToJson for TimeTrigger {
    fn write(&self, out: &mut Writer) {
        out.object(|members| match self {
            Self::Cron {
                cron,
                timezone,
                fuzzy_max_delay,
            } => {
                members.always("cron", cron);
                members.member("fuzzy_max_delay", fuzzy_max_delay);
                members.member("timezone", timezone);
                members.always("type", &TimeTriggerType::Cron);
            }
            Self::Predefined {
                expression,
                timezone,
                fuzzy_max_delay,
            } => {
                members.always("expression", expression);
                members.member("fuzzy_max_delay", fuzzy_max_delay);
                members.member("timezone", timezone);
                members.always("type", &TimeTriggerType::Predefined);
            }
            Self::Interval {
                interval,
                start,
                fuzzy_max_delay,
            } => {
                members.member("fuzzy_max_delay", fuzzy_max_delay);
                members.member("interval", interval);
                members.member("start", start);
                members.always("type", &TimeTriggerType::Interval);
            }
        });
    }
}
