//! `maestro config`, and the settings of the commands that have an engine.

use maestro_model::json::{Json, Object};
use maestro_server::config::{self, Loaded, Sources, table};

use super::Context;
use crate::args::{ConfigArgs, ServerArgs, SettingArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// Settings from everywhere but the flags of a server.
pub(super) fn sources(args: &SettingArgs) -> Sources {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut sources = Sources {
        file: args.config.clone(),
        environment: environment.collect(),
        set: args.set.clone(),
        flags: Vec::new(),
    };
    if let Some(data) = &args.data {
        sources.flags.push(("--data", "server.data", data.clone()));
    }
    sources
}

pub(super) fn server_sources(args: &ServerArgs) -> Sources {
    let mut sources = sources(&args.settings);
    let mut flag = |flag, name, value: &Option<String>| {
        if let Some(value) = value {
            sources.flags.push((flag, name, value.clone()));
        }
    };
    flag("--listen", "server.listen", &args.listen);
    flag("--log", "server.log", &args.log);
    let jobs = args.allow_local_jobs.then(|| "true".to_owned());
    flag("--allow-local-jobs", "steps.local.enabled", &jobs);
    sources
}

pub(super) fn load(sources: &Sources) -> Result<Loaded, Failure> {
    config::load(sources).map_err(|errors| {
        let mut lines = errors.0.iter().map(ToString::to_string);
        match (lines.next(), errors.0.len()) {
            (Some(only), 1) => Failure::usage(only),
            (first, _) => Failure::usage("the configuration has errors")
                .details(first.into_iter().chain(lines).collect()),
        }
        .hint("`maestro config` shows all settings")
    })
}

pub(crate) fn run(context: &Context, args: &ConfigArgs) -> Result<Exit, Failure> {
    let loaded = load(&server_sources(&args.server))?;
    let text = |text: String| Json::String(text.into());
    if context.json {
        let rows = table().iter().map(|row| {
            Json::Object(Object::from_members(vec![
                ("name".into(), text(row.name.to_owned())),
                ("value".into(), text(row.get(&loaded.config))),
                ("source".into(), text(loaded.origin(row).to_string())),
                ("kind".into(), text(row.kind.to_string())),
                ("meaning".into(), text(row.meaning.to_owned())),
                ("variable".into(), text(row.variable())),
            ]))
        });
        ui::out(&Json::Array(rows.collect()).to_text())?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = table()
        .iter()
        .map(|row| {
            vec![
                row.name.to_owned(),
                row.get(&loaded.config),
                loaded.origin(row).to_string(),
                row.meaning.to_owned(),
            ]
        })
        .collect();
    ui::out(&ui::table(
        &["SETTING", "VALUE", "SOURCE", "MEANING"],
        &rows,
    ))?;
    Ok(Exit::Done)
}
