//! Pages of lists (spec 04 section 6, 05 RD-3, RD-4).

use maestro_model::json::{ToJson, Writer};

/// Which way, and at most how many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Walk {
    /// Towards older ids (`first`).
    First(i64),
    /// Towards newer ids (`last`).
    Last(i64),
}

/// Why a page cannot be asked for like this (spec 04 P-2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PageFault {
    /// Both or none are given.
    #[error("exactly one of the query parameters `first` and `last` must be given")]
    NotOneOf,
    /// The number is out of range.
    #[error("`{name}` must be from 1 to {max}, but is {value}", max = Walk::MAX)]
    OutOfRange {
        /// `first` or `last`.
        name: &'static str,
        /// The number.
        value: i64,
    },
}

impl Walk {
    /// The largest page.
    pub const MAX: i64 = 200;

    /// Of the two query parameters.
    ///
    /// # Errors
    /// Not exactly one is given, or it is out of range.
    pub fn new(first: Option<i64>, last: Option<i64>) -> Result<Self, PageFault> {
        let (name, walk, value) = match (first, last) {
            (Some(n), None) => ("first", Self::First(n), n),
            (None, Some(n)) => ("last", Self::Last(n), n),
            _ => return Err(PageFault::NotOneOf),
        };
        if (1..=Self::MAX).contains(&value) {
            Ok(walk)
        } else {
            Err(PageFault::OutOfRange { name, value })
        }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// Which way.
    pub walk: Walk,
    /// The id to go on from.
    pub cursor: Option<i64>,
}

/// Ids from `low` to `high`, both inclusive; never empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdRange {
    /// The lowest.
    pub low: i64,
    /// The highest.
    pub high: i64,
}

impl IdRange {
    /// Those that are in both.
    fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
        };
        (both.low <= both.high).then_some(both)
    }
}

impl PageRequest {
    /// The instances or runs of the page, where `all` exist (spec 04 P-4): `None` for an empty page.
    #[must_use]
    pub fn ids(&self, all: IdRange) -> Option<IdRange> {
        let IdRange {
            low: earliest,
            high: latest,
        } = all;
        let (low, high) = match self.walk {
            Walk::First(n) => {
                let high = self.cursor.map_or(latest, |c| c.saturating_sub(1));
                (earliest.max(high.saturating_add(1).saturating_sub(n)), high)
            }
            Walk::Last(n) => {
                let low = self.cursor.map_or(earliest, |c| c.saturating_add(1));
                (low, latest.min(low.saturating_add(n - 1)))
            }
        };
        // A walk beyond an end comes back to it (a quirk that is matched).
        let low = low.min(high);
        IdRange { low, high }.and(all)
    }

    /// The versions of the page, where 1 to `latest` exist (spec 04 P-7): `None` for an empty page.
    #[must_use]
    pub fn versions(&self, latest: i64) -> Option<IdRange> {
        let all = IdRange {
            low: 1,
            high: latest,
        };
        let (low, high) = match self.walk {
            Walk::First(n) => {
                // Below 1 it is none (spec 01 section 10.5).
                let cursor = self.cursor.filter(|cursor| *cursor >= 1);
                let high = cursor.map_or(latest, |c| c.saturating_sub(1)).min(latest);
                (high.saturating_sub(n - 1), high)
            }
            Walk::Last(n) => {
                let base = self.cursor.unwrap_or(0);
                (base.saturating_add(1), base.saturating_add(n))
            }
        };
        (low <= high).then_some(IdRange { low, high })?.and(all)
    }
}

/// One page with its envelope (spec 04 P-1, P-5, P-6).
#[derive(Clone, PartialEq, Debug)]
pub struct Page<T> {
    all: Option<IdRange>,
    shown: Option<IdRange>,
    elements: Vec<T>,
}

impl<T> Page<T> {
    /// A page of elements. `all` are the ids that exist, `shown` those of the elements; both `None` if there are none.
    #[must_use]
    pub fn new(all: Option<IdRange>, shown: Option<IdRange>, elements: Vec<T>) -> Self {
        Self {
            all,
            shown,
            elements,
        }
    }
}

impl<T: ToJson> ToJson for Page<T> {
    fn write(&self, out: &mut Writer) {
        out.object(|page| {
            let shown = self.all.zip(self.shown);
            page.always(
                "page_info",
                &super::Written(|out: &mut Writer| {
                    out.object(|info| {
                        let cursor = |id: Option<i64>| id.map(|id| Cursor(id.to_string()));
                        info.always("start_cursor", &cursor(shown.map(|(_, s)| s.high)));
                        info.always("end_cursor", &cursor(shown.map(|(_, s)| s.low)));
                        info.always(
                            "has_previous_page",
                            &shown.is_some_and(|(all, s)| s.high < all.high),
                        );
                        info.always(
                            "has_next_page",
                            &shown.is_some_and(|(all, s)| s.low > all.low),
                        );
                        info.always(
                            "start_index",
                            &shown.map(|(all, s)| all.high.saturating_sub(s.high) + 1),
                        );
                    });
                }),
            );
            let total = match (self.all, self.shown) {
                (Some(all), Some(_)) => all.high.saturating_sub(all.low) + 1,
                // Not the number, but the highest id (a quirk that is matched).
                (Some(all), None) => all.high,
                (None, _) => 0,
            };
            page.always("total_count", &total);
            page.always("elements", &self.elements);
        });
    }
}

/// A cursor: an id as a text.
struct Cursor(String);

impl ToJson for Cursor {
    fn write(&self, out: &mut Writer) {
        out.string(&self.0);
    }
}
