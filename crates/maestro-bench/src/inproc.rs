//! Workloads against an engine in this process: what the engine costs without HTTP.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use maestro_engine::{Engine, EngineSettings};
use maestro_model::codec::read;
use maestro_model::definition::{User, WorkflowCreateRequest};
use maestro_model::run::StartRequest;
use prometheus_client::registry::Registry;

use crate::report::{Figures, Report, cpu_time, folder_bytes, memory};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Steps of the chain that each instance runs
    #[arg(long, default_value_t = 10)]
    steps: usize,
    /// Instances to start
    #[arg(long, default_value_t = 50_000)]
    instances: u64,
    /// Callers that start one after the other
    #[arg(long, default_value_t = 32)]
    clients: u64,
    /// Workflows that the instances are spread over
    #[arg(long, default_value_t = 8)]
    workflows: u64,
    /// Data folder; a temporary one by default
    #[arg(long)]
    data: Option<PathBuf>,
}

/// A definition with a chain of steps.
pub(crate) fn chain(id: &str, steps: usize) -> String {
    let steps: Vec<String> = (0..steps)
        .map(|i| {
            let next = if i + 1 < steps { format!(r#""s{}":"true""#, i + 1) } else { String::new() };
            format!(r#"{{"step":{{"id":"s{i}","type":"NoOp","transition":{{"successors":{{{next}}}}}}}}}"#)
        })
        .collect();
    let strategy = r#"{"rule":"PARALLEL","workflow_concurrency":1000}"#;
    format!(
        r#"{{"properties":{{"owner":"bench","run_strategy":{strategy},"step_concurrency":1000}},"workflow":{{"id":"{id}","steps":[{}]}}}}"#,
        steps.join(",")
    )
}

pub(crate) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let temp = tempfile::tempdir()?;
    let data = options
        .data
        .clone()
        .unwrap_or_else(|| temp.path().join("data"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let settings = EngineSettings {
        local: None,
        ..EngineSettings::new(data.clone())
    };
    let engine = Engine::open(settings, &mut Registry::default(), |error| {
        panic!("{error}")
    })?;
    let user = User::Name("bench".into());
    for i in 0..options.workflows {
        let request: WorkflowCreateRequest =
            read(chain(&format!("chain{i}"), options.steps).as_bytes())?;
        runtime.block_on(engine.push(request, user.clone()))?;
    }
    let before = folder_bytes(&data);
    let (began, cpu) = (Instant::now(), cpu_time(std::process::id()));
    let next = Arc::new(AtomicU64::new(0));
    let histogram = runtime.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..options.clients {
            let (engine, next, user) = (engine.clone(), next.clone(), user.clone());
            let (instances, workflows) = (options.instances, options.workflows);
            tasks.push(tokio::spawn(async move {
                let mut histogram = Histogram::<u64>::new(3).context("histogram")?;
                let request: StartRequest = read(br#"{"initiator":{"type":"MANUAL"}}"#)?;
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= instances {
                        return anyhow::Ok(histogram);
                    }
                    let workflow = format!("chain{}", n % workflows);
                    let asked = Instant::now();
                    engine
                        .start(&workflow, "active", request.clone(), &user)
                        .await?;
                    histogram.record(u64::try_from(asked.elapsed().as_micros())?)?;
                }
            }));
        }
        let mut all = Histogram::<u64>::new(3).context("histogram")?;
        for task in tasks {
            all.add(task.await??)?;
        }
        anyhow::Ok(all)
    })?;
    while engine.metrics().runs.get() < options.instances {
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = began.elapsed().as_secs_f64();
    let jobs = options.instances as f64 * options.steps as f64;
    let cpu = (cpu_time(std::process::id()) - cpu).as_secs_f64();
    let mut figures = Figures::default();
    figures.add("jobs", jobs / took, "1/s");
    figures.add("instances", options.instances as f64 / took, "1/s");
    figures.latencies(&histogram);
    figures.add(
        "cpu per instance",
        cpu * 1e6 / options.instances as f64,
        "us",
    );
    figures.add("cores used", cpu / took, "");
    figures.add("peak memory", memory(std::process::id()).0, "MiB");
    figures.add(
        "bytes per job",
        (folder_bytes(&data).saturating_sub(before)) as f64 / jobs,
        "B",
    );
    report.print(
        &format!(
            "in process, {} steps, {} clients",
            options.steps, options.clients
        ),
        &figures,
    );
    engine.shutdown();
    Ok(())
}
