//! Where a report is kept: as JSON, as text and as a plot, under one name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Report, plot};

/// Finds out before the run whether anything can be kept there.
pub fn prepare(folder: &Path) -> Result<()> {
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(&probe, "")?;
        fs::remove_file(&probe)
    };
    write().with_context(|| format!("--results {}: nothing can be written there", folder.display()))
}

/// Writes `<name>-<utc date>.json`, `.txt` and `.svg`, and returns their common path.
pub fn save(report: &Report, text: &str, folder: &Path) -> Result<PathBuf> {
    // 2026-11-22T02:10:00.123Z: a colon is no good in a file's name, and a point would be taken for an ending.
    let date = report.started_at[..19].replace(':', "-");
    let path = folder.join(format!("{}{}-{date}", report.kind(), report.scenario.name));
    let keep = |ending: &str, content: &str| {
        let file = path.with_extension(ending);
        fs::write(&file, content).with_context(|| format!("cannot write {}", file.display()))
    };
    let json = serde_json::to_string_pretty(report).context("the report is no JSON")?;
    keep("json", &(json + "\n"))?;
    keep("txt", text)?;
    keep("svg", &plot::svg(report).context("the plot cannot be drawn")?)?;
    Ok(path)
}
