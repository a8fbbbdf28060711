//! What stands in the way of a server's start is told in one sentence; what its settings are; how it ends.

use maestro_model::json::Json;
use rustix::process::Signal;

use crate::bed::{Home, Said};

fn one_sentence(said: &Said, status: i32) -> &str {
    assert_eq!(said.status, status, "{said:?}");
    assert_eq!(said.stdout, "");
    let line = said.stderr.trim_end();
    assert!(
        line.starts_with("error: ") && !line.contains('\n'),
        "{said:?}"
    );
    line
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let home = Home::new();
    let _first = home.server();
    let said = home.run(&["server", "--listen", "127.0.0.1:0"]);
    assert!(one_sentence(&said, 1).contains("is in use by another maestro server (process "));
}

#[test]
fn a_port_that_is_taken_is_told() {
    let home = Home::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = home.run(&["server", "--listen", &address]);
    assert!(
        one_sentence(&said, 1).contains(&format!("another program listens on {address} already"))
    );
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told() {
    let home = Home::new();
    let file = home.file("file", "");
    let said = home.run(&[
        "server",
        "--listen",
        "127.0.0.1:0",
        "--data",
        &format!("{file}/data"),
    ]);
    assert!(one_sentence(&said, 1).contains("is not writable"));
}

#[test]
fn a_file_that_is_no_database_is_told() {
    let home = Home::new();
    std::fs::create_dir(home.path("data")).unwrap();
    home.file("data/maestro.db", "something that has nothing to do with maestro, and is long enough to be read as a head of a file");
    let said = home.run(&["server", "--listen", "127.0.0.1:0", "--data", "data"]);
    assert!(one_sentence(&said, 1).contains("is not a maestro database"));
}

#[test]
fn a_database_of_a_newer_version_is_told_and_left_alone() {
    use std::os::unix::fs::FileExt;
    let home = Home::new();
    let server = home.server_with(&["--data", "data"]);
    server.running.signal(Signal::TERM);
    server.running.wait();
    // Where SQLite keeps the version that a program gives to its database.
    const USER_VERSION: u64 = 60;
    let path = home.path("data/maestro.db");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&999_u32.to_be_bytes(), USER_VERSION)
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let said = home.run(&["server", "--listen", "127.0.0.1:0", "--data", "data"]);
    let line = one_sentence(&said, 1);
    assert!(
        line.contains("has format 999, this server knows formats up to 2: start a newer server"),
        "{line}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_disk_without_room_is_told() {
    let home = Home::new();
    // A limit of file sizes stands for the disk: any test may set one. In blocks of 512 or 1024 bytes.
    let server = "ulimit -f 4 && exec \"$0\" server --listen 127.0.0.1:0 --data data";
    let limited = || {
        let mut command = home.command(&[]);
        let program = command.get_program().to_owned();
        command = {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", server]).arg(program);
            shell.env_clear().env("HOME", home.path(""));
            shell.current_dir(home.path(""));
            shell
        };
        crate::bed::Running::of(command).wait()
    };
    let said = limited();
    assert!(
        one_sentence(&said, 1).contains("there is no room for the database `data/maestro.db`"),
        "{said:?}"
    );
    // Nothing half-made stays behind: with room it starts.
    let server = home.server_with(&["--data", "data"]);
    assert_eq!(server.wait_for_health("up").status, 200);
}

/// Decision 6.
#[test]
fn local_jobs_on_other_addresses_are_refused() {
    let home = Home::new();
    let said = home.run(&["server", "--listen", "0.0.0.0:0", "--allow-local-jobs"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.stderr.contains("there is no authentication yet"),
        "{said:?}"
    );
    let open = home.spawn(&["server", "--listen", "0.0.0.0:0"]);
    open.stderr.wait_for("maestro listens on");
    assert!(
        open.stderr.now().contains("warning: local jobs are off"),
        "{}",
        open.stderr.now()
    );
}

#[test]
fn a_server_that_is_told_to_end_ends_in_order() {
    let home = Home::new();
    for signal in [Signal::TERM, Signal::INT] {
        let server = home.server();
        server.running.signal(signal);
        let said = server.running.wait();
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(said.stdout, "");
    }
}

#[test]
fn settings_are_shown_with_their_sources() {
    let home = Home::new();
    let file = home.file("m.toml", "[limits]\nsteps = 7\n");
    let mut command = home.command(&[
        "config",
        "--json",
        "--config",
        &file,
        "--set",
        "engine.workers=1",
    ]);
    let output = command
        .env("MAESTRO_STEPS_LOCAL_MAX_JOBS", "3")
        .output()
        .unwrap();
    let rows = Json::parse(&output.stdout).unwrap();
    let find = |name: &str| {
        let rows = rows.as_array().unwrap();
        let row = rows
            .iter()
            .find(|row| row.pointer("/name").and_then(Json::as_str) == Some(name))
            .unwrap();
        ["/value", "/source"].map(|at| row.pointer(at).and_then(Json::as_str).unwrap().to_owned())
    };
    assert_eq!(find("limits.steps"), ["7".to_owned(), format!("{file}:2")]);
    assert_eq!(
        find("steps.local.max_jobs"),
        ["3", "environment MAESTRO_STEPS_LOCAL_MAX_JOBS"]
    );
    assert_eq!(find("engine.workers"), ["1", "--set"]);
    assert_eq!(find("server.listen"), ["127.0.0.1:8080", "default"]);

    let said = home.run(&["server", "--set", "limits.step=3"]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.stderr.contains("did you mean `limits.steps`?"),
        "{said:?}"
    );
}
