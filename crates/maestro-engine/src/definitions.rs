//! Definitions in memory: which version is active, and compiled versions. Filled when needed, bounded, thrown away when
//! a workflow's definition side changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use maestro_core::params::Rules;
use maestro_core::plan::Plan;
use maestro_model::Str;
use maestro_model::definition::{Properties, Workflow};
use maestro_model::state::{Millis, WorkflowKey, WorkflowRow};
use maestro_store::{ReadError, Snapshot};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// What starts need of a workflow.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its row as of the last change of the definition side; its counters are older.
    pub row: WorkflowRow,
}

#[derive(Clone)]
struct PlanWeight;

impl Weighter<(WorkflowKey, i64), Arc<Plan>> for PlanWeight {
    fn weight(&self, _: &(WorkflowKey, i64), plan: &Arc<Plan>) -> u64 {
        plan.weight() as u64
    }
}

/// Caches of definitions.
pub struct Definitions {
    heads: Cache<Str, Arc<Head>>,
    plans: Cache<(WorkflowKey, i64), Arc<Plan>, PlanWeight>,
    properties: Cache<(WorkflowKey, Millis), Arc<Properties>>,
    /// What plans are compiled with.
    rules: Arc<Rules>,
    /// Counts changes, so that what was read before one is not kept after it.
    changes: AtomicU64,
}

impl Definitions {
    /// Empty caches; compiled versions take about so many bytes at most.
    #[must_use]
    pub fn new(plan_bytes: u64, rules: Arc<Rules>) -> Self {
        let plans = usize::try_from(plan_bytes / 2048).unwrap_or(1024).max(16);
        Self {
            heads: Cache::new(20_000),
            plans: plan_cache(plans, plan_bytes.max(1 << 20)),
            properties: Cache::new(2_000),
            rules,
            changes: AtomicU64::new(0),
        }
    }

    pub(crate) fn changed(&self, workflow: &str) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.heads.remove(workflow);
    }

    /// The head, from memory.
    pub(crate) fn cached(&self, workflow: &str) -> Option<Arc<Head>> {
        self.heads.get(workflow)
    }

    pub(crate) fn cached_plan(&self, workflow: WorkflowKey, version: i64) -> Option<Arc<Plan>> {
        self.plans.get(&(workflow, version))
    }

    pub(crate) fn cached_properties(
        &self,
        workflow: WorkflowKey,
        create_time: Millis,
    ) -> Option<Arc<Properties>> {
        self.properties.get(&(workflow, create_time))
    }

    /// The head; reads it if it is not in memory. `open` takes the snapshot, after the change counter was looked at.
    pub(crate) fn head(
        &self,
        workflow: &str,
        open: impl FnOnce() -> Result<Box<dyn Snapshot>, ReadError>,
    ) -> Result<Option<Arc<Head>>, ReadError> {
        if let Some(head) = self.heads.get(workflow) {
            return Ok(Some(head));
        }
        let before = self.changes.load(Ordering::SeqCst);
        let Some(row) = open()?.workflow(workflow)? else {
            return Ok(None);
        };
        let head = Arc::new(Head { row });
        if self.changes.load(Ordering::SeqCst) == before {
            self.heads.insert(workflow.into(), head.clone());
        }
        Ok(Some(head))
    }

    /// A compiled version; reads and compiles it if it is not in memory.
    pub(crate) fn plan(
        &self,
        workflow: WorkflowKey,
        version: i64,
        snapshot: &dyn Snapshot,
    ) -> Result<Option<Arc<Plan>>, LoadError> {
        if let Some(plan) = self.plans.get(&(workflow, version)) {
            return Ok(Some(plan));
        }
        let Some(row) = snapshot.version(workflow, version)? else {
            return Ok(None);
        };
        let parsed: Workflow =
            maestro_model::codec::read(row.definition.as_bytes()).map_err(|e| {
                LoadError::Damaged(format!("version {version} of workflow {}: {e}", workflow.0))
            })?;
        let plan = Plan::compile(Arc::new(parsed), version, self.rules.clone()).map_err(|e| {
            LoadError::Damaged(format!("version {version} of workflow {}: {e}", workflow.0))
        })?;
        let plan = Arc::new(plan);
        self.plans.insert((workflow, version), plan.clone());
        Ok(Some(plan))
    }

    /// A properties snapshot.
    pub(crate) fn properties(
        &self,
        workflow: WorkflowKey,
        create_time: Millis,
        snapshot: &dyn Snapshot,
    ) -> Result<Arc<Properties>, LoadError> {
        if let Some(properties) = self.properties.get(&(workflow, create_time)) {
            return Ok(properties);
        }
        let row = snapshot.properties(workflow, Some(create_time))?;
        let properties: Properties = match row {
            None => Properties::default(),
            Some(row) => maestro_model::codec::read(row.properties.as_bytes()).map_err(|e| {
                LoadError::Damaged(format!("properties of workflow {}: {e}", workflow.0))
            })?,
        };
        let properties = Arc::new(properties);
        self.properties
            .insert((workflow, create_time), properties.clone());
        Ok(properties)
    }
}

/// In one piece: an entry larger than its piece of the cache is not kept at all, and versions with many steps are large.
fn plan_cache(items: usize, bytes: u64) -> Cache<(WorkflowKey, i64), Arc<Plan>, PlanWeight> {
    let mut options = OptionsBuilder::new();
    options
        .shards(1)
        .estimated_items_capacity(items)
        .weight_capacity(bytes);
    Cache::with_options(
        options.build().expect("both capacities are given"),
        PlanWeight,
        DefaultHashBuilder::default(),
        DefaultLifecycle::default(),
    )
}

/// Why something cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It holds something that cannot be understood.
    #[error("{0}")]
    Damaged(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_with_many_steps_is_kept() {
        let steps: Vec<String> = (0..10_000)
            .map(|i| format!(r#"{{"step":{{"id":"s{i}","type":"NoOp"}}}}"#))
            .collect();
        let text = format!(r#"{{"id":"w","steps":[{}]}}"#, steps.join(","));
        let workflow: Workflow = maestro_model::codec::read(text.as_bytes()).expect("definition");
        let plan = Plan::compile(Arc::new(workflow), 1, Arc::default()).expect("plan");
        let bytes = crate::EngineSettings::new("unused".into()).plan_cache_bytes;
        let definitions = Definitions::new(bytes, Arc::default());
        let key = (WorkflowKey(1), 1);
        definitions.plans.insert(key, Arc::new(plan));
        assert!(definitions.cached_plan(key.0, key.1).is_some());
    }
}
