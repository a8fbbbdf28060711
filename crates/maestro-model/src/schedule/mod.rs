//! When time triggers fire: cron texts, time zones, jitter (spec 01 section 7.1, 08 section 6). Pure: time comes in.

mod cron;
mod field;
mod jitter;
mod next;
mod zone;

pub use cron::Cron;
pub use jitter::JavaRandom;
pub use zone::Zone;

use crate::definition::TimeTrigger;

/// Why a time trigger cannot fire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// The cron text does not parse.
    #[error("the cron text [{cron}] is invalid: {reason}")]
    Cron {
        /// The text.
        cron: String,
        /// What is wrong.
        reason: String,
    },
    /// The time zone is unknown.
    #[error(
        "the timezone [{0}] is neither a region id in its exact case, such as Europe/Paris, nor an offset, such as +02:00"
    )]
    Zone(String),
    /// An interval trigger.
    #[error("time triggers of type INTERVAL are not supported; use CRON")]
    Interval,
    /// Less than a second of jitter.
    #[error(
        "fuzzy_max_delay {0} comes to less than a second; a bare number counts milliseconds here"
    )]
    SubSecondJitter(String),
}

/// A time trigger that has been parsed.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: Zone,
    /// Seconds that every execution is late.
    jitter_secs: i64,
}

impl Schedule {
    /// Parses a trigger. The jitter depends on the workflow id; a validation takes the empty one (spec 01 TT-4).
    ///
    /// # Errors
    /// The first fault.
    pub fn of(trigger: &TimeTrigger, workflow_id: &str) -> Result<Self, ScheduleFault> {
        let text = trigger.cron().ok_or(ScheduleFault::Interval)?;
        let cron = Cron::parse(text).map_err(|reason| ScheduleFault::Cron {
            cron: text.to_owned(),
            reason,
        })?;
        let name = trigger.timezone().map_or("", |name| &**name);
        let zone = Zone::parse(name).ok_or_else(|| ScheduleFault::Zone(name.to_owned()))?;
        Ok(Self {
            cron,
            zone,
            jitter_secs: jitter::seconds(trigger, text, workflow_id)?,
        })
    }

    /// The first execution strictly after a time, both in epoch milliseconds; `None` if none comes within 100 years
    /// (spec 08 TT-6).
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        let instant = next::execution(&self.cron, &self.zone, after_ms.div_euclid(1000))?;
        instant.checked_add(self.jitter_secs)?.checked_mul(1000)
    }
}

#[cfg(test)]
mod tests;
