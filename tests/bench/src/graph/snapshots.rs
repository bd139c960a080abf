//! Snapshots of the view: written to the disk, and read from it into a view that could answer.

use std::fs::File;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use projection::snapshot::{Reader, Witness, restore, write};
use projection::view::View;
use serde::{Deserialize, Serialize};

use crate::figures::median;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshots {
    pub bytes: u64,
    /// Of each round, to the disk and back. Reading finds the file in the system's cache.
    pub write_seconds: Vec<f64>,
    pub read_seconds: Vec<f64>,
    /// The longest that the view was held for any of them, in milliseconds.
    pub longest_hold_ms: f64,
}

impl Snapshots {
    pub fn written_mb_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / median(&self.write_seconds).max(1e-9)
    }
}

pub fn measure(view: &View, rounds: usize) -> Result<Snapshots> {
    eprintln!("  snapshots, {rounds} times");
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let path = folder.path().join("graph.snapshot");
    let friendships = view.read().graph.friendships();
    let mut all = Snapshots { bytes: 0, write_seconds: Vec::new(), read_seconds: Vec::new(), longest_hold_ms: 0.0 };
    for _ in 0..rounds {
        let start = Instant::now();
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let written = write(view, file, |_| [Witness::default(); 2]).map_err(|failure| anyhow!("{failure:?}"))?;
        all.write_seconds.push(start.elapsed().as_secs_f64());
        all.bytes = written.bytes;
        all.longest_hold_ms = all.longest_hold_ms.max(written.longest_hold.as_secs_f64() * 1e3);
        let start = Instant::now();
        let reader = Reader::open(&path).map_err(|damage| anyhow!("{damage}"))?;
        let loaded = View::from(restore(reader).map_err(|damage| anyhow!("{damage}"))?);
        all.read_seconds.push(start.elapsed().as_secs_f64());
        ensure!(loaded.read().graph.friendships() == friendships, "the snapshot lacks friendships");
    }
    Ok(all)
}
