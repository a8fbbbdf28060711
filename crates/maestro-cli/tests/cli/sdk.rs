//! The public Python client, unmodified, against a real server (spec 04 section 16).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::bed::Home;

const PACKAGE: &str = "maestro-sdk==0.1.4";

/// Uses the client as people do; says `skip` and why where this Python has no place for packages.
const SCRIPT: &str = r#"
import sys
from maestro import Foreach, Job, MaestroClient, Subworkflow, While, Workflow

client = MaestroClient(base_url=sys.argv[1], user="sam")
wf = Workflow(id="daily-load").owner("ana").tags("demo").param("limit", 5)
wf.job(Job(id="fetch", type="NoOp").transition("publish"))
wf.job(Job(id="publish", type="NoOp"))
text = wf.to_yaml()

ok = client.validate_yaml(text)
assert (ok["type"], ok["action"], ok["author"]) == ("ACTION", "VALIDATE", "sam"), ok
pushed = client.push_yaml(text)["workflow_definition"]
assert pushed["metadata"]["workflow_version_id"] == 1, pushed
snapshot = pushed["properties_snapshot"]
assert snapshot["run_strategy"] == {"rule": "SEQUENTIAL", "workflow_concurrency": 1}, snapshot
assert snapshot["step_concurrency"] == 20 and snapshot["owner"] == "ana", snapshot
assert pushed["workflow"]["tags"] == [{"name": "demo"}], pushed
assert pushed["workflow"]["params"]["limit"]["value"] == 5, pushed
# [04:11]
orphan = client.push_yaml(Workflow(id="orphan").job(Job(id="a", type="NoOp")).to_yaml())
assert orphan["status"] == "BAD_REQUEST", orphan
again = Workflow(id="daily-load").job(Job(id="fetch", type="NoOp")).to_yaml()
again = client.push_yaml(again)["workflow_definition"]
assert again["properties_snapshot"]["owner"] == "ana", again
assert client.push_yaml(text)["workflow_definition"]["metadata"]["workflow_version_id"] == 3

got = client.get_workflow("daily-load", "latest")
assert got["metadata"]["version_author"] == "sam" and "enriched_extras" not in got, got
assert "enriched_extras" in client.get_workflow("daily-load", enriched=True)
assert client.get_workflow("none")["status"] == "NOT_FOUND"

started = client.start("daily-load")
assert started["status"] == "CREATED", started
instance = started["workflow_instance_id"]

loops = Workflow(id="loops").owner("ana")
loops.job(Subworkflow(id="sub").workflow_id("daily-load").sync(True))
loops.job(Foreach(id="each").loop_param("i", [1, 2]).job(Job(id="inner", type="NoOp")))
loops.job(While(id="again").condition("k < 2").loop_param("k", 0).job(Job(id="once", type="NoOp")))
loops = client.push_yaml(loops.to_yaml())["workflow_definition"]
assert [list(step)[0] for step in loops["workflow"]["steps"]] == ["subworkflow", "foreach", "while"], loops

slow = Workflow(id="slow").owner("ana")
slow.job(Job(id="nap", type="Sleep").param("sleep_seconds", 60))
client.push_yaml(slow.to_yaml())
napping = client.start("slow")["workflow_instance_id"]
stopped = client.stop("slow", napping)
assert stopped["workflow_instance_id"] == napping and "completed" in stopped, stopped
everything = client.stop("slow")
assert everything["action"] == "STOP", everything

import time
for _ in range(600):
    state = client.get_instance("daily-load", instance)
    if state["status"] == "SUCCEEDED":
        break
    time.sleep(0.05)
views = state["aggregated_info"]["step_aggregated_views"]
assert [views[s]["status"] for s in ("fetch", "publish")] == ["SUCCEEDED"] * 2, state
assert client.get_instance("daily-load", instance, run_id=1)["workflow_run_id"] == 1
step = client.get_instance("daily-load", instance, step_id="fetch")
assert step["runtime_state"]["status"] == "SUCCEEDED", step
attempt = client.get_instance("daily-load", instance, run_id=1, step_id="fetch", attempt_id=1)
assert attempt["step_attempt_id"] == 1, attempt
assert client.get_instance("daily-load", 99)["status"] == "NOT_FOUND"

# Its formatting needs a newer Python than the rest.
if sys.version_info >= (3, 12):
    from maestro.client.watch import watch_workflow
    watch_workflow(client, "daily-load", instance, poll_interval=1)
    watch_workflow(client, "daily-load", 99, poll_interval=1)
else:
    print("no watch before Python 3.12")
print("all done")
"#;

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| ci == "true")
}

/// The newest Python at hand.
fn python() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = ["python3.14", "python3.13", "python3.12", "python3"]
        .iter()
        .map(PathBuf::from)
        .collect();
    // Where pyenv keeps others than the one in force.
    if let Some(home) = std::env::var_os("HOME") {
        let versions = std::fs::read_dir(Path::new(&home).join(".pyenv/versions"));
        let versions = versions.into_iter().flatten().flatten().map(|v| v.path());
        let mut newer: Vec<PathBuf> = versions
            .filter(|v| {
                v.file_name()
                    .is_some_and(|n| n.to_string_lossy().starts_with("3.1"))
            })
            .map(|v| v.join("bin/python3"))
            .collect();
        newer.sort();
        newer.retain(|p| {
            p.to_string_lossy().contains("/3.12") || p.to_string_lossy().contains("/3.13")
        });
        found.splice(0..0, newer);
    }
    found.into_iter().find(|python| {
        Command::new(python)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

/// A virtual environment with the client; `None` where it cannot be had, which is a fault on CI.
#[expect(
    clippy::print_stderr,
    reason = "says that the test was skipped, and why"
)]
fn environment(home: &Home) -> Option<PathBuf> {
    let failed = |what: &str| {
        assert!(!is_ci(), "the SDK must be tested here: {what}");
        eprintln!("skipped: {what}");
        None
    };
    let Some(python) = python() else {
        return failed("there is no Python");
    };
    let folder = home.path("venv");
    let done = |output: std::io::Result<Output>| match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = done(
        Command::new(python)
            .args(["-m", "venv"])
            .arg(&folder)
            .output(),
    ) {
        return failed(&format!("no virtual environment: {error}"));
    }
    let pip = Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", PACKAGE])
        .output();
    match done(pip) {
        Ok(()) => Some(folder),
        Err(error) => failed(&format!("pip cannot install {PACKAGE}: {error}")),
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

// [04:56] [04:11]
#[test]
fn the_public_python_client_works_unmodified() {
    let home = Home::new();
    let Some(venv) = environment(&home) else {
        return;
    };
    let server = home.server();
    let script = home.file("use.py", SCRIPT);
    let python = venv.join("bin/python");
    let output = Command::new(&python)
        .args([&script, &server.url])
        .output()
        .unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("all done"), "{said}");
    let is_new = Command::new(&python)
        .args(["-c", "import sys; sys.exit(sys.version_info < (3, 12))"])
        .status()
        .is_ok_and(|status| status.success());
    if !is_new {
        return;
    }
    // Each step once, and the end.
    assert_eq!(said.matches("fetch -> SUCCEEDED").count(), 1, "{said}");
    assert!(
        said.contains("is completed with status [SUCCEEDED]"),
        "{said}"
    );
    assert!(said.contains("[daily-load][99] not found"), "{said}");
    // Its own command line.
    let file = home.file(
        "cli.yaml",
        "workflow:\n  id: by-cli\n  owner: ana\n  jobs:\n  - job:\n      id: a\n      type: NoOp\n",
    );
    let cli = |args: &[&str]| {
        let mut command = Command::new(venv.join("bin/maestro"));
        let output = command
            .args(["--base-url", &server.url, "--user", "sam"])
            .args(args)
            .output();
        let output = output.unwrap();
        let said = text(&output);
        assert!(output.status.success(), "{args:?}: {said}");
        said
    };
    assert!(cli(&["validate", &file]).contains("VALIDATE"));
    assert!(cli(&["push", &file]).contains("workflow_definition"));
    assert!(cli(&["start", "by-cli"]).contains("CREATED"));
    assert!(cli(&["watch", "by-cli", "1", "--poll-interval", "1"]).contains("SUCCEEDED"));
    assert!(cli(&["get-workflow", "by-cli"]).contains("properties_snapshot"));
    assert!(cli(&["get-instance", "by-cli", "1"]).contains("aggregated_info"));
    assert!(cli(&["stop", "by-cli"]).contains("STOP"));
}
