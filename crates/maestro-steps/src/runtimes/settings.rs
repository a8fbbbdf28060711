//! The map param of a step type, read key by key (`spec 07 BX-1, BX-9`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use maestro_model::param::{EvaluatedValue, Params};
use maestro_model::{Map, Str};

use super::quantity;

/// Why a step cannot run as it is defined. Its text names the key. Trying again makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub(super) String);

/// The grace of a step that says nothing.
const GRACE_SECS: i64 = 30;

/// One argument, or one variable with its name, has fewer bytes than this: a limit of the kernel.
pub(super) const MAX_STRING_BYTES: usize = 131_072;

/// The keys that all types have.
const COMMON: [&str; 11] = [
    "env",
    "executor",
    "image",
    "cpu",
    "memory",
    "workdir",
    "grace_period_secs",
    "fatal_exit_codes",
    "job_deduplication_key",
    "owner_email",
    "keep_background",
];

/// The evaluated map of a step.
pub(super) struct Settings<'a> {
    /// The name of the map param: `shell`.
    key: &'static str,
    entries: &'a Map<EvaluatedValue>,
}

/// What all types say in the same way.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) env: BTreeMap<String, String>,
    pub(super) workdir: Option<PathBuf>,
    pub(super) grace: Duration,
    pub(super) fatal_exit_codes: Vec<i64>,
    pub(super) dedup_key: Option<String>,
    pub(super) keep_background: bool,
    pub(super) memory_bytes: Option<u64>,
    /// Keys that the local executor takes and does not enforce.
    pub(super) not_enforced: Vec<&'static str>,
}

impl<'a> Settings<'a> {
    /// Of the step's map param; refuses keys that the type does not know.
    pub(super) fn open(
        key: &'static str,
        own_keys: &[&str],
        params: &'a Params,
    ) -> Result<Self, Refusal> {
        let entries = match params.get(key).map(|param| param.result()) {
            Some(Some(EvaluatedValue::Map(entries))) => entries,
            Some(Some(other)) => {
                return Err(Refusal(format!(
                    "the param `{key}` must be a MAP, it is a {}",
                    other.ty()
                )));
            }
            Some(None) | None => return Err(Refusal(format!("the param `{key}` is missing"))),
        };
        let known = |name: &str| own_keys.contains(&name) || COMMON.contains(&name);
        if let Some(name) = entries.keys().find(|name| !known(name)) {
            return Err(Refusal(format!(
                "`{key}` has no key `{name}`; it has {}",
                own_keys
                    .iter()
                    .chain(&COMMON)
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )));
        }
        Ok(Self { key, entries })
    }

    fn wrong(&self, name: &str, expected: &str, found: &EvaluatedValue) -> Refusal {
        Refusal(format!(
            "`{}.{name}` must be {expected}, it is a {}",
            self.key,
            found.ty()
        ))
    }

    pub(super) fn refuse(&self, name: &str, why: &str) -> Refusal {
        Refusal(format!("`{}.{name}` {why}", self.key))
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        match self.entries.get(name) {
            None => Ok(None),
            Some(EvaluatedValue::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, "a STRING", other)),
        }
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.entries.get(name) {
            None => Ok(None),
            Some(EvaluatedValue::Boolean(value)) => Ok(Some(*value)),
            Some(other) => Err(self.wrong(name, "a BOOLEAN", other)),
        }
    }

    fn long(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.entries.get(name) {
            None => Ok(None),
            Some(EvaluatedValue::Long(value)) => Ok(Some(*value)),
            Some(other) => Err(self.wrong(name, "a LONG", other)),
        }
    }

    pub(super) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        match self.entries.get(name) {
            None => Ok(None),
            Some(EvaluatedValue::StringArray(texts)) => texts
                .iter()
                .map(|text| text.as_deref().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .map(Some)
                .ok_or_else(|| self.refuse(name, "has an element that is null")),
            // Nothing tells the type of an array without elements (`spec 02 J-12`).
            Some(other) if is_empty_array(other) => Ok(Some(Vec::new())),
            Some(other) => Err(self.wrong(name, "a STRING_ARRAY", other)),
        }
    }

    fn longs(&self, name: &str) -> Result<Vec<i64>, Refusal> {
        match self.entries.get(name) {
            None => Ok(Vec::new()),
            Some(EvaluatedValue::LongArray(values)) => Ok(values.to_vec()),
            Some(other) if is_empty_array(other) => Ok(Vec::new()),
            Some(other) => Err(self.wrong(name, "a LONG_ARRAY", other)),
        }
    }

    fn string_map(&self, name: &str) -> Result<BTreeMap<String, String>, Refusal> {
        match self.entries.get(name) {
            None => Ok(BTreeMap::new()),
            Some(EvaluatedValue::StringMap(texts)) => Ok(texts
                .iter()
                .map(|(name, text)| (name.to_string(), text.to_string()))
                .collect()),
            // In a result all nested maps are of one kind (`spec 02 J-12`).
            Some(EvaluatedValue::Map(entries)) => entries
                .iter()
                .map(|(inner, value)| match value {
                    EvaluatedValue::String(text) => Ok((inner.to_string(), text.to_string())),
                    other => Err(self.wrong(&format!("{name}.{inner}"), "a STRING", other)),
                })
                .collect(),
            Some(other) => Err(self.wrong(name, "a STRING_MAP", other)),
        }
    }

    /// Arguments: what is too large for the kernel is found here, since no retry makes it smaller (pitfall R-17).
    pub(super) fn args(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let args = self.strings(name)?.unwrap_or_default();
        for (at, arg) in args.iter().enumerate() {
            self.check_string(&format!("{name}[{at}]"), arg.len(), arg)?;
        }
        Ok(args)
    }

    fn check_string(&self, name: &str, bytes: usize, text: &str) -> Result<(), Refusal> {
        if text.contains('\0') {
            return Err(self.refuse(name, "has a NUL byte, which no program can be given"));
        }
        if bytes >= MAX_STRING_BYTES {
            return Err(self.refuse(
                name,
                &format!(
                    "has {bytes} bytes and the system takes fewer than {MAX_STRING_BYTES}; read the value from the file \
                     that MAESTRO_PARAMS_FILE names"
                ),
            ));
        }
        Ok(())
    }

    /// `BX-9`.
    pub(super) fn common(&self) -> Result<Common, Refusal> {
        if let Some(executor) = self.string("executor")?
            && executor != "local"
        {
            return Err(self.refuse(
                "executor",
                &format!("is `{executor}`, which is not enabled on this server; enabled: `local`"),
            ));
        }
        self.string("image")?;
        self.string("owner_email")?;
        let env = self.string_map("env")?;
        for (name, value) in &env {
            self.check_variable(name, value)?;
        }
        let workdir = self.string("workdir")?.map(PathBuf::from);
        if let Some(path) = &workdir
            && !path.is_absolute()
        {
            return Err(self.refuse("workdir", "must be an absolute path"));
        }
        let grace = self.long("grace_period_secs")?.unwrap_or(GRACE_SECS);
        let grace = u64::try_from(grace)
            .map_err(|_| self.refuse("grace_period_secs", "must not be negative"))?;
        let quantity = |name| match self.string(name)? {
            None => Ok(None),
            Some(text) => quantity::parse(text).map(Some).ok_or_else(|| {
                self.refuse(
                    name,
                    &format!("is `{text}`, which is not a quantity such as `500m`, `2` or `1.5Gi`"),
                )
            }),
        };
        let memory_bytes = quantity("memory")?;
        let cpu = quantity("cpu")?;
        let dedup_key = self.string("job_deduplication_key")?;
        Ok(Common {
            env,
            workdir,
            grace: Duration::from_secs(grace),
            fatal_exit_codes: self.longs("fatal_exit_codes")?,
            dedup_key: dedup_key.filter(|key| !key.is_empty()).map(str::to_owned),
            keep_background: self.boolean("keep_background")?.unwrap_or(false),
            memory_bytes,
            not_enforced: cpu.map(|_| "cpu").into_iter().collect(),
        })
    }

    fn check_variable(&self, name: &str, value: &str) -> Result<(), Refusal> {
        let path = format!("env.{name}");
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(self.refuse(&path, "is not a name that a variable can have"));
        }
        if super::environment::OURS.contains(&name) {
            return Err(self.refuse(&path, "is set by maestro and cannot be overridden"));
        }
        self.check_string(&path, name.len() + 1 + value.len(), value)
    }

    /// Exactly one of several keys that exclude each other (decision 27).
    pub(super) fn one_of<'k>(&self, names: &[&'k str]) -> Result<(&'k str, &'a str), Refusal> {
        let mut given = Vec::new();
        for name in names {
            if let Some(text) = self.string(name)? {
                given.push((*name, text));
            }
        }
        match given.as_slice() {
            [one] => Ok(*one),
            other => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let found = if other.is_empty() {
                    "none"
                } else {
                    "more than one"
                };
                Err(Refusal(format!(
                    "`{}` needs exactly one of {}, it has {found}",
                    self.key,
                    names.join(", ")
                )))
            }
        }
    }
}

fn is_empty_array(value: &EvaluatedValue) -> bool {
    match value {
        EvaluatedValue::StringArray(v) => v.is_empty(),
        EvaluatedValue::LongArray(v) => v.is_empty(),
        EvaluatedValue::DoubleArray(v) => v.is_empty(),
        EvaluatedValue::BooleanArray(v) => v.is_empty(),
        EvaluatedValue::String(_)
        | EvaluatedValue::Long(_)
        | EvaluatedValue::Double(_)
        | EvaluatedValue::Boolean(_)
        | EvaluatedValue::StringMap(_)
        | EvaluatedValue::Map(_) => false,
    }
}

/// The map of all evaluated params: those of the workflow, with those of the step in their places (`spec 07 NB-4`).
pub(super) fn all_params(workflow: &Params, step: &Params) -> Map<EvaluatedValue> {
    let mut all: Map<EvaluatedValue> = Map::default();
    for (name, param) in workflow.iter().chain(step.iter()) {
        if let Some(result) = param.result() {
            all.insert(Str::clone(name), result.clone());
        }
    }
    all
}
