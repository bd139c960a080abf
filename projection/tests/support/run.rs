//! A worker that keeps snapshots, with its log, and what it is asked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::history::Random;
use crate::support::{Answer, Redis, befriend, command, eventually, free_port, friends, request, user};

pub const PEOPLE: u64 = 40;

pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("restart-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Where the snapshots are: made by the worker.
    pub fn snapshots(&self) -> PathBuf {
        self.0.join("snapshots")
    }

    /// Names in the folder of snapshots that end like this, ascending.
    pub fn names(&self, end: &str) -> Vec<String> {
        let entries = fs::read_dir(self.snapshots()).unwrap().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(end)).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A worker that keeps snapshots, and its log.
pub struct Run {
    pub port: u16,
    pub process: Child,
    log: PathBuf,
}

impl Run {
    /// Waits until it has caught up.
    pub fn start(redis: &Redis, folder: &Folder, more: &[&str]) -> Self {
        let port = free_port();
        let mut command = command(&redis.url(), port);
        command.arg("--snapshot-dir").arg(folder.snapshots()).args(more);
        Self::spawn(port, command, folder)
    }

    pub fn spawn(port: u16, mut command: Command, folder: &Folder) -> Self {
        let log = folder.0.join(format!("log-{port}"));
        let process = command.stderr(File::create(&log).unwrap()).spawn().unwrap();
        let run = Self { port, process, log };
        eventually("the worker is ready", || request(port, "GET", "/readyz").ok().filter(|it| it.status == 200));
        run
    }

    pub fn ask(&self, method: &str, path: &str) -> Answer {
        request(self.port, method, path).unwrap()
    }

    /// One now, or when the one that is being written is done.
    pub fn snapshot(&self) -> Answer {
        let made = eventually("a snapshot", || Some(self.ask("POST", "/v1/snapshot")).filter(|it| it.status != 409));
        assert_eq!(made.status, 201, "{}", made.text());
        made
    }

    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> String {
        self.signal("TERM");
        let status = eventually("the worker ends", || self.process.try_wait().unwrap());
        assert_eq!(status.code(), Some(0), "{}", self.said());
        self.said()
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn figure(&self, name: &str) -> f64 {
        let text = self.ask("GET", "/metrics").text();
        let sum = |prefix: &str| {
            let lines =
                text.lines().filter_map(|line| line.strip_prefix(prefix)?.rsplit(' ').next()?.parse::<f64>().ok());
            lines.reduce(|a, b| a + b)
        };
        sum(name).unwrap_or_default()
    }

    /// Events applied since it was started.
    pub fn applied(&self) -> f64 {
        self.figure("worker_events_total")
    }

    /// Everything that it answers about the first people.
    pub fn answers(&self) -> Vec<(u16, String, Option<String>)> {
        let mut paths = Vec::new();
        for id in 1..=PEOPLE {
            paths.push(format!("/v1/users/{id}/recommendations?limit=100"));
            paths.push(format!("/v1/users/{id}/mutual-friends?friendId={}&limit=100", id % PEOPLE + 1));
        }
        let answers = paths.iter().map(|path| self.ask("GET", path));
        answers.map(|answer| (answer.status, answer.text(), answer.header("last-event").map(str::to_owned))).collect()
    }
}

impl Drop for Run {
    /// As a machine that loses its power, but for the page cache.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Appends some random events.
pub fn happen(log: &mut redis::Connection, random: &mut Random, count: usize) {
    for _ in 0..count {
        let (a, b) = (random.below(PEOPLE) + 1, random.below(PEOPLE) + 1);
        match random.below(10) {
            0 => drop(user(log, "USER_CREATED", a, "New")),
            1 => drop(user(log, "USER_UPDATED", a, "Renamed")),
            2 => drop(friends(log, "FRIEND_REMOVED", a, b)),
            // With oneself now and then: a dead letter.
            _ => drop(befriend(log, a, b)),
        }
    }
}

/// The same from position 0.
pub fn replayed(redis: &Redis) -> Vec<(u16, String, Option<String>)> {
    let folder = Folder::new();
    Run::start(redis, &folder, &[]).answers()
}

pub fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}
