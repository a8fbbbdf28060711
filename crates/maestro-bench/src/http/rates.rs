//! How many small instances a second, and what they cost.

use std::time::{Duration, Instant};

use super::load::start_all;
use crate::inproc::chain;
use crate::report::{Figures, cpu_time, folder_bytes, memory};
use crate::server::{Client, Server};

/// Workflows that the instances are spread over.
const WORKFLOWS: u64 = 8;

/// What is asked of the server.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) clients: u64,
    pub(super) instances: u64,
    /// Steps of each instance.
    pub(super) steps: usize,
}

/// The figures that are compared.
#[derive(Clone, Copy)]
pub(super) struct Rate {
    /// Instances a second.
    pub(super) instances: f64,
    /// Processor time of the server for each, in microseconds.
    pub(super) cpu: f64,
}

/// The workflow of the n-th start.
pub(super) fn workflow(name: &str, n: u64) -> String {
    format!("{name}-{}", n % WORKFLOWS)
}

/// Pushes the workflows, each a chain of steps.
pub(super) fn push_chains(server: &Server, name: &str, steps: usize) -> anyhow::Result<()> {
    let mut client = Client::connect(&server.address)?;
    for n in 0..WORKFLOWS {
        let definition = chain(&workflow(name, n), steps);
        client.json("POST", "/api/v3/workflows", &definition)?;
    }
    Ok(())
}

/// Starts instances of pushed chains and waits until the last of them has ended.
pub(super) fn rates(server: &Server, name: &str, load: Load) -> anyhow::Result<(Figures, Rate)> {
    let pid = server.child.id();
    let ended = server.metric("maestro_runs_ended_total")?;
    let bytes = folder_bytes(server.data.path());
    let (began, cpu, own) = (Instant::now(), cpu_time(pid), cpu_time(std::process::id()));
    let starts = start_all(&server.address, load.clients, load.instances, |n| {
        workflow(name, n)
    })?;
    let count = load.instances as f64;
    while server.metric("maestro_runs_ended_total")? < ended + count {
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = began.elapsed().as_secs_f64();
    let server_cpu = (cpu_time(pid) - cpu).as_secs_f64();
    let client_cpu = (cpu_time(std::process::id()) - own).as_secs_f64();
    let rate = Rate {
        instances: count / took,
        cpu: server_cpu * 1e6 / count,
    };
    let jobs = count * load.steps as f64;
    let mut figures = Figures::default();
    figures.add("jobs", jobs / took, "1/s");
    figures.add("instances", rate.instances, "1/s");
    figures.latencies(&starts.latencies);
    figures.add("server cpu per instance", rate.cpu, "us");
    figures.add("client cpu per instance", client_cpu * 1e6 / count, "us");
    figures.add("server cores used", server_cpu / took, "");
    for (name, q) in [("step to step p50", 0.5), ("step to step p99", 0.99)] {
        figures.add(
            name,
            server.quantile("maestro_step_to_step_seconds", q)?,
            "ms",
        );
    }
    figures.add("peak memory", memory(pid).0, "MiB");
    figures.add(
        "bytes per job",
        folder_bytes(server.data.path()).saturating_sub(bytes) as f64 / jobs,
        "B",
    );
    Ok((figures, rate))
}
