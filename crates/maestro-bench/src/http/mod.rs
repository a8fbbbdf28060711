//! Workloads through the API of a release server on this machine.

mod full;
mod load;
mod rates;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::inproc::chain;
use crate::report::{Figures, Report, memory};
use crate::server::{Client, Program, Server};
use load::{START, start_all, start_at_rate, start_path};
use rates::{Load, push_chains, rates, workflow};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    program: Program,
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
    /// Instances of 10 steps that fill the store in the workload `full`
    #[arg(long, default_value_t = 200_000)]
    fill: u64,
    /// Only workloads whose name holds this
    #[arg(long, default_value = "")]
    only: String,
}

pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let wanted = |name: &str| name.contains(&options.only);
    if wanted("idle") {
        let server = Server::start(&options.program)?;
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
    if wanted("full") {
        full::run(options, report)?;
    }
    Ok(())
}

/// Many small instances from several callers.
fn many(options: &Options, name: &str, steps: usize, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(&options.program)?;
    push_chains(&server, name, steps)?;
    let load = Load {
        clients: options.clients,
        instances: options.instances,
        steps,
    };
    let (figures, _) = rates(&server, name, load)?;
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
    let server = Server::start(&options.program)?;
    let mut client = Client::connect(&server.address)?;
    client.json("POST", "/api/v3/workflows", definition)?;
    let (mut walls, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let asked = Instant::now();
        let answer = client.json("POST", &start_path(name), START)?;
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
    let mut server = Server::start(&options.program)?;
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
    let up = server.crash()?;
    let began = Instant::now();
    figures.add("up again after kill -9", up.as_secs_f64(), "s");
    while server.metric("maestro_live_runs")? < count as f64 {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(60),
            "not all instances are taken up"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    figures.add("all taken up", (up + began.elapsed()).as_secs_f64(), "s");
    figures.add(
        "resident after recovery",
        memory(server.child.id()).1,
        "MiB",
    );
    report.print(&format!("waiting: {count} instances that sleep"), &figures);
    Ok(())
}

/// More callers than the server can serve at once: bounded memory, bounded latency, nothing accepted is lost.
fn overload(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(&options.program)?;
    push_chains(&server, "flood", 10)?;
    let began = Instant::now();
    let total = options.instances * 2;
    let starts = start_all(&server.address, 1000, total, |n| workflow("flood", n))?;
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
    figures.add("refused with 429", starts.refused as f64, "");
    figures.latencies(&starts.latencies);
    figures.add("peak memory", memory(server.child.id()).0, "MiB");
    report.print(&format!("overload: {total} starts, 1000 clients"), &figures);
    Ok(())
}

/// Starts at a fixed rate.
fn paced(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(&options.program)?;
    push_chains(&server, "paced", 10)?;
    let (rate, seconds) = (options.rate, 15);
    let latencies = start_at_rate(
        &server.address,
        options.clients,
        rate * seconds,
        rate,
        |n| workflow("paced", n),
    )?;
    let mut figures = Figures::default();
    figures.latencies(&latencies);
    report.print(
        &format!("paced: {rate} starts of 10 steps a second for {seconds} s"),
        &figures,
    );
    Ok(())
}

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
