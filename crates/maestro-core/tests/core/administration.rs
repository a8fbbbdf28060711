#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
//! Activation, properties and tags.

use maestro_core::message::{Command, PropertiesChange, Refusal, Reply, VersionSelector};
use maestro_model::codec::read;
use maestro_model::definition::{PropertiesUpdate, Tag, User};

use crate::world::{SHELL, World, graph};

fn world() -> World {
    World::new(&graph("a", &[("a", SHELL)]), r#"{"owner":"t"}"#)
}

fn user(name: &str) -> User {
    User::Name(name.into())
}

fn change(w: &mut World, change: PropertiesChange) -> Result<String, Refusal> {
    w.command(Command::ChangeProperties {
        change: Box::new(change),
        author: user("erin"),
    });
    match w.replies.pop().unwrap()? {
        Reply::PropertiesChanged(row) => Ok(row.properties.into()),
        other => panic!("{other:?}"),
    }
}

fn update(w: &mut World, json: &str) -> Result<String, Refusal> {
    let update: PropertiesUpdate = read(json.as_bytes()).unwrap();
    change(w, PropertiesChange::Update(update))
}

fn activate(w: &mut World, version: VersionSelector) -> Result<i64, Refusal> {
    let author = user("erin");
    w.command(Command::Activate { version, author });
    match w.replies.pop().unwrap()? {
        Reply::Activated { version, .. } => Ok(version),
        other => panic!("{other:?}"),
    }
}

fn deactivate(w: &mut World) -> Result<(), Refusal> {
    let author = user("erin");
    w.command(Command::Deactivate { author });
    match w.replies.pop().unwrap()? {
        Reply::Deactivated { .. } => Ok(()),
        other => panic!("{other:?}"),
    }
}

// [01:47] [01:48]
#[test]
fn a_version_is_activated_and_deactivated_once() {
    let mut w = world();
    w.push(r#"{"owner":"t"}"#);
    assert_eq!(w.rows.workflow.as_ref().unwrap().active_version, Some(2));
    w.now += 1000;
    assert_eq!(activate(&mut w, VersionSelector::Number(1)), Ok(1));
    let row = w.rows.workflow.clone().unwrap();
    assert_eq!(
        (row.active_version, row.activate_time),
        (Some(1), Some(w.now))
    );
    assert_eq!(row.activated_by.as_deref(), Some("\"erin\""));
    // Decision 1: nothing changes, not even when.
    w.now += 1000;
    assert_eq!(activate(&mut w, VersionSelector::Active), Ok(1));
    assert_eq!(w.rows.workflow, Some(row));
    for (version, refusal) in [(0, "version [0]"), (3, "version [3]"), (-1, "version [-1]")] {
        let refused = activate(&mut w, VersionSelector::Number(version)).unwrap_err();
        assert!(refused.to_string().contains(refusal), "{refused}");
    }
    deactivate(&mut w).unwrap();
    let row = w.rows.workflow.clone().unwrap();
    assert_eq!((row.active_version, row.activate_time), (None, None));
    w.now += 1000;
    deactivate(&mut w).unwrap();
    assert_eq!(w.rows.workflow, Some(row));
    assert!(matches!(
        activate(&mut w, VersionSelector::Active),
        Err(Refusal::NoActiveVersion(_))
    ));
    assert_eq!(activate(&mut w, VersionSelector::Latest), Ok(2));
}

#[test]
fn each_change_of_properties_is_a_snapshot_of_its_own() {
    let mut w = world();
    let first = w.rows.workflow.as_ref().unwrap().properties;
    // In the same millisecond as the push.
    let text = update(&mut w, "{}").unwrap();
    assert_eq!(text, r#"{"owner":"t"}"#);
    let second = w.rows.workflow.as_ref().unwrap().properties;
    assert!(second > first);
    assert_eq!(w.rows.properties.len(), 2);
    let text = update(&mut w, r#"{"run_strategy":"parallel","description":"d"}"#).unwrap();
    assert!(
        text.contains("PARALLEL") && text.contains("\"owner\":\"t\""),
        "{text}"
    );
    let tag: Tag = read(b"\"gold\"").unwrap();
    let text = change(&mut w, PropertiesChange::AddTag(tag)).unwrap();
    assert!(
        text.contains(r#""namespace":"PLATFORM""#) && text.contains("erin"),
        "{text}"
    );
    let text = change(&mut w, PropertiesChange::RemoveTag("gold".into())).unwrap();
    assert!(text.contains(r#""tags":[]"#), "{text}");
    assert!(matches!(
        change(&mut w, PropertiesChange::RemoveTag("gold".into())),
        Err(Refusal::NoTag { .. })
    ));
    assert_eq!(w.rows.properties.len(), 5);
}

// [01:54]
#[test]
fn a_strategy_that_instances_forbid_is_refused_and_a_new_one_counts_at_once() {
    let mut w = world();
    w.start();
    w.start();
    assert!(matches!(
        update(&mut w, r#"{"run_strategy":"last_only"}"#),
        Err(Refusal::StrategyRefused(_))
    ));
    assert_eq!(w.rows.properties.len(), 1);
    assert_eq!(w.status(2), "CREATED");
    update(&mut w, r#"{"run_strategy":2}"#).unwrap();
    // It does not wait any more.
    assert_eq!(w.status(2), "IN_PROGRESS");
    w.report(
        1,
        "a",
        maestro_core::message::News::Ended(maestro_core::message::Outcome::FatalError),
    );
    assert!(matches!(
        update(&mut w, r#"{"run_strategy":"strict_sequential"}"#),
        Err(Refusal::StrategyRefused(_))
    ));
    update(&mut w, r#"{"run_strategy":"serial_latest_only"}"#).unwrap();
    // One that is not asked for is no change of the strategy (spec 01 PR-12).
    w.push(r#"{"description":"d"}"#);
}

#[test]
fn nothing_of_this_makes_a_workflow() {
    let mut w = world();
    w.command(Command::Delete {
        author: "\"t\"".into(),
    });
    w.replies.clear();
    assert!(matches!(update(&mut w, "{}"), Err(Refusal::NoWorkflow(_))));
    assert!(matches!(deactivate(&mut w), Err(Refusal::NoWorkflow(_))));
    assert!(matches!(
        activate(&mut w, VersionSelector::Latest),
        Err(Refusal::NoWorkflow(_))
    ));
}

// [04:18]
#[test]
fn an_id_is_not_used_again_before_the_data_is_gone() {
    let mut w = world();
    w.command(Command::Delete {
        author: "\"t\"".into(),
    });
    w.rows.purging = true;
    w.replies.clear();
    let push = |w: &mut World| {
        w.command(Command::Push(Box::new(maestro_core::message::Push {
            definition: "{}".into(),
            workflow: std::sync::Arc::clone(&w.plan.workflow),
            properties: read(br#"{"owner":"t"}"#).ok(),
            activate: true,
            author: user("t"),
            git_info: None,
            extra_info: Default::default(),
        })));
        w.replies.pop().unwrap()
    };
    assert!(matches!(push(&mut w), Err(Refusal::BeingDeleted(_))));
    w.rows.purging = false;
    assert!(matches!(push(&mut w), Ok(Reply::Pushed { version: 1, .. })));
}
