//! SIGINT and SIGTERM: the first asks, the second ends the process at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

#[derive(Default)]
struct State {
    /// Whether the first one came.
    asked: bool,
    /// What is said when a second one comes.
    last_words: String,
}

/// Signals that came so far. One for a process.
#[derive(Clone)]
pub(crate) struct Interrupts(Arc<(Mutex<State>, Condvar)>);

impl Interrupts {
    /// Takes over both signals.
    pub(crate) fn install() -> Result<Self, Failure> {
        let this = Self(Arc::default());
        let failed = |error: std::io::Error| {
            Failure::new(
                Exit::Internal,
                format!("cannot listen for signals: {error}"),
            )
        };
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
        let state = this.0.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for _ in signals.forever() {
                    let mut now = state.0.lock().unwrap_or_else(PoisonError::into_inner);
                    if now.asked {
                        // A progress display may have hidden the cursor.
                        if ui::is_watched() {
                            ui::note("\u{1b}[?25h");
                        }
                        if !now.last_words.is_empty() {
                            ui::note(&now.last_words);
                        }
                        std::process::exit(i32::from(Exit::Interrupted as u8));
                    }
                    now.asked = true;
                    state.1.notify_all();
                }
            })
            .map_err(failed)?;
        Ok(this)
    }

    /// What is said when a second signal ends the process: what goes on, and how to stop it.
    pub(crate) fn last_words(&self, words: impl Into<String>) {
        self.0
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .last_words = words.into();
    }

    /// Whether a signal came.
    pub(crate) fn came(&self) -> bool {
        self.0
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .asked
    }

    /// Sleeps, or less if a first signal comes; whether one came.
    pub(crate) fn sleep(&self, span: Duration) -> bool {
        let end = Instant::now() + span;
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.asked {
            let Some(rest) = end.checked_duration_since(Instant::now()) else {
                break;
            };
            state = self
                .0
                .1
                .wait_timeout(state, rest)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.asked
    }

    /// Waits for the first signal.
    pub(crate) fn wait(&self) {
        while !self.sleep(Duration::from_secs(3600)) {}
    }
}
