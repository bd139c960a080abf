//! `projection-worker export`: a snapshot in another format, with nothing else running.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::download::download;
use support::long_log::fill;
use support::{Redis, Worker, command, free_port, request, user};

/// Gone at the end of the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Exit code, standard output, standard error.
fn export(snapshot: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_projection-worker"));
    let output = command.args(["export", "--snapshot"]).arg(snapshot).args(more).output().unwrap();
    let [out, error] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), out, error)
}

#[test]
fn a_snapshot_gives_what_the_worker_gave_at_its_moment() {
    let redis = Redis::start();
    let mut log = redis.connection();
    fill(&mut log, 500, 2000);
    user(&mut log, "USER_UPDATED", 7, "O'Brien & Söhne");
    let folder = Folder(std::env::temp_dir().join(format!("projection-offline-{}", std::process::id())));
    let port = free_port();
    let mut process = command(&redis.url(), port);
    process.arg("--snapshot-dir").arg(&folder.0).stderr(Stdio::null());
    let worker = Worker::started(port, process.spawn().unwrap());
    for version in 1..=2 {
        user(&mut log, "USER_CREATED", 1000 + version, "Later");
        let last = user(&mut log, "USER_UPDATED", 8, &format!("V{version}"));
        assert_eq!(download(port, &format!("/v1/export?after=user:{last}")).status, 200);
        assert_eq!(request(port, "POST", "/v1/snapshot").unwrap().status, 201);
    }
    let file = |number: u32| folder.0.join(format!("graph-{number:020}.snapshot"));
    for format in ["json", "csv", "graphml", "cypher"] {
        let online = download(port, &format!("/v1/export?format={format}")).text();
        // While the worker runs: the folder is only looked at.
        assert_eq!(export(&folder.0, &["--format", format]), (Some(0), online, String::new()), "{format}");
    }
    drop(worker);
    let (code, older, _) = export(&file(1), &[]);
    assert_eq!((code, older.contains("\"V1\""), older.contains("\"V2\"")), (Some(0), true, false));

    // A damaged one is named, and passed over where there is a choice.
    let mut bytes = std::fs::read(file(2)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file(2), bytes).unwrap();
    let (code, out, said) = export(&file(2), &[]);
    assert_eq!((code, &*out), (Some(2), ""));
    assert!(said.contains("damaged"), "{said}");
    let (code, out, said) = export(&folder.0, &[]);
    assert_eq!((code, out), (Some(0), older));
    assert!(said.contains("passed over") && file(2).exists(), "{said}");
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let missing = std::env::temp_dir().join("projection-offline-nowhere");
    for (path, more) in [(&missing, &[][..]), (&std::env::temp_dir(), &["--format", "xml"])] {
        let (code, out, said) = export(path, more);
        assert_eq!((code, &*out), (Some(2), ""), "{said}");
        assert!(!said.is_empty());
    }
    let (code, _, said) = export(Path::new(env!("CARGO_MANIFEST_DIR")), &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("no snapshot that is whole"), "{said}");
}
