//! Views of runs that have ended, as text. Nothing of such a run changes any more unless an action changes its row, so
//! what is asked for again and again (a page that polls, a dashboard) is made once. Bounded in bytes. Nothing has to
//! be thrown away when something changes: a text answers only for the very row that it was made of.

use std::sync::Arc;

use bytes::Bytes;
use maestro_core::view::Aggregation;
use maestro_model::state::{RunKey, RunRow};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::engine::Engine;

/// Which view of a run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ViewForm {
    /// With the events of its statuses in the timeline.
    pub enriched: bool,
    /// Which overview of the whole instance.
    pub aggregation: Aggregation,
}

struct Kept {
    row: RunRow,
    text: Bytes,
}

#[derive(Clone)]
struct Weight;

impl Weighter<(RunKey, ViewForm), Arc<Kept>> for Weight {
    fn weight(&self, _: &(RunKey, ViewForm), kept: &Arc<Kept>) -> u64 {
        // What a row holds outside of itself is in the text too.
        2 * kept.text.len() as u64 + size_of::<Kept>() as u64
    }
}

/// The texts that are kept.
pub(crate) struct EndedViews {
    texts: Cache<(RunKey, ViewForm), Arc<Kept>, Weight>,
}

impl EndedViews {
    /// Keeps about so many bytes at most.
    pub(crate) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / 8192).unwrap_or(1024).max(16);
        let mut options = OptionsBuilder::new();
        // In one piece, as a text larger than a piece is not kept at all.
        options
            .shards(1)
            .estimated_items_capacity(items)
            .weight_capacity(bytes);
        Self {
            texts: Cache::with_options(
                options.build().expect("both capacities are given"),
                Weight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
        }
    }

    fn get(&self, row: &RunRow, form: ViewForm) -> Option<Bytes> {
        let kept = self.texts.get(&(row.key, form))?;
        (kept.row == *row).then(|| kept.text.clone())
    }

    fn keep(&self, row: RunRow, form: ViewForm, text: Bytes) {
        self.texts
            .insert((row.key, form), Arc::new(Kept { row, text }));
    }
}

impl Engine {
    /// The text of a run's view: the kept one, if the run has ended and is as it was, else the one that `make` makes of
    /// the row (`None` if there is nothing to make it of).
    ///
    /// # Errors
    /// Those of `make`.
    pub fn view_of_run<E>(
        &self,
        row: RunRow,
        form: ViewForm,
        make: impl FnOnce(RunRow) -> Result<Option<String>, E>,
    ) -> Result<Option<Bytes>, E> {
        let views = &self.shared.ended_views;
        if !row.head.status.public().is_terminal() {
            return Ok(make(row)?.map(Bytes::from));
        }
        if let Some(text) = views.get(&row, form) {
            return Ok(Some(text));
        }
        let text = make(row.clone())?.map(Bytes::from);
        if let Some(text) = &text {
            views.keep(row, form, text.clone());
        }
        Ok(text)
    }
}
