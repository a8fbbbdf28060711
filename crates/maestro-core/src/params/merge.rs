//! Merging of params: who may override what (spec 02 sections 6 to 8).

use std::sync::Arc;

use maestro_model::definition::Tag;
use maestro_model::param::{
    InternalMode, Meta, MetaFault, ParamBody, ParamDefinition, ParamMap, ParamMode, ParamSource,
    ParamType, ParamValue,
};

use super::convert::convert_literal;
use super::error::{ParamError, ParamErrorKind};

/// What is merged over what (spec 02 section 6.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stage {
    /// Recorded on what it changes.
    pub source: ParamSource,
    /// The run was started by a step of another run.
    pub upstream: bool,
    /// The run is a restart.
    pub restart: bool,
}

impl Stage {
    /// A stage of a fresh run that no step started.
    #[must_use]
    pub const fn fresh(source: ParamSource) -> Self {
        Self {
            source,
            upstream: false,
            restart: false,
        }
    }

    fn allows(self, mode: ParamMode) -> bool {
        let by_source = match self.source {
            ParamSource::OutputParameter => mode == ParamMode::Mutable,
            ParamSource::Restart => mode <= ParamMode::MutableOnStartRestart,
            _ => mode <= ParamMode::MutableOnStart,
        };
        by_source && (!self.restart || mode <= ParamMode::MutableOnStartRestart)
    }
}

/// Merges `incoming` over `base`: names of the base keep their places, new ones follow (spec 02 section 7).
///
/// # Errors
/// A change that its stage may not make, or a value that fits neither type; the text names the param.
pub fn merge(base: ParamMap, incoming: &ParamMap, stage: Stage) -> Result<ParamMap, ParamError> {
    merge_under(base, incoming, stage, None)
}

fn merge_under(
    mut base: ParamMap,
    incoming: &ParamMap,
    stage: Stage,
    parent: Option<ParamMode>,
) -> Result<ParamMap, ParamError> {
    // Those that the base has come first, in its order; it shows in which error is told.
    let mut overlapping: Vec<usize> = incoming
        .keys()
        .filter_map(|n| base.get_index_of(n))
        .collect();
    overlapping.sort_unstable();
    for index in overlapping {
        let Some((name, old)) = base.get_index(index) else {
            continue;
        };
        if let Some(definition) = incoming.get(name) {
            let merged = merge_one(name, definition, Some(old), stage, parent)?;
            base[index] = merged;
        }
    }
    for (name, definition) in incoming {
        if !base.contains_key(name) {
            let merged = merge_one(name, definition, None, stage, parent)?;
            base.insert(name.clone(), merged);
        }
    }
    Ok(base)
}

/// Merges one param (spec 02 G-1 to G-3).
fn merge_one(
    name: &str,
    inc: &ParamDefinition,
    base: Option<&ParamDefinition>,
    stage: Stage,
    parent: Option<ParamMode>,
) -> Result<ParamDefinition, ParamError> {
    let value = match inc.value() {
        Some(ParamValue::Map(entries)) => {
            let old = match base {
                None => ParamMap::default(),
                Some(base) => match (&base.body, base.value()) {
                    (_, Some(ParamValue::Map(old))) => ParamMap::clone(old),
                    (ParamBody::Unset(ParamType::Map), _) => ParamMap::default(),
                    _ => return Err(cannot_extend(name, base, ParamType::Map)),
                },
            };
            let mode = strictest(parent, base.and_then(|b| b.mode));
            let mode = match base {
                // A stricter mode that comes in counts for the entries that come with it.
                Some(_) => strictest(mode, Some(Decorations::of(inc, base, stage, parent)?.mode)),
                None => strictest(mode, inc.mode),
            };
            let merged = merge_under(old, entries, stage, mode).map_err(|e| e.of(name))?;
            Some(ParamValue::Map(Arc::new(merged)))
        }
        Some(ParamValue::StringMap(entries)) => {
            let mut union = match base {
                None => maestro_model::Map::default(),
                Some(base) => match (&base.body, base.value()) {
                    (_, Some(ParamValue::StringMap(old))) => (**old).clone(),
                    (ParamBody::Unset(ParamType::StringMap), _) => maestro_model::Map::default(),
                    _ => return Err(cannot_extend(name, base, ParamType::StringMap)),
                },
            };
            union.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone())));
            Some(ParamValue::StringMap(Arc::new(union)))
        }
        other => other.cloned(),
    };
    combine(name, inc, base, value, stage, parent)
}

fn cannot_extend(name: &str, base: &ParamDefinition, ty: ParamType) -> ParamError {
    if base.ty() == ty {
        let text = base.body.expression().map_or("", |text| &**text);
        ParamError::illegal(format!(
            "param `{name}` is a {} with the expression `{text}`; a literal cannot be merged into it",
            ty.as_str()
        ))
    } else {
        mismatch(name, ty, base.ty())
    }
}

fn mismatch(name: &str, from: ParamType, to: ParamType) -> ParamError {
    ParamError::validation(format!(
        "param `{name}` is a {}, so a {} that cannot be converted to it may not override it",
        to.as_str(),
        from.as_str()
    ))
}

fn strictest(a: Option<ParamMode>, b: Option<ParamMode>) -> Option<ParamMode> {
    a.max(b)
}

/// What a merged param has beside its body (spec 02 G-5).
struct Decorations {
    mode: ParamMode,
    internal: Option<InternalMode>,
    tags: Vec<Tag>,
    validator: Option<maestro_model::Str>,
}

impl Decorations {
    fn of(
        inc: &ParamDefinition,
        base: Option<&ParamDefinition>,
        stage: Stage,
        parent: Option<ParamMode>,
    ) -> Result<Self, ParamError> {
        let internal = match base.map(internal_mode).transpose()?.flatten() {
            Some(mode) => Some(mode),
            None => internal_mode(inc)?,
        };
        let least = internal.map(|mode| match mode {
            InternalMode::Reserved => ParamMode::Constant,
            InternalMode::Optional | InternalMode::Required | InternalMode::Provided => {
                ParamMode::Mutable
            }
        });
        let base_mode = base.and_then(|b| b.mode);
        let mut mode = inc
            .mode
            .or(base_mode)
            .max(least)
            .unwrap_or(ParamMode::Mutable);
        if stage.upstream {
            mode = mode.max(base_mode.unwrap_or(ParamMode::Mutable));
        }
        mode = mode.max(parent.unwrap_or(ParamMode::Mutable));
        let mut tags = base.and_then(|b| b.tags.clone()).unwrap_or_default();
        for tag in inc.tags.iter().flatten() {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        let validator = inc
            .validator
            .clone()
            .or_else(|| base.and_then(|b| b.validator.clone()));
        Ok(Self {
            mode,
            internal,
            tags,
            validator,
        })
    }

    fn same(&self, other: &ParamDefinition) -> bool {
        Some(self.mode) == other.mode
            && self.validator == other.validator
            && same_tags(&self.tags, other.tags.as_deref().unwrap_or_default())
    }
}

/// Puts one param together and checks whether its stage may do that (spec 02 G-5 to G-10). `value` is the literal, for
/// maps with the entries of the base, which count as the base's too (G-4).
fn combine(
    name: &str,
    inc: &ParamDefinition,
    base: Option<&ParamDefinition>,
    value: Option<ParamValue>,
    stage: Stage,
    parent: Option<ParamMode>,
) -> Result<ParamDefinition, ParamError> {
    let decorations = Decorations::of(inc, base, stage, parent)?;
    let is_map = matches!(value, Some(ParamValue::Map(_) | ParamValue::StringMap(_)));
    let Some(base) = base else {
        let mut result = inc.clone();
        if let (ParamBody::Literal { value: own, .. }, Some(value)) = (&mut result.body, value) {
            *own = value;
        }
        let source = match stage.source.is_system() {
            true => source_of(inc)?.unwrap_or(stage.source),
            false => stage.source,
        };
        return Ok(decorate(result, decorations, source));
    };
    let alike = decorations.same(base);
    // A map of the base has grown already when it is compared (spec 02 G-4).
    let same_value_in = match (&value, inc.value()) {
        (Some(grown), Some(own)) if is_map => {
            inc.body.expression() == base.body.expression() && same_value(own, grown)
        }
        _ => same_body(&inc.body, &base.body),
    };
    let unchanged = alike && same_value_in;
    let value = match value {
        Some(value) if !unchanged && value.ty() != base.ty() => {
            let converted = convert_literal(name, &value, inc.ty())
                .and_then(|value| convert_literal(name, &value, base.ty()));
            Some(converted.ok_or_else(|| mismatch(name, inc.ty(), base.ty()))?)
        }
        // A changed double passes through its binary form (spec 02 G-6).
        Some(value @ (ParamValue::Double(_) | ParamValue::DoubleArray(_))) if !unchanged => {
            Some(convert_literal(name, &value, base.ty()).unwrap_or(value))
        }
        other => other,
    };
    let body = match (value, &inc.body) {
        (Some(value), ParamBody::Literal { expression, .. }) => ParamBody::Literal {
            value,
            expression: expression.clone(),
        },
        (_, ParamBody::Expression { text, .. }) => ParamBody::Expression {
            ty: base.ty(),
            text: text.clone(),
        },
        (_, _) => ParamBody::Unset(base.ty()),
    };
    let changed = !alike
        || if is_map {
            body.expression() != base.body.expression()
        } else {
            !same_body(&body, &base.body)
        };
    let system = stage.source.is_system();
    if !system && changed {
        check_change(name, inc, base, &decorations, stage)?;
    }
    let source = match source_of(base)? {
        Some(old) if unchanged && (system || stage.upstream) => old,
        _ => {
            if !system && !stage.upstream && !unchanged && inc.meta.has_source() {
                return Err(ParamError::validation(format!(
                    "param `{name}` may not come with a `source`; only the system sets it"
                )));
            }
            stage.source
        }
    };
    let merged = ParamDefinition {
        body,
        ..base.clone()
    };
    Ok(decorate(merged, decorations, source))
}

/// Whether the stage may change this param (spec 02 G-8).
fn check_change(
    name: &str,
    inc: &ParamDefinition,
    base: &ParamDefinition,
    decorations: &Decorations,
    stage: Stage,
) -> Result<(), ParamError> {
    if stage.upstream && source_of(inc)?.is_some_and(|s| s != ParamSource::Definition) {
        return Ok(());
    }
    let mode = decorations.mode;
    if !stage.allows(mode) {
        return Err(ParamError::validation(format!(
            "param `{name}` has mode {} and may not be changed {}",
            mode.as_str(),
            match (stage.source, stage.restart) {
                (ParamSource::OutputParameter, _) => "by the output of a step",
                (ParamSource::Definition, _) => "by the definition",
                (_, true) | (ParamSource::Restart, _) => "at a restart",
                _ => "at a start",
            }
        )));
    }
    if let Some(old) = base.mode
        && mode < old
    {
        return Err(ParamError::validation(format!(
            "param `{name}` has mode {}, which may not be loosened to {}",
            old.as_str(),
            mode.as_str()
        )));
    }
    if internal_mode(inc)?.is_some() {
        return Err(ParamError::validation(format!(
            "param `{name}` may not come with an `internal_mode`; only the system sets it"
        )));
    }
    Ok(())
}

/// A merged param keeps no members but its source and internal mode (spec 02 G-10).
fn decorate(
    mut definition: ParamDefinition,
    decorations: Decorations,
    source: ParamSource,
) -> ParamDefinition {
    definition.mode = Some(decorations.mode);
    definition.tags = Some(decorations.tags);
    definition.validator = decorations.validator;
    definition.meta = Meta::default();
    definition.meta.set_source(Some(source));
    definition.meta.set_internal_mode(decorations.internal);
    definition
}

fn source_of(definition: &ParamDefinition) -> Result<Option<ParamSource>, ParamError> {
    definition.meta.source().map_err(|e| meta_fault(&e))
}

fn internal_mode(definition: &ParamDefinition) -> Result<Option<InternalMode>, ParamError> {
    definition.meta.internal_mode().map_err(|e| meta_fault(&e))
}

fn meta_fault(fault: &MetaFault) -> ParamError {
    let kind = match fault {
        MetaFault::Unknown { .. } => ParamErrorKind::IllegalArgument,
        MetaFault::Null(_) => ParamErrorKind::NullReference,
        MetaFault::NotText(_) => ParamErrorKind::Unclassified,
    };
    ParamError::new(kind, fault.to_string())
}

fn same_tags(a: &[Tag], b: &[Tag]) -> bool {
    a.len() == b.len() && a.iter().all(|tag| b.contains(tag))
}

/// Equal but for the scale of decimals (spec 02 G-7).
fn same_body(a: &ParamBody, b: &ParamBody) -> bool {
    match (a, b) {
        (
            ParamBody::Literal {
                value: a,
                expression: x,
            },
            ParamBody::Literal {
                value: b,
                expression: y,
            },
        ) => x == y && same_value(a, b),
        (a, b) => a == b,
    }
}

fn same_value(a: &ParamValue, b: &ParamValue) -> bool {
    match (a, b) {
        (ParamValue::Double(a), ParamValue::Double(b)) => a.equals(b),
        (ParamValue::DoubleArray(a), ParamValue::DoubleArray(b)) => {
            a.len() == b.len()
                && a.iter().zip(b.iter()).all(|(a, b)| match (a, b) {
                    (Some(a), Some(b)) => a.equals(b),
                    (a, b) => a == b,
                })
        }
        (ParamValue::Map(a), ParamValue::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name).is_some_and(|b| same_definition(a, b)))
        }
        (a, b) => a == b,
    }
}

fn same_definition(a: &ParamDefinition, b: &ParamDefinition) -> bool {
    a.mode == b.mode
        && a.validator == b.validator
        && match (&a.tags, &b.tags) {
            (Some(a), Some(b)) => same_tags(a, b),
            (a, b) => a == b,
        }
        && same_body(&a.body, &b.body)
}

/// Drops what is optional and has no value, refuses what is not and has none, and takes the internal modes away
/// (spec 02 section 8).
///
/// # Errors
/// A param without value and expression; the text names it.
pub fn clean_up(params: ParamMap) -> Result<ParamMap, ParamError> {
    let mut kept = ParamMap::with_capacity_and_hasher(params.len(), Default::default());
    for (name, mut definition) in params {
        let optional = internal_mode(&definition)? == Some(InternalMode::Optional);
        if let ParamBody::Literal {
            value: ParamValue::Map(entries),
            ..
        } = &mut definition.body
        {
            let cleaned = clean_up(ParamMap::clone(entries)).map_err(|e| e.of(&name))?;
            if optional && cleaned.is_empty() {
                continue;
            }
            *entries = Arc::new(cleaned);
        }
        if let ParamBody::Unset(ty) = definition.body {
            if optional {
                continue;
            }
            return Err(ParamError::illegal(format!(
                "param `{name}` of type {} is required, but has neither a value nor an expression",
                ty.as_str()
            )));
        }
        definition.meta.set_internal_mode(None);
        kept.insert(name, definition);
    }
    Ok(kept)
}
