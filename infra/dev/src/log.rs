//! What a part prints: kept in a file, the newest lines in memory, and shown with the part's name before each line.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IsTerminal, PipeReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Shown when a part fails.
const RECENT_LINES: usize = 12;
/// A longer line is cut into several: one part's output must not grow our memory.
const LINE_BYTES: u64 = 64 * 1024;
/// A larger file becomes the one before, and a new one is begun: two of these for each part, and no more.
const FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The log of one part, through all its restarts.
pub struct Log {
    name: &'static str,
    colour: &'static str,
    path: PathBuf,
    kept: Mutex<Kept>,
    shown: Arc<AtomicBool>,
}

struct Kept {
    file: File,
    bytes: u64,
    recent: VecDeque<String>,
}

impl Log {
    /// `<folder>/<name>.log`, begun anew. Lines are shown while `shown` is set.
    pub fn open(folder: &Path, name: &'static str, colour: &'static str, shown: Arc<AtomicBool>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}.log"));
        let kept = Kept { file: begin(&path)?, bytes: 0, recent: VecDeque::new() };
        Ok(Self { name, colour, path, kept: Mutex::new(kept), shown })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the part printed since the system was started, or its newest part if that is much.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.path).unwrap_or_default()).into_owned()
    }

    pub fn recent(&self) -> Vec<String> {
        self.kept.lock().unwrap().recent.iter().cloned().collect()
    }

    /// Reads to the end of the pipe, which comes when every process that writes to it has ended.
    pub fn follow(&self, pipe: PipeReader) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        loop {
            line.clear();
            match pipe.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => self.keep(String::from_utf8_lossy(&line).trim_end()),
            }
        }
    }

    fn keep(&self, line: &str) {
        let mut kept = self.kept.lock().unwrap();
        // A full disk must not stop the part: its line is lost, no more.
        let _ = writeln!(kept.file, "{line}");
        kept.bytes += line.len() as u64 + 1;
        if kept.bytes >= FILE_BYTES
            && let Ok(file) = begin(&self.path)
        {
            (kept.file, kept.bytes) = (file, 0);
        }
        if kept.recent.len() == RECENT_LINES {
            kept.recent.pop_front();
        }
        kept.recent.push_back(line.to_string());
        drop(kept);
        if self.shown.load(Ordering::Relaxed) {
            let stdout = io::stdout();
            let (on, off) = if colours(&stdout) { (self.colour, "\x1b[0m") } else { ("", "") };
            // A terminal that has gone away is no reason to stop either.
            let _ = writeln!(stdout.lock(), "{on}{:<8}{off} {line}", self.name);
        }
    }
}

/// A new file; the one that was there is kept beside it.
fn begin(path: &Path) -> io::Result<File> {
    if path.exists() {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    File::create(path)
}

/// Colours only for a person who sees them and has not said no (https://no-color.org).
fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
