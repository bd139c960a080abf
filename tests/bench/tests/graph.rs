//! `make bench-graph` in its short form: that it runs, compares, and keeps what it found.

use std::fs;
use std::process::Command;

#[test]
fn the_short_form_compares_all_answers_and_keeps_table_plot_and_raw_output() {
    let folder = std::env::temp_dir().join(format!("bench-graph-{}", std::process::id()));
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["graph", "--quick", "--results"])
        .arg(&folder)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kept = |ending: &str| {
        let mut files = fs::read_dir(&folder).expect("the folder").filter_map(Result::ok).map(|file| file.path());
        let file = files.find(|path| path.extension().is_some_and(|it| it == ending)).expect(ending);
        fs::read_to_string(file).expect("text")
    };
    let (table, plot, raw) = (kept("md"), kept("svg"), kept("json"));
    assert!(table.contains("## rmat-10k: 10,000 people, 160,000 friendships"), "{table}");
    assert!(table.contains("answers compared, all equal"), "{table}");
    assert!(plot.matches("<circle").count() > 400, "a dot a person, of ours and of the baseline");
    let first: serde_json::Value = serde_json::from_str(raw.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["friendships"], 160_000);
    fs::remove_dir_all(&folder).expect("our folder");
}

#[test]
fn a_graph_that_is_not_known_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(["graph", "--graphs", "facebook"]).output();
    let output = output.expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("rmat-1m"));
}
