//! The jitter of time triggers (spec 08 section 6.4).

use super::ScheduleFault;
use crate::definition::{TimeTrigger, uuid_of};

/// Seconds that every execution of a trigger is late; 0 without jitter.
///
/// # Errors
/// A bound that is not zero but less than a second.
pub(super) fn seconds(
    trigger: &TimeTrigger,
    cron: &str,
    workflow_id: &str,
) -> Result<i64, ScheduleFault> {
    let Some(bound) = trigger.fuzzy_max_delay() else {
        return Ok(0);
    };
    let ms = bound.jitter_ms();
    if ms == 0 {
        return Ok(0);
    }
    let secs = i32::try_from(ms / 1000).unwrap_or(i32::MAX);
    if secs <= 0 {
        return Err(ScheduleFault::SubSecondJitter(bound.to_string()));
    }
    // A predefined schedule counts as its cron text here.
    let zone = trigger.timezone().map_or("null", |zone| &**zone);
    let text = format!(
        "CronTimeTrigger(cron={cron}, timezone={zone}, fuzzyMaxDelay={bound}){workflow_id}"
    );
    let (_, low) = uuid_of(&text).as_u64_pair();
    Ok(i64::from(JavaRandom::new(low).below(secs)))
}

/// The 48-bit linear congruence generator of Java.
#[derive(Debug, Clone)]
pub struct JavaRandom(u64);

impl JavaRandom {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;

    /// Of a seed.
    pub const fn new(seed: u64) -> Self {
        Self((seed ^ Self::MULTIPLIER) & Self::MASK)
    }

    fn next31(&mut self) -> i64 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        (self.0 >> 17).cast_signed()
    }

    /// A number from 0 to `bound`, which must be positive, exclusively.
    pub fn below(&mut self, bound: i32) -> i32 {
        let wide = i64::from(bound.max(1));
        let number = if wide & (wide - 1) == 0 {
            (wide * self.next31()) >> 31
        } else {
            loop {
                let drawn = self.next31();
                let rest = drawn % wide;
                if drawn - rest + (wide - 1) < 1 << 31 {
                    break rest;
                }
            }
        };
        i32::try_from(number).unwrap_or(0)
    }
}
