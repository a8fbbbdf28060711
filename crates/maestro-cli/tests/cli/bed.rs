//! A home of its own for each test, and programs in it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use maestro_model::json::Json;

/// A run that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A home directory with nothing in it.
pub(crate) struct Home(tempfile::TempDir);

/// What a finished command wrote.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program without anything of the tester's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maestro"));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("MAESTRO_USER", "ana")
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        Said {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A command that must be done.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.status, 0, "{args:?}: {said:?}");
        said.stdout
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        Running::of(self.command(args))
    }

    /// A server on a free port.
    pub(crate) fn server(&self) -> Server {
        self.server_with(&[])
    }

    /// A server on a free port, with more arguments.
    pub(crate) fn server_with(&self, args: &[&str]) -> Server {
        let running = self.spawn(&[&["server", "--listen", "127.0.0.1:0"], args].concat());
        let line = running.stderr.wait_for("maestro listens on ");
        let url = line.split("maestro listens on ").nth(1).unwrap();
        let url = url.split(' ').next().unwrap().to_owned();
        Server { running, url }
    }
}

/// A server that is at work.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) url: String,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) json: Json,
}

impl Server {
    /// A call as any program makes it; `None` if the server goes away before it answers.
    pub(crate) fn call(&self, verb: &str, path: &str, body: &str) -> Option<Got> {
        call(&self.url, verb, path, body)
    }

    /// Asks for its health until it is this.
    pub(crate) fn wait_for_health(&self, health: &str) -> Got {
        self.wait_for("/health", "/status", health)
    }

    /// Asks until a member has this text.
    pub(crate) fn wait_for(&self, path: &str, pointer: &str, text: &str) -> Got {
        let end = Instant::now() + PATIENCE;
        loop {
            let got = self.call("GET", path, "").unwrap();
            if got.text(pointer) == text {
                return got;
            }
            assert!(Instant::now() < end, "stays {got:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Got {
    /// The text of a member.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.json
            .pointer(pointer)
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// The number of a member.
    pub(crate) fn number(&self, pointer: &str) -> Option<i64> {
        self.json.pointer(pointer).and_then(Json::as_i64)
    }
}

/// See [`Server::call`].
pub(crate) fn call(url: &str, verb: &str, path: &str, body: &str) -> Option<Got> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let request = ureq::http::Request::builder()
        .method(verb)
        .uri(format!("{url}{path}"))
        .header("user", "ana")
        .header("content-type", "application/json")
        .body(body.to_owned())
        .unwrap();
    let mut answer = agent.run(request).ok()?;
    let header = answer.headers().get("retry-after");
    let retry_after = header.map(|value| value.to_str().unwrap().to_owned());
    let text = answer.body_mut().read_to_string().ok()?;
    Some(Got {
        status: answer.status().as_u16(),
        retry_after,
        json: Json::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}: {text}")),
    })
}

/// What a running program has written so far.
#[derive(Clone, Default)]
pub(crate) struct Text(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    text: String,
    /// Nothing more will come.
    ended: bool,
}

impl Text {
    pub(crate) fn now(&self) -> String {
        self.0.lock().unwrap().text.clone()
    }

    /// The first line with this in it, once it is there.
    pub(crate) fn wait_for(&self, part: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let ended = self.0.lock().unwrap().ended;
            if let Some(line) = self.now().lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            let waits = !ended && Instant::now() < end;
            assert!(waits, "`{part}` never came: {}", self.now());
            std::thread::yield_now();
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A program that is at work; killed at the end of the test.
pub(crate) struct Running {
    child: Child,
    pub(crate) stdout: Text,
    pub(crate) stderr: Text,
    readers: Vec<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (Text::default(), Text::default());
        let readers = vec![
            collect(child.stdout.take().unwrap(), stdout.clone()),
            collect(child.stderr.take().unwrap(), stderr.clone()),
        ];
        Self {
            child,
            stdout,
            stderr,
            readers,
        }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Bounds the files that it writes, as a full disk would; `None` makes room again.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Resource, Rlimit, prlimit};
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        let pid = rustix::process::Pid::from_child(&self.child);
        prlimit(Some(pid), Resource::Fsize, limit).unwrap();
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Said {
        let end = Instant::now() + PATIENCE;
        let status: ExitStatus = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                Instant::now() < end,
                "does not end: {}{}",
                self.stdout.now(),
                self.stderr.now()
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Said {
            status: status.code().unwrap_or(-1),
            stdout: self.stdout.now(),
            stderr: self.stderr.now(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, to: Text) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            to.0.lock()
                .unwrap()
                .text
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
        to.0.lock().unwrap().ended = true;
    })
}

/// A file once it has so many lines.
pub(crate) fn wait_for_lines(path: &Path, count: usize) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= count {
            return text;
        }
        assert!(Instant::now() < end, "{} stays at: {text}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A workflow of Shell steps in a chain, each with its script.
pub(crate) fn shell(id: &str, scripts: &[(&str, &str)]) -> String {
    let mut text = format!("Workflow:\n  id: {id}\n  dag: sequential\n  jobs:\n");
    for (step, script) in scripts {
        text.push_str(&format!(
            "    - job:\n        id: {step}\n        type: Shell\n        shell<pmap>:\n          script: |\n"
        ));
        for line in script.lines() {
            text.push_str(&format!("            {line}\n"));
        }
    }
    text
}
