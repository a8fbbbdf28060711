//! Versions, properties and deletion (spec 01 section 10, 05 section 15).

use std::sync::Arc;

use maestro_model::codec::to_text;
use maestro_model::definition::{Metadata, Properties, RunStrategy, StrategyGuard, User};
use maestro_model::state::{DeletedWorkflow, PropertiesRow, VersionRow, WorkflowKey, WorkflowRow};

use super::{Pending, Turn, WorkflowState};
use crate::initiation;
use crate::message::{
    Effect, Fetch, PropertiesChange, Push, Refusal, Reply, Token, VersionSelector,
};

impl WorkflowState {
    pub(super) fn push(&mut self, token: Option<Token>, push: Box<Push>, turn: &mut Turn<'_>) {
        if self.row.is_none() && self.purging {
            // It may be gone by now: ask.
            return self.fetch(Pending::Push { token, push }, Fetch::Deleted, turn);
        }
        self.push_checked(token, *push, turn);
    }

    pub(super) fn push_checked(&mut self, token: Option<Token>, push: Push, turn: &mut Turn<'_>) {
        let result = self.make_version(push, turn);
        turn.reply(token, result);
    }

    fn make_version(&mut self, push: Push, turn: &mut Turn<'_>) -> Result<Reply, Refusal> {
        let now = turn.now;
        if self.row.is_none() {
            if self.purging {
                return Err(Refusal::BeingDeleted((&*self.id).into()));
            }
            if push.properties.as_ref().is_none_or(|p| p.owner.is_none()) {
                return Err(Refusal::NoOwner((&*self.id).into()));
            }
        }
        let properties = push.properties.as_ref().map(|given| match &self.row {
            Some(_) => self.properties.after_push(given),
            None => given.clone(),
        });
        if let (Some(given), Some(properties), Some(_)) = (&push.properties, &properties, &self.row)
        {
            self.check_strategy(given.run_strategy, properties)?;
        }
        if push.activate {
            let in_force = properties.as_ref().unwrap_or(&self.properties);
            initiation::check_subscription(&push.workflow, in_force)?;
        }
        let author: Box<str> = to_text(&push.author).into();
        let row = self.row.get_or_insert_with(|| WorkflowRow {
            key: turn.keys.workflow(),
            id: (&*self.id).into(),
            latest_version: 0,
            active_version: None,
            last_instance: self.deleted_instances,
            properties: 0,
            activate_time: None,
            activated_by: None,
            modify_time: now,
        });
        row.latest_version += 1;
        row.modify_time = now;
        let version = row.latest_version;
        if push.activate {
            row.active_version = Some(version);
            row.activate_time = Some(now);
            row.activated_by = Some(author.clone());
        }
        let metadata = Metadata {
            workflow_id: self.id.clone(),
            workflow_version_id: version,
            create_time: Some(now),
            version_author: Some(push.author),
            git_info: push.git_info,
            extra_info: push.extra_info,
        };
        turn.rows.version(&VersionRow {
            workflow: row.key,
            version,
            definition: push.definition,
            metadata: to_text(&metadata).into(),
        });
        let log = format!(
            "Created workflow version [{version}] for workflow id [{}]",
            self.id
        );
        turn.rows.history(row.key, now, &author, &log);
        self.row_changed = true;
        let mut row = row.clone();
        if let Some(properties) = properties {
            row.properties = self.new_snapshot(properties, author, turn).create_time;
        }
        turn.effects.push(Effect::DefinitionChanged);
        Ok(Reply::Pushed { row, version })
    }

    /// A strategy that the instances at hand cannot fulfil is refused (spec 01 PR-12 to PR-14, 05 RS-21). `requested`
    /// is what the change gives itself.
    fn check_strategy(
        &self,
        requested: Option<RunStrategy>,
        new: &Properties,
    ) -> Result<(), Refusal> {
        let old = self.properties.run_strategy;
        let alive = self.runs.len() as u64 + self.queue.len();
        let (count, what) = match StrategyGuard::of(requested, old, new.run_strategy) {
            Some(StrategyGuard::TwoNonTerminal) if alive >= 2 => (alive, "instances are not over"),
            Some(StrategyGuard::Failed) if self.failed > 0 => (
                self.failed,
                "instances have failed; unblock or restart them first",
            ),
            _ => return Ok(()),
        };
        let rule =
            |strategy: Option<RunStrategy>| strategy.unwrap_or(RunStrategy::DEFAULT).rule.as_str();
        Err(Refusal::StrategyRefused(format!(
            "cannot change the run strategy of [{}] from [{}] to [{}] while [{count}] {what}",
            self.id,
            rule(old),
            rule(new.run_strategy)
        )))
    }

    /// Makes a version the active one; one that is active already stays so (decision 1).
    pub(super) fn activate(
        &mut self,
        version: VersionSelector,
        author: &User,
        turn: &mut Turn<'_>,
    ) -> Result<Reply, Refusal> {
        let id = &self.id;
        let Some(row) = &mut self.row else {
            return Err(Refusal::NoWorkflow((&**id).into()));
        };
        let version = version
            .resolve(row)
            .ok_or_else(|| Refusal::NoActiveVersion((&**id).into()))?;
        // Versions are never removed one by one.
        if !(1..=row.latest_version).contains(&version) {
            let workflow = (&**id).into();
            return Err(Refusal::NoVersion { workflow, version });
        }
        let author_json: Box<str> = to_text(author).into();
        let name = author.name();
        let previous = row.active_version;
        let log = if previous == Some(version) {
            format!(
                "Caller [{name}] do nothing as workflow version [{id}][{version}] is already active"
            )
        } else {
            row.active_version = Some(version);
            row.activate_time = Some(turn.now);
            row.activated_by = Some(author_json.clone());
            row.modify_time = turn.now;
            self.row_changed = true;
            turn.effects.push(Effect::DefinitionChanged);
            let previous = previous.unwrap_or(0);
            format!(
                "Caller [{name}] activates workflow version [{id}][{version}], previous active version is [{previous}]"
            )
        };
        turn.rows.history(row.key, turn.now, &author_json, &log);
        Ok(Reply::Activated { version, log })
    }

    /// Has no active version afterwards.
    pub(super) fn deactivate(
        &mut self,
        author: &User,
        turn: &mut Turn<'_>,
    ) -> Result<Reply, Refusal> {
        let id = &self.id;
        let Some(row) = &mut self.row else {
            return Err(Refusal::NoWorkflow((&**id).into()));
        };
        let name = author.name();
        let log = match row.active_version.take() {
            None => format!(
                "Caller [{name}] do nothing as there is no active workflow version for [{id}]"
            ),
            Some(previous) => {
                row.activate_time = None;
                row.activated_by = None;
                row.modify_time = turn.now;
                self.row_changed = true;
                turn.effects.push(Effect::DefinitionChanged);
                format!(
                    "Caller [{name}] deactivated workflow [{id}], whose last active version is [{previous}]"
                )
            }
        };
        turn.rows.history(row.key, turn.now, &to_text(author), &log);
        Ok(Reply::Deactivated { log })
    }

    /// Changes the properties: a new snapshot, even if all values stay (spec 01 section 4.5).
    pub(super) fn change_properties(
        &mut self,
        change: &PropertiesChange,
        author: &User,
        turn: &mut Turn<'_>,
    ) -> Result<Reply, Refusal> {
        if self.row.is_none() {
            return Err(Refusal::NoWorkflow((&*self.id).into()));
        }
        let (properties, what) = match change {
            PropertiesChange::Update(update) => {
                let new = self.properties.after_update(update);
                self.check_strategy(update.properties.run_strategy, &new)?;
                (new, "changed".to_owned())
            }
            PropertiesChange::AddTag(tag) => (
                self.properties.with_tag(tag, author.name(), turn.now),
                format!("got the tag [{}]", tag.name),
            ),
            PropertiesChange::RemoveTag(name) => {
                let new = self.properties.without_tag(name);
                let new = new.ok_or_else(|| Refusal::NoTag {
                    workflow: (&*self.id).into(),
                    tag: name.clone(),
                })?;
                (new, format!("lost the tag [{name}]"))
            }
        };
        let log = format!("Properties of workflow [{}] {what}", self.id);
        let author: Box<str> = to_text(author).into();
        let snapshot = self.new_snapshot(properties, author, turn);
        turn.rows
            .history(snapshot.workflow, turn.now, &snapshot.author, &log);
        turn.effects.push(Effect::DefinitionChanged);
        Ok(Reply::PropertiesChanged(Box::new(snapshot)))
    }

    /// Stores properties as the current ones of a workflow that has a row.
    fn new_snapshot(
        &mut self,
        properties: Properties,
        author: Box<str>,
        turn: &mut Turn<'_>,
    ) -> PropertiesRow {
        let now = turn.now;
        let (key, create_time) = self.row.as_mut().map_or((WorkflowKey(0), now), |row| {
            // A snapshot's time is its id: strictly growing (spec 01 section 4.6).
            row.properties = now.max(row.properties + 1);
            row.modify_time = now;
            (row.key, row.properties)
        });
        let snapshot = PropertiesRow {
            workflow: key,
            create_time,
            author,
            properties: to_text(&properties).into(),
        };
        turn.rows.properties(&snapshot);
        self.properties = Arc::new(properties);
        self.row_changed = true;
        snapshot
    }

    pub(super) fn delete(&mut self, token: Option<Token>, author: Box<str>, turn: &mut Turn<'_>) {
        let count = self.runs.len() as u64 + self.queue.len();
        let result = match self.row.take() {
            None => Err(Refusal::NoWorkflow((&*self.id).into())),
            Some(row) if count > 0 => {
                self.row = Some(row);
                Err(Refusal::StillRunning {
                    workflow: (&*self.id).into(),
                    count,
                })
            }
            Some(row) => {
                turn.rows.delete_workflow(&DeletedWorkflow {
                    key: row.key,
                    id: row.id,
                    last_instance: row.last_instance,
                    author,
                    at: turn.now,
                });
                self.row_changed = false;
                self.deleted_instances = row.last_instance;
                self.purging = true;
                self.failed = 0;
                self.properties = Arc::default();
                turn.effects.push(Effect::DefinitionChanged);
                turn.effects.push(Effect::Purge(row.key));
                Ok(Reply::Deleted)
            }
        };
        turn.reply(token, result);
    }
}
