//! Shows how far a long way through the streams has come: a bar on a terminal, lines in the log, and a figure.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::metrics::Metrics;
use crate::tail::TailStatus;

/// How often the bar and the figure move.
const MOVE_EVERY: Duration = Duration::from_millis(200);
/// How often the log has a line, and how long a way is that is worth one.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// Characters of the bar.
const WIDTH: usize = 40;

/// Whether the last line of the terminal is a bar.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// Standard error for the log: wipes the bar out before it writes.
pub fn log() -> impl Write {
    clear();
    io::stderr()
}

fn clear() {
    if DRAWN.swap(false, Ordering::Relaxed) {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}

/// Ends the show when it is dropped.
pub struct Progress {
    task: JoinHandle<()>,
    metrics: Arc<Metrics>,
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
        self.metrics.progress(1.0);
        clear();
    }
}

impl Progress {
    /// Shows how much of both streams has been read, until it is dropped. `what` is being done: `rebuilding`.
    pub fn show(what: &'static str, statuses: [Arc<TailStatus>; 2], metrics: Arc<Metrics>) -> Self {
        let watched = Arc::clone(&metrics);
        Self { task: tokio::spawn(watch(what, statuses, watched)), metrics }
    }
}

async fn watch(what: &'static str, statuses: [Arc<TailStatus>; 2], metrics: Arc<Metrics>) {
    let (start, mut said) = (Instant::now(), Instant::now());
    let bar = io::stderr().is_terminal();
    let begun: u64 = statuses.iter().map(|status| status.entries()).sum();
    loop {
        sleep(MOVE_EVERY).await;
        let total: u64 = statuses.iter().map(|status| status.added()).sum();
        let done: u64 = statuses.iter().map(|status| status.entries()).sum();
        let ratio = match total {
            // Two empty streams, or none that has been seen.
            0 => f64::from(u8::from(statuses.iter().all(|status| status.target().is_some()))),
            _ => (done as f64 / total as f64).min(1.0),
        };
        metrics.progress(ratio);
        let rate = (done - begun.min(done)) as f64 / start.elapsed().as_secs_f64();
        let percent = (ratio * 100.0) as u32;
        if bar {
            DRAWN.store(true, Ordering::Relaxed);
            let full = (ratio * WIDTH as f64) as usize;
            let _ = write!(
                io::stderr(),
                "\r{what} [{}{}] {percent} %, {done} of {total} events, {rate:.0}/s\x1b[K",
                "#".repeat(full),
                ".".repeat(WIDTH - full)
            );
        }
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            let left = (total.saturating_sub(done) as f64 / rate.max(1.0)).ceil();
            tracing::info!(done, total, percent, per_second = rate.round(), seconds_left = left, "{what}");
        }
    }
}
