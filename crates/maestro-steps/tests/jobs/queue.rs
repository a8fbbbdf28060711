//! Who runs when, and who shares a job.

use maestro_steps::local::{LocalSettings, Outcome};

use crate::bed::{Bed, key, member, open_gate, settings, shell, wait_at};

fn bed(max_jobs: usize) -> Bed {
    Bed::with(LocalSettings {
        max_jobs,
        ..settings()
    })
}

// BX-18
#[test]
fn no_more_than_max_jobs_run_and_the_others_keep_their_order() {
    let bed = bed(2);
    let gates: Vec<_> = (0..5).map(|n| bed.gate(&format!("g{n}"))).collect();
    for (n, gate) in gates.iter().enumerate() {
        bed.start(&shell(
            &format!("k{n}"),
            &format!("cat {}", gate.display()),
            "",
        ));
    }
    let mut first = [bed.started().0, bed.started().0];
    first.sort_unstable();
    assert_eq!(first, ["k0", "k1"]);
    for (n, gate) in gates.iter().enumerate().take(3) {
        open_gate(gate);
        assert_eq!(bed.ended().key.as_str(), format!("k{n}"));
        // Whose place is free is taken by the next one, and by nobody else.
        assert_eq!(bed.started().0, format!("k{}", n + 2));
    }
    open_gate(&gates[3]);
    open_gate(&gates[4]);
    bed.ended();
    bed.ended();
}

#[test]
fn a_job_that_is_stopped_while_it_waits_never_starts() {
    let bed = bed(1);
    let (gate, file) = (bed.gate("g"), bed.path("f"));
    bed.start(&shell("first", &format!("cat {}", gate.display()), ""));
    bed.started();
    for n in 0..3 {
        bed.start(&shell(
            &format!("k{n}"),
            &format!("echo k{n} >>{}", file.display()),
            "",
        ));
    }
    bed.cancel("k0");
    bed.cancel("k1");
    for name in ["k0", "k1"] {
        let end = bed.ended();
        assert_eq!((end.key.as_str(), end.outcome), (name, Outcome::Stopped));
        assert!(member(&end, "/start_time").is_none());
    }
    open_gate(&gate);
    assert_eq!(bed.ended().key.as_str(), "first");
    assert_eq!(bed.ended().key.as_str(), "k2");
    assert_eq!(std::fs::read_to_string(file).expect("is there"), "k2\n");
}

// BX-2
#[test]
fn the_same_attempt_launched_again_is_one_job() {
    let bed = Bed::new();
    let (gate, file) = (bed.gate("g"), bed.path("f"));
    let json = shell(
        "k",
        &format!("echo x >>{}; cat {}", file.display(), gate.display()),
        "",
    );
    bed.start(&json);
    bed.start(&json);
    bed.started();
    bed.start(&json);
    open_gate(&gate);
    assert_eq!(bed.ended().outcome, Outcome::Done);
    bed.start(&json);
    bed.run(&shell("other", "true", ""));
    assert_eq!(std::fs::read_to_string(file).expect("is there"), "x\n");
}

// BX-2, BX-17
#[test]
fn attempts_with_the_key_of_a_running_job_take_part_in_it() {
    let bed = Bed::new();
    let (gate, file) = (bed.gate("g"), bed.path("f"));
    let script = format!(
        "echo hello; echo x >>{}; cat {}",
        file.display(),
        gate.display()
    );
    let more = r#","job_deduplication_key":"nightly""#;
    bed.start(&shell("a", &script, more));
    let (name, first) = bed.started();
    assert_eq!(name, "a");
    bed.start(&shell("b", &script, more));
    let (name, second) = bed.started();
    assert_eq!(
        (name.as_str(), second.json.pointer("/pid")),
        ("b", first.json.pointer("/pid"))
    );
    assert_eq!(second.json.pointer("/job_id"), Some(&"nightly".into()));
    bed.start(&shell("c", &script, more));
    assert_eq!(bed.started().0, "c");
    // One that is stopped leaves it to the others.
    bed.cancel("a");
    let end = bed.ended();
    assert_eq!((end.key.as_str(), end.outcome), ("a", Outcome::Stopped));
    bed.runtimes.release(&key("a"));
    open_gate(&gate);
    let mut ends = [bed.ended(), bed.ended()];
    ends.sort_by_key(|end| end.key.to_string());
    for (end, name) in ends.iter().zip(["b", "c"]) {
        assert_eq!(
            (end.key.as_str(), end.outcome),
            (name, Outcome::Done),
            "{}",
            end.message
        );
        bed.runtimes.release(&end.key);
        assert!(bed.log_text(name).starts_with("hello\n"));
    }
    // The job has ended: the key starts a new one.
    open_gate_when_asked(&bed, &gate, &shell("d", &script, more));
    assert_eq!(std::fs::read_to_string(file).expect("is there"), "x\nx\n");
    for name in ["a", "b", "c"] {
        assert!(!bed.job_file(name, "").exists(), "{name}");
    }
}

fn open_gate_when_asked(bed: &Bed, gate: &std::path::Path, json: &str) {
    bed.start(json);
    assert_eq!(bed.started().0, "d");
    open_gate(gate);
    assert_eq!(bed.ended().key.as_str(), "d");
}

#[test]
fn many_jobs_at_once_all_end_once() {
    let bed = bed(8);
    for n in 0..100 {
        bed.start(&shell(
            &format!("k{n}"),
            "echo $MAESTRO_STEP_INSTANCE_UUID",
            "",
        ));
    }
    let mut names: Vec<String> = (0..100)
        .map(|_| {
            let end = bed.ended();
            assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
            assert_eq!(bed.log_text(end.key.as_str()), format!("{}\n", end.key));
            bed.runtimes.release(&end.key);
            end.key.to_string()
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 100);
}

#[test]
fn a_gate_is_a_gate() {
    let bed = Bed::new();
    let gate = bed.gate("g");
    bed.start(&shell("k", &format!("echo there >{}", gate.display()), ""));
    assert_eq!(wait_at(&gate), "there");
    bed.ended();
}
