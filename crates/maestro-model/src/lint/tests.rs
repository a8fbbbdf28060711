use super::*;

fn look(text: &str) -> Report {
    let expression = |text: &str| text.contains("((").then(|| "no expression".to_owned());
    let around = Surroundings {
        templates: &|_, _| None,
        expression: &expression,
        limits: &Limits::default(),
        now: 0,
    };
    lint(text.as_bytes(), around)
}

fn found(text: &str) -> Vec<(usize, usize, String, String)> {
    let report = look(text);
    report
        .problems
        .into_iter()
        .map(|p| (p.position.line, p.position.column, p.path, p.text))
        .collect()
}

fn places(text: &str) -> Vec<(usize, usize, String)> {
    let found = found(text);
    found.into_iter().map(|(l, c, p, _)| (l, c, p)).collect()
}

fn at(line: usize, column: usize, path: &str) -> (usize, usize, String) {
    (line, column, path.to_owned())
}

#[test]
fn a_file_in_order_has_no_problems() {
    for text in [
        r#"{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}"#,
        "id: w\nsteps:\n  - step: {id: a, type: NoOp}\n",
        "Workflow:\n  id: w\n  jobs:\n    - job: {id: a, type: NoOp}\n",
    ] {
        let report = look(text);
        assert_eq!(report.problems, [], "{text}");
        assert!(report.request.is_some());
    }
}

#[test]
fn all_problems_of_a_json_file_are_shown_at_their_places() {
    let text = r#"{
  "properties": {"owner": 5, "step_concurrency": 0},
  "workflow": {
    "id": "a b",
    "colour": "red",
    "timeout": "0",
    "steps": [
      {"step": {"id": "a", "type": "NoOp", "retry_policy": {"error_retry_limit": 100}}},
      {"step": {"id": "9", "type": "Nope"}},
      {"step": {"type": "NoOp", "transition": {"successors": {"zz": "true"}}}}
    ]
  }
}"#;
    assert_eq!(
        places(text),
        [
            at(2, 18, "properties.owner"),
            at(2, 30, "properties.step_concurrency"),
            at(4, 5, "workflow.id"),
            at(5, 5, "workflow.colour"),
            at(6, 5, "workflow.timeout"),
            at(8, 44, "workflow.steps[0].step.retry_policy"),
            at(9, 17, "workflow.steps[1].step.id"),
            at(9, 28, "workflow.steps[1].step.type"),
            at(10, 8, "workflow.steps[2].step.id"),
        ]
    );
}

#[test]
fn the_dsl_is_shown_in_its_own_words() {
    let text = "\
workflow:
  id: a b
  owner: ana
  workflow_concurrency: many
  run_strategy: parallel
  limit<odd>: 5
  jobs:
    - job:
        id: 9a
        type: NoOp
        timeout: 0
        transition: [IF x b]
    - job:
        id: b
        type: NoOp
        '!bad__name': 1
    - jobb:
        id: c
";
    let found = found(text);
    let places: Vec<_> = found.iter().map(|(l, c, p, _)| (*l, *c, &**p)).collect();
    for (line, path) in [
        (2, "workflow.id"),
        (4, "workflow.workflow_concurrency"),
        (6, "workflow.limit<odd>"),
        (9, "workflow.jobs[0].job.id"),
        (11, "workflow.jobs[0].job.timeout"),
        (12, "workflow.jobs[0].job.transition[0]"),
        (16, "workflow.jobs[1].job.!bad__name"),
        (17, "workflow.jobs[2].jobb"),
    ] {
        assert!(
            places.iter().any(|(l, _, p)| (*l, *p) == (line, path)),
            "{line} {path} is not in {found:#?}"
        );
    }
    assert_eq!(places.len(), 8, "{found:#?}");
}

/// Decision 17.
#[test]
fn keys_that_the_dsl_has_no_word_for_are_warned_of() {
    let text = "workflow:
  id: w
  params: {n: 1}
  is_active: false
  twice: !n + n
  number: !!int 5
  jobs:
  - job: {id: a, type: NoOp, retry_policy: {x: 1}, sub_type<string>: ours}
  - foreach:
      id: f
      params: {i: [1]}
      jobs:
      - job: {id: b, type: NoOp, params: {n: 1}}
";
    let report = look(text);
    assert_eq!(report.problems, []);
    let warnings = report.warnings.iter();
    let warnings: Vec<_> = warnings.map(|w| (w.position.line, &*w.path)).collect();
    assert_eq!(
        warnings,
        [
            (3, "workflow.params"),
            (4, "workflow.is_active"),
            (5, "workflow.twice"),
            (8, "workflow.jobs[0].job.retry_policy"),
            (13, "workflow.jobs[1].foreach.jobs[0].job.params"),
        ]
    );
    // In the full model they are what they say.
    let model = r#"{"is_active":false,"workflow":{"id":"w","params":{},"steps":[{"step":{"id":"a","type":"NoOp"}}]}}"#;
    let report = look(model);
    assert_eq!((report.problems, report.warnings), (vec![], vec![]));
}

#[test]
fn a_map_of_texts_for_a_script_is_told_how_to_be_written() {
    let text = "workflow:\n  id: w\n  jobs:\n  - job: {id: a, type: Shell, shell: {script: x}}\n";
    let report = look(text);
    let hint = report.problems.first().and_then(|p| p.hint.as_deref());
    assert!(
        hint.is_some_and(|hint| hint.contains("`shell<pmap>:`")),
        "{report:?}"
    );
}

#[test]
fn a_key_that_is_given_twice_is_a_problem() {
    let json = "{\"id\": \"w\",\n \"steps\": [{\"step\": {\"id\": \"a\", \"type\": \"NoOp\"}}],\n \"id\": \"v\"}";
    assert_eq!(places(json), [at(3, 2, "id")]);
    let yaml = "id: w\nsteps:\n  - step: {id: a, type: NoOp}\nid: v\n";
    assert_eq!(places(yaml), [at(4, 1, "id")]);
}

#[test]
fn a_fault_of_the_syntax_is_the_only_problem() {
    assert_eq!(places("{\"id\": \n}"), [at(2, 1, "")]);
    assert_eq!(places("id: [a").len(), 1);
    assert_eq!(places("").len(), 1);
    assert_eq!(places("text").len(), 1);
}

#[test]
fn a_cycle_is_a_problem() {
    let text =
        "id: w\nsteps:\n  - step: {id: a, type: NoOp, transition: {successors: {a: 'true'}}}\n";
    assert_eq!(places(text), [at(2, 1, "steps")]);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "[\\[\\]{}:, \n\"a-z0-9!<>()-]{0,80}") {
        let _ = found(&text);
    }
}

// [R-37]
#[test]
fn words_of_yaml_that_are_no_texts_are_told_with_their_lines() {
    let text = "\
workflow:
  id: w
  description: off
  country: no
  axis: y
  x<string>: no
  jobs:
    - foreach:
        id: loop
        loop_params: {i: [1]}
        jobs:
          - job:
              id: inner
              type: Shell
              shell<pmap>:
                script: 'true'
                env<pmap>: {FLAG: off}
";
    let found = found(text);
    let lines: Vec<usize> = found.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [6, 17], "{found:#?}");
    for (.., path, text) in &found {
        assert!(text.contains("quotes"), "{path}: {text}");
    }
}

// [R-38]
#[test]
fn what_stands_twice_is_told_with_both_lines() {
    let both = |text: &str| {
        let report = look(text);
        let shown: Vec<String> = report
            .problems
            .iter()
            .map(|p| format!("{} {} {:?}", p.position.line, p.text, p.hint))
            .collect();
        shown.join("\n")
    };
    let jobs = "workflow:\n  id: w\n  jobs: []\n  jobs:\n    - job: {id: a, type: NoOp}\n";
    let shown = both(jobs);
    assert!(
        shown.starts_with("4 the key `jobs` is given twice") && shown.contains("line 3"),
        "{shown}"
    );
    let params =
        "workflow:\n  id: w\n  x: 1\n  x<long>: 2\n  jobs:\n    - job: {id: a, type: NoOp}\n";
    assert!(both(params).contains('x'), "{}", both(params));
    let ids = "workflow:\n  id: w\n  jobs:\n    - job: {id: a, type: NoOp}\n    - job: {id: a, type: NoOp}\n";
    assert!(both(ids).contains('a'), "{}", both(ids));
}

#[test]
fn expressions_are_read_wherever_they_are() {
    let text = "Workflow:
  id: w
  '!day<long>': ((
  jobs:
  - job:
      id: a
      type: NoOp
      '!n<long>': ((
      deep<pmap>:
        '!x<long>': ((
      transition:
      - b: '((x'
  - job: {id: b, type: NoOp}
";
    let lines = found(text)
        .into_iter()
        .map(|(line, _, path, _)| (line, path));
    let lines: Vec<_> = lines.collect();
    assert_eq!(
        lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        [3, 8, 10, 12],
        "{lines:?}"
    );
    let model = r#"{"workflow":{"id":"w","params":{"p":{"type":"LONG","expression":"(("}},
"steps":[{"foreach":{"id":"f","params":{"loop_params":{"type":"MAP","value":{"i":{"type":"LONG_ARRAY","expression":"(("}}}},
"steps":[{"while":{"id":"w","condition":"((","params":{"loop_params":{"type":"MAP","value":{"j":{"type":"LONG","value":1}}}},
"steps":[{"step":{"id":"a","type":"NoOp"}}]}}]}}]}}"#;
    let lines: Vec<usize> = places(model).into_iter().map(|(line, ..)| line).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn a_second_document_is_told() {
    let one = "id: w\nsteps:\n  - step: {id: a, type: NoOp}\n";
    let two = format!("{one}---\n{one}");
    let found = found(&two);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, found[0].1), (4, 1));
    for fine in [
        format!("---\n{one}"),
        format!("---\n{one}...\n"),
        format!("{one}---\n"),
        format!("%YAML 1.2\n---\n{one}"),
    ] {
        assert_eq!(places(&fine), [], "{fine}");
    }
}

#[test]
fn a_path_of_a_request_is_found_in_the_file() {
    let dsl = "Workflow:\n  id: w\n  x: 1\n  jobs:\n  - job:\n      id: a\n      type: NoOp\n      y: 2\n";
    let at = |text: &str, path: &str| {
        place_in(text.as_bytes(), path, &|_, _| None).map(|(position, path)| (position.line, path))
    };
    assert_eq!(
        at(dsl, "workflow.params.x"),
        Some((3, "Workflow.x".to_owned()))
    );
    let (line, _) = at(dsl, "workflow.steps[0].step.params.y").expect("a place");
    assert_eq!(line, 8);
    let bare =
        "id: w\nparams:\n  x: {type: LONG, value: 1}\nsteps:\n  - step: {id: a, type: NoOp}\n";
    assert_eq!(
        at(bare, "workflow.params.x"),
        Some((3, "params.x".to_owned()))
    );
}

#[test]
fn one_mistake_is_one_problem() {
    let text = |job: &str| format!("Workflow:\n  id: w\n  jobs:\n{job}");
    for (text, line, column) in [
        (text("  - job:\n      id: a\n      type: Nope\n"), 6, 13),
        (
            text("  - job:\n      type: Nope\n      id: a\n  - job: {id: b, type: NoOp}\n"),
            5,
            13,
        ),
        (text("  - job:\n      id: a\n"), 5, 7),
        (text("  - nope\n"), 4, 5),
        ("Workflow:\n  id: w\n  jobs: nope\n".to_owned(), 3, 9),
        ("Workflow:\n  id: w\n".to_owned(), 1, 1),
    ] {
        let found = found(&text);
        let places: Vec<_> = found
            .iter()
            .map(|(line, column, ..)| (*line, *column))
            .collect();
        assert_eq!(places, [(line, column)], "{text}\n{found:#?}");
    }
}
