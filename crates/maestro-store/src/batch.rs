//! The rows of a transaction in the making.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use maestro_model::state::{
    DeletedWorkflow, InstanceRef, Millis, PropertiesRow, RowSink, RunBody, RunHead, RunKey, RunRow,
    StatusChange, StepOrd, StepState, VersionRow, WorkflowKey, WorkflowRow,
};
use uuid::Uuid;

use crate::outbox::Collector;

/// Takes rows and keeps them encoded, one per key: a later row replaces an earlier one, so that a run that began and
/// ended within one batch is written once. All bytes lie in one buffer that [`Batch::clear`] keeps; a batch that is
/// used again and again stops allocating.
#[derive(Debug, Default)]
pub struct Batch {
    arena: Arena,
    workflows: Keyed<WorkflowKey, WorkflowEntry>,
    versions: Keyed<(WorkflowKey, i64), VersionEntry>,
    properties: Keyed<(WorkflowKey, Millis), PropertiesEntry>,
    history: Vec<HistoryEntry>,
    runs: Keyed<RunKey, RunEntry>,
    steps: Keyed<(RunKey, StepOrd, u32), StepEntry>,
    events: Collector,
}

/// What the table of workflows is told about one key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkflowEntry {
    pub(crate) id: Span,
    pub(crate) body: Span,
    /// The instance counter of a workflow that was moved to the deleted ones.
    pub(crate) deleted: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct VersionEntry {
    pub(crate) definition: Span,
    pub(crate) metadata: Span,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct PropertiesEntry {
    pub(crate) author: Span,
    pub(crate) properties: Span,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct HistoryEntry {
    pub(crate) workflow: WorkflowKey,
    pub(crate) at: Millis,
    pub(crate) author: Span,
    pub(crate) log: Span,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RunEntry {
    pub(crate) status: u8,
    pub(crate) head: Span,
    /// Present where the run is new.
    pub(crate) insert: Option<RunInsert>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RunInsert {
    pub(crate) workflow: WorkflowKey,
    pub(crate) id: InstanceRef,
    /// Only where the caller gave it.
    pub(crate) uuid: Option<Uuid>,
    pub(crate) body: Span,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct StepEntry {
    pub(crate) status: u8,
    pub(crate) state: Span,
    /// Absent where those in the store stay.
    pub(crate) params: Option<Span>,
}

impl Batch {
    /// Bytes that the batch holds, for the limit on open batches.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.arena.bytes.len()
            + self.events.len_bytes()
            + self.workflows.len_bytes()
            + self.versions.len_bytes()
            + self.properties.len_bytes()
            + self.history.len() * size_of::<HistoryEntry>()
            + self.runs.len_bytes()
            + self.steps.len_bytes()
    }

    /// Nothing would be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len_rows() == 0 && self.events.len_bytes() == 0
    }

    /// Number of rows, without those of the outbox.
    #[must_use]
    pub fn len_rows(&self) -> usize {
        self.workflows.entries.len()
            + self.versions.entries.len()
            + self.properties.entries.len()
            + self.history.len()
            + self.runs.entries.len()
            + self.steps.entries.len()
    }

    /// Forgets the rows and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.bytes.clear();
        self.workflows.clear();
        self.versions.clear();
        self.properties.clear();
        self.history.clear();
        self.runs.clear();
        self.steps.clear();
        self.events.clear();
    }

    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        &self.arena.bytes[span.start..span.start + span.len]
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.bytes(span)).expect("the span was filled from a str")
    }

    pub(crate) fn workflows(&self) -> &[(WorkflowKey, WorkflowEntry)] {
        &self.workflows.entries
    }

    pub(crate) fn versions(&self) -> &[((WorkflowKey, i64), VersionEntry)] {
        &self.versions.entries
    }

    pub(crate) fn properties(&self) -> &[((WorkflowKey, Millis), PropertiesEntry)] {
        &self.properties.entries
    }

    pub(crate) fn history(&self) -> &[HistoryEntry] {
        &self.history
    }

    pub(crate) fn runs(&self) -> &[(RunKey, RunEntry)] {
        &self.runs.entries
    }

    pub(crate) fn steps(&self) -> &[((RunKey, StepOrd, u32), StepEntry)] {
        &self.steps.entries
    }

    pub(crate) fn outbox(&self) -> impl Iterator<Item = (Millis, &[u8])> {
        self.events.rows()
    }
}

impl RowSink for Batch {
    fn workflow(&mut self, row: &WorkflowRow) {
        let old = self.workflows.get(row.key);
        let entry = WorkflowEntry {
            id: self.arena.text(old.map(|o| o.id), &row.id),
            body: self.arena.cbor(old.map(|o| o.body), row),
            deleted: None,
        };
        self.workflows.set(row.key, entry);
    }

    fn version(&mut self, row: &VersionRow) {
        let entry = VersionEntry {
            definition: self.arena.text(None, &row.definition),
            metadata: self.arena.text(None, &row.metadata),
        };
        self.versions.set((row.workflow, row.version), entry);
    }

    fn properties(&mut self, row: &PropertiesRow) {
        let entry = PropertiesEntry {
            author: self.arena.text(None, &row.author),
            properties: self.arena.text(None, &row.properties),
        };
        self.properties.set((row.workflow, row.create_time), entry);
    }

    fn history(&mut self, workflow: WorkflowKey, at: Millis, author: &str, log: &str) {
        let entry = HistoryEntry {
            workflow,
            at,
            author: self.arena.text(None, author),
            log: self.arena.text(None, log),
        };
        self.history.push(entry);
    }

    fn delete_workflow(&mut self, row: &DeletedWorkflow) {
        let old = self.workflows.get(row.key);
        let entry = WorkflowEntry {
            id: self.arena.text(old.map(|o| o.id), &row.id),
            body: self.arena.cbor(old.map(|o| o.body), row),
            deleted: Some(row.last_instance),
        };
        self.workflows.set(row.key, entry);
    }

    fn insert_run(&mut self, run: &RunRow) {
        let RunBody { uuid, named, .. } = run.body;
        let old = self.runs.get(run.key);
        let entry = RunEntry {
            status: run.head.status as u8,
            head: self.arena.cbor(old.map(|o| o.head), &run.head),
            insert: Some(RunInsert {
                workflow: run.workflow,
                id: run.id,
                uuid: named.then_some(uuid),
                body: self.arena.cbor(None, &run.body),
            }),
        };
        self.runs.set(run.key, entry);
    }

    fn update_run(&mut self, key: RunKey, head: &RunHead) {
        let old = self.runs.get(key);
        let entry = RunEntry {
            status: head.status as u8,
            head: self.arena.cbor(old.map(|o| o.head), head),
            insert: old.and_then(|o| o.insert),
        };
        self.runs.set(key, entry);
    }

    fn step(
        &mut self,
        run: RunKey,
        step: StepOrd,
        attempt: u32,
        state: &StepState,
        params: Option<&str>,
    ) {
        let key = (run, step, attempt);
        let old = self.steps.get(key);
        let old_params = old.and_then(|o| o.params);
        let entry = StepEntry {
            status: state.status as u8,
            state: self.arena.cbor(old.map(|o| o.state), state),
            params: params
                .map(|text| self.arena.text(old_params, text))
                .or(old_params),
        };
        self.steps.set(key, entry);
    }

    fn events(
        &mut self,
        run: &RunRow,
        step: Option<(StepOrd, u32)>,
        changes: &[(StatusChange, Millis)],
    ) {
        self.events.push(run, step, changes);
    }
}

/// Where an encoded value lies in the arena.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: usize,
    len: usize,
    /// Bytes from `start` that belong to the value, so that a later one of about its size takes its place.
    room: usize,
}

#[derive(Debug, Default)]
struct Arena {
    bytes: Vec<u8>,
}

impl Arena {
    fn cbor<T: minicbor::Encode<()>>(&mut self, old: Option<Span>, value: &T) -> Span {
        let start = self.bytes.len();
        minicbor::encode(value, &mut self.bytes)
            .expect("writing to memory does not fail, and no encoder of a row does");
        self.settle(old, start)
    }

    fn text(&mut self, old: Option<Span>, text: &str) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        self.settle(old, start)
    }

    /// Moves what was just written at the end to the place of the value that it replaces, if it fits there.
    fn settle(&mut self, old: Option<Span>, start: usize) -> Span {
        let len = self.bytes.len() - start;
        let Some(old) = old else {
            return Span {
                start,
                len,
                room: len,
            };
        };
        let last = old.start + old.room == start;
        if len > old.room && !last {
            // Rows grow a few times (stamps, timeline): leave room, so that it is moved seldom.
            self.bytes.resize(start + len + len / 2, 0);
            let room = self.bytes.len() - start;
            return Span { start, len, room };
        }
        self.bytes.copy_within(start..start + len, old.start);
        let room = if last { len } else { old.room };
        self.bytes
            .truncate(if last { old.start + len } else { start });
        Span {
            start: old.start,
            len,
            room,
        }
    }
}

/// Entries in the order of first mention, found by key.
#[derive(Debug)]
struct Keyed<K, V> {
    index: HashMap<K, usize>,
    entries: Vec<(K, V)>,
}

impl<K, V> Default for Keyed<K, V> {
    fn default() -> Self {
        Self {
            index: HashMap::default(),
            entries: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + std::hash::Hash, V: Copy> Keyed<K, V> {
    fn get(&self, key: K) -> Option<V> {
        self.index.get(&key).map(|at| self.entries[*at].1)
    }

    fn set(&mut self, key: K, value: V) {
        match self.index.entry(key) {
            Entry::Occupied(at) => self.entries[*at.get()].1 = value,
            Entry::Vacant(free) => {
                free.insert(self.entries.len());
                self.entries.push((key, value));
            }
        }
    }

    fn clear(&mut self) {
        self.index.clear();
        self.entries.clear();
    }

    fn len_bytes(&self) -> usize {
        self.entries.len() * (size_of::<(K, V)>() + size_of::<(K, usize)>())
    }
}

#[cfg(test)]
mod tests {
    use maestro_model::state::{StepStatus, StepTimes, Timeline, TimelineEvent};

    use super::*;

    fn state(events: usize) -> StepState {
        let mut timeline = Timeline::default();
        for at in 0..events {
            timeline.push(TimelineEvent::info(0, at.to_string()));
        }
        StepState {
            status: StepStatus::Running,
            seq: 3,
            times: StepTimes::default(),
            retries: None,
            satisfied: None,
            conditions: None,
            ending: None,
            artifacts: None,
            timeout: None,
            signal_outputs: None,
            timeline,
        }
    }

    #[test]
    fn rows_that_grow_take_little_more_than_the_last_of_them() {
        let mut batch = Batch::default();
        for events in 0..30 {
            for step in 0..100 {
                batch.step(RunKey(1), step, 1, &state(events), Some("{}"));
            }
        }
        let last = minicbor::to_vec(state(29)).unwrap();
        for (_, entry) in batch.steps() {
            assert_eq!(batch.bytes(entry.state), last);
        }
        // Each move leaves room for half as much again: the places left behind add up to twice the last.
        let bound = 100 * (last.len() + last.len() / 2) * 3;
        assert!(
            batch.arena.bytes.len() < bound,
            "{}",
            batch.arena.bytes.len()
        );
    }

    #[test]
    fn a_cleared_batch_is_empty_and_keeps_its_memory() {
        let mut batch = Batch::default();
        let fill = |batch: &mut Batch| {
            for step in 0..1000 {
                batch.step(RunKey(1), step, 1, &state(1), Some("{}"));
            }
        };
        fill(&mut batch);
        let (bytes, rows) = (batch.len_bytes(), batch.len_rows());
        assert!(bytes > rows * 20 && rows == 1000 && !batch.is_empty());
        let room = |batch: &Batch| {
            let steps = &batch.steps;
            (
                batch.arena.bytes.capacity(),
                steps.entries.capacity(),
                steps.index.capacity(),
            )
        };
        let before = room(&batch);
        batch.clear();
        assert!(batch.is_empty() && batch.len_bytes() == 0);
        fill(&mut batch);
        assert_eq!((batch.len_bytes(), room(&batch)), (bytes, before));
    }
}
