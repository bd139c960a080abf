//! The host's process as the system sees it, under the names that all of Prometheus's clients use. From /proc; where
//! there is none, nothing.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Process {
    pub resident_bytes: u64,
    pub cpu_seconds: f64,
    pub threads: u64,
    pub open_files: u64,
    pub max_files: u64,
    pub start_seconds: f64,
}

/// To be called when the process starts: the time that it shows is that of the first call.
pub fn start_seconds() -> f64 {
    static START: OnceLock<f64> = OnceLock::new();
    *START.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()))
}

impl Process {
    pub fn read() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
        Some(Self {
            resident_bytes: field(&status, "VmRSS:")? * 1024,
            cpu_seconds: cpu_seconds(&std::fs::read_to_string("/proc/self/stat").ok()?)?,
            threads: field(&status, "Threads:")?,
            // Without the one that this look opens.
            open_files: std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as u64,
            max_files: field(&limits, "Max open files")?,
            start_seconds: start_seconds(),
        })
    }
}

/// The first number after a name at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// From `pid (name) state ...`: the fields 14 and 15 are user and system time. The name may have spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 9 0 0 0 250 150 0 0 20 0 4 0 100 1 1";
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(cpu_seconds(stat), Some(400.0 / ticks));
        assert_eq!(field("Name:\tx\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(field("", "VmRSS:"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn reads_its_own_process() {
        let process = Process::read().expect("there is /proc");
        assert!(process.resident_bytes > 1 << 20 && process.threads > 0);
        assert!(process.open_files > 0 && process.open_files < process.max_files);
    }
}
