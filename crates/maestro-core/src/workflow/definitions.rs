//! Versions, properties and deletion (spec 01 section 10, 05 section 15).

use std::sync::Arc;

use maestro_model::codec::to_text;
use maestro_model::definition::{Metadata, Properties, RunStrategy, RunStrategyRule};
use maestro_model::state::{DeletedWorkflow, PropertiesRow, VersionRow, WorkflowRow};

use super::{Pending, Turn, WorkflowState};
use crate::message::{Effect, Fetch, Push, Refusal, Reply, Token};

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
        if let Some(properties) = &properties {
            self.check_strategy(properties)?;
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
        if let Some(properties) = properties {
            // A snapshot's time is its id: strictly growing (spec 01 section 4.6).
            row.properties = now.max(row.properties + 1);
            turn.rows.properties(&PropertiesRow {
                workflow: row.key,
                create_time: row.properties,
                author: author.clone(),
                properties: to_text(&properties).into(),
            });
            self.properties = Arc::new(properties);
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
        turn.effects.push(Effect::DefinitionChanged);
        Ok(Reply::Pushed {
            row: row.clone(),
            version,
        })
    }

    /// A strategy that the instances at hand cannot fulfil is refused (spec 05 RS-21).
    fn check_strategy(&self, new: &Properties) -> Result<(), Refusal> {
        let (old, new) = (
            self.strategy(),
            new.run_strategy.unwrap_or(RunStrategy::DEFAULT),
        );
        if old == new {
            return Ok(());
        }
        let alive = self.runs.len() as u64 + self.queue.len();
        let (count, what) = match new.rule {
            RunStrategyRule::FirstOnly | RunStrategyRule::LastOnly if alive >= 2 => {
                (alive, "instances are not over")
            }
            RunStrategyRule::StrictSequential if self.failed > 0 => {
                (self.failed, "instances have failed")
            }
            _ => return Ok(()),
        };
        Err(Refusal::StrategyRefused(format!(
            "cannot change the run strategy of [{}] from [{}] to [{}] while [{count}] {what}",
            self.id,
            old.rule.as_str(),
            new.rule.as_str()
        )))
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
