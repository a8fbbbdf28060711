//! Workloads through the API of a release server on this machine.
//!
//! The client is as small as it can be (a blocking socket per caller, requests from a template), so that the figures are
//! the server's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use serde_json::Value;

use crate::inproc::chain;
use crate::report::{Figures, Report, cpu_time, folder_bytes, memory};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The server's program
    #[arg(long, default_value = "target/release/maestro")]
    maestro: PathBuf,
    /// Instances of the workloads with many small runs
    #[arg(long, default_value_t = 20_000)]
    instances: u64,
    /// Callers that start one after the other
    #[arg(long, default_value_t = 32)]
    clients: u64,
    /// Only workloads whose name holds this
    #[arg(long, default_value = "")]
    only: String,
}

/// A server of our own on a fresh folder.
struct Server {
    child: Child,
    address: String,
    data: tempfile::TempDir,
}

impl Server {
    fn start(maestro: &Path) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let address = format!("127.0.0.1:{port}");
        let child = Command::new(maestro)
            .args([
                "server",
                "--listen",
                &address,
                "--set",
                "limits.steps=20000",
                "--set",
                "limits.definition_bytes=16777216",
                "--data",
            ])
            .arg(data.path())
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", maestro.display()))?;
        let server = Self {
            child,
            address,
            data,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while Client::connect(&server.address)
            .and_then(|mut c| c.call("GET", "/health", ""))
            .is_err()
        {
            if Instant::now() > deadline {
                bail!("the server does not come up");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let (_, text) = Client::connect(&self.address)?.call("GET", "/metrics", "")?;
        let line = text
            .lines()
            .find(|l| l.starts_with(name))
            .with_context(|| format!("no metric {name}"))?;
        Ok(line.rsplit(' ').next().unwrap_or("0").parse()?)
    }

    /// A quantile of a histogram from its buckets: the upper bound of the bucket that it falls into, in milliseconds.
    fn quantile(&self, name: &str, q: f64) -> anyhow::Result<f64> {
        let (_, text) = Client::connect(&self.address)?.call("GET", "/metrics", "")?;
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

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    fn call(&mut self, verb: &str, path: &str, body: &str) -> anyhow::Result<(u16, String)> {
        let request = format!(
            "{verb} {path} HTTP/1.1\r\nHost: localhost\r\nuser: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).context("a status")?.parse()?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line == "\r\n" || line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, String::from_utf8(body)?))
    }

    fn json(&mut self, verb: &str, path: &str, body: &str) -> anyhow::Result<Value> {
        let (status, text) = self.call(verb, path, body)?;
        if status != 200 {
            bail!("{verb} {path}: {status} {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }
}

const START: &str = r#"{"initiator":{"type":"MANUAL"}}"#;

/// Steps without arrows between them behind one root.
fn fan(id: &str, width: usize) -> String {
    let next: Vec<String> = (0..width).map(|i| format!(r#""s{i}":"true""#)).collect();
    let mut steps = vec![format!(
        r#"{{"step":{{"id":"root","type":"NoOp","transition":{{"successors":{{{}}}}}}}}}"#,
        next.join(",")
    )];
    steps.extend((0..width).map(|i| format!(r#"{{"step":{{"id":"s{i}","type":"NoOp"}}}}"#)));
    format!(
        r#"{{"properties":{{"owner":"bench","step_concurrency":1000}},"workflow":{{"id":"{id}","steps":[{}]}}}}"#,
        steps.join(",")
    )
}

/// A chain of Shell steps that run `true`.
fn shells(id: &str, steps: usize) -> String {
    let shell = r#""type":"Shell","params":{"shell":{"type":"MAP","value":{"script":{"type":"STRING","value":"true"}}}}"#;
    chain(id, steps).replace(r#""type":"NoOp""#, shell)
}

pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let wanted = |name: &str| name.contains(&options.only);
    if wanted("idle") {
        let server = Server::start(&options.maestro)?;
        std::thread::sleep(Duration::from_secs(2));
        let mut figures = Figures::default();
        figures.add("resident memory", memory(server.child.id()).1, "MiB");
        report.print("idle server", &figures);
    }
    if wanted("chain10") {
        many(options, "chain10", 10, report)?;
    }
    if wanted("single") {
        many(options, "single", 1, report)?;
    }
    for (name, definition, steps) in [
        ("chain40", chain("chain40", 40), 40),
        ("chain1000", chain("chain1000", 1000), 1000),
        ("fan200", fan("fan200", 200), 201),
        ("fan10000", fan("fan10000", 10_000), 10_001),
        ("shell40", shells("shell40", 40), 40),
    ] {
        if wanted(name) {
            one(options, name, &definition, steps, report)?;
        }
    }
    Ok(())
}

/// Many small instances from several callers.
fn many(options: &Options, name: &str, steps: usize, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(&options.maestro)?;
    let workflows = 8;
    let mut client = Client::connect(&server.address)?;
    for i in 0..workflows {
        client.json(
            "POST",
            "/api/v3/workflows",
            &chain(&format!("{name}-{i}"), steps),
        )?;
    }
    let before = folder_bytes(server.data.path());
    let next = Arc::new(AtomicU64::new(0));
    let (began, cpu) = (Instant::now(), cpu_time(server.child.id()));
    let own = cpu_time(std::process::id());
    let mut threads = Vec::new();
    for _ in 0..options.clients {
        let (address, next, total, name) = (
            server.address.clone(),
            next.clone(),
            options.instances,
            name.to_owned(),
        );
        threads.push(std::thread::spawn(move || {
            let mut client = Client::connect(&address)?;
            let mut histogram = Histogram::<u64>::new(3)?;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= total {
                    return anyhow::Ok(histogram);
                }
                let path = format!(
                    "/api/v3/workflows/{name}-{}/versions/active/actions/start",
                    n % workflows
                );
                let asked = Instant::now();
                let (status, text) = client.call("POST", &path, START)?;
                match status {
                    200 => histogram.record(u64::try_from(asked.elapsed().as_micros())?)?,
                    429 => std::thread::sleep(Duration::from_millis(10)),
                    _ => bail!("{status} {text}"),
                }
            }
        }));
    }
    let mut all = Histogram::<u64>::new(3)?;
    for thread in threads {
        all.add(
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a client panicked"))??,
        )?;
    }
    let started = all.len();
    while server.metric("maestro_runs_ended_total")? < started as f64 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = began.elapsed().as_secs_f64();
    let jobs = started as f64 * steps as f64;
    let mut figures = Figures::default();
    figures.add("jobs", jobs / took, "1/s");
    figures.add("instances", started as f64 / took, "1/s");
    figures.latencies(&all);
    let server_cpu = (cpu_time(server.child.id()) - cpu).as_secs_f64();
    figures.add(
        "server cpu per instance",
        server_cpu * 1e6 / started as f64,
        "us",
    );
    figures.add(
        "client cpu per instance",
        (cpu_time(std::process::id()) - own).as_secs_f64() * 1e6 / started as f64,
        "us",
    );
    figures.add("server cores used", server_cpu / took, "");
    figures.add(
        "step to step p50",
        server.quantile("maestro_step_to_step_seconds", 0.5)?,
        "ms",
    );
    figures.add(
        "step to step p99",
        server.quantile("maestro_step_to_step_seconds", 0.99)?,
        "ms",
    );
    figures.add("peak memory", memory(server.child.id()).0, "MiB");
    figures.add(
        "bytes per job",
        folder_bytes(server.data.path()).saturating_sub(before) as f64 / jobs,
        "B",
    );
    report.print(
        &format!(
            "{name}: {} instances, {} clients",
            options.instances, options.clients
        ),
        &figures,
    );
    Ok(())
}

/// One instance at a time on an idle server; the median of several.
fn one(
    options: &Options,
    name: &str,
    definition: &str,
    steps: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let server = Server::start(&options.maestro)?;
    let mut client = Client::connect(&server.address)?;
    client.json("POST", "/api/v3/workflows", definition)?;
    let (mut walls, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let asked = Instant::now();
        let answer = client.json(
            "POST",
            &format!("/api/v3/workflows/{name}/versions/active/actions/start"),
            START,
        )?;
        starts.push(asked.elapsed().as_secs_f64() * 1000.0);
        let instance = answer["workflow_instance_id"]
            .as_i64()
            .context("an instance")?;
        let path = format!("/api/v3/workflows/{name}/instances/{instance}/runs/1?enriched=false");
        loop {
            let run = client.json("GET", &path, "")?;
            match run["status"].as_str() {
                Some("SUCCEEDED") => break,
                Some("CREATED" | "IN_PROGRESS") => std::thread::sleep(Duration::from_micros(200)),
                other => bail!("instance {instance} is {other:?}"),
            }
        }
        walls.push(asked.elapsed().as_secs_f64() * 1000.0);
    }
    walls.sort_by(f64::total_cmp);
    starts.sort_by(f64::total_cmp);
    let mut figures = Figures::default();
    figures.add("start asked to end seen, median", walls[3], "ms");
    figures.add("start call, median", starts[3], "ms");
    figures.add(
        "step to step p50",
        server.quantile("maestro_step_to_step_seconds", 0.5)?,
        "ms",
    );
    figures.add(
        "step to step p99",
        server.quantile("maestro_step_to_step_seconds", 0.99)?,
        "ms",
    );
    report.print(&format!("{name}: one instance of {steps} steps"), &figures);
    Ok(())
}
