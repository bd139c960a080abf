//! Starting the program, and reading what it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// No run of a test is this long, on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder for a scenario and its results.
pub struct Generator {
    folder: TempDir,
}

/// What a program that has ended has said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub said: String,
    /// The report as JSON, where there is one.
    pub report: Value,
}

/// A program that runs.
pub struct Running<'a> {
    generator: &'a Generator,
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    said: String,
}

impl Generator {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    /// The text as `scenario.toml`.
    pub fn write(&self, text: &str) -> String {
        let file = self.folder.path().join("scenario.toml");
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_load"));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Only what is given, and waits for the end.
    pub async fn call(&self, arguments: &[&str]) -> Ended {
        let output = timeout(PATIENCE, self.command(arguments).output()).await.expect("it ends").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (out, said) = (text(output.stdout), text(output.stderr));
        Ended { code: output.status.code(), out, said, report: self.report() }
    }

    /// `run` or `ramp`, of a scenario, against a system.
    pub async fn go(&self, verb: &str, scenario: &str, url: &str, more: &[&str]) -> Ended {
        let results = self.results().display().to_string();
        self.call(&[&[verb, scenario, "--url", url, "--results", &results], more].concat()).await
    }

    /// Runs a scenario and does not wait.
    pub fn start(&self, scenario: &str, url: &str) -> Running<'_> {
        let results = self.results().display().to_string();
        let mut child = self.command(&["run", scenario, "--url", url, "--results", &results]).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { generator: self, child, lines, said: String::new() }
    }

    fn report(&self) -> Value {
        let file = self.files(".json").pop();
        file.map_or(Value::Null, |file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
    }

    /// What was kept, by its ending.
    pub fn files(&self, ending: &str) -> Vec<PathBuf> {
        let Ok(all) = fs::read_dir(self.results()) else { return Vec::new() };
        let mut files: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.to_str().is_some_and(|name| name.ends_with(ending)));
        files.sort();
        files
    }
}

impl Running<'_> {
    /// Waits until it says something.
    pub async fn says(&mut self, beginning: &str) {
        let said = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.said += &format!("{line}\n");
                if line.starts_with(beginning) {
                    return;
                }
            }
            panic!("it never said {beginning:?}: {}", self.said);
        };
        timeout(PATIENCE, said).await.expect("it says something");
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().expect("it runs") as i32).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub async fn end(mut self) -> Ended {
        let ended = async {
            let (mut out, mut rest) = (String::new(), String::new());
            let mut stdout = self.child.stdout.take().unwrap();
            let mut stderr = self.lines.into_inner();
            let (read, read_too) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut rest));
            read.and(read_too).unwrap();
            (self.child.wait().await.unwrap().code(), out, rest)
        };
        let (code, out, rest) = timeout(PATIENCE, ended).await.expect("it ends");
        Ended { code, out, said: self.said + &rest, report: self.generator.report() }
    }
}

impl Ended {
    #[track_caller]
    pub fn is(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.said);
        assert!(!self.said.contains("panicked"), "{}", self.said);
        self
    }

    /// Every word is in what it said on its standard error.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.said.contains(word), "no {word:?} in: {}", self.said);
        }
        self
    }

    #[track_caller]
    pub fn phase(&self, name: &str) -> &Value {
        let phases = self.report["phases"].as_array().expect("phases");
        phases.iter().find(|phase| phase["name"] == name).unwrap_or_else(|| panic!("no phase {name}: {phases:?}"))
    }
}

/// What a phase did of one operation.
#[track_caller]
pub fn operation<'a>(phase: &'a Value, name: &str) -> &'a Value {
    let operations = phase["operations"].as_array().expect("operations");
    let found = operations.iter().find(|operation| operation["operation"] == name);
    found.unwrap_or_else(|| panic!("no {name}: {operations:?}"))
}

/// A scenario of the repository.
pub fn shipped(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml")).display().to_string()
}
