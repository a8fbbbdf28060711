//! Keeps commits and the ends of checkpoints apart.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lets one in at a time, and the checkpointer first: with a plain mutex a busy committer would take it again before the
/// checkpointer has woken up.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    inside: bool,
    checkpointer_waits: bool,
}

/// Open again when it is dropped.
pub(super) struct Inside<'g>(&'g Gate);

impl Gate {
    /// For a commit.
    pub(super) fn commit(&self) -> Inside<'_> {
        let mut state = self.lock();
        while state.inside || state.checkpointer_waits {
            state = self.wait(state);
        }
        state.inside = true;
        Inside(self)
    }

    /// For the end of a checkpoint.
    pub(super) fn checkpoint(&self) -> Inside<'_> {
        let mut state = self.lock();
        state.checkpointer_waits = true;
        while state.inside {
            state = self.wait(state);
        }
        state.checkpointer_waits = false;
        state.inside = true;
        Inside(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, state: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside = false;
        self.0.changed.notify_all();
    }
}
