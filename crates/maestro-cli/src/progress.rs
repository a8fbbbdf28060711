//! The steps of a run as they go: bars on a terminal, a line for each change elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::follow::{RunView, is_step_over};
use crate::ui;

/// How changes of steps are shown, always on standard error.
pub(crate) enum Progress {
    /// Not at all.
    Silent,
    /// A line for each change.
    Lines(BTreeMap<String, String>),
    /// A bar for each step that is at work, a line for each that is over.
    Bars(Bars),
}

pub(crate) struct Bars {
    all: MultiProgress,
    active: BTreeMap<String, ProgressBar>,
    known: BTreeMap<String, String>,
}

impl Progress {
    /// Bars only where somebody looks, and only if nothing else is written to the terminal meanwhile.
    pub(crate) fn new(is_quiet: bool, may_draw: bool) -> Self {
        if is_quiet {
            Progress::Silent
        } else if may_draw && ui::is_watched() {
            Progress::Bars(Bars {
                all: MultiProgress::new(),
                active: BTreeMap::new(),
                known: BTreeMap::new(),
            })
        } else {
            Progress::Lines(BTreeMap::new())
        }
    }

    /// Says something beside the steps.
    pub(crate) fn say(&self, line: &str) {
        match self {
            Progress::Silent => {}
            Progress::Lines(_) => ui::note(line),
            Progress::Bars(bars) => bars.all.suspend(|| ui::note(line)),
        }
    }

    /// Shows what has changed.
    pub(crate) fn update(&mut self, view: &RunView) {
        match self {
            Progress::Silent => {}
            Progress::Lines(known) => {
                for step in view
                    .steps
                    .iter()
                    .filter(|step| step.status != "NOT_CREATED")
                {
                    let last = known.insert(step.id.clone(), step.status.clone());
                    if last.as_ref() != Some(&step.status) {
                        ui::note(&format!("{}: {}", step.id, ui::status(&step.status)));
                    }
                }
            }
            Progress::Bars(bars) => bars.update(view),
        }
    }

    /// Leaves the terminal in order.
    pub(crate) fn finish(&mut self) {
        if let Progress::Bars(bars) = self {
            for bar in std::mem::take(&mut bars.active).into_values() {
                bar.finish_and_clear();
            }
        }
    }
}

impl Bars {
    fn update(&mut self, view: &RunView) {
        for step in &view.steps {
            let last = self.known.insert(step.id.clone(), step.status.clone());
            if last.as_ref() == Some(&step.status) || step.status == "NOT_CREATED" {
                continue;
            }
            if is_step_over(&step.status) {
                if let Some(bar) = self.active.remove(&step.id) {
                    bar.finish_and_clear();
                }
                let took = step
                    .took()
                    .map(|ms| format!("  {}", ui::span(ms)))
                    .unwrap_or_default();
                let line = format!("  {}  {}{took}", step.id, ui::status(&step.status));
                self.all.suspend(|| ui::note(&line));
            } else {
                let all = &self.all;
                let bar = self.active.entry(step.id.clone()).or_insert_with(|| {
                    let bar = all.add(ProgressBar::new_spinner());
                    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}  {elapsed}")
                    {
                        bar.set_style(style);
                    }
                    bar.enable_steady_tick(Duration::from_millis(120));
                    bar
                });
                bar.set_message(format!("{}  {}", step.id, ui::status(&step.status)));
            }
        }
    }
}
