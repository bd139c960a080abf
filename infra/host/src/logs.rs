//! What components print: a file a component and stream, and, unless it is to be quiet, the host's stderr.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// A line longer than this is written in parts, so that a guest cannot fill the host's memory.
const MAX_LINE: usize = 16 * 1024;

/// One stream of one component, shared by all its instances.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    /// `[component] `, or nothing when the host's stderr is to be left alone.
    prefix: Option<String>,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// The line that has not ended yet.
    line: Vec<u8>,
}

impl Log {
    /// `stream` is `stdout` or `stderr`.
    pub fn open(folder: &Path, component: &str, stream: &str, quiet: bool) -> Result<Self> {
        let path = folder.join(format!("{component}_{stream}.txt"));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write the log {}", path.display()))?;
        Ok(Self(Arc::new(Inner {
            prefix: (!quiet).then(|| format!("[{component}] ")),
            state: Mutex::new(State { file, line: Vec::new() }),
        })))
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.file.write_all(bytes)?;
        let Some(prefix) = &self.0.prefix else {
            return Ok(());
        };
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            state.line.extend_from_slice(part);
            if part.ends_with(b"\n") || state.line.len() >= MAX_LINE {
                let text = String::from_utf8_lossy(&state.line);
                eprintln!("{prefix}{}", text.trim_end_matches('\n'));
                state.line.clear();
            }
        }
        Ok(())
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Log {
    // Appending to a local file: quicker than handing it to another thread, and the order stays.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.append(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
