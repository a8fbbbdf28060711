//! Job templates in the dry run (spec 07 section 10).

use std::sync::Arc;

use maestro_core::params::ParamError;
use maestro_model::codec::read;
use maestro_model::resource::JobTemplateDefinition;

use crate::bed::Bed;

/// Tries a step of the type Http with a sub type out, among these templates (`job type`, `version`, further members).
fn try_out(
    workflow: &str,
    step: (&str, &str),
    templates: &[(&str, &str, &str)],
) -> Result<(), ParamError> {
    let templates: Vec<Arc<JobTemplateDefinition>> = templates
        .iter()
        .map(|(ty, version, rest)| {
            let text = format!(r#"{{"job_type":"{ty}","version":"{version}",{rest}}}"#);
            Arc::new(read(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}")))
        })
        .collect();
    let found = |ty: &str, version: &str| {
        let mut all = templates.iter();
        all.find(|t| &*t.job_type == ty && &*t.version == version)
            .cloned()
    };
    Bed::new(workflow, &[step]).dry_run_with(&found)
}

fn http(entries: &str) -> String {
    format!(r#""step_type":"Http","params":{{"http":{{"type":"MAP","value":{{{entries}}}}}}}"#)
}

const URL: &str = r#""url":{"type":"STRING","value":"http://localhost/"}"#;

#[test]
fn a_template_brings_what_the_step_needs() {
    let step = ("h:Http:fetch", "{}");
    assert!(try_out("{}", step, &[]).is_err());
    assert!(try_out("{}", step, &[("fetch", "default", &http(URL))]).is_ok());
    // [07:43]
    assert!(try_out("{}", step, &[("fetch", "v1", &http(URL))]).is_err());
    let named = r#"{"job_template_version":{"type":"STRING","value":"v1"}}"#;
    assert!(try_out(named, step, &[("fetch", "v1", &http(URL))]).is_ok());
    // What is not looked at by other types.
    assert!(try_out("{}", ("n:NoOp:fetch", "{}"), &[]).is_ok());
}

#[test]
fn a_template_is_for_one_type_of_steps() {
    let notebook = r#""step_type":"Notebook""#;
    let error = try_out(
        "{}",
        ("h:Http:fetch", "{}"),
        &[("fetch", "default", notebook)],
    )
    .expect_err("another type");
    assert!(
        error.message.contains("step [h]") && error.message.contains("Notebook"),
        "{error}"
    );
}

#[test]
fn templates_inherit_from_others() {
    let step = ("h:Http:fetch", "{}");
    let heir = |from: &str| format!(r#""step_type":"Http","inherit_from":{{{from}}}"#);
    let templates = |from: &str, more: &str| {
        try_out(
            "{}",
            step,
            &[
                ("fetch", "default", &heir(from)),
                ("base", "v2", &http(URL)),
                ("side", "v1", &heir(r#""base":"v2""#)),
                ("round", "v1", &heir(r#""other":"v1""#)),
                ("other", "v1", &heir(r#""round":"v1""#)),
                ("fetch", "v2", &heir(more)),
            ],
        )
    };
    assert!(templates(r#""base":"v2""#, "").is_ok());
    assert!(
        templates(r#""base":"v1""#, "").is_err(),
        "a missing one brings nothing"
    );
    assert!(
        templates(r#""base":"v2","side":"v1""#, "").is_ok(),
        "twice is fine"
    );
    // Another version of its own job type, as long as that one ends there.
    assert!(templates(r#""fetch":"v2""#, r#""base":"v2""#).is_ok());
    for (from, more) in [
        (r#""round":"v1""#, ""),
        (r#""fetch":"v2""#, r#""fetch":"v2""#),
    ] {
        let error = templates(from, more).expect_err("a cycle");
        assert!(error.message.contains("inherits from itself"), "{error}");
    }
}

#[test]
fn towers_of_templates_are_bounded() {
    let levels: Vec<(String, String)> = (0..40)
        .map(|i| {
            let next = i + 1;
            let from = format!(r#""a{next}":"v","b{next}":"v""#);
            (
                i.to_string(),
                format!(r#""step_type":"Http","inherit_from":{{{from}}}"#),
            )
        })
        .collect();
    let mut templates: Vec<(String, &str)> = Vec::new();
    for (i, rest) in &levels {
        templates.push((format!("a{i}"), rest));
        templates.push((format!("b{i}"), rest));
    }
    let mut all: Vec<(&str, &str, &str)> = vec![("fetch", "default", &levels[0].1)];
    all.extend(templates.iter().map(|(ty, rest)| (&**ty, "v", *rest)));
    let error = try_out("{}", ("h:Http:fetch", "{}"), &all).expect_err("too many");
    assert!(error.message.contains("too many"), "{error}");
}

#[test]
fn modes_of_a_template_bind() {
    let team = |more: &str| {
        format!(
            r#""step_type":"Http","params":{{"http":{{"type":"MAP","value":{{{URL}}}}},"team":{{"type":"STRING","value":"ours"{more}}}}}"#
        )
    };
    let with = |workflow: &str, step: &str, more: &str| {
        try_out(
            workflow,
            ("h:Http:fetch", step),
            &[("fetch", "default", &team(more))],
        )
        .is_ok()
    };
    let constant = r#","mode":"CONSTANT""#;
    let own = |value: &str| format!(r#"{{"team":{{"type":"STRING","value":"{value}"}}}}"#);
    assert!(with("{}", &own("mine"), ""));
    assert!(!with("{}", &own("mine"), constant));
    assert!(with("{}", &own("ours"), constant));
    // A param of the workflow goes over that of the template.
    assert!(with(&own("mine"), "{}", ""));
    assert!(!with(&own("mine"), "{}", constant));
    assert!(with(&own("ours"), "{}", constant));
    let required = r#","internal_mode":"REQUIRED""#;
    assert!(with("{}", "{}", required));
}
