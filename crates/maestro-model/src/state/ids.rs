//! Identities: one type per id and per unit.

use minicbor::{Decode, Encode};
use uuid::Uuid;

/// A moment, in milliseconds since 1970-01-01T00:00Z.
pub type Millis = i64;

/// The number of a workflow in the store (`internal_id` on the wire); another one after the id is deleted and created
/// again. The low six bits name its shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct WorkflowKey(#[n(0)] pub i64);

/// The number of a run in the store: grows with time, so that rows are appended in time order. Never on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode)]
#[cbor(transparent)]
pub struct RunKey(#[n(0)] pub i64);

/// Position of a step in the definition of its version, from 0. Steps of a run are known by it in the store.
pub type StepOrd = u32;

/// One attempt of one step: what a report of a job names (spec 06 I-4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttemptRef {
    /// The run.
    pub run: RunKey,
    /// The step in it.
    pub step: StepOrd,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// One run of one instance as a client names it (spec 05 ID-1), within a workflow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InstanceRef {
    /// Instance number, from 1.
    pub instance: i64,
    /// Run number, from 1.
    pub run: i64,
}

/// The uuid of an attempt: derived, so that it needs no row and stays the same over a crash (decision 13). The workflow
/// is part of it, since the uuid of a run is unique only within its workflow (spec 05 ID-1).
#[must_use]
pub fn step_uuid(workflow: &str, run: &Uuid, step: &str, attempt: u32) -> Uuid {
    // An id holds no slash.
    let mut name = String::with_capacity(workflow.len() + step.len() + 12);
    for part in [workflow, "/", step, "/"] {
        name.push_str(part);
    }
    name.push_str(&attempt.to_string());
    Uuid::new_v5(run, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_two_workflows_may_have_one_uuid() {
        // Found by the simulator (seed 20): a client may name runs of two workflows alike, and their jobs must differ.
        let run = Uuid::from_u128(7);
        assert_ne!(step_uuid("a", &run, "s", 1), step_uuid("b", &run, "s", 1));
        assert_ne!(step_uuid("a", &run, "s", 1), step_uuid("a", &run, "s", 2));
        assert_eq!(step_uuid("a", &run, "s", 1), step_uuid("a", &run, "s", 1));
    }
}
