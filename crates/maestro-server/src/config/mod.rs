//! What can be chosen about a server: one table of settings, and the places that they come from (decision 12).
//!
//! Every setting is a row of [`table`]: its name, kind, meaning, and the field of [`Config`] that it fills. Its default is
//! that field of [`Config::default`], so that no default is written twice. The file, the environment, `--set`, the shown
//! table and the reference page all follow from the rows.
//!
//! Absent on purpose: reading the process's environment or arguments. [`load`] is given them.

mod codec;
mod env;
mod error;
mod load;
mod reference;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use maestro_core::params::{Budget, DefaultOverrides, Defaults, Rules, SelLimits};
use maestro_engine::EngineSettings;
use maestro_steps::local::LocalSettings;

pub use error::{ConfigError, ConfigErrors, Reason};
pub use load::{Loaded, Origin, Sources, load};
pub use reference::markdown;
pub use table::{Setting, find, table};

/// Whether this server runs local jobs (decision 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LocalJobs {
    /// Where the server listens on a loopback address.
    #[default]
    Auto,
    /// Yes; refused unless the server listens on a loopback address.
    On,
    /// No.
    Off,
}

/// How params are merged and evaluated (spec 02 section 26).
#[derive(Clone, Debug)]
pub struct ParamSettings {
    /// What `params.getExecutionEnvironment()` answers.
    pub environment: String,
    /// Largest JSON of the evaluated params of a run or an attempt, in UTF-16 units.
    pub size: usize,
    /// Default params that replace and add to the bundled ones.
    pub defaults: DefaultOverrides,
    /// The same by step type: a YAML map from the type to its params.
    pub by_type: String,
    /// Limits of one expression.
    pub sel: SelLimits,
    /// Bytes that all expressions together may take at one time.
    pub sel_budget: u64,
}

impl Default for ParamSettings {
    fn default() -> Self {
        Self {
            environment: "test".to_owned(),
            size: 750_000,
            defaults: DefaultOverrides::default(),
            by_type: String::new(),
            sel: SelLimits::default(),
            sel_budget: 1 << 30,
        }
    }
}

impl ParamSettings {
    fn rules(&self, separator: &str) -> Result<Rules, ConfigError> {
        let mut overrides = self.defaults.clone();
        overrides.by_type = DefaultOverrides::split_by_type(&self.by_type).map_err(|fault| {
            ConfigError::of("params.defaults.by_type", Reason::DefaultParams(fault))
        })?;
        let defaults = Defaults::new(&overrides).map_err(|error| {
            let name = match error.place.as_str() {
                "workflow" => "params.defaults.workflow",
                "step" => "params.defaults.step",
                "dry-run" => "params.defaults.dry_run",
                _ => "params.defaults.by_type",
            };
            ConfigError::of(name, Reason::DefaultParams(error.fault))
        })?;
        let mut limits = self.sel.clone();
        limits.budget = Some(Budget::new(self.sel_budget));
        let mut rules = Rules::with_limits(defaults, limits);
        rules.separator = separator.into();
        rules.environment = self.environment.as_str().into();
        rules.size = self.size;
        Ok(rules)
    }
}

/// All settings, typed.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Largest request body, in bytes (decision 20).
    pub body_bytes: usize,
    /// Web sites, such as `https://ui.example`, that may change something besides the server's own.
    pub allowed_origins: Vec<String>,
    /// What is logged: a filter such as `info,maestro_engine=debug`.
    pub log: String,
    /// Whether local jobs run here.
    pub local_jobs: LocalJobs,
    /// How local jobs run.
    pub local: LocalSettings,
    /// How params are merged and evaluated.
    pub params: ParamSettings,
    /// The engine, but for local jobs and params: see [`Config::engine`].
    pub engine: EngineSettings,
}

impl Config {
    /// Defaults for a data folder.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        let mut engine = EngineSettings::new(data);
        let local = engine.local.take().unwrap_or_default();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            body_bytes: 8 << 20,
            allowed_origins: Vec::new(),
            log: "info".to_owned(),
            local_jobs: LocalJobs::Auto,
            local,
            params: ParamSettings::default(),
            engine,
        }
    }

    /// Whether only this machine can reach the server.
    #[must_use]
    pub fn is_loopback_only(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback()
    }

    /// The engine's settings, local jobs included where they are on.
    ///
    /// # Errors
    /// Local jobs are switched on although other machines can reach the server (decision 6), or default params that
    /// cannot be read.
    pub fn engine(&self) -> Result<EngineSettings, ConfigError> {
        let on = match (self.local_jobs, self.is_loopback_only()) {
            (LocalJobs::Off, _) | (LocalJobs::Auto, false) => false,
            (LocalJobs::Auto | LocalJobs::On, true) => true,
            (LocalJobs::On, false) => {
                return Err(ConfigError::of(
                    "steps.local.enabled",
                    Reason::LocalJobsRefused,
                ));
            }
        };
        let mut engine = self.engine.clone();
        engine.local = on.then(|| self.local.clone());
        engine.params = Arc::new(self.params.rules(&engine.limits.step_param_separator)?);
        Ok(engine)
    }

    /// What whoever starts the server should know, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.is_loopback_only() {
            warnings.push(
                "other machines can reach this server and there is no authentication yet: whoever reaches it may do \
                 anything"
                    .to_owned(),
            );
            if self.local_jobs == LocalJobs::Auto {
                warnings.push(
                    "local jobs are off, since the server does not listen on a loopback address: Shell and Python \
                     steps cannot run"
                        .to_owned(),
                );
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests;
