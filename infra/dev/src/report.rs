//! Telling a person what is going on while the system starts and stops.

use std::io::{self, IsTerminal, Write};

pub trait Report: Send + Sync {
    /// Something has been done, or is worth knowing.
    fn step(&self, message: &str);
    /// What is being waited for. Comes often; each replaces the one before.
    fn waiting(&self, message: &str);
}

/// Says nothing: for tests.
pub struct Silent;

impl Report for Silent {
    fn step(&self, _: &str) {}
    fn waiting(&self, _: &str) {}
}

/// Prints lines, and on a terminal one line at the bottom that changes.
pub struct Console {
    terminal: bool,
    last: std::sync::Mutex<String>,
}

impl Console {
    pub fn new() -> Self {
        Self { terminal: io::stdout().is_terminal(), last: std::sync::Mutex::default() }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

/// Erases the changing line.
const CLEAR: &str = "\r\x1b[2K";

impl Report for Console {
    fn step(&self, message: &str) {
        let clear = if self.terminal { CLEAR } else { "" };
        let _ = writeln!(io::stdout(), "{clear}{message}");
    }

    fn waiting(&self, message: &str) {
        let mut last = self.last.lock().unwrap();
        if *last == message {
            return;
        }
        *last = message.to_string();
        let mut out = io::stdout();
        let _ = if self.terminal {
            write!(out, "{CLEAR}{message}").and_then(|()| out.flush())
        } else {
            writeln!(out, "{message}")
        };
    }
}
