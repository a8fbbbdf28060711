//! Figures as a table or as JSON lines.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Where figures go.
pub(crate) struct Report {
    json: bool,
}

/// The figures of one workload.
#[derive(Default)]
pub(crate) struct Figures {
    rows: Vec<(String, f64, &'static str)>,
}

impl Figures {
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.rows.push((name.into(), value, unit));
    }

    /// Median and tail of latencies in microseconds.
    pub(crate) fn latencies(&mut self, histogram: &Histogram<u64>) {
        let ms = |q| histogram.value_at_quantile(q) as f64 / 1000.0;
        self.add("start p50", ms(0.5), "ms");
        self.add("start p95", ms(0.95), "ms");
        self.add("start p99", ms(0.99), "ms");
    }
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    #[expect(clippy::print_stdout, reason = "the output of the program")]
    pub(crate) fn print(&mut self, workload: &str, figures: &Figures) {
        if self.json {
            let mut object = serde_json::Map::new();
            object.insert("workload".into(), workload.into());
            for (name, value, unit) in &figures.rows {
                object.insert(format!("{name} [{unit}]"), (*value).into());
            }
            println!("{}", serde_json::Value::Object(object));
            return;
        }
        println!("{workload}");
        for (name, value, unit) in &figures.rows {
            println!("  {name:<32} {value:>14.3} {unit}");
        }
    }
}

/// Processor time of a process so far, all threads.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return Duration::ZERO;
    };
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |i: usize| {
        fields
            .get(i)
            .and_then(|f| f.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Peak and present resident memory of a process, in MiB.
pub(crate) fn memory(pid: u32) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    (
        field("VmHWM:").unwrap_or(0.0) / 1024.0,
        field("VmRSS:").unwrap_or(0.0) / 1024.0,
    )
}

/// Bytes of the files of a folder's first level.
pub(crate) fn folder_bytes(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|e| e.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|m| m.len())
        .sum()
}
