//! Why settings are refused.

use std::fmt;

use super::load::Origin;

/// One setting that is refused: where it stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting as it was written.
    pub name: String,
    /// Where it was written; `None` where it is known from the whole only.
    pub origin: Option<Origin>,
    pub(super) reason: Reason,
}

/// Why a setting is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// There is no such setting.
    #[error("there is no such setting{}", nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?")))]
    Unknown {
        /// The one with the most similar name.
        nearest: Option<&'static str>,
    },
    /// A variable that may mean several settings.
    #[error("may mean {}: write a dot as a double underscore", .0.join(" or "))]
    Ambiguous(Vec<&'static str>),
    /// A value that the setting cannot have.
    #[error("`{value}` is not {expected}")]
    Value {
        /// The value as it was written.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// A setting is one value, or a list of them.
    #[error("a setting is a text, a number, true or false, or a list of those")]
    Shape,
    /// Not `name=value`.
    #[error("write it as NAME=VALUE")]
    NoValue,
    /// The file is not TOML.
    #[error("{0}")]
    Syntax(String),
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Read(String),
    /// There is no data directory.
    #[error("there is no home directory to put the data into: choose a data directory with --data")]
    NoData,
    /// Default params that cannot be read.
    #[error("the YAML of default params cannot be read: {0}")]
    DefaultParams(String),
    /// Local jobs on a server that others can reach (decision 6).
    #[error(
        "local jobs can be switched on only while the server listens on loopback addresses alone, since whoever reaches \
         it could run any command and there is no authentication yet"
    )]
    LocalJobsRefused,
}

impl ConfigError {
    pub(super) fn of(name: &str, reason: Reason) -> Self {
        Self {
            name: name.to_owned(),
            origin: None,
            reason,
        }
    }

    pub(super) fn at(name: &str, origin: Origin, reason: Reason) -> Self {
        Self {
            name: name.to_owned(),
            origin: Some(origin),
            reason,
        }
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            origin,
            reason,
        } = self;
        if let Some(origin) = origin {
            write!(f, "{origin}: ")?;
        }
        if !name.is_empty() {
            write!(f, "`{name}`: ")?;
        }
        reason.fmt(f)
    }
}

impl std::error::Error for ConfigError {}

/// All settings that are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
