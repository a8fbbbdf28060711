//! How the status events of a batch are packed into outbox rows.
//!
//! A body is a sequence of CBOR arrays. The first member says what it is; a reader skips kinds that it does not know:
//! - `[0, workflow, instance, run, run key, time]`: the records that follow are of this run, and their times count from
//!   this one;
//! - `[1, step, attempt, old, new, dt, new, dt, ...]`: an attempt went through these statuses, `dt` after one another;
//! - `[2, old, new, dt, new, dt, ...]`: so did the run.

use maestro_model::state::{
    InstanceRef, Millis, RunKey, RunRow, RunStatus, StatusChange, StepOrd, StepStatus, WorkflowKey,
};
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::Encoder;

use crate::ReadError;

/// One row is closed when it has grown to this size.
const ROW_BYTES: usize = 64 * 1024;

const RUN: u8 = 0;
const STEP_CHANGES: u8 = 1;
const RUN_CHANGES: u8 = 2;

/// Records of one attempt or run, as they were given to the batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeRecord {
    /// The workflow.
    pub workflow: WorkflowKey,
    /// Instance and run number.
    pub id: InstanceRef,
    /// The run.
    pub run: RunKey,
    /// The attempt; absent for the run itself.
    pub step: Option<(StepOrd, u32)>,
    /// What changed and when, oldest first, never empty.
    pub changes: Vec<(StatusChange, Millis)>,
}

/// Collects records into rows.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    bytes: Vec<u8>,
    closed: Vec<Closed>,
    /// The run that the last record of the open row was of, and its last time.
    current: Option<(RunKey, Millis)>,
    newest: Millis,
}

#[derive(Debug, Clone, Copy)]
struct Closed {
    end: usize,
    newest: Millis,
}

impl Collector {
    pub(crate) fn push(
        &mut self,
        run: &RunRow,
        step: Option<(StepOrd, u32)>,
        changes: &[(StatusChange, Millis)],
    ) {
        let mut rest = changes;
        while !rest.is_empty() {
            let chain = chain_len(rest);
            self.push_chain(run, step, &rest[..chain]);
            rest = &rest[chain..];
        }
    }

    fn push_chain(
        &mut self,
        run: &RunRow,
        step: Option<(StepOrd, u32)>,
        chain: &[(StatusChange, Millis)],
    ) {
        let mut last = match self.current {
            Some((key, at)) if key == run.key => at,
            _ => {
                let at = chain[0].1;
                encode(&mut self.bytes, |e| {
                    e.array(6)?.u8(RUN)?.i64(run.workflow.0)?;
                    e.i64(run.id.instance)?.i64(run.id.run)?;
                    e.i64(run.key.0)?.i64(at)?.ok()
                });
                at
            }
        };
        encode(&mut self.bytes, |e| {
            let head = if step.is_some() { 4 } else { 2 };
            e.array(head + 2 * chain.len() as u64)?;
            match step {
                Some((step, attempt)) => e.u8(STEP_CHANGES)?.u32(step)?.u32(attempt)?,
                None => e.u8(RUN_CHANGES)?,
            };
            e.u8(numbers(chain[0].0).0)?;
            for (change, at) in chain {
                e.u8(numbers(*change).1)?.i64(at.wrapping_sub(last))?;
                last = *at;
            }
            Ok(())
        });
        self.current = Some((run.key, last));
        self.newest = chain.iter().fold(self.newest, |n, (_, at)| n.max(*at));
        if self.bytes.len() - self.open_start() >= ROW_BYTES {
            self.close();
        }
    }

    fn open_start(&self) -> usize {
        self.closed.last().map_or(0, |c| c.end)
    }

    fn close(&mut self) {
        self.closed.push(Closed {
            end: self.bytes.len(),
            newest: self.newest,
        });
        self.current = None;
        self.newest = 0;
    }

    /// The rows in order: time of the newest record, and body.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (Millis, &[u8])> {
        let open = Closed {
            end: self.bytes.len(),
            newest: self.newest,
        };
        let mut start = 0;
        self.closed
            .iter()
            .copied()
            .chain([open])
            .filter_map(move |row| {
                let body = &self.bytes[start..row.end];
                start = row.end;
                (!body.is_empty()).then_some((row.newest, body))
            })
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.closed.clear();
        self.current = None;
        self.newest = 0;
    }
}

fn encode(
    bytes: &mut Vec<u8>,
    write: impl FnOnce(
        &mut Encoder<&mut Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>>,
) {
    write(&mut Encoder::new(bytes)).expect("writing integers to memory does not fail");
}

/// How many of the first changes lead into one another.
fn chain_len(changes: &[(StatusChange, Millis)]) -> usize {
    let leads = |pair: &[(StatusChange, Millis)]| match (pair[0].0, pair[1].0) {
        (StatusChange::Step { new, .. }, StatusChange::Step { old, .. }) => new == old,
        (StatusChange::Run { new, .. }, StatusChange::Run { old, .. }) => new == old,
        _ => false,
    };
    1 + changes.windows(2).take_while(|pair| leads(pair)).count()
}

fn numbers(change: StatusChange) -> (u8, u8) {
    match change {
        StatusChange::Step { old, new } => (old as u8, new as u8),
        StatusChange::Run { old, new } => (old as u8, new as u8),
    }
}

/// Iterates over the records of an outbox row, in the order in which the batch took them.
pub fn decode_changes(body: &[u8]) -> Changes<'_> {
    Changes {
        decoder: Decoder::new(body),
        run: None,
        failed: false,
    }
}

/// The records of an outbox row. Ends after an error.
pub struct Changes<'b> {
    decoder: Decoder<'b>,
    run: Option<(WorkflowKey, InstanceRef, RunKey, Millis)>,
    failed: bool,
}

impl Iterator for Changes<'_> {
    type Item = Result<ChangeRecord, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.record() {
            Ok(record) => record.map(Ok),
            Err(error) => {
                self.failed = true;
                Some(Err(ReadError::Decode {
                    what: "outbox",
                    source: error.into(),
                }))
            }
        }
    }
}

impl Changes<'_> {
    fn record(&mut self) -> Result<Option<ChangeRecord>, DecodeError> {
        let d = &mut self.decoder;
        while d.position() < d.input().len() {
            let at = d.position();
            let len = d
                .array()?
                .ok_or_else(|| DecodeError::message("a record without length"))?;
            match d.u8()? {
                RUN if len >= 6 => {
                    let workflow = WorkflowKey(d.i64()?);
                    let id = InstanceRef {
                        instance: d.i64()?,
                        run: d.i64()?,
                    };
                    self.run = Some((workflow, id, RunKey(d.i64()?), d.i64()?));
                    for _ in 6..len {
                        d.skip()?;
                    }
                }
                kind @ (STEP_CHANGES | RUN_CHANGES) => return self.changes(kind, len).map(Some),
                _ => {
                    d.set_position(at);
                    d.skip()?;
                }
            }
        }
        Ok(None)
    }

    fn changes(&mut self, kind: u8, len: u64) -> Result<ChangeRecord, DecodeError> {
        let d = &mut self.decoder;
        let (workflow, id, run, mut last) = self
            .run
            .ok_or_else(|| DecodeError::message("a record before its run"))?;
        let (step, head) = if kind == STEP_CHANGES {
            (Some((d.u32()?, d.u32()?)), 4)
        } else {
            (None, 2)
        };
        let mut old = d.u8()?;
        if len < head + 2 || !(len - head).is_multiple_of(2) {
            return Err(DecodeError::message("a record of odd length"));
        }
        let mut changes = Vec::new();
        for _ in 0..(len - head) / 2 {
            let new = d.u8()?;
            last = last.wrapping_add(d.i64()?);
            changes.push((change(kind, old, new)?, last));
            old = new;
        }
        self.run = Some((workflow, id, run, last));
        Ok(ChangeRecord {
            workflow,
            id,
            run,
            step,
            changes,
        })
    }
}

fn change(kind: u8, old: u8, new: u8) -> Result<StatusChange, DecodeError> {
    let step = |n: u8| {
        StepStatus::ALL
            .get(usize::from(n))
            .copied()
            .ok_or_else(|| DecodeError::message("unknown status of a step"))
    };
    let run = |n: u8| {
        RunStatus::from_number(n).ok_or_else(|| DecodeError::message("unknown status of a run"))
    };
    Ok(if kind == STEP_CHANGES {
        StatusChange::Step {
            old: step(old)?,
            new: step(new)?,
        }
    } else {
        StatusChange::Run {
            old: run(old)?,
            new: run(new)?,
        }
    })
}

#[cfg(test)]
mod tests {
    use maestro_model::state::{Origin, RunBody, RunHead, RunPolicy, Timeline};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn run(key: i64) -> RunRow {
        RunRow {
            key: RunKey(key),
            workflow: WorkflowKey(key + 1),
            id: InstanceRef {
                instance: key + 2,
                run: key + 3,
            },
            head: RunHead {
                status: RunStatus::InProgress,
                dequeue_time: None,
                start_time: None,
                end_time: None,
                modify_time: 0,
                own_result: None,
                ending: None,
                next_seq: 3,
                timeline: Timeline::default(),
            },
            body: RunBody {
                uuid: Uuid::nil(),
                named: false,
                version: 1,
                properties: 0,
                policy: RunPolicy::StartFreshNewRun,
                request_time: 0,
                create_time: 0,
                origin: Box::new(Origin::default()),
                params: None,
                timeout: None,
                dag: None,
                baseline: None,
                instance_step_concurrency: None,
                group_info: 1,
            },
        }
    }

    fn step(old: StepStatus, new: StepStatus) -> StatusChange {
        StatusChange::Step { old, new }
    }

    fn step_change() -> impl Strategy<Value = (StatusChange, Millis)> {
        let status = || (0..StepStatus::ALL.len()).prop_map(|n| StepStatus::ALL[n]);
        (status(), status(), any::<i64>()).prop_map(|(old, new, at)| (step(old, new), at))
    }

    type Flat = (WorkflowKey, InstanceRef, RunKey, Option<(StepOrd, u32)>);

    fn decoded(collector: &Collector) -> Vec<(Flat, StatusChange, Millis)> {
        let mut all = Vec::new();
        for (_, body) in collector.rows() {
            for record in decode_changes(body) {
                let record = record.unwrap();
                assert!(!record.changes.is_empty());
                let of = (record.workflow, record.id, record.run, record.step);
                all.extend(record.changes.iter().map(|(change, at)| (of, *change, *at)));
            }
        }
        all
    }

    proptest! {
        #[test]
        fn records_come_back_in_order(
            pushes in vec((0_i64..3, any::<(u32, u32)>(), vec(step_change(), 0..6)), 0..30)
        ) {
            let mut collector = Collector::default();
            let mut expected = Vec::new();
            for (key, attempt, changes) in &pushes {
                let run = run(*key);
                collector.push(&run, Some(*attempt), changes);
                let of = (run.workflow, run.id, run.key, Some(*attempt));
                expected.extend(changes.iter().map(|(change, at)| (of, *change, *at)));
            }
            prop_assert_eq!(decoded(&collector), expected);
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(body in vec(any::<u8>(), 0..60)) {
            let _ = decode_changes(&body).collect::<Vec<_>>();
        }
    }

    #[test]
    fn a_chain_is_one_record_of_a_few_bytes() {
        let mut collector = Collector::default();
        let path = &StepStatus::ALL[..9];
        let changes: Vec<_> = path
            .windows(2)
            .map(|pair| (step(pair[0], pair[1]), 1_700_000_000_000))
            .collect();
        for attempt in 0..10 {
            collector.push(&run(1), Some((attempt, 1)), &changes);
        }
        let (at, body) = collector.rows().next().unwrap();
        assert_eq!(at, 1_700_000_000_000);
        assert_eq!(decode_changes(body).count(), 10);
        assert!(body.len() < 240, "{} bytes", body.len());
    }

    #[test]
    fn rows_are_cut_and_each_can_be_read_alone() {
        let mut collector = Collector::default();
        let changes = [(step(StepStatus::Created, StepStatus::Running), 5)];
        for attempt in 0..20_000 {
            collector.push(&run(1), Some((0, attempt)), &changes);
        }
        let rows: Vec<_> = collector.rows().collect();
        assert!(rows.len() > 2);
        assert!(rows.iter().all(|(_, body)| body.len() < ROW_BYTES + 100));
        let attempts = decoded(&collector).into_iter().map(|((.., step), ..)| step);
        assert!(attempts.eq((0..20_000).map(|attempt| Some((0, attempt)))));
    }

    #[test]
    fn unknown_kinds_are_skipped() {
        let mut collector = Collector::default();
        encode(&mut collector.bytes, |e| {
            e.array(2)?.u8(77)?.str("new")?.ok()
        });
        collector.push(
            &run(1),
            None,
            &[(
                StatusChange::Run {
                    old: RunStatus::InProgress,
                    new: RunStatus::Failed,
                },
                7,
            )],
        );
        assert_eq!(decoded(&collector).len(), 1);
    }
}
