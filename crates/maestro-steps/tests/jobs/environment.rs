//! What a job finds around it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use maestro_model::json::Json;
use maestro_steps::local::Outcome;

use crate::bed::{Bed, jobs, python, shell, text_of};

// [R-16]
#[test]
fn the_environment_is_the_base_with_env_over_it_and_nothing_of_the_server() {
    let bed = Bed::new();
    let end = bed.run(&shell(
        "a",
        "command -v ls >/dev/null; echo \"$FOO $HOME\"",
        r#","env":{"FOO":"bar"}"#,
    ));
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    let work = jobs(&bed.dir).join("jobs/a/work");
    assert_eq!(bed.log_text("a"), format!("bar {}\n", work.display()));

    let end = bed.run(&shell(
        "b",
        "echo $PATH",
        r#","env":{"PATH":"/usr/bin:/x"}"#,
    ));
    assert_eq!(
        (end.outcome, bed.log_text("b")),
        (Outcome::Done, "/usr/bin:/x\n".into())
    );

    let end = bed.run(&shell("c", "true", r#","env":{"MAESTRO_STEP_ID":"x"}"#));
    assert_eq!(end.outcome, Outcome::FatalError);
    assert!(end.message.contains("MAESTRO_STEP_ID"), "{}", end.message);

    let end = bed.run(&shell(
        "d",
        "env -0 | cut -z -d= -f1 | sort -z | tr '\\0' ' '",
        "",
    ));
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    let names = bed.log_text("d");
    let allowed = ["PATH", "LANG", "TZ", "HOME", "PWD", "SHLVL", "_"];
    let foreign: Vec<&str> = names
        .split_whitespace()
        .filter(|name| !allowed.contains(name) && !name.starts_with("MAESTRO_"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn a_job_knows_who_it_is_and_where_its_files_are() {
    let bed = Bed::new();
    let script = r#"echo "$MAESTRO_WORKFLOW_ID/$MAESTRO_WORKFLOW_INSTANCE_ID/$MAESTRO_WORKFLOW_RUN_ID"
echo "$MAESTRO_STEP_ID/$MAESTRO_STEP_ATTEMPT_ID/$MAESTRO_STEP_INSTANCE_UUID $MAESTRO_OUTPUT_START $MAESTRO_OUTPUT_END"
[ ! -e "$MAESTRO_OUTPUT_FILE" ]
cat "$MAESTRO_PARAMS_FILE"; echo
touch "$MAESTRO_INSTANCE_DIR/from-a""#;
    let json = shell("a", script, "").replace(
        r#""step":{"#,
        r#""workflow":{"x":"of the workflow","y":1.5},"step":{"x":"of the step","#,
    );
    let end = bed.run(&json);
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    let log = bed.log_text("a");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "wf/3/2");
    // The last pair of markers is this one: there is no output between them.
    assert_eq!(
        lines[1],
        "job1/1/a MAESTRO_OUTPUT_START_TOKEN MAESTRO_OUTPUT_END_TOKEN"
    );
    let params = Json::parse(lines[2].as_bytes()).expect("is JSON");
    let names: Vec<&str> = params
        .as_object()
        .expect("is one")
        .iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["x", "y", "shell"]);
    assert_eq!(
        params.pointer("/x").and_then(Json::as_str),
        Some("of the step")
    );
    // Another job of the instance sees the first one's file.
    let end = bed.run(&shell("b", "ls \"$MAESTRO_INSTANCE_DIR\"", ""));
    assert_eq!(
        (end.outcome, bed.log_text("b")),
        (Outcome::Done, "from-a\n".into())
    );
    bed.runtimes.local().remove_workflow("wf").expect("removes");
    assert!(!jobs(&bed.dir).join("instances/wf").exists());
}

// [07:72] [R-17]
#[test]
fn a_large_param_is_in_the_file_and_the_first_line_of_the_log_says_so() {
    let bed = Bed::new();
    let big = "x".repeat(200_000);
    let script = r#"echo "${big-absent} $small"; wc -c < "$MAESTRO_PARAMS_FILE""#;
    let json = shell("k", script, "").replace(
        r#""step":{"#,
        &format!(r#""workflow":{{"big":"{big}","small":"s"}},"step":{{"#),
    );
    let end = bed.run(&json);
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    let log = bed.log_text("k");
    let lines: Vec<&str> = log.lines().collect();
    assert!(
        lines[0].contains("MAESTRO_PARAMS_FILE names: big"),
        "{}",
        lines[0]
    );
    assert_eq!(lines[1], "absent s");
    assert!(lines[2].parse::<usize>().expect("is a number") > 200_000);
}

// [R-17]
#[test]
fn a_value_too_large_to_be_handed_over_is_fatal_at_once() {
    let bed = Bed::new();
    let big = "x".repeat(200_000);
    for (name, more, said) in [
        (
            "a",
            format!(r#","env":{{"BIG":"{big}"}}"#),
            "`shell.env.BIG`",
        ),
        ("b", format!(r#","args":["ok","{big}"]"#), "`shell.args[1]`"),
    ] {
        let end = bed.run(&shell(name, "true", &more));
        assert_eq!(end.outcome, Outcome::FatalError);
        for part in [said, "131072", "MAESTRO_PARAMS_FILE"] {
            assert!(end.message.contains(part), "{}", end.message);
        }
    }
    // Each is allowed, all of them together are more than the system takes.
    let many: Vec<String> = (0..40)
        .map(|_| format!("\"{}\"", &big[..100_000]))
        .collect();
    let end = bed.run(&shell(
        "c",
        "true",
        &format!(r#","args":[{}]"#, many.join(",")),
    ));
    assert_eq!(end.outcome, Outcome::FatalError);
    assert!(
        end.message.contains("MAESTRO_PARAMS_FILE"),
        "{}",
        end.message
    );
}

// [R-18] [07:70]
#[test]
fn hostile_values_arrive_byte_for_byte_and_are_not_executed() {
    let bed = Bed::new();
    let owned = bed.path("owned");
    let value = format!(
        "a'b \"c\" $(touch {0}) `touch {0}` \\ ${{p}}\nsecond line",
        owned.display()
    );
    let quoted = Json::from(value.as_str()).to_text();
    let script = r#"printf '%s\0' "$p" "$e" "$1" "$HOME" "$(echo x)" '$$'
python3 -c 'import json,os; print(json.load(open(os.environ["MAESTRO_PARAMS_FILE"]))["p"], end="\0")'"#;
    let json = shell(
        "k",
        script,
        &format!(r#","env":{{"e":{quoted}}},"args":[{quoted}]"#),
    )
    .replace(r#""step":{"#, &format!(r#""step":{{"p":{quoted},"#));
    let end = bed.run(&json);
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    let log = bed.log_text("k");
    let fields: Vec<&str> = log.split('\0').collect();
    let home = jobs(&bed.dir).join("jobs/k/work").display().to_string();
    assert_eq!(
        fields,
        [&value, &value, &value, &home, "x", "$$", &value, ""]
    );
    assert!(!owned.exists());
    assert_eq!(text_of(&end, "/execution_script"), script);
}

// [R-10]
#[test]
fn there_is_no_input_and_no_terminal() {
    let bed = Bed::new();
    let end = bed.run(&shell(
        "a",
        "[ /dev/stdin -ef /dev/null ]; read x || echo eof; cat; if : </dev/tty; then echo tty; fi 2>/dev/null",
        "",
    ));
    assert_eq!(
        (end.outcome, bed.log_text("a")),
        (Outcome::Done, "eof\n".into())
    );
    let end = bed.run(&python("b", "input()", "", ""));
    assert_eq!(end.outcome, Outcome::UserError);
    assert!(text_of(&end, "/execution_output").contains("EOFError"));
}

#[test]
fn signals_are_as_a_program_expects_them() {
    let bed = Bed::new();
    // Neither blocked nor ignored, whatever server and supervisor do with theirs. The two signals above 31 that some
    // parents leave ignored belong to the C library.
    let end = bed.shell("grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2");
    assert_eq!(end.outcome, Outcome::Done);
    let log = bed.log_text("k");
    let masks: Vec<&str> = log.lines().map(|mask| &mask[8..]).collect();
    let (blocked, ignored) = (masks[0], u32::from_str_radix(masks[1], 16).expect("is hex"));
    assert_eq!((blocked, ignored & 0x7fff_ffff), ("00000000", 0));
}

#[test]
fn only_the_owner_can_look_into_the_files_of_jobs() {
    let bed = Bed::new();
    bed.shell("echo x");
    let mut rest = vec![jobs(&bed.dir)];
    let mut files = 0;
    while let Some(path) = rest.pop() {
        let data = fs::symlink_metadata(&path).expect("is there");
        let mode = data.permissions().mode() & 0o777;
        if data.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            rest.extend(
                fs::read_dir(&path)
                    .expect("lists")
                    .map(|entry| entry.expect("lists").path()),
            );
        } else {
            files += 1;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    assert!(files >= 6, "{files}");
}
