//! Where the generator runs: figures of one machine say little about another.

use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub system: String,
    pub processor: String,
    pub processors: usize,
    /// None where it is not Linux.
    pub memory_bytes: Option<u64>,
    /// Of the last minute before the run: what else it did.
    pub load_average: Option<f64>,
}

impl Machine {
    pub fn look() -> Self {
        let first = |file: &str, key: &str| {
            let text = fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split(':').next_back()?.trim().to_owned())
        };
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let memory = first("/proc/meminfo", "MemTotal").and_then(|text| text.strip_suffix(" kB")?.trim().parse().ok());
        let average = fs::read_to_string("/proc/loadavg").ok();
        Self {
            system: format!("{} {} {}", std::env::consts::OS, std::env::consts::ARCH, kernel.trim()).trim().to_owned(),
            processor: first("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            processors: available_parallelism().map_or(1, usize::from),
            memory_bytes: memory.map(|kib: u64| kib * 1024),
            load_average: average.and_then(|text| text.split(' ').next()?.parse().ok()),
        }
    }
}
