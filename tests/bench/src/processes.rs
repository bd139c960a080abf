//! What processes use, as Linux counts it.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time that all threads of a process have used. 0 where it is gone, or where Linux does not count it.
pub fn cpu(pid: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let used = threads.filter_map(|thread| {
        // Nanoseconds on a processor, nanoseconds waiting for one, time slices.
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(used.sum())
}

/// Processor time that this thread has used: it goes on only while the thread runs.
pub fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Processor time that the whole machine has used. Its resolution is 10 ms.
pub fn machine_cpu() -> Duration {
    const TICK_MS: u64 = 10;
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
    // user nice system idle iowait irq softirq: without the two in which nothing runs.
    let ticks = numbers.take(7).enumerate().filter(|(n, _)| ![3, 4].contains(n));
    Duration::from_millis(TICK_MS * ticks.filter_map(|(_, text)| text.parse::<u64>().ok()).sum::<u64>())
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Resident memory in MB of 10^6 bytes.
pub fn resident_mb(pid: u32) -> Option<f64> {
    status_mb(pid, "VmRSS:")
}

/// The most resident memory since the start of the process, or since [`forget_peak`].
pub fn peak_mb(pid: u32) -> Option<f64> {
    status_mb(pid, "VmHWM:")
}

/// Begins with the memory of now. Where Linux does not do that, the peak is the one since the start.
pub fn forget_peak(pid: u32) {
    const RESET_PEAK: &str = "5";
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), RESET_PEAK);
}

fn status_mb(pid: u32, name: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<f64>().ok());
    Some(kib? * 1024.0 / 1e6)
}

/// One line about the machine.
pub fn machine() -> String {
    let first = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split(':').next_back().unwrap_or_default().trim().to_owned()
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} x {}, Linux {}", cores(), first("/proc/cpuinfo", "model name"), kernel.trim())
}
