//! Logs: any bytes, any length, while they are written and afterwards.

use maestro_steps::local::{LocalSettings, Outcome};

use crate::bed::{Bed, key, python, settings, shell, text_of, wait_at};

// [R-11]
#[test]
fn a_line_of_ten_million_characters_is_a_line_like_any_other() {
    let bed = Bed::new();
    let script = "import sys\nprint('x' * 10_000_000)\nsys.stdout.write('y' * 200_000)";
    let end = bed.run(&python("k", script, "", ""));
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    let log = bed.log("k");
    assert_eq!(log.len(), 10_200_001);
    assert!(
        log[..10_000_000].iter().all(|&b| b == b'x')
            && log[10_000_001..].iter().all(|&b| b == b'y')
    );
    assert_eq!(text_of(&end, "/execution_output"), "y".repeat(10_240));
}

// [R-12]
#[test]
fn bytes_of_any_kind_are_kept_and_only_the_undecodable_are_replaced() {
    let bed = Bed::new();
    let gate = bed.gate("g");
    // The gate makes sure that the character comes in two writes.
    let script = format!(
        r"printf 'ok\n\xff\xfe\n'; printf '\xe2\x82'; echo >{0}; cat {0} >/dev/null; printf '\xac end\n'; printf 'one\rtwo\nthree\r\n'",
        gate.display()
    );
    bed.start(&shell("k", &script, ""));
    wait_at(&gate);
    crate::bed::open_gate(&gate);
    let end = bed.ended();
    assert_eq!(end.outcome, Outcome::Done, "{}", end.message);
    assert_eq!(
        bed.log("k"),
        b"ok\n\xff\xfe\n\xe2\x82\xac end\none\rtwo\nthree\r\n"
    );
    assert_eq!(
        text_of(&end, "/execution_output"),
        "ok\n\u{fffd}\u{fffd}\n€ end\none\rtwo\nthree\r\n"
    );
}

// [R-13]
#[test]
fn a_flood_keeps_beginning_and_end_and_is_followed_to_the_end() {
    const MAX: u64 = 1 << 20;
    let bed = Bed::with(LocalSettings {
        max_log_bytes: MAX,
        ..settings()
    });
    let script = "echo begin; head -c 50000000 /dev/zero | tr '\\0' a | fold -w 200; echo end";
    bed.start(&shell("k", script, ""));
    let local = bed.runtimes.local();
    let mut follow = local.follow_log(&key("k")).expect("follows");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("builds");
    let (mut offset, mut seen, mut end) = (0, Vec::new(), 0);
    let mut more = true;
    while more {
        more = runtime.block_on(follow.changed());
        loop {
            let chunk = local.read_log(&key("k"), offset, 100_000).expect("reads");
            end = chunk.end;
            if chunk.bytes.is_empty() {
                break;
            }
            assert!(chunk.next_offset > offset);
            offset = chunk.next_offset;
            seen.extend(chunk.bytes);
        }
    }
    let ended = bed.ended();
    assert_eq!(ended.outcome, Outcome::Done, "{}", ended.message);
    // The uncut stream: 250,000 lines of 200 and a newline each, less the last newline, which `fold` does not add.
    assert_eq!((offset, end), (50_249_999 + 6 + 4, offset));
    assert!(seen.starts_with(b"begin\naaa") && seen.ends_with(b"aaaend\n"));
    let kept = bed.log("k");
    assert!(kept.len() as u64 <= MAX + 100, "{}", kept.len());
    let text = String::from_utf8(kept).expect("is UTF-8");
    assert_eq!(
        text.matches("bytes of the log were dropped here").count(),
        1
    );
}

// [R-09] in part: following ends with the attempt, whoever holds the output open.
#[test]
fn a_log_that_is_not_there_yet_can_be_followed() {
    let bed = Bed::with(LocalSettings {
        max_jobs: 1,
        ..settings()
    });
    let gate = bed.gate("g");
    bed.start(&shell("first", &format!("cat {}", gate.display()), ""));
    bed.start(&shell("second", "echo hello", ""));
    let local = bed.runtimes.local();
    let mut follow = local.follow_log(&key("second")).expect("follows");
    assert_eq!(
        local.read_log(&key("second"), 0, 10).expect("reads").bytes,
        b""
    );
    crate::bed::open_gate(&gate);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("builds");
    while runtime.block_on(follow.changed()) {}
    assert_eq!(bed.log_text("second"), "hello\n");
    // Of one that is over there is nothing to wait for.
    let mut follow = local.follow_log(&key("second")).expect("follows");
    assert!(!runtime.block_on(follow.changed()));
    assert!(local.read_log(&key("unknown"), 0, 10).is_err());
}

#[test]
fn the_log_stays_when_the_job_is_released_until_it_is_removed() {
    let bed = Bed::new();
    bed.run(&shell("k", "echo kept", ""));
    bed.runtimes.release(&key("k"));
    // Done in order by the same thread.
    bed.runtimes
        .start(&crate::bed::attempt(r#"{"key":"bad","step":{}}"#));
    bed.ended();
    assert!(!bed.job_file("k", "").exists() && !bed.claim_file("k").exists());
    assert_eq!(bed.log_text("k"), "kept\n");
    bed.runtimes.local().remove_log(&key("k")).expect("removes");
    assert!(bed.runtimes.local().read_log(&key("k"), 0, 10).is_err());
}
