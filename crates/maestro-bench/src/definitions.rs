//! Pushes and reads at a pace, and many stored definitions (issue 8).

use std::time::{Duration, Instant};

use anyhow::bail;
use hdrhistogram::Histogram;

use crate::report::{Figures, Report, cpu_time, folder_bytes, memory};
use crate::server::{Client, Program, Server};

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    program: Program,
    /// Requests a second
    #[arg(long, default_value_t = 1_000)]
    rate: u64,
    /// Seconds of each paced workload
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Connections
    #[arg(long, default_value_t = 16)]
    clients: u64,
    /// Definitions of the workload `stored`
    #[arg(long, default_value_t = 100_000)]
    stored: u64,
    /// Only workloads whose name holds this
    #[arg(long, default_value = "")]
    only: String,
}

pub(crate) fn run(options: &Options, out: &mut Report) -> anyhow::Result<()> {
    let workloads: [(&str, Workload); 4] = [
        ("push", push),
        ("read definition", read_definition),
        ("read instance", read_instance),
        ("stored", stored),
    ];
    for (name, workload) in workloads {
        if name.contains(&options.only) {
            out.print(name, &workload(options)?);
        }
    }
    Ok(())
}

type Workload = fn(&Options) -> anyhow::Result<Figures>;

/// A chain of steps whose definition has about 200 bytes for each.
fn chain(id: &str, steps: usize) -> String {
    let step = |i: usize| {
        let next = if i + 1 < steps {
            format!(
                r#""transition":{{"successors":{{"step-{}":"true"}}}},"#,
                i + 1
            )
        } else {
            String::new()
        };
        format!(
            r#"{{"step":{{"id":"step-{i}","name":"Step number {i} of the nightly load","type":"NoOp",{next}"params":{{"table":{{"value":"warehouse.sales_{i}","type":"STRING"}}}}}}}}"#
        )
    };
    let steps: Vec<String> = (0..steps).map(step).collect();
    format!(
        r#"{{"properties":{{"owner":"bench"}},"workflow":{{"id":"{id}","steps":[{}]}}}}"#,
        steps.join(",")
    )
}

/// Calls at a pace over several connections; latencies count from when a call was due.
fn paced(
    options: &Options,
    address: &str,
    call: impl Fn(&mut Client, u64) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<(f64, Histogram<u64>)> {
    let total = options.rate * options.seconds;
    let gap = Duration::from_secs_f64(1.0 / options.rate as f64);
    let begun = Instant::now();
    let one = |client: u64| -> anyhow::Result<Histogram<u64>> {
        let mut histogram = Histogram::new(3)?;
        let mut connection = Client::connect(address)?;
        let mut at = client;
        while at < total {
            let due = begun + gap.mul_f64(at as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            call(&mut connection, at)?;
            histogram.record(u64::try_from(due.elapsed().as_micros())?)?;
            at += options.clients;
        }
        Ok(histogram)
    };
    let mut all = Histogram::new(3)?;
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let one = &one;
        let threads: Vec<_> = (0..options.clients)
            .map(|client| scope.spawn(move || one(client)))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(histogram) => all.add(histogram?)?,
                Err(_) => bail!("a caller broke off"),
            }
        }
        Ok(())
    })?;
    Ok((total as f64 / begun.elapsed().as_secs_f64(), all))
}

fn figures(server: &Server, rate: f64, histogram: &Histogram<u64>, cpu: Duration) -> Figures {
    let mut figures = Figures::default();
    let ms = |q| histogram.value_at_quantile(q) as f64 / 1000.0;
    figures.add("requests", rate, "1/s");
    figures.add("p50", ms(0.5), "ms");
    figures.add("p99", ms(0.99), "ms");
    figures.add("p99.9", ms(0.999), "ms");
    figures.add("slowest", histogram.max() as f64 / 1000.0, "ms");
    figures.add("server's processor time", cpu.as_secs_f64(), "s");
    figures.add("peak memory", memory(server.child.id()).0, "MiB");
    figures
}

/// 50-step definitions, 100 ids in turn.
fn push(options: &Options) -> anyhow::Result<Figures> {
    let server = Server::start(&options.program)?;
    let bodies: Vec<String> = (0..100).map(|i| chain(&format!("load-{i}"), 50)).collect();
    let before = cpu_time(server.child.id());
    let (rate, histogram) = paced(options, &server.address, |client, at| {
        let body = &bodies[usize::try_from(at % 100)?];
        client.json("POST", "/api/v3/workflows", body).map(drop)
    })?;
    let cpu = cpu_time(server.child.id()) - before;
    let mut figures = figures(&server, rate, &histogram, cpu);
    figures.add("size of a definition", bodies[0].len() as f64, "bytes");
    Ok(figures)
}

fn read_definition(options: &Options) -> anyhow::Result<Figures> {
    let server = Server::start(&options.program)?;
    let mut client = Client::connect(&server.address)?;
    client.json("POST", "/api/v3/workflows", &chain("read", 100))?;
    read(options, &server, "/api/v3/workflows/read/versions/latest")
}

fn read_instance(options: &Options) -> anyhow::Result<Figures> {
    let server = Server::start(&options.program)?;
    let mut client = Client::connect(&server.address)?;
    client.json("POST", "/api/v3/workflows", &chain("read", 100))?;
    let start = "/api/v3/workflows/read/versions/1/actions/start";
    client.json("POST", start, r#"{"initiator":{"type":"MANUAL"}}"#)?;
    let path = "/api/v3/workflows/read/instances/1";
    let deadline = Instant::now() + Duration::from_secs(60);
    while client.json("GET", path, "")?["status"] != "SUCCEEDED" {
        if Instant::now() > deadline {
            bail!("the instance does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    read(options, &server, path)
}

fn read(options: &Options, server: &Server, path: &str) -> anyhow::Result<Figures> {
    let before = cpu_time(server.child.id());
    let (rate, histogram) = paced(options, &server.address, |client, _| {
        let answer = client.call("GET", path, "")?;
        if answer.status != 200 {
            bail!("{path}: {}", answer.status);
        }
        Ok(())
    })?;
    let cpu = cpu_time(server.child.id()) - before;
    Ok(figures(server, rate, &histogram, cpu))
}

/// Many workflows of 50 steps in one store, as fast as they go; then some of all are read.
fn stored(options: &Options) -> anyhow::Result<Figures> {
    let server = Server::start(&options.program)?;
    let body = chain("stored-IDENTITY", 50);
    let begun = Instant::now();
    let threads = options.clients;
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let (body, address) = (&body, &server.address);
        let one = move |client: u64| -> anyhow::Result<()> {
            let mut connection = Client::connect(address)?;
            let mut at = client;
            while at < options.stored {
                let body = body.replace("IDENTITY", &at.to_string());
                connection.json("POST", "/api/v3/workflows", &body)?;
                at += threads;
            }
            Ok(())
        };
        let all: Vec<_> = (0..threads).map(|c| scope.spawn(move || one(c))).collect();
        for thread in all {
            match thread.join() {
                Ok(done) => done?,
                Err(_) => bail!("a caller broke off"),
            }
        }
        Ok(())
    })?;
    let took = begun.elapsed();
    let (peak, now) = memory(server.child.id());
    let mut figures = Figures::default();
    figures.add("definitions", options.stored as f64, "");
    figures.add("pushes", options.stored as f64 / took.as_secs_f64(), "1/s");
    figures.add("peak memory", peak, "MiB");
    figures.add("memory", now, "MiB");
    figures.add(
        "store",
        folder_bytes(server.data.path()) as f64 / 1024.0 / 1024.0,
        "MiB",
    );
    let mut client = Client::connect(&server.address)?;
    let begun = Instant::now();
    client.json("GET", "/api/v3/workflows?prefix=stored-9&first=200", "")?;
    figures.add(
        "list by prefix",
        begun.elapsed().as_secs_f64() * 1000.0,
        "ms",
    );
    let (_, histogram) = paced(options, &server.address, |client, at| {
        let id = at * 7919 % options.stored;
        let path = format!("/api/v3/workflows/stored-{id}/versions/latest");
        client.json("GET", &path, "").map(drop)
    })?;
    let ms = |q| histogram.value_at_quantile(q) as f64 / 1000.0;
    figures.add("read of any, p99", ms(0.99), "ms");
    figures.add("memory after reads", memory(server.child.id()).1, "MiB");
    Ok(figures)
}
