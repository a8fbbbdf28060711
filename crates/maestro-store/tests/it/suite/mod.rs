//! What every backend promises.

mod commits;
mod documents;
mod runs;
mod workflows;

pub(crate) use commits::*;
pub(crate) use documents::*;
pub(crate) use runs::*;
pub(crate) use workflows::*;

use maestro_model::state::{InstanceRef, RunRow, StepRow, WorkflowKey};
use maestro_store::{Batch, RunRange, Snapshot, Store};

/// Makes stores.
pub(crate) trait Backend {
    /// Opens the store of this backend: the same data each time. The one before must be dropped.
    fn open(&self) -> Store;
}

/// Makes a test of each case, on a backend of its own.
macro_rules! suite {
    ($backend:expr) => {
        suite! { $backend;
            rows_come_back_as_they_were_given
            a_later_row_of_a_batch_replaces_an_earlier_one
            a_later_batch_replaces_an_earlier_one
            an_update_leaves_the_body_alone
            params_stay_where_none_are_given
            a_broken_constraint_is_fatal_and_leaves_nothing
            an_update_of_an_unknown_run_is_fatal
            a_snapshot_shows_one_moment
            everything_is_there_after_opening_again
            runs_are_found_by_each_of_their_names
            pages_show_each_instance_once
            the_list_over_workflows_filters_and_pages
            versions_and_properties_are_found_by_number_and_latest
            workflows_are_listed_by_prefix_in_byte_order
            queued_and_failed_runs_come_in_order
            counts_follow_the_raw_status
            steps_come_with_their_latest_attempt
            newest_attempts_span_the_runs_of_an_instance
            live_runs_come_with_latest_attempts_by_shard
            largest_keys_count_deleted_workflows_too
            an_id_can_be_deleted_and_used_again
            purging_goes_in_pieces
            only_deleted_workflows_are_purged
            documents_are_kept_by_kind_name_and_part
            outbox_rows_keep_their_order_and_numbers
            snapshots_are_used_from_several_threads
        }
    };
    ($backend:expr; $($case:ident)*) => {
        $(#[test] fn $case() { crate::suite::$case(&$backend); })*
    };
}
pub(crate) use suite;

const W: WorkflowKey = WorkflowKey(64);

pub(crate) fn commit(store: &mut Store, fill: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::default();
    fill(&mut batch);
    store.writer.commit(&mut [&batch].into_iter()).unwrap();
}

fn read(store: &Store) -> Box<dyn Snapshot> {
    store.readers.snapshot().unwrap()
}

fn ids(rows: &[RunRow]) -> Vec<(i64, i64)> {
    rows.iter().map(|r| (r.id.instance, r.id.run)).collect()
}

fn at(instance: i64, run: i64) -> InstanceRef {
    InstanceRef { instance, run }
}

fn range(low: i64, high: i64) -> RunRange {
    RunRange { low, high }
}

fn attempts(rows: &[StepRow]) -> Vec<(u32, u32)> {
    rows.iter().map(|r| (r.step, r.attempt)).collect()
}
