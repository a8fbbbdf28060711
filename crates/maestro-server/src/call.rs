//! A request as handlers see it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;
use maestro_core::plan::Plan;
use maestro_core::view::RunSource;
use maestro_engine::Engine;
use maestro_model::codec::{FromJson, read};
use maestro_model::definition::{Properties, User};
use maestro_model::state::{RunRow, WorkflowKey, WorkflowRow};
use maestro_store::Snapshot;

use crate::answer::Fault;
use crate::query::Query;
use crate::serve::State;

/// A value of a path variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PathValue {
    Text(String),
    Number(i64),
}

/// A request whose route is found, whose headers and path numbers are in order, and whose body was read.
pub(crate) struct Call {
    pub(crate) state: Arc<State>,
    pub(crate) variables: Vec<(&'static str, PathValue)>,
    pub(crate) query: Query,
    /// Who calls, if it says so.
    pub(crate) user: Option<User>,
    pub(crate) body: Bytes,
}

impl Call {
    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.state.engine
    }

    /// A path variable that is a text; empty if the pattern has none of this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.variables.iter().find(|(n, _)| *n == name) {
            Some((_, PathValue::Text(text))) => text,
            _ => "",
        }
    }

    /// A path variable that is a number; 0, which nothing has, if the pattern has none of this name.
    pub(crate) fn number(&self, name: &str) -> i64 {
        match self.variables.iter().find(|(n, _)| *n == name) {
            Some((_, PathValue::Number(number))) => *number,
            _ => 0,
        }
    }

    /// The workflow in the path.
    pub(crate) fn workflow(&self) -> &str {
        self.text("wf")
    }

    /// The body as JSON.
    pub(crate) fn json<T: FromJson>(&self) -> Result<T, Fault> {
        Ok(read(&self.body)?)
    }

    /// Who calls.
    ///
    /// # Errors
    /// The caller does not say so (H-4).
    pub(crate) fn caller(&self) -> Result<&User, Fault> {
        self.user
            .as_ref()
            .ok_or_else(|| Fault::bad_request("user name must not be null: send the header `user`"))
    }
}

/// The caller that the header `user` names: its bytes are Latin-1 (H-4).
pub(crate) fn user(headers: &HeaderMap) -> Option<User> {
    let bytes = headers.get("user")?.as_bytes();
    let name: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    Some(User::from(name.trim_matches([' ', '\t'])))
}

/// One moment of the store, for a read.
pub(crate) struct Moment<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) snapshot: Box<dyn Snapshot>,
}

/// A run with all that a view of it needs.
pub(crate) struct Run {
    pub(crate) row: RunRow,
    pub(crate) plan: Arc<Plan>,
    pub(crate) properties: Arc<Properties>,
}

impl Run {
    /// What views are made from.
    pub(crate) fn source(&self) -> RunSource<'_> {
        RunSource {
            plan: &self.plan,
            run: &self.row,
            properties: &self.properties,
        }
    }
}

impl Moment<'_> {
    /// The workflow.
    ///
    /// # Errors
    /// 404 if there is none.
    pub(crate) fn workflow(&self, id: &str) -> Result<WorkflowRow, Fault> {
        self.snapshot
            .workflow(id)?
            .ok_or_else(|| Fault::not_found(format!("Cannot find workflow [{id}]")))
    }

    /// The key by which instances of an id are found: those of a deleted workflow can be read until they are gone.
    pub(crate) fn key(&self, id: &str) -> Result<Option<WorkflowKey>, Fault> {
        if let Some(row) = self.snapshot.workflow(id)? {
            return Ok(Some(row.key));
        }
        let previous = self.snapshot.previous_workflow(id)?;
        Ok(previous.and_then(|previous| previous.purging))
    }

    /// A run with its plan and properties. `None` if what it ran is purged already.
    pub(crate) fn load(&self, row: RunRow) -> Result<Option<Run>, Fault> {
        let snapshot = &*self.snapshot;
        let Some(plan) = self.engine.plan(row.workflow, row.body.version, snapshot)? else {
            return Ok(None);
        };
        let properties = self
            .engine
            .properties(row.workflow, row.body.properties, snapshot)?;
        Ok(Some(Run {
            row,
            plan,
            properties,
        }))
    }
}
