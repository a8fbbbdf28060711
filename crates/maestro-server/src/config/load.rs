//! From the sources to one configuration: default, file, environment, `--set`, flags; the later ones win.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Config;
use super::env::{self, Meaning};
use super::error::{ConfigError, ConfigErrors, Reason};
use super::table::{Setting, find, table};

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The environment; variables that are no settings are passed over.
    pub environment: Vec<(String, String)>,
    /// `NAME=VALUE` of the command line, in order.
    pub set: Vec<String>,
    /// Flags with a meaning of their own: the flag, the setting, the value.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// A variable.
    Environment(String),
    /// `--set`.
    Set,
    /// A flag of its own.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Set => f.write_str("--set"),
            Origin::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A configuration with the origin of each value.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    origins: BTreeMap<&'static str, Origin>,
}

impl Loaded {
    /// Where the value of a setting comes from.
    #[must_use]
    pub fn origin(&self, setting: &Setting) -> &Origin {
        self.origins.get(setting.name).unwrap_or(&Origin::Default)
    }
}

/// Puts the sources together.
///
/// # Errors
/// Every setting that is refused, not only the first.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
    let mut to = Collector {
        config: Config::new(default_data(&sources.environment).unwrap_or_default()),
        origins: BTreeMap::new(),
        errors: Vec::new(),
    };
    if let Some(path) = &sources.file {
        to.file(path);
    }
    to.environment(&sources.environment);
    for text in &sources.set {
        match text.split_once('=') {
            Some((name, value)) => to.put(name.trim(), Origin::Set, value),
            None => to.refuse(text, Origin::Set, Reason::NoValue),
        }
    }
    for (flag, name, value) in &sources.flags {
        to.put(name, Origin::Flag(flag), value);
    }
    if to.config.engine.data.as_os_str().is_empty() {
        to.errors
            .push(ConfigError::of("server.data", Reason::NoData));
    }
    if to.errors.is_empty()
        && let Err(error) = to.config.engine()
    {
        to.errors.push(ConfigError {
            origin: to.origins.get("steps.local.enabled").cloned(),
            ..error
        });
    }
    if to.errors.is_empty() {
        Ok(Loaded {
            config: to.config,
            origins: to.origins,
        })
    } else {
        Err(ConfigErrors(to.errors))
    }
}

/// `maestro` in the user's data directory.
fn default_data(environment: &[(String, String)]) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let (_, value) = environment.iter().find(|(key, _)| key == name)?;
        Some(Path::new(value)).filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .map(Path::to_owned)
        .or_else(|| Some(absolute("HOME")?.join(".local/share")))
        .map(|data| data.join("maestro"))
}

struct Collector {
    config: Config,
    origins: BTreeMap<&'static str, Origin>,
    errors: Vec<ConfigError>,
}

impl Collector {
    fn refuse(&mut self, name: &str, origin: Origin, reason: Reason) {
        self.errors.push(ConfigError::at(name, origin, reason));
    }

    fn put(&mut self, name: &str, origin: Origin, value: &str) {
        match find(name) {
            Some(setting) => self.put_setting(setting, name, origin, value),
            None => {
                let nearest = env::nearest(name);
                self.refuse(name, origin, Reason::Unknown { nearest });
            }
        }
    }

    fn put_setting(&mut self, setting: &'static Setting, name: &str, origin: Origin, value: &str) {
        match setting.set(&mut self.config, value) {
            Ok(()) => {
                self.origins.insert(setting.name, origin);
            }
            Err(expected) => {
                let value = value.to_owned();
                self.refuse(name, origin, Reason::Value { value, expected });
            }
        }
    }

    fn environment(&mut self, variables: &[(String, String)]) {
        let mut variables: Vec<_> = variables.iter().collect();
        // RUST_LOG first, so that the setting's own variable wins.
        variables.sort_by_key(|(name, _)| (name != "RUST_LOG", name));
        for (variable, value) in variables {
            let origin = Origin::Environment(variable.clone());
            if variable == "RUST_LOG" && !value.is_empty() {
                self.put("server.log", origin, value);
                continue;
            }
            match env::meaning(variable) {
                Meaning::None => {}
                Meaning::Setting(setting) => self.put_setting(setting, setting.name, origin, value),
                Meaning::Refused(reason) => self.refuse("", origin, reason),
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let at = |line| Origin::File(path.to_owned(), line);
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.refuse("", at(1), Reason::Read(error.to_string())),
        };
        let line = |offset: usize| 1 + text[..offset.min(text.len())].matches('\n').count();
        match DeTable::parse(&text) {
            Ok(root) => self.file_table("", root.get_ref(), &|offset| at(line(offset))),
            Err(error) => {
                let origin = at(line(error.span().map_or(0, |span| span.start)));
                self.refuse("", origin, Reason::Syntax(error.message().to_owned()));
            }
        }
    }

    fn file_table(&mut self, prefix: &str, members: &DeTable<'_>, at: &dyn Fn(usize) -> Origin) {
        let mut members: Vec<_> = members.iter().collect();
        members.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in members {
            let origin = at(key.span().start);
            let name = match prefix {
                "" => key.get_ref().to_string(),
                _ => format!("{prefix}.{}", key.get_ref()),
            };
            if let DeValue::Table(inner) = value.get_ref() {
                // A section that does not exist is told once, at its head.
                if is_section(&name) {
                    self.file_table(&name, inner, at);
                } else {
                    let nearest = env::nearest(&name);
                    self.refuse(&name, origin, Reason::Unknown { nearest });
                }
            } else {
                match scalar(value.get_ref()) {
                    Some(text) => self.put(&name, origin, &text),
                    None => self.refuse(&name, origin, Reason::Shape),
                }
            }
        }
    }
}

/// Whether names begin with this and a dot.
fn is_section(name: &str) -> bool {
    table()
        .iter()
        .flat_map(|row| [row.name].into_iter().chain(row.aliases.iter().copied()))
        .any(|known| {
            known
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
        })
}

/// The text of a value; of a list its elements with commas.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(value) => Some(value.as_str().to_owned()),
        DeValue::Float(value) => Some(value.as_str().to_owned()),
        DeValue::Array(elements) => {
            let elements: Option<Vec<String>> = elements
                .iter()
                .map(|element| scalar(element.get_ref()))
                .collect();
            elements.map(|elements| elements.join(","))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
