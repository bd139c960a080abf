//! `make bench-load` in its short form: that it reads what the load generator writes, and keeps all of it.

use std::fs;
use std::process::Command;

use serde_json::Value;

fn bench(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_bench")).arg("load").args(arguments).output().expect("the program starts")
}

#[test]
fn the_short_form_runs_a_ramp_and_keeps_table_and_raw_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let results = folder.path().to_str().expect("a path");
    let output = bench(&["--quick", "--scenarios", "real-network", "--results", results]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kept = |ending: &str| {
        let mut files = fs::read_dir(folder.path()).expect("the folder").filter_map(Result::ok).map(|file| file.path());
        let file = files.find(|path| path.extension().is_some_and(|it| it == ending)).expect(ending);
        fs::read_to_string(file).expect("text")
    };
    let (table, raw) = (kept("md"), kept("json"));
    let line: Value = serde_json::from_str(raw.lines().next().expect("a line")).expect("JSON");
    let (ramp, peak) = (&line["report"]["ramp"], &line["peak"]);
    assert!(table.contains("| real-network | "), "{table}");
    // A machine that has other things to do may not hold the first rate.
    assert!(ramp["steps"].as_array().is_some_and(|steps| steps.iter().all(|step| step["held"].is_boolean())), "{ramp}");
    assert_eq!(ramp["steps"][0]["offeredPerSecond"], 2_000.0, "{ramp}");
    assert!(["runtimeMb", "workerMb", "redisMb"].iter().all(|part| peak[part].as_f64() > Some(1.0)), "{peak}");
}

#[test]
fn a_scenario_without_a_ramp_is_refused() {
    let output = bench(&["--scenarios", "karate-club"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("real-network"));
}
