//! `projection-worker export`: a snapshot in another format, without Redis and without a worker.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};

use super::{Format, Whom, gather, write};
use crate::server::StartError;
use crate::snapshot::{self, Damage, Reader};
use crate::view::{State, View};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The snapshot, or a folder of snapshots: the newest one that is whole
    #[arg(long, value_name = "FILE|DIR")]
    pub snapshot: PathBuf,

    /// Described in EXPORT.md
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()))
    }
}

/// Writes everybody in a snapshot to standard output. The snapshot is read as a worker that starts reads it, so it is
/// checked first, and takes the memory that the worker's view takes.
pub fn export(arguments: &Arguments) -> Result<(), StartError> {
    let path = &arguments.snapshot;
    let state = if path.is_dir() { newest(path)? } else { read(path).map_err(|damage| refused(path, &damage))? };
    let view = View::from(state);
    let broke = |what: &dyn std::fmt::Debug| StartError::Unavailable(format!("cannot export: {what:?}"));
    let mut spool = gather(&view, Whom::Everybody, &AtomicBool::new(false)).map_err(|error| broke(&error))?;
    drop(view);
    let mut out = io::stdout().lock();
    write(&mut spool, arguments.format, &mut out)
        .and_then(|_| out.flush())
        .map_err(|error| StartError::Unavailable(format!("cannot write the export: {error}; it is not whole")))
}

fn read(path: &Path) -> Result<State, Damage> {
    Reader::open(path).and_then(snapshot::restore)
}

/// Looks only: a worker may be using the folder.
fn newest(folder: &Path) -> Result<State, StartError> {
    let none = |why: String| StartError::Configuration(format!("--snapshot {}: {why}", folder.display()));
    for path in snapshot::newest_first(folder).map_err(|error| none(format!("it cannot be listed: {error}")))? {
        match read(&path) {
            Ok(state) => return Ok(state),
            Err(damage) => eprintln!("projection-worker: passed over {}: {damage}", path.display()),
        }
    }
    Err(none("there is no snapshot that is whole; a worker writes one with --snapshot-dir".to_owned()))
}

fn refused(path: &Path, damage: &Damage) -> StartError {
    StartError::Configuration(format!("--snapshot {}: {damage}. Name a file that is whole", path.display()))
}
