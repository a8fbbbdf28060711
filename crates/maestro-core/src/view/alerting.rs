//! The alerting of a run: that of its properties with the run's params put in (spec 05 CR-7, 01 AL-2).
//!
//! It follows from the snapshot of the properties and the evaluated params, neither of which changes once a run is created,
//! so nothing of it is stored. What cannot be put in or computed stays as it is.

use std::sync::LazyLock;

use maestro_model::Str;
use maestro_model::definition::{Alerting, Tct};
use maestro_model::param::{EvaluatedValue, Params};
use maestro_sel::{FixedEnvironment, Inputs, Limits, Output, Program, Value};

use crate::params::Template;

/// The alerting with these params in it. `size` is the most bytes that a text may come to.
pub(super) fn of_run(alerting: &Alerting, params: &Params, size: usize) -> Alerting {
    let mut resolved = alerting.with_texts(&mut |text| filled(text, params, size));
    if let Some(tct) = &mut resolved.tct
        && let Some(ts) = completed_by(tct, params)
    {
        tct.completed_by_ts = Some(ts);
    }
    resolved
}

fn filled(text: &Str, params: &Params, size: usize) -> Str {
    let fill = || {
        let template = Template::parse(text)?;
        let names = template.names().iter();
        let texts: Option<Vec<String>> = names
            .map(|name| Some(value(params, name)?.text()))
            .collect();
        let texts = texts?;
        (template.length(&texts) <= size).then(|| template.fill(&texts).into())
    };
    fill().unwrap_or_else(|| text.clone())
}

fn value<'a>(params: &'a Params, name: &str) -> Option<&'a EvaluatedValue> {
    Some(&params.get(name)?.evaluated.as_ref()?.result)
}

/// Until when a run should be done, in epoch milliseconds (spec 01 AL-2).
fn completed_by(tct: &Tct, params: &Params) -> Option<i64> {
    if tct.completed_by_ts.is_some() {
        return tct.completed_by_ts;
    }
    if let Some(hour) = tct.completed_by_hour {
        let zone = match &tct.tz {
            Some(zone) => zone.to_string(),
            None => value(params, "WORKFLOW_CRON_TIMEZONE")?.text(),
        };
        let date = value(params, "TARGET_RUN_DATE")?.text();
        return midnight(date, zone)?.checked_add(i64::from(hour) * 3_600_000 - 1_000);
    }
    let minutes = tct.duration_minutes?;
    match value(params, "RUN_TS")? {
        EvaluatedValue::Long(ts) => ts.checked_add(i64::from(minutes) * 60_000),
        _ => None,
    }
}

/// The first moment of a date `yyyyMMdd` in a zone, by the rules that the default params follow.
fn midnight(date: String, zone: String) -> Option<i64> {
    static PROGRAM: LazyLock<Option<Program>> = LazyLock::new(|| {
        let text = "DateTimeFormat.forPattern('yyyyMMdd').withZone(DateTimeZone.forID(zone)).parseMillis(date)";
        Program::parse(text).ok()
    });
    let inputs = [
        ("date".to_owned(), Value::String(date)),
        ("zone".to_owned(), Value::String(zone)),
    ];
    let mut host = Inputs::new(&inputs, FixedEnvironment::at(0));
    match PROGRAM.as_ref()?.eval(&mut host, &Limits::default()) {
        Ok(Output::Long(ts)) => Some(ts),
        _ => None,
    }
}
