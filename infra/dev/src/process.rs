//! One process that we started: its output, its end, and its certain end when we end.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::log::Log;

/// How long a process has to end by itself after SIGTERM: the runtime drains its requests, Redis syncs its log.
/// The runtime and the worker drain for at most 10 s: one that takes all of it still has 3 s to end in its own way.
pub(crate) const GRACE: Duration = Duration::from_secs(13);

/// A killed process is gone within milliseconds, unless its disk hangs.
const KILLED: Duration = Duration::from_secs(2);
/// A stopped one stands still as soon.
const STOPPED: Duration = Duration::from_secs(2);

/// What to start.
#[derive(Clone, Debug)]
pub struct Spec {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: Vec<(String, String)>,
    pub folder: PathBuf,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(ExitStatus);

impl Ended {
    pub fn code(&self) -> Option<i32> {
        self.0.code()
    }

    pub fn signal(&self) -> Option<i32> {
        self.0.signal()
    }
}

/// Reads on after the name of the part: "the worker" ...
impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(out, "ended with exit code {code}"),
            (None, Some(9)) => out.write_str("was killed (SIGKILL)"),
            (None, Some(15)) => out.write_str("was terminated (SIGTERM)"),
            (None, signal) => write!(out, "was ended by signal {}", signal.unwrap_or(0)),
        }
    }
}

/// A running process. It leads a process group of its own, so that Ctrl-C at the terminal reaches only us, and we
/// choose the order in which the parts end.
pub struct Process {
    pid: Pid,
    /// Taken when the process has been reaped: from then on its number may be another's.
    alive: Arc<Mutex<bool>>,
    ended: watch::Receiver<Option<Ended>>,
}

impl Process {
    /// Starts it, with its output going to `log`. `lock` is inherited: it stays locked until the process is gone,
    /// even when we are killed.
    pub fn start(spec: &Spec, log: &Arc<Log>, lock: Option<File>) -> Result<Self> {
        let failed = |error: io::Error| Error::failed(format!("cannot start {}: {error}", spec.program.display()));
        let (reader, writer) = io::pipe().map_err(failed)?;
        let mut command = Command::new(&spec.program);
        command
            .args(&spec.args)
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            // Its output goes to a file first.
            .env("NO_COLOR", "1")
            .current_dir(&spec.folder)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer)
            .process_group(0);
        let parent = rustix::process::getpid();
        // SAFETY: between fork and exec only system calls are made, on values that exist already.
        unsafe {
            command.pre_exec(move || {
                if let Some(lock) = &lock {
                    rustix::io::fcntl_setfd(lock.as_fd(), rustix::io::FdFlags::empty())?;
                }
                end_with(parent)
            });
        }
        let child = spawn(command).map_err(failed)?;
        let pid = Pid::from_child(&child);
        let alive = Arc::new(Mutex::new(true));
        let (end, ended) = watch::channel(None);
        let (log, still) = (log.clone(), alive.clone());
        thread::spawn(move || {
            let output = thread::spawn(move || log.follow(reader));
            let ended = reap(child, pid, &still);
            // The last words first: whoever sees the end may want to print them.
            let _ = output.join();
            let _ = end.send(Some(ended));
        });
        Ok(Self { pid, alive, ended })
    }

    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get() as u32
    }

    /// Whether another process is this one, or was started by it.
    pub fn leads(&self, pid: u32) -> bool {
        let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let group = group.and_then(|pid| rustix::process::getpgid(Some(pid)).ok());
        group == Some(self.pid)
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        *self.ended.borrow()
    }

    /// Waits for its end.
    pub async fn wait(&self) -> Ended {
        let mut ended = self.ended.clone();
        // The sender is dropped only after sending, so that waiting cannot fail.
        let ended = ended.wait_for(Option::is_some).await.map(|ended| *ended);
        ended.ok().flatten().expect("the reaper reports the end")
    }

    /// SIGTERM, and SIGKILL when that does not help.
    pub async fn stop(&self) -> Ended {
        self.signal(Signal::TERM);
        if let Ok(ended) = timeout(GRACE, self.wait()).await {
            return ended;
        }
        self.kill().await
    }

    /// SIGKILL.
    pub async fn kill(&self) -> Ended {
        self.signal(Signal::KILL);
        self.wait().await
    }

    /// To the process and what it started, as a terminal would.
    pub fn signal(&self, signal: Signal) {
        let alive = self.alive.lock().unwrap();
        if *alive {
            let _ = kill_process_group(self.pid, signal);
        }
    }

    /// Waits until a process that was told to stop runs no more, on no thread: that takes a moment on a busy machine.
    pub fn stands_still(&self) {
        let start = Instant::now();
        while !all_threads_are_stopped(self.pid) && start.elapsed() < STOPPED {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// As Linux shows it: `1234 (name) T …`. Elsewhere nobody can say.
fn all_threads_are_stopped(pid: Pid) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else { return true };
    threads.flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T'))
    })
}

/// Nothing outlives its owner, who may go on to remove the files that it wrote.
impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let start = Instant::now();
        while *self.alive.lock().unwrap() && start.elapsed() < KILLED {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Waits for the end without reaping, ends what the process left behind, then reaps: until then its number, which is
/// also its group's, cannot be given to another.
fn reap(mut child: Child, pid: Pid, alive: &Mutex<bool>) -> Ended {
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
    let mut alive = alive.lock().unwrap();
    let _ = kill_process_group(pid, Signal::KILL);
    *alive = false;
    Ended(child.wait().expect("a child of ours can be waited for"))
}

/// Linux ends the child when the thread that started it ends. So all are started by one thread that never does.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static STARTER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let starter = STARTER.get_or_init(|| {
        let (orders, queue) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in queue {
                let child = command.spawn();
                // Our ends of the child's output, and its lock: they must not stay open here.
                drop(command);
                let _ = answer.send(child);
            }
        });
        orders
    });
    let (answer, child) = mpsc::channel();
    let gone = || io::Error::other("the starting thread is gone");
    starter.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

/// In the child: SIGTERM when its parent ends, however that ends.
#[cfg(target_os = "linux")]
fn end_with(parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
    if rustix::process::getppid() != Some(parent) {
        return Err(io::Error::other("the parent ended meanwhile"));
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn end_with(_parent: Pid) -> io::Result<()> {
    Ok(())
}
