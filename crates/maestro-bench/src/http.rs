//! Workloads through the API of a release server on this machine.
//!
//! The client is as small as it can be (a blocking socket per caller, requests from a template), so that the figures are
//! the server's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
    /// Instances that wait in the workload `waiting`
    #[arg(long, default_value_t = 100_000)]
    waiting: u64,
    /// Starts a second in the workload `paced`
    #[arg(long, default_value_t = 3_000)]
    rate: u64,
    /// Only workloads whose name holds this
    #[arg(long, default_value = "")]
    only: String,
}

/// A server of our own on a fresh folder.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) data: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start(maestro: &Path) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let address = format!("127.0.0.1:{port}");
        let child = spawn(maestro, &address, data.path())?;
        let server = Self {
            child,
            address,
            data,
        };
        server.wait_until_up()?;
        Ok(server)
    }

    /// The same folder and address after the server has died.
    fn spawn_again(&mut self, maestro: &Path) -> anyhow::Result<()> {
        self.child = spawn(maestro, &self.address, self.data.path())?;
        self.wait_until_up()
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

fn spawn(maestro: &Path, address: &str, data: &Path) -> anyhow::Result<Child> {
    Command::new(maestro)
        .args(["server", "--listen", address, "--set", "limits.steps=20000"])
        .args(["--set", "limits.definition_bytes=16777216", "--data"])
        .arg(data)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", maestro.display()))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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

    pub(crate) fn call(
        &mut self,
        verb: &str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<(u16, String)> {
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

    pub(crate) fn json(&mut self, verb: &str, path: &str, body: &str) -> anyhow::Result<Value> {
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
    if wanted("paced") {
        paced(options, report)?;
    }
    if wanted("overload") {
        overload(options, report)?;
    }
    if wanted("waiting") {
        waiting(options, report)?;
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
    let (began, cpu) = (Instant::now(), cpu_time(server.child.id()));
    let own = cpu_time(std::process::id());
    let (all, _) = start_all(&server.address, options.clients, options.instances, |n| {
        format!("{name}-{}", n % workflows)
    })?;
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

/// Many instances that wait: memory for each, and how fast they are taken up after kill -9.
fn waiting(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let count = options.waiting;
    let workflows = 100;
    let mut server = Server::start(&options.maestro)?;
    let mut client = Client::connect(&server.address)?;
    for i in 0..workflows {
        let sleep = r#""type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":86400}}"#;
        let text = chain(&format!("wait-{i}"), 1).replace(r#""type":"NoOp""#, sleep);
        client.json("POST", "/api/v3/workflows", &text)?;
    }
    let before = memory(server.child.id()).1;
    start_all(&server.address, options.clients, count, |n| {
        format!("wait-{}", n % workflows)
    })?;
    std::thread::sleep(Duration::from_secs(2));
    let after = memory(server.child.id()).1;
    let mut figures = Figures::default();
    figures.add("resident before", before, "MiB");
    figures.add("resident with all waiting", after, "MiB");
    figures.add(
        "memory per instance",
        (after - before) * 1024.0 * 1024.0 / count as f64,
        "B",
    );
    server.child.kill()?;
    server.child.wait()?;
    let began = Instant::now();
    server.spawn_again(&options.maestro)?;
    figures.add("up again after kill -9", began.elapsed().as_secs_f64(), "s");
    while server.metric("maestro_live_runs")? < count as f64 {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(60),
            "not all instances are taken up"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    figures.add("all taken up", began.elapsed().as_secs_f64(), "s");
    figures.add(
        "resident after recovery",
        memory(server.child.id()).1,
        "MiB",
    );
    report.print(&format!("waiting: {count} instances that sleep"), &figures);
    Ok(())
}

/// Starts from several callers; the latencies of those that were accepted, and how many were refused.
fn start_all(
    address: &str,
    clients: u64,
    total: u64,
    workflow: impl Fn(u64) -> String + Sync,
) -> anyhow::Result<(Histogram<u64>, u64)> {
    let next = AtomicU64::new(0);
    let refused = AtomicU64::new(0);
    let (next, refused_by, workflow) = (&next, &refused, &workflow);
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(move || {
                    let mut client = Client::connect(address)?;
                    let mut histogram = Histogram::<u64>::new(3)?;
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= total {
                            return anyhow::Ok(histogram);
                        }
                        let path = format!(
                            "/api/v3/workflows/{}/versions/active/actions/start",
                            workflow(n)
                        );
                        loop {
                            let asked = Instant::now();
                            let (status, text) = client.call("POST", &path, START)?;
                            match status {
                                200 => {
                                    histogram
                                        .record(u64::try_from(asked.elapsed().as_micros())?)?;
                                    break;
                                }
                                429 => {
                                    refused_by.fetch_add(1, Ordering::Relaxed);
                                    std::thread::sleep(Duration::from_millis(20));
                                }
                                _ => bail!("{status} {text}"),
                            }
                        }
                    }
                })
            })
            .collect();
        let mut all = Histogram::<u64>::new(3)?;
        for thread in threads {
            all.add(
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a client panicked"))??,
            )?;
        }
        anyhow::Ok(all)
    })?;
    Ok((all, refused.load(Ordering::Relaxed)))
}

/// More callers than the server can serve at once: bounded memory, bounded latency, nothing accepted is lost.
fn overload(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(&options.maestro)?;
    let mut client = Client::connect(&server.address)?;
    for i in 0..8 {
        client.json(
            "POST",
            "/api/v3/workflows",
            &chain(&format!("flood-{i}"), 10),
        )?;
    }
    let began = Instant::now();
    let total = options.instances * 2;
    let (latencies, refused) =
        start_all(&server.address, 1000, total, |n| format!("flood-{}", n % 8))?;
    let took = began.elapsed().as_secs_f64();
    while server.metric("maestro_runs_ended_total")? < total as f64 {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(300),
            "accepted instances are lost"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut figures = Figures::default();
    figures.add("accepted", total as f64 / took, "1/s");
    figures.add("refused with 429", refused as f64, "");
    figures.latencies(&latencies);
    figures.add("peak memory", memory(server.child.id()).0, "MiB");
    report.print(&format!("overload: {total} starts, 1000 clients"), &figures);
    Ok(())
}

/// Starts at a fixed rate, each due at its own moment, so that a stall is not hidden by callers that wait for it.
fn paced(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(&options.maestro)?;
    let mut client = Client::connect(&server.address)?;
    for i in 0..8 {
        client.json(
            "POST",
            "/api/v3/workflows",
            &chain(&format!("paced-{i}"), 10),
        )?;
    }
    let (rate, seconds) = (options.rate, 15);
    let total = rate * seconds;
    let next = AtomicU64::new(0);
    let began = Instant::now();
    let (next, address) = (&next, server.address.as_str());
    let all = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.clients)
            .map(|_| {
                scope.spawn(move || {
                    let mut client = Client::connect(address)?;
                    let mut histogram = Histogram::<u64>::new(3)?;
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= total {
                            return anyhow::Ok(histogram);
                        }
                        let due = Duration::from_micros(n * 1_000_000 / rate);
                        if let Some(wait) = due.checked_sub(began.elapsed()) {
                            std::thread::sleep(wait);
                        }
                        let path = format!(
                            "/api/v3/workflows/paced-{}/versions/active/actions/start",
                            n % 8
                        );
                        client.json("POST", &path, START)?;
                        histogram.record(u64::try_from(
                            began.elapsed().saturating_sub(due).as_micros(),
                        )?)?;
                    }
                })
            })
            .collect();
        let mut all = Histogram::<u64>::new(3)?;
        for thread in threads {
            all.add(
                thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a client panicked"))??,
            )?;
        }
        anyhow::Ok(all)
    })?;
    let mut figures = Figures::default();
    figures.latencies(&all);
    report.print(
        &format!("paced: {rate} starts of 10 steps a second for {seconds} s"),
        &figures,
    );
    Ok(())
}
