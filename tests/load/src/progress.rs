//! How far a phase is: a bar on a terminal, a line now and then elsewhere.

use std::cell::Cell;
use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(1);

pub enum Progress {
    Bar(ProgressBar),
    Lines { name: &'static str, all: usize, done: Cell<usize>, last: Cell<Instant> },
}

impl Progress {
    pub fn new(name: &'static str, all: usize) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { name, all, done: Cell::new(0), last: Cell::new(Instant::now()) };
        }
        let style = ProgressStyle::with_template("{prefix:<11} {bar:40} {pos}/{len}  {rate}/s  {eta} left");
        let style =
            style.expect("the template is valid").with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
                let _ = write!(text, "{:.0}", state.per_sec());
            });
        Self::Bar(ProgressBar::new(all as u64).with_prefix(name).with_style(style))
    }

    pub fn one_more(&self) {
        match self {
            Self::Bar(bar) => bar.inc(1),
            Self::Lines { name, all, done, last } => {
                done.set(done.get() + 1);
                if done.get() == *all || last.get().elapsed() >= LINE_EVERY {
                    last.set(Instant::now());
                    eprintln!("{name}: {} of {all}", done.get());
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.abandon();
        }
    }
}
