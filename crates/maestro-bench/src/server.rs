//! A server of our own, and a client that is as small as it can be, so that the figures are the server's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// A server of our own on a fresh folder.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) data: tempfile::TempDir,
    program: Program,
}

/// What is started.
#[derive(Clone, clap::Args)]
pub(crate) struct Program {
    /// The server's program
    #[arg(long, default_value = "target/release/maestro")]
    maestro: PathBuf,
    /// Settings of the server, as NAME=VALUE
    #[arg(long = "set")]
    settings: Vec<String>,
}

impl Server {
    pub(crate) fn start(program: &Program) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let address = format!("127.0.0.1:{port}");
        let child = spawn(program, &address, data.path())?;
        let server = Self {
            child,
            address,
            data,
            program: program.clone(),
        };
        server.wait_until_up()?;
        Ok(server)
    }

    /// Kills the server as a power cut would, and starts it on the same folder and address; how long that took.
    pub(crate) fn crash(&mut self) -> anyhow::Result<Duration> {
        self.child.kill()?;
        self.child.wait()?;
        let began = Instant::now();
        self.child = spawn(&self.program, &self.address, self.data.path())?;
        self.wait_until_up()?;
        Ok(began.elapsed())
    }

    fn wait_until_up(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Client::connect(&self.address)
            .and_then(|mut c| c.call("GET", "/health", ""))
            .is_err()
        {
            if Instant::now() > deadline {
                bail!("the server does not come up");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn metrics(&self) -> anyhow::Result<String> {
        let answer = Client::connect(&self.address)?.call("GET", "/metrics", "")?;
        Ok(answer.text)
    }

    pub(crate) fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.metrics()?;
        let line = text
            .lines()
            .find(|l| l.starts_with(name))
            .with_context(|| format!("no metric {name}"))?;
        Ok(line.rsplit(' ').next().unwrap_or("0").parse()?)
    }

    /// A quantile of a histogram from its buckets: the upper bound of the bucket that it falls into, in milliseconds.
    pub(crate) fn quantile(&self, name: &str, q: f64) -> anyhow::Result<f64> {
        let text = self.metrics()?;
        let mut buckets = Vec::new();
        for line in text
            .lines()
            .filter(|l| l.starts_with(&format!("{name}_bucket")))
        {
            let bound = line
                .split("le=\"")
                .nth(1)
                .and_then(|s| s.split('"').next())
                .unwrap_or("0");
            let count: f64 = line.rsplit(' ').next().unwrap_or("0").parse()?;
            buckets.push((bound.parse().unwrap_or(f64::INFINITY), count));
        }
        let total = buckets.last().map_or(0.0, |b| b.1);
        Ok(buckets
            .iter()
            .find(|(_, count)| *count >= q * total)
            .map_or(0.0, |(bound, _)| bound * 1000.0))
    }
}

fn spawn(program: &Program, address: &str, data: &Path) -> anyhow::Result<Child> {
    let settings = program.settings.iter();
    Command::new(&program.maestro)
        .args(["server", "--listen", address, "--set", "limits.steps=20000"])
        .args(["--set", "limits.definition_bytes=16777216", "--data"])
        .arg(data)
        .args(settings.flat_map(|setting| ["--set", setting]))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", program.maestro.display()))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// When it wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) text: String,
}

/// A connection that is kept.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    pub(crate) fn call(&mut self, verb: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nHost: localhost\r\nuser: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).context("a status")?.parse()?;
        let (mut length, mut retry_after) = (0, None);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line == "\r\n" || line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            } else if name.eq_ignore_ascii_case("retry-after") {
                retry_after = Some(Duration::from_secs(value.trim().parse()?));
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer {
            status,
            retry_after,
            text: String::from_utf8(body)?,
        })
    }

    pub(crate) fn json(&mut self, verb: &str, path: &str, body: &str) -> anyhow::Result<Value> {
        let answer = self.call(verb, path, body)?;
        if answer.status != 200 {
            bail!("{verb} {path}: {} {}", answer.status, answer.text);
        }
        Ok(serde_json::from_str(&answer.text)?)
    }
}
