//! Params that every workflow and step has (spec 02 section 9).

use std::collections::BTreeMap;

use maestro_model::codec::{At, FromJson, to_text};
use maestro_model::definition::StepType;
use maestro_model::json::Json;
use maestro_model::param::{ParamMap, ParamSource};
use maestro_model::{Str, yaml};

use super::merge::{Stage, merge};

/// The default params; parsed once at the server's start.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// Of every workflow, merged.
    pub workflow: ParamMap,
    /// Of every step, merged.
    pub step: ParamMap,
    /// What a dry run starts a workflow with.
    pub dry_run: ParamMap,
    /// By the lower-case word of a step type, merged.
    by_type: BTreeMap<Str, ParamMap>,
    /// The workflow's are those of the program, so that what follows from them is known.
    pub(crate) bundled_workflow: bool,
}

/// Texts of the configuration that replace and add default params: YAML documents, blank for none (spec 02 D-11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultOverrides {
    /// Of every workflow.
    pub workflow: String,
    /// Of every step.
    pub step: String,
    /// Of a dry run.
    pub dry_run: String,
    /// By step type, in any case; unknown types are ignored.
    pub by_type: BTreeMap<String, String>,
}

impl DefaultOverrides {
    /// The sets of a YAML map from step types to params, each as a text of its own.
    ///
    /// # Errors
    /// It is no such map.
    pub fn split_by_type(text: &str) -> Result<BTreeMap<String, String>, String> {
        if text.trim().is_empty() {
            return Ok(BTreeMap::new());
        }
        let json = document(text)?;
        let sets = json
            .as_object()
            .ok_or("it must be a map from step types to params")?;
        Ok(sets
            .iter()
            .map(|(ty, params)| (ty.to_owned(), to_text(params)))
            .collect())
    }
}

/// Default params of the configuration that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the default params of `{place}` cannot be read: {fault}")]
pub struct DefaultsError {
    /// Which set.
    pub place: String,
    /// What is wrong.
    pub fault: String,
}

const WORKFLOW: &str = include_str!("defaults/workflow.yaml");
const STEP: &str = include_str!("defaults/step.yaml");
const DRY_RUN: &str = include_str!("defaults/dry-run.yaml");
const BY_TYPE: &str = include_str!("defaults/by-type.yaml");

impl Defaults {
    /// The bundled ones with those of the configuration over them, which replace whole entries (spec 02 D-11).
    ///
    /// # Errors
    /// A text of the configuration cannot be read.
    pub fn new(overrides: &DefaultOverrides) -> Result<Self, DefaultsError> {
        let mut by_type: BTreeMap<Str, ParamMap> = BTreeMap::new();
        let bundled = document(BY_TYPE).map_err(|fault| error("bundled", fault))?;
        for (ty, params) in bundled
            .as_object()
            .into_iter()
            .flat_map(maestro_model::json::Object::iter)
        {
            let params = params_of(params.clone()).map_err(|fault| error("bundled", fault))?;
            by_type.insert(ty.into(), params);
        }
        for (ty, text) in &overrides.by_type {
            let Some(known) = StepType::from_text(ty) else {
                continue;
            };
            let set = by_type.entry(key_of(known)).or_default();
            *set = replaced(std::mem::take(set), text, &format!("by-type.{ty}"))?;
        }
        let set = |bundled: &str, text: &str, place: &str| {
            let bundled = read(bundled).map_err(|fault| error("bundled", fault))?;
            replaced(bundled, text, place)
        };
        let decorated = |params: ParamMap, place: &str| {
            merge(
                ParamMap::default(),
                &params,
                Stage::fresh(ParamSource::SystemDefault),
            )
            .map_err(|e| error(place, e.to_string()))
        };
        Ok(Self {
            workflow: decorated(set(WORKFLOW, &overrides.workflow, "workflow")?, "workflow")?,
            step: decorated(set(STEP, &overrides.step, "step")?, "step")?,
            dry_run: set(DRY_RUN, &overrides.dry_run, "dry-run")?,
            by_type: by_type
                .into_iter()
                .map(|(ty, params)| {
                    let params = decorated(params, &ty)?;
                    Ok((ty, params))
                })
                .collect::<Result<_, DefaultsError>>()?,
            bundled_workflow: overrides.workflow.trim().is_empty(),
        })
    }

    /// Those of a step type.
    #[must_use]
    pub fn of_type(&self, ty: StepType) -> Option<&ParamMap> {
        self.by_type.get(&*key_of(ty))
    }
}

fn key_of(ty: StepType) -> Str {
    ty.as_str().to_ascii_lowercase().into()
}

fn error(place: &str, fault: String) -> DefaultsError {
    DefaultsError {
        place: place.to_owned(),
        fault,
    }
}

fn replaced(mut base: ParamMap, text: &str, place: &str) -> Result<ParamMap, DefaultsError> {
    if !text.trim().is_empty() {
        base.extend(read(text).map_err(|fault| error(place, fault))?);
    }
    Ok(base)
}

fn read(text: &str) -> Result<ParamMap, String> {
    params_of(document(text)?)
}

fn document(text: &str) -> Result<Json, String> {
    yaml::json(text.as_bytes()).map_err(|e| e.to_string())
}

fn params_of(json: Json) -> Result<ParamMap, String> {
    ParamMap::from_json(json, &At::ROOT).map_err(|e| e.to_string())
}
