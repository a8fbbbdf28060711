//! Tests of the configuration.

use std::path::Path;

use super::*;

fn sources() -> Sources {
    Sources {
        environment: vec![("HOME".into(), "/home/ana".into())],
        ..Sources::default()
    }
}

fn with_env(name: &str, value: &str) -> Sources {
    let mut sources = sources();
    sources.environment.push((name.into(), value.into()));
    sources
}

fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("maestro.toml");
    std::fs::write(&path, text).unwrap();
    let sources = Sources {
        file: Some(path),
        ..sources()
    };
    (dir, sources)
}

fn errors(sources: &Sources) -> String {
    load(sources).unwrap_err().to_string()
}

#[test]
fn without_sources_everything_is_a_default_below_the_home_directory() {
    let loaded = load(&sources()).unwrap();
    assert_eq!(
        loaded.config.engine.data,
        Path::new("/home/ana/.local/share/maestro")
    );
    assert!(
        table()
            .iter()
            .all(|row| *loaded.origin(row) == Origin::Default)
    );
    assert!(loaded.config.engine().unwrap().local.is_some());
    let xdg = with_env("XDG_DATA_HOME", "/data");
    assert_eq!(
        load(&xdg).unwrap().config.engine.data,
        Path::new("/data/maestro")
    );
    assert!(errors(&Sources::default()).contains("--data"));
}

#[test]
fn file_then_environment_then_set_then_flag() {
    let name = "server.listen";
    let value = |sources: &Sources| {
        let loaded = load(sources).unwrap();
        let row = find(name).unwrap();
        (row.get(&loaded.config), loaded.origin(row).to_string())
    };
    let (_dir, mut all) = file("[server]\nlisten = \"127.0.0.1:1\"\n");
    let (listen, origin) = value(&all);
    assert_eq!(listen, "127.0.0.1:1");
    assert!(origin.ends_with("maestro.toml:2"), "{origin}");
    all.environment
        .push(("MAESTRO_SERVER_LISTEN".into(), "127.0.0.1:2".into()));
    assert_eq!(
        value(&all),
        (
            "127.0.0.1:2".into(),
            "environment MAESTRO_SERVER_LISTEN".into()
        )
    );
    all.set = vec!["server.listen=127.0.0.1:3".into()];
    assert_eq!(value(&all), ("127.0.0.1:3".into(), "--set".into()));
    all.flags = vec![("--listen", "server.listen", "127.0.0.1:4".into())];
    assert_eq!(value(&all), ("127.0.0.1:4".into(), "--listen".into()));
}

#[test]
fn a_dot_in_a_variable_is_one_underscore_or_two() {
    for name in [
        "MAESTRO_STEPS_LOCAL_MAX_JOBS",
        "MAESTRO_STEPS__LOCAL__MAX_JOBS",
    ] {
        assert_eq!(
            load(&with_env(name, "7")).unwrap().config.local.max_jobs,
            7,
            "{name}"
        );
    }
}

#[test]
fn no_two_settings_share_a_variable() {
    let mut names: Vec<String> = table().iter().map(Setting::variable).collect();
    names.sort();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}

#[test]
fn names_of_the_specification_are_aliases() {
    let (_dir, sources) = file("[stepruntime]\nenable-tag-permit = false\n");
    assert!(!load(&sources).unwrap().config.engine.core.permits);
    let env = with_env("MAESTRO_STEPRUNTIME_ENABLE_TAG_PERMIT", "false");
    assert!(!load(&env).unwrap().config.engine.core.permits);
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    let (_dir, sources) = file(
        "[server]\nlisten = \"127.0.0.1:1\"\n\n[steps.local]\nmax_job = 3\n[nonsense]\na = 1\n",
    );
    let text = errors(&sources);
    assert!(text.contains("maestro.toml:5: `steps.local.max_job`: there is no such setting; did you mean `steps.local.max_jobs`?"), "{text}");
    assert!(
        text.contains("maestro.toml:6: `nonsense`: there is no such setting"),
        "{text}"
    );
    let text = errors(&with_env("MAESTRO_LIMITS_STEP", "3"));
    assert_eq!(
        text,
        "environment MAESTRO_LIMITS_STEP: there is no such setting; did you mean `limits.steps`?"
    );
    let mut set = super::tests::sources();
    set.set = vec!["limit.steps=3".into(), "server.log".into()];
    let text = errors(&set);
    assert_eq!(
        text,
        "--set: `limit.steps`: there is no such setting; did you mean `limits.steps`?\n--set: `server.log`: write it as NAME=VALUE"
    );
}

#[test]
fn variables_of_jobs_and_of_the_command_line_are_passed_over() {
    for name in [
        "MAESTRO_STEP_ID",
        "MAESTRO_WORKFLOW_ID",
        "MAESTRO_SERVER",
        "MAESTRO_CONFIG",
        "MAESTRO_USER",
    ] {
        assert!(load(&with_env(name, "x")).is_ok(), "{name}");
    }
}

#[test]
fn a_wrong_value_says_what_would_be_right() {
    let mut sources = sources();
    sources.set = [
        "limits.steps=many",
        "limits.steps=0",
        "limits.definition_bytes=5 parsecs",
        "store.busy_timeout=5",
        "server.listen=example.org:80",
        "store.page_bytes=5000",
        "steps.permits=maybe",
    ]
    .map(str::to_owned)
    .to_vec();
    let text = errors(&sources);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert_eq!(
        lines[0],
        "--set: `limits.steps`: `many` is not a whole number from 1 to 1000000"
    );
    assert!(lines[2].contains("`64KiB`"), "{text}");
    assert!(lines[3].contains("with its unit"), "{text}");
    assert!(lines[4].contains("IP address"), "{text}");
}

#[test]
fn a_broken_file_names_the_line() {
    let (_dir, sources) = file("[server]\nlisten = \n");
    assert!(
        errors(&sources).contains("maestro.toml:2: "),
        "{}",
        errors(&sources)
    );
    let mut missing = super::tests::sources();
    missing.file = Some("/does/not/exist.toml".into());
    assert!(errors(&missing).contains("/does/not/exist.toml:1: cannot read the file"));
    let (_dir, date) = file("[server]\nlisten = 2026-01-01\n");
    assert!(errors(&date).contains("a setting is a text"));
}

#[test]
fn lists_numbers_and_units_of_a_file_arrive() {
    let (_dir, sources) = file(
        "server.listen = \"localhost:3\"\nserver.allowed_origins = [\"https://a.example\", \"https://b.example\"]\nlimits.steps = 1_000\nlimits.definition_bytes = \"2 MiB\"\nstore.max_bytes = \"1GiB\"\nlimits.trigger_spacing = \"2min\"\n",
    );
    let config = load(&sources).unwrap().config;
    assert_eq!(config.listen.to_string(), "127.0.0.1:3");
    assert_eq!(config.allowed_origins.len(), 2);
    assert_eq!(config.engine.limits.steps, 1000);
    assert_eq!(config.engine.limits.request_bytes, 2 << 20);
    assert_eq!(config.engine.store.max_bytes, Some(1 << 30));
    assert_eq!(config.engine.limits.trigger_spacing_ms, 120_000);
}

/// Decision 6.
#[test]
fn local_jobs_are_off_where_others_can_reach_the_server_and_the_switch_is_refused() {
    let mut open = sources();
    open.set = vec!["server.listen=0.0.0.0:8080".into()];
    let config = load(&open).unwrap().config;
    assert!(config.engine().unwrap().local.is_none());
    assert_eq!(config.warnings().len(), 2);
    open.set.push("steps.local.enabled=true".into());
    let text = errors(&open);
    assert!(
        text.starts_with("--set: `steps.local.enabled`: local jobs can be switched on only while"),
        "{text}"
    );
    let mut off = sources();
    off.set = vec!["steps.local.enabled=off".into()];
    assert!(load(&off).unwrap().config.engine().unwrap().local.is_none());
    assert!(load(&off).unwrap().config.warnings().is_empty());
}

#[test]
fn every_value_can_be_given_as_it_is_shown() {
    let defaults = Config::new("/data".into());
    for row in table() {
        let text = row.get(&defaults);
        let mut config = Config::new("/data".into());
        row.set(&mut config, &text)
            .unwrap_or_else(|expected| panic!("{}: `{text}` is not {expected}", row.name));
        assert_eq!(row.get(&config), text, "{}", row.name);
    }
}

#[test]
fn rust_log_counts_until_something_more_special_is_said() {
    let mut sources = with_env("RUST_LOG", "debug");
    assert_eq!(load(&sources).unwrap().config.log, "debug");
    sources
        .environment
        .push(("MAESTRO_SERVER_LOG".into(), "warn".into()));
    assert_eq!(load(&sources).unwrap().config.log, "warn");
}

#[test]
fn the_reference_page_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == markdown(),
        "docs/reference/configuration.md is stale: run the tests with UPDATE_DOCS=1"
    );
}
