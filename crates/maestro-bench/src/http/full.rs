//! The same rates on an empty store and on one that holds millions of finished jobs.

use super::Options;
use super::rates::{Load, Rate, push_chains, rates};
use crate::report::{Figures, Report, folder_bytes, memory};
use crate::server::Server;

/// Times that each rate is measured; the median counts, since a machine is seldom quiet.
const ROUNDS: usize = 9;

/// What is measured: a name, and the steps of an instance.
const WORKLOADS: [(&str, usize); 2] = [("chain10", 10), ("single", 1)];

pub(super) fn run(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let mut full = server(options)?;
    push_chains(&full, "fill", 10)?;
    let (fill, _) = rates(&full, "fill", load(options, options.fill, 10))?;
    report.print(
        &format!("fill: {} instances of 10 steps", options.fill),
        &fill,
    );
    let mut figures = compare(options, &full)?;
    let mib = folder_bytes(full.data.path()) as f64 / f64::from(1 << 20);
    figures.add("store", mib, "MiB");
    figures.add("peak memory", memory(full.child.id()).0, "MiB");
    report.print(&title("full", options), &figures);

    // Nothing of the store is in the server's memory then.
    let up = full.crash()?;
    let mut figures = compare(options, &full)?;
    figures.add("up again after kill -9", up.as_secs_f64(), "s");
    report.print(&title("full, after a restart", options), &figures);
    Ok(())
}

/// A server on an empty store with the workflows that are measured.
fn server(options: &Options) -> anyhow::Result<Server> {
    let server = Server::start(&options.program)?;
    for (name, steps) in WORKLOADS {
        push_chains(&server, name, steps)?;
    }
    Ok(server)
}

fn load(options: &Options, instances: u64, steps: usize) -> Load {
    Load {
        clients: options.clients,
        instances,
        steps,
    }
}

/// Measures the full store and empty ones in turns, so that what else the machine does meets both alike.
fn compare(options: &Options, full: &Server) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    for (name, steps) in WORKLOADS {
        let (mut on_empty, mut on_full) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let empty = server(options)?;
            let load = load(options, options.instances, steps);
            on_empty.push(rates(&empty, name, load)?.1);
            on_full.push(rates(full, name, load)?.1);
        }
        let (empty, full) = (median(&on_empty), median(&on_full));
        let mut add = |what: &str, value, unit| figures.add(format!("{name}, {what}"), value, unit);
        add("empty store", empty.instances, "instances/s");
        add("full store", full.instances, "instances/s");
        add("full to empty", full.instances / empty.instances, "");
        add("server cpu, empty store", empty.cpu, "us each");
        add("server cpu, full store", full.cpu, "us each");
        add("server cpu, full to empty", full.cpu / empty.cpu, "");
    }
    Ok(figures)
}

fn title(name: &str, options: &Options) -> String {
    let jobs = options.fill * 10;
    format!("{name}: {jobs} finished jobs, medians of {ROUNDS} rounds")
}

fn median(rates: &[Rate]) -> Rate {
    let middle = |of: fn(&Rate) -> f64| {
        let mut all: Vec<f64> = rates.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    Rate {
        instances: middle(|rate| rate.instances),
        cpu: middle(|rate| rate.cpu),
    }
}
