//! The definition side.

use maestro_core::view::{
    DefinitionText, HistoryEntry, HistoryView, OverviewView, RunCounts, WorkflowActionMap,
    definition, deleted_event,
};
use maestro_model::codec::to_text;
use maestro_model::state::{PropertiesRow, RunStatus, VersionRow};

use crate::golden::Golden;
use crate::stage::*;
use crate::world::{SHELL, World};

fn properties(w: &World) -> PropertiesRow {
    let row = w.rows.workflow.as_ref().expect("sound rows");
    PropertiesRow {
        workflow: row.key,
        create_time: row.properties,
        author: "\"tester\"".into(),
        properties: w.rows.properties[&row.properties].as_str().into(),
    }
}

fn overview(w: &World) -> String {
    let count = |statuses: &[RunStatus]| {
        let runs = w.rows.runs.values();
        runs.filter(|run| statuses.contains(&run.head.status))
            .count() as u64
    };
    let counts = RunCounts {
        created: count(&[RunStatus::Queued, RunStatus::PickedUp]),
        in_progress: count(&[RunStatus::InProgress]),
        failed: count(&[RunStatus::Failed]),
    };
    to_text(
        &OverviewView::new(
            w.rows.workflow.as_ref().expect("sound rows"),
            &properties(w),
            counts,
        )
        .expect("sound rows"),
    )
}

#[test]
fn the_overview_counts_runs() {
    let mut golden = Golden::load("lifecycle/lifecycle-workflow-overview");
    let workflow = format!(r#"{{"id":"{{p}}-ov","steps":[{{"step":{{"id":"a",{SHELL}}}}}]}}"#);
    let mut w = world(&workflow, OWNER);
    golden.check("-ov/overview", &overview(&w));
    plain(&mut w);
    w.report(
        1,
        "a",
        maestro_core::message::News::Ended(maestro_core::message::Outcome::FatalError),
    );
    for _ in 0..3 {
        plain(&mut w);
    }
    golden.check("-ov/overview", &overview(&w));
    let row = w.rows.workflow.as_mut().unwrap();
    (row.active_version, row.latest_version) = (None, 2);
    golden.check("-ov/overview", &overview(&w));
}

#[test]
fn a_version_knows_whether_it_is_the_active_one() {
    let w = world(
        r#"{"id":"{p}-v","steps":[{"step":{"id":"a","type":"NoOp"}}]}"#,
        OWNER,
    );
    let row = w.rows.workflow.clone().unwrap();
    let version = |number: i64| {
        VersionRow {
        workflow: row.key,
        version: number,
        definition: w.rows.versions[&1].as_str().into(),
        metadata: format!(
            r#"{{"workflow_id":"{}","workflow_version_id":{number},"create_time":{},"version_author":"tester"}}"#,
            row.id, w.now
        )
        .into(),
    }
    };
    let shown = to_text(&definition(&row, &version(1), &properties(&w)).unwrap());
    for (path, text) in [
        ("/is_active", "true"),
        ("/is_latest", "true"),
        ("/is_default", "true"),
        ("/activated_by", r#""tester""#),
        ("/metadata/workflow_version_id", "1"),
        ("/properties_snapshot/owner", r#""ada""#),
        ("/workflow/steps/0/step/transition", "{}"),
    ] {
        assert_eq!(text_at(&shown, path), text, "{path}");
    }
    let other = to_text(&definition(&row, &version(2), &properties(&w)).unwrap());
    for (number, whole) in [(1, &shown), (2, &other)] {
        let text = to_text(&DefinitionText {
            workflow: &row,
            version: &version(number),
            properties: &properties(&w),
            extras: None,
        });
        assert_eq!(text, *whole);
    }
    for (path, text) in [
        ("/is_active", "false"),
        ("/is_latest", "false"),
        ("/is_default", "false"),
        ("/activated_by", "-"),
        ("/activate_time", "-"),
    ] {
        assert_eq!(text_at(&other, path), text, "{path}");
    }
    let damaged = VersionRow {
        metadata: "{".into(),
        ..version(1)
    };
    let fault = definition(&row, &damaged, &properties(&w)).unwrap_err();
    assert!(fault.to_string().contains("metadata"), "{fault}");
}

#[test]
fn the_change_history_writes_every_member() {
    let mut golden = Golden::load("definitions/definitions-timeline");
    let authors = ["\"hugo\"", "\"gwen\"", "\"finn\"", "\"erin\"", "\"tester\""];
    let entries = authors.map(|author| HistoryEntry {
        author,
        log: "changed",
        at: 1_800_000_000_000,
    });
    let view = HistoryView {
        workflow_id: "cfdeadbeef-tim",
        entries: &entries,
    };
    golden.check("/timeline", &to_text(&view));
    let nobody = HistoryView {
        workflow_id: "x y",
        entries: &[],
    };
    assert_eq!(
        to_text(&nobody),
        r#"{"workflow_id":"x y","timeline_events":[]}"#
    );
}

#[test]
fn a_deletion_is_answered_with_an_event() {
    assert_eq!(
        to_text(&deleted_event(&"ana".into(), 7)),
        r#"{"timestamp":7,"type":"LOG","level":"INFO","message":"The workflow is deleted by [ana]. All associated workflow data (e.g. versions and instances) will be deleted shortly."}"#
    );
}

#[test]
fn the_map_of_actions_is_the_table() {
    let mut golden = Golden::load("lifecycle/lifecycle-action-map");
    golden.check("action-map", &to_text(&WorkflowActionMap));
}
