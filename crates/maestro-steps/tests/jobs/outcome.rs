//! How jobs end, and what that means.

use maestro_model::json::Json;
use maestro_steps::local::Outcome;

use crate::bed::{Bed, member, python, shell, text_of};

#[test]
fn a_success_has_its_artifact() {
    let bed = Bed::new();
    let end = bed.shell("echo out; echo err >&2; echo out again");
    assert_eq!((end.outcome, end.message.as_str()), (Outcome::Done, ""));
    let artifact = end.artifact.as_ref().expect("has one");
    assert_eq!(artifact.key, "maestro_shell");
    assert_eq!(text_of(&end, "/job_id"), "k");
    assert_eq!(text_of(&end, "/executor"), "local");
    assert_eq!(text_of(&end, "/node"), "node-1");
    assert_eq!(text_of(&end, "/type"), "SHELL");
    assert_eq!(
        text_of(&end, "/execution_script"),
        "echo out; echo err >&2; echo out again"
    );
    // Both outputs in the order in which they were written.
    assert_eq!(text_of(&end, "/execution_output"), "out\nerr\nout again\n");
    assert_eq!(member(&end, "/exit_code").and_then(Json::as_i64), Some(0));
    let command = member(&end, "/command")
        .and_then(Json::as_array)
        .expect("is there");
    let words: Vec<&str> = command.iter().filter_map(Json::as_str).collect();
    assert_eq!(words[..3], ["/bin/bash", "-euo", "pipefail"]);
    assert!(
        words[3].ends_with("/jobs/k/work/.maestro_script"),
        "{words:?}"
    );
    let time = |name| member(&end, name).and_then(Json::as_i64).expect("is there");
    assert!(time("/start_time") > 1_600_000_000_000 && time("/start_time") <= time("/end_time"));
}

// [07:57] [R-19]
#[test]
fn exit_codes_and_signals_are_named() {
    let bed = Bed::new();
    let end = bed.run(&shell("a", "exit 3", ""));
    assert_eq!(end.outcome, Outcome::UserError);
    assert!(end.message.contains("exit code 3"), "{}", end.message);
    assert_eq!(member(&end, "/exit_code").and_then(Json::as_i64), Some(3));

    let end = bed.run(&shell("b", "exit 3", r#","fatal_exit_codes":[4,3]"#));
    assert_eq!(end.outcome, Outcome::FatalError);
    assert!(end.message.contains("fatal_exit_codes"), "{}", end.message);

    let end = bed.run(&shell("c", "kill -SEGV $$", ""));
    assert_eq!(end.outcome, Outcome::UserError);
    assert!(end.message.contains("SIGSEGV"), "{}", end.message);
    assert_eq!(text_of(&end, "/signal"), "SIGSEGV");

    let end = bed.run(&shell("d", "kill -KILL $$", ""));
    assert_eq!(end.outcome, Outcome::UserError);
    assert!(
        end.message.contains("SIGKILL") && end.message.contains("out of memory"),
        "{}",
        end.message
    );
}

// [R-19]
#[test]
fn a_failure_in_the_middle_of_a_pipe_ends_the_script() {
    let bed = Bed::new();
    let end = bed.shell("false | cat; echo after");
    assert_eq!(end.outcome, Outcome::UserError);
    assert_eq!(bed.log_text("k"), "");
}

// [R-19]
#[test]
fn more_than_the_steps_memory_is_called_out_of_memory_with_the_limit() {
    let bed = Bed::new();
    let end = bed.run(&python(
        "k",
        "x = bytearray(500_000_000)",
        r#","memory":"200Mi""#,
        "",
    ));
    assert_eq!(end.outcome, Outcome::UserError);
    assert!(
        end.message.contains("out of memory") && end.message.contains("209715200 bytes"),
        "{}",
        end.message
    );
}

// 07:71, as far as the runtime goes.
#[test]
fn an_unset_variable_ends_the_script() {
    let bed = Bed::new();
    let end = bed.shell("echo \"$nope\"; echo after");
    assert_eq!(end.outcome, Outcome::UserError);
    assert!(text_of(&end, "/execution_output").contains("nope: unbound variable"));
}

#[test]
fn what_cannot_be_launched_is_fatal_and_says_why() {
    let bed = Bed::new();
    let cases = [
        (
            r#""script":"x","interpreter":["/no/such/program"]"#,
            "/no/such/program",
        ),
        (
            r#""script":"x","interpreter":["no-such-program"]"#,
            "`no-such-program` is not there",
        ),
        (
            r#""script":"x","interpreter":["/etc/passwd"]"#,
            "cannot be executed",
        ),
        (
            r#""script":"x","workdir":"/no/such/folder""#,
            "/no/such/folder",
        ),
        (r#""script":"x","workdir":"relative""#, "`shell.workdir`"),
        (r#""script_path":"/no/such/script""#, "/no/such/script"),
        (
            r#""script":"x","script_path":"y""#,
            "exactly one of `script`, `script_path`",
        ),
        ("", "exactly one of `script`, `script_path`"),
        (r#""script":"x","skript":"y""#, "no key `skript`"),
        (
            r#""script":5"#,
            "`shell.script` must be a STRING, it is a LONG",
        ),
        (r#""script":"x","args":"y""#, "`shell.args`"),
        (r#""script":"x","env":{"A":1}"#, "`shell.env.A`"),
        (r#""script":"x","env":{"A=B":"1"}"#, "`shell.env.A=B`"),
        (
            r#""script":"x","executor":"docker""#,
            "`shell.executor` is `docker`",
        ),
        (
            r#""script":"x","memory":"much""#,
            "`shell.memory` is `much`",
        ),
        (
            r#""script":"x","grace_period_secs":-1"#,
            "`shell.grace_period_secs`",
        ),
    ];
    for (n, (map, said)) in cases.into_iter().enumerate() {
        let end = bed.run(&format!(r#"{{"key":"k{n}","step":{{"shell":{{{map}}}}}}}"#));
        assert_eq!(end.outcome, Outcome::FatalError, "{map}: {}", end.message);
        assert!(end.message.contains(said), "{map}: {}", end.message);
    }
    let end = bed.run(r#"{"key":"k","type":"Sql","step":{}}"#);
    assert!(end.message.contains("`Sql` cannot run"), "{}", end.message);
}

#[test]
fn a_script_path_is_run_with_its_arguments() {
    let bed = Bed::new();
    let file = bed.path("x.sh");
    std::fs::write(&file, "echo \"$0: $1, $2\"; pwd").expect("writes");
    let dir = bed.dir.path().display();
    let map = format!(
        r#""script_path":"{}","args":["a b","c"],"workdir":"{dir}""#,
        file.display()
    );
    let end = bed.run(&format!(r#"{{"key":"k","step":{{"shell":{{{map}}}}}}}"#));
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    assert_eq!(
        bed.log_text("k"),
        format!("{}: a b, c\n{dir}\n", file.display())
    );
    assert!(bed.dir.path().exists(), "the user's folder stays");
}

// 07:51, as far as the runtime goes.
#[test]
fn marked_output_sets_a_declared_param() {
    let bed = Bed::new();
    let script =
        r#"echo "$MAESTRO_OUTPUT_START"; echo '{"params":{"rows":7}}'; echo "$MAESTRO_OUTPUT_END""#;
    let json = shell("k", script, "").replace(r#""step":{"#, r#""step":{"rows":0,"#);
    let end = bed.run(&json);
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    let result = end.outputs.params["rows"].result().expect("is evaluated");
    assert_eq!(maestro_model::codec::to_text(result), "7");
}

// 07:52, as far as the runtime goes. [R-14]
#[test]
fn malformed_output_fails_a_step_that_ended_with_0() {
    let bed = Bed::new();
    let end = bed.shell(r#"echo '{"params":{"rows":' > "$MAESTRO_OUTPUT_FILE""#);
    assert_eq!(end.outcome, Outcome::UserError);
    assert!(
        end.message.contains(r#"`{"params":{"rows":`"#),
        "{}",
        end.message
    );
    assert_eq!(member(&end, "/exit_code").and_then(Json::as_i64), Some(0));
}

// 07:53, as far as the runtime goes: that it makes the step fatal is the core's half.
#[test]
fn a_failed_job_can_say_that_it_must_not_be_retried() {
    let bed = Bed::new();
    let end = bed.run(&python(
        "k",
        "import maestro\nmaestro.no_retry()\nraise SystemExit(2)",
        "",
        "",
    ));
    assert_eq!(end.outcome, Outcome::UserError);
    let retry = end
        .outputs
        .artifacts
        .get("maestro_retry")
        .map(Json::to_text);
    assert_eq!(
        retry.as_deref(),
        Some(r#"{"type":"RETRY","retryable":false}"#)
    );
}

// 07:58, as far as the runtime goes, without the core's refusal of undeclared names.
#[test]
fn the_module_of_python_reads_params_and_puts_out() {
    let bed = Bed::new();
    let script = "
import maestro
assert maestro.params()['p'] == [1, 2], maestro.params()
maestro.output('rows', 12)
maestro.output('name', 'ä')
maestro.output('undeclared', 1.5)
maestro.signal('ready', day='20240101', n=5)
";
    let end = bed.run(&python("k", script, "", r#","rows":0,"name":"","p":[1,2]"#));
    assert_eq!(
        end.outcome,
        Outcome::Done,
        "{}\n{}",
        end.message,
        bed.log_text("k")
    );
    let shown: Vec<String> = end
        .outputs
        .params
        .iter()
        .map(|(name, param)| {
            let result = param.result().expect("is evaluated");
            format!(
                "{name}={}:{}",
                result.ty(),
                maestro_model::codec::to_text(result)
            )
        })
        .collect();
    assert_eq!(
        shown,
        ["rows=LONG:12", "name=STRING:\"ä\"", "undeclared=DOUBLE:1.5"]
    );
    let signals = end
        .outputs
        .artifacts
        .get("maestro_dynamic_output")
        .expect("is there");
    let result = signals
        .pointer("/signal_outputs/0/evaluated_result")
        .map(Json::to_text);
    assert_eq!(
        result.as_deref(),
        Some(r#"{"name":"ready","day":"20240101","n":5}"#)
    );
    assert_eq!(end.artifact.expect("has one").key, "maestro_python");
}

#[test]
fn python_runs_modules_and_its_own_script_file() {
    let bed = Bed::new();
    let json =
        r#"{"key":"m","type":"Python","step":{"python":{"module":"json.tool","args":["--help"]}}}"#;
    let end = bed.run(json);
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    assert!(bed.log_text("m").contains("usage"));
}

/// A package without code that needs nothing: `pip` installs it from the file, without an index.
fn package(dir: &std::path::Path) -> String {
    let script = r#"
import sys, zipfile
path = sys.argv[1] + "/tinypkg-1.0-py3-none-any.whl"
with zipfile.ZipFile(path, "w") as wheel:
    wheel.writestr("tinypkg.py", "ANSWER = 42\n")
    wheel.writestr("tinypkg-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinypkg\nVersion: 1.0\n")
    wheel.writestr("tinypkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr("tinypkg-1.0.dist-info/RECORD", "")
"#;
    let made = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(dir)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    format!(
        "tinypkg @ file://{}/tinypkg-1.0-py3-none-any.whl",
        dir.display()
    )
}

#[test]
fn requirements_are_installed_once_for_all_steps_with_the_same_list() {
    let bed = Bed::new();
    let more = format!(r#","requirements":["{}"]"#, package(bed.dir.path()));
    let script = "import maestro, tinypkg\nassert tinypkg.ANSWER == 42\nmaestro.output('rows', 42)";
    for name in ["a", "b"] {
        let end = bed.run(&python(name, script, &more, r#","rows":0"#));
        assert_eq!(
            end.outcome,
            Outcome::Done,
            "{}\n{}",
            end.message,
            bed.log_text(name)
        );
        assert!(end.outputs.params.contains_key("rows"));
    }
    assert!(bed.log_text("a").contains("tinypkg") && bed.log_text("b").is_empty());
}

#[test]
fn requirements_that_do_not_exist_are_the_users_fault_and_an_index_that_is_away_is_not() {
    let bed = Bed::new();
    let env = |more: &str| format!(r#","env":{{"PIP_TIMEOUT":"1"{more}}}"#);
    let nothing = env(r#","PIP_NO_INDEX":"1""#);
    let end = bed.run(&python(
        "a",
        "pass",
        &format!(r#","requirements":["nosuchpkg"]{nothing}"#),
        "",
    ));
    assert_eq!(end.outcome, Outcome::UserError, "{}", bed.log_text("a"));
    // Nobody listens there.
    let away = env(r#","PIP_INDEX_URL":"http://127.0.0.1:9/simple""#);
    let end = bed.run(&python(
        "b",
        "pass",
        &format!(r#","requirements":["nosuchpkg"]{away}"#),
        "",
    ));
    assert_eq!(end.outcome, Outcome::PlatformError, "{}", bed.log_text("b"));
    assert!(
        end.message.contains("index cannot be reached"),
        "{}",
        end.message
    );
    let end = bed.run(&python("c", "pass", r#","requirements":["--pre"]"#, ""));
    assert_eq!(end.outcome, Outcome::FatalError);
    assert!(
        end.message.contains("`python.requirements`"),
        "{}",
        end.message
    );
}
