//! One field of a cron text (spec 08 CR-4, CR-5).

/// A kind of field: its range, and how it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) min: u32,
    pub(super) max: u32,
    /// Largest step.
    pub(super) step_max: u32,
    /// Three-letter names.
    pub(super) names: &'static [(&'static str, u32)],
    /// What a range that descends means.
    pub(super) descending: Descending,
}

/// What a range such as `6-2` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Descending {
    /// It is refused.
    Refused,
    /// It goes on at the start of the field.
    Wraps,
    /// Only its start counts.
    StartOnly,
}

const MONTHS: &[(&str, u32)] = &[
    ("JAN", 1),
    ("FEB", 2),
    ("MAR", 3),
    ("APR", 4),
    ("MAY", 5),
    ("JUN", 6),
    ("JUL", 7),
    ("AUG", 8),
    ("SEP", 9),
    ("OCT", 10),
    ("NOV", 11),
    ("DEC", 12),
];
const UNIX_DAYS: &[(&str, u32)] = &[
    ("MON", 1),
    ("TUE", 2),
    ("WED", 3),
    ("THU", 4),
    ("FRI", 5),
    ("SAT", 6),
    ("SUN", 7),
];
const QUARTZ_DAYS: &[(&str, u32)] = &[
    ("SUN", 1),
    ("MON", 2),
    ("TUE", 3),
    ("WED", 4),
    ("THU", 5),
    ("FRI", 6),
    ("SAT", 7),
];

const fn kind(name: &'static str, min: u32, max: u32, descending: Descending) -> Kind {
    Kind {
        name,
        min,
        max,
        step_max: max,
        names: &[],
        descending,
    }
}

pub(super) const UNIX: [Kind; 5] = [
    kind("minute", 0, 59, Descending::Refused),
    kind("hour", 0, 23, Descending::Refused),
    kind("day of month", 1, 31, Descending::Refused),
    Kind {
        names: MONTHS,
        ..kind("month", 1, 12, Descending::Refused)
    },
    Kind {
        names: UNIX_DAYS,
        ..kind("day of week", 0, 7, Descending::Refused)
    },
];

pub(super) const QUARTZ: [Kind; 7] = [
    kind("second", 0, 59, Descending::StartOnly),
    kind("minute", 0, 59, Descending::StartOnly),
    kind("hour", 0, 23, Descending::StartOnly),
    kind("day of month", 1, 31, Descending::StartOnly),
    Kind {
        names: MONTHS,
        ..kind("month", 1, 12, Descending::StartOnly)
    },
    Kind {
        names: QUARTZ_DAYS,
        ..kind("day of week", 1, 7, Descending::Wraps)
    },
    Kind {
        step_max: 130,
        ..kind("year", 1970, 2099, Descending::Refused)
    },
];

impl Kind {
    /// Reads a number or a name.
    pub(super) fn value(&self, text: &str) -> Result<u32, String> {
        let named = self
            .names
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value);
        let value = named
            .or_else(|| digits(text))
            .ok_or_else(|| format!("`{text}` is no value of the {}", self.name))?;
        if (self.min..=self.max).contains(&value) {
            return Ok(value);
        }
        Err(format!(
            "the {} `{text}` is not between {} and {}",
            self.name, self.min, self.max
        ))
    }

    /// The values of one element of a list: `*`, `n`, `a-b`, each with a step, or `/s`.
    pub(super) fn element(&self, text: &str) -> Result<Vec<u32>, String> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (text, None),
        };
        if range == "*" || (range.is_empty() && step.is_some()) {
            return Ok(stepped(self.min, self.max, step));
        }
        let Some((from, to)) = range.split_once('-') else {
            let from = self.value(range)?;
            return Ok(if step.is_some() {
                stepped(from, self.max, step)
            } else {
                vec![from]
            });
        };
        let (from, to) = (self.value(from)?, self.value(to)?);
        match self.descending {
            _ if from <= to => Ok(stepped(from, to, step)),
            Descending::Wraps if step.is_none() => {
                Ok((from..=self.max).chain(self.min..=to).collect())
            }
            Descending::StartOnly => Ok(vec![from]),
            Descending::Wraps | Descending::Refused => Err(format!(
                "the range `{range}` of the {} goes backwards",
                self.name
            )),
        }
    }

    fn step(&self, text: &str) -> Result<u32, String> {
        digits(text)
            .filter(|step| (1..=self.step_max).contains(step))
            .ok_or_else(|| {
                format!(
                    "the step `{text}` of the {} is not between 1 and {}",
                    self.name, self.step_max
                )
            })
    }
}

fn stepped(from: u32, to: u32, step: Option<u32>) -> Vec<u32> {
    let step = usize::try_from(step.unwrap_or(1)).unwrap_or(usize::MAX);
    (from..=to).step_by(step).collect()
}

/// Decimal digits, nothing else.
pub(super) fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}
