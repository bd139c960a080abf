//! The folder of snapshots: names, the lock, which is loaded, which are kept.
//!
//! ```text
//! lock                                    held as long as the worker runs
//! graph-00000000000000000041.snapshot     the last two
//! graph-00000000000000000042.snapshot
//! graph-00000000000000000043.snapshot.tmp    being written
//! graph-00000000000000000040.snapshot.broken found damaged, for you to look at and to delete
//! ```

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::damage::Damage;
use super::format::Header;
use super::reader::Reader;
use super::restore::restore;
use super::witness::Witness;
use super::writer::{Failure, Written, write};
use crate::server::StartError;
use crate::view::{Positions, State, View};

/// One to start from, and one more, should it be damaged.
const KEPT: usize = 2;
const LOCK: &str = "lock";
const PREFIX: &str = "graph-";
const SUFFIX: &str = ".snapshot";
const UNFINISHED: &str = ".tmp";
const BROKEN: &str = ".broken";

pub struct Store {
    folder: PathBuf,
    /// Locked until it is closed, however the worker ends.
    _lock: File,
    next: u64,
    /// What cannot be used now, but is not broken: not counted, not deleted.
    passed_over: HashSet<u64>,
}

/// A snapshot that was read.
pub struct Loaded {
    pub state: State,
    pub header: Header,
    pub path: PathBuf,
    pub took: Duration,
}

impl Store {
    /// Takes the folder, which is made if it is not there, and removes what was never finished.
    pub fn open(folder: &Path) -> Result<Self, StartError> {
        let shown = folder.display();
        let refused = |what: &str, error: io::Error| {
            StartError::Configuration(format!(
                "--snapshot-dir {shown}: {what}: {error}. Name a folder that the worker may write to"
            ))
        };
        fs::create_dir_all(folder).map_err(|error| refused("the folder cannot be made", error))?;
        let lock = File::options().create(true).write(true).truncate(false).open(folder.join(LOCK));
        let lock = lock.map_err(|error| refused("its lock file cannot be written", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StartError::Configuration(format!(
                    "--snapshot-dir {shown} is in use by another worker: give each a folder of its own"
                )));
            }
            Err(TryLockError::Error(error)) => return Err(refused("it cannot be locked", error)),
        }
        let mut last = 0;
        for name in names(folder).map_err(|error| refused("it cannot be listed", error))? {
            if name.starts_with(PREFIX) && name.ends_with(UNFINISHED) {
                remove(&folder.join(&name));
            }
            last = last.max(number(&name).map_or(0, |(number, _)| number));
        }
        Ok(Self { folder: folder.to_owned(), _lock: lock, next: last + 1, passed_over: HashSet::new() })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The snapshots that count, newest first.
    pub fn list(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut snapshots = numbered(&self.folder)?;
        snapshots.retain(|(number, _)| !self.passed_over.contains(number));
        Ok(snapshots)
    }

    /// The newest snapshot that is in order. Those that are not are named and passed over.
    pub fn load(&mut self) -> Option<Loaded> {
        let snapshots = self.list().unwrap_or_else(|error| {
            tracing::error!(folder = %self.folder.display(), %error, "cannot look for snapshots");
            Vec::new()
        });
        for (number, path) in snapshots {
            let start = Instant::now();
            let read = Reader::open(&path).and_then(|reader| {
                let header = *reader.header();
                restore(reader).map(|state| (header, state))
            });
            match read {
                Ok((header, state)) => {
                    // A worker that was killed may have left one too many.
                    self.keep_the_last();
                    return Some(Loaded { state, header, path, took: start.elapsed() });
                }
                Err(damage) => self.pass_over(number, &path, &damage),
            }
        }
        None
    }

    fn pass_over(&mut self, number: u64, path: &Path, damage: &Damage) {
        self.passed_over.insert(number);
        let file = path.display();
        match damage {
            Damage::Newer(_) | Damage::Unreadable(_) => {
                tracing::error!(snapshot = %file, %damage, "a snapshot cannot be used: passed over, and left as it is");
            }
            Damage::Foreign | Damage::Truncated { .. } | Damage::Corrupt { .. } => {
                let broken = with(path, BROKEN);
                // If that does not work it is found broken at the next start again.
                let renamed = fs::rename(path, &broken);
                let kept_as = if renamed.is_ok() { &broken } else { path }.display();
                tracing::error!(snapshot = %file, %damage, %kept_as, "a snapshot cannot be used: passed over");
            }
        }
    }

    /// Writes the next snapshot, and deletes those that are too many then. A failure leaves everything as it was.
    pub fn write(
        &mut self,
        view: &View,
        witnesses: impl FnOnce(Positions) -> [Witness; 2],
    ) -> Result<(PathBuf, Written), Failure> {
        let path = self.folder.join(format!("{PREFIX}{:020}{SUFFIX}", self.next));
        let unfinished = with(&path, UNFINISHED);
        let written = self.write_as(view, &unfinished, &path, witnesses);
        if written.is_err() {
            remove(&unfinished);
        } else {
            self.next += 1;
            self.keep_the_last();
        }
        written.map(|written| (path, written))
    }

    fn write_as(
        &self,
        view: &View,
        unfinished: &Path,
        path: &Path,
        witnesses: impl FnOnce(Positions) -> [Witness; 2],
    ) -> Result<Written, Failure> {
        let file = File::create(unfinished).map_err(Failure::Disk)?;
        let written = write(view, file, witnesses)?;
        fs::rename(unfinished, path).map_err(Failure::Disk)?;
        // The name is in the folder, and the folder has to be on the disk as well.
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(Failure::Disk)?;
        Ok(written)
    }

    fn keep_the_last(&self) {
        match self.list() {
            Ok(snapshots) => snapshots.iter().skip(KEPT).for_each(|(_, path)| remove(path)),
            Err(error) => tracing::warn!(folder = %self.folder.display(), %error, "cannot look for old snapshots"),
        }
    }
}

/// The snapshots of a folder, newest first, for whoever only looks.
pub fn newest_first(folder: &Path) -> io::Result<Vec<PathBuf>> {
    Ok(numbered(folder)?.into_iter().map(|(_, path)| path).collect())
}

fn numbered(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let finished = names(folder)?.into_iter().filter_map(|name| match number(&name) {
        Some((number, "")) => Some((number, folder.join(name))),
        _ => None,
    });
    let mut snapshots: Vec<_> = finished.collect();
    snapshots.sort_unstable_by_key(|&(number, _)| std::cmp::Reverse(number));
    Ok(snapshots)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    // A name that is no text is not ours.
    Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// The number in the name of a snapshot, and what follows.
fn number(name: &str) -> Option<(u64, &str)> {
    let (number, rest) = name.strip_prefix(PREFIX)?.split_once(SUFFIX)?;
    let digits = number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|&number| digits && number < u64::MAX)?, rest))
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(file = %path.display(), %error, "cannot delete");
        }
        _ => {}
    }
}
