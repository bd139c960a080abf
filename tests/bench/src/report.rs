//! The table for people, and the raw output for those who doubt it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Default)]
pub struct Results {
    rows: Vec<Row>,
    raw: Vec<String>,
    wrong: Vec<String>,
}

struct Row {
    what: String,
    figure: String,
    goal: Option<(String, bool)>,
}

impl Results {
    /// A figure without a goal.
    pub fn figure(&mut self, what: impl Into<String>, figure: impl Into<String>) {
        self.rows.push(Row { what: what.into(), figure: figure.into(), goal: None });
    }

    /// A figure, its goal, and whether it was reached.
    pub fn goal(&mut self, what: impl Into<String>, figure: impl Into<String>, goal: &str, reached: bool) {
        self.rows.push(Row { what: what.into(), figure: figure.into(), goal: Some((goal.to_owned(), reached)) });
    }

    /// One measurement as it came, as a line of JSON.
    pub fn raw(&mut self, kind: &str, round: usize, measured: &impl Serialize) {
        let mut line = json!({"kind": kind, "round": round});
        let measured = serde_json::to_value(measured).expect("numbers and strings are always JSON");
        if let (Value::Object(line), Value::Object(measured)) = (&mut line, measured) {
            line.extend(measured);
        }
        self.raw.push(line.to_string());
    }

    /// A measurement that was answered otherwise than it should have been: its figures are of no use.
    pub fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    pub fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }

    pub fn table(&self, heading: &str) -> String {
        let width = |of: fn(&Row) -> &str| self.rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
        let (what, figure) = (width(|row| &row.what), width(|row| &row.figure));
        let mut text = format!("{heading}\n\n");
        for row in &self.rows {
            let line = format!("{:<what$}  {:<figure$}", row.what, row.figure);
            let end = match &row.goal {
                Some((goal, true)) => format!("  PASS  {goal}"),
                Some((goal, false)) => format!("  MISS  {goal}"),
                None => String::new(),
            };
            text += &format!("{}\n", format!("{line}{end}").trim_end());
        }
        for wrong in &self.wrong {
            text += &format!("\nWRONG ANSWERS: {wrong}\n");
        }
        text
    }

    /// Writes `<utc date>.txt` and `<utc date>.json`, and returns their common name.
    pub fn save(&self, folder: &Path, table: &str) -> Result<PathBuf> {
        let path = folder.join(now());
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(folder)?;
            fs::write(path.with_extension("txt"), table)?;
            fs::write(path.with_extension("json"), self.raw.join("\n") + "\n")
        };
        write().with_context(|| format!("cannot write to {}", folder.display()))?;
        Ok(path)
    }
}

/// Where results go: the folder that was given, or tests/bench/results.
pub fn folder(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(folder) => Ok(folder.to_path_buf()),
        None => Ok(dev::options::folder_of(&dev::options::manifest()?).join("tests/bench/results")),
    }
}

/// The time, as part of a file's name.
pub fn now() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    // 2026-11-22T02:10:00Z: a colon is no good there.
    now[..16].replace(':', "-")
}

/// A number that is read at a glance: 12345.6 is 12,346.
pub fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for three in digits.as_bytes()[first..].chunks(3) {
        if !text.is_empty() {
            text.push(',');
        }
        text += &String::from_utf8_lossy(three);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0.4, 999.0, 1000.0, 12345.6, 1234567.0].map(whole);
        assert_eq!(texts, ["0", "999", "1,000", "12,346", "1,234,567"]);
    }

    #[test]
    fn a_row_says_whether_its_goal_was_reached() {
        let mut results = Results::default();
        results.goal("a", "1", "< 2", true);
        results.goal("b", "3", "< 2", false);
        results.figure("c", "4");
        let table = results.table("x");
        assert!(table.contains("a  1  PASS  < 2\nb  3  MISS  < 2\nc  4\n"), "{table}");
    }
}
