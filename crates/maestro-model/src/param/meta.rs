//! Further members of a param: source, internal mode, and whatever else was sent (spec 02 J-2, J-6).

use super::{InternalMode, ParamSource};
use crate::json::Json;
use crate::{Map, Str};

const SOURCE: &str = "source";
const INTERNAL_MODE: &str = "internal_mode";

/// The meta members of a param.
///
/// Source and internal mode in their canonical form cost a byte each, since nearly every merged param has them; what is
/// sent in another form is kept as it is, to be echoed, and interpreted only when it is asked for (spec 02 J-6).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meta {
    source: Option<ParamSource>,
    internal_mode: Option<InternalMode>,
    other: Option<Box<Map<Json>>>,
}

/// Why a source or an internal mode cannot be interpreted (spec 02 J-6).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaFault {
    /// A text that is none of the known words.
    #[error("unknown {what} `{text}`")]
    Unknown {
        /// `param source` or `internal mode`.
        what: &'static str,
        /// The text.
        text: Str,
    },
    /// A null.
    #[error("the {0} may not be null")]
    Null(&'static str),
    /// Another kind of value.
    #[error("the {0} must be a string")]
    NotText(&'static str),
}

impl Meta {
    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The stage that set the param.
    ///
    /// # Errors
    /// What was sent cannot be interpreted.
    pub fn source(&self) -> Result<Option<ParamSource>, MetaFault> {
        self.word(self.source, SOURCE, "param source", ParamSource::from_text)
    }

    /// The role that the system gives the param.
    ///
    /// # Errors
    /// What was sent cannot be interpreted.
    pub fn internal_mode(&self) -> Result<Option<InternalMode>, MetaFault> {
        self.word(
            self.internal_mode,
            INTERNAL_MODE,
            "internal mode",
            InternalMode::from_text,
        )
    }

    /// Whether a source is set, whatever it is (spec 02 V-2).
    pub fn has_source(&self) -> bool {
        self.source.is_some() || self.get(SOURCE).is_some()
    }

    /// Sets the source.
    pub fn set_source(&mut self, source: Option<ParamSource>) {
        self.forget(SOURCE);
        self.source = source;
    }

    /// Sets the internal mode.
    pub fn set_internal_mode(&mut self, mode: Option<InternalMode>) {
        self.forget(INTERNAL_MODE);
        self.internal_mode = mode;
    }

    /// A free member; the canonical source and internal mode are not among them.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.other.as_ref()?.get(key)
    }

    /// Sets a member; source and internal mode in canonical form become what [`Meta::source`] answers.
    pub fn insert(&mut self, key: &str, value: Json) {
        match (key, value.as_str()) {
            (SOURCE, Some(text)) if ParamSource::ALL.iter().any(|s| s.as_str() == text) => {
                self.set_source(ParamSource::from_text(text));
            }
            (INTERNAL_MODE, Some(text)) if InternalMode::ALL.iter().any(|m| m.as_str() == text) => {
                self.set_internal_mode(InternalMode::from_text(text));
            }
            _ => {
                match key {
                    SOURCE => self.source = None,
                    INTERNAL_MODE => self.internal_mode = None,
                    _ => {}
                }
                self.other.get_or_insert_default().insert(key.into(), value);
            }
        }
    }

    /// The free members in order.
    pub fn free(&self) -> impl Iterator<Item = (&Str, &Json)> {
        self.other.iter().flat_map(|other| other.iter())
    }

    /// The canonical source, then the canonical internal mode, as they are written.
    pub(super) fn canonical(&self) -> [(&'static str, Option<&'static str>); 2] {
        [
            (INTERNAL_MODE, self.internal_mode.map(InternalMode::as_str)),
            (SOURCE, self.source.map(ParamSource::as_str)),
        ]
    }

    fn forget(&mut self, key: &str) {
        if let Some(other) = &mut self.other {
            other.shift_remove(key);
            if other.is_empty() {
                self.other = None;
            }
        }
    }

    fn word<T: Copy>(
        &self,
        canonical: Option<T>,
        key: &str,
        what: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, MetaFault> {
        match (canonical, self.get(key)) {
            (Some(_), _) | (None, None) => Ok(canonical),
            (None, Some(Json::String(text))) => {
                parse(text).map(Some).ok_or_else(|| MetaFault::Unknown {
                    what,
                    text: (&**text).into(),
                })
            }
            (None, Some(Json::Null)) => Err(MetaFault::Null(what)),
            (None, Some(_)) => Err(MetaFault::NotText(what)),
        }
    }
}
