//! How a phase goes: a bar on a terminal, a line every few seconds elsewhere.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::record::Point;
use crate::scenario::{End, Phase};

/// Often enough to see it move, seldom enough to read it.
const BAR_EVERY: Duration = Duration::from_millis(500);
const LINE_EVERY: Duration = Duration::from_secs(3);

pub struct Progress {
    name: String,
    /// What it ends with: a number of calls, or of seconds.
    calls: Option<u64>,
    seconds: Option<f64>,
    bar: Option<ProgressBar>,
    last: Cell<Duration>,
}

impl Progress {
    pub fn new(phase: &Phase, calls: Option<u64>) -> Self {
        let seconds = match phase.end {
            End::Seconds(seconds) => Some(seconds),
            End::Made | End::Requests(_) => None,
        };
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {bar:20} {wide_msg}").expect("the template is valid");
            let length = calls.unwrap_or((seconds.unwrap_or_default() * 1e3) as u64);
            ProgressBar::new(length).with_prefix(format!("{:<14}", phase.name)).with_style(style)
        });
        Self { name: phase.name.clone(), calls, seconds, bar, last: Cell::default() }
    }

    /// Whether it is time to say something again.
    pub fn is_due(&self, now: Duration) -> bool {
        now >= self.last.get() + if self.bar.is_some() { BAR_EVERY } else { LINE_EVERY }
    }

    /// `begun`: calls so far; `lately`: since it was last shown.
    pub fn show(&self, now: Duration, begun: u64, failed: u64, lately: &Point) {
        self.last.set(now);
        let latency = match lately.latency_ms {
            Some(ms) => format!("p50 {:.1} ms  p99 {:.1} ms", ms.p50, ms.p99),
            None => "no answers".to_owned(),
        };
        let far = match (self.calls, self.seconds) {
            (Some(calls), _) => format!("{begun}/{calls}"),
            (None, seconds) => format!("{:.0}/{:.0} s", now.as_secs_f64(), seconds.unwrap_or_default()),
        };
        let text = format!("{far}  {:.0}/s  {latency}  {failed} failed", lately.per_second);
        match &self.bar {
            Some(bar) => {
                let position = if self.calls.is_some() { begun } else { now.as_millis() as u64 };
                bar.set_position(position.min(bar.length().unwrap_or(position)));
                bar.set_message(text);
            }
            None => eprintln!("{}: {text}", self.name),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A line beside the progress.
pub fn say(text: &str) {
    eprintln!("{text}");
}
