//! Mistakes in spin.toml and on the command line: exit code 2, and one message that names them.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::manifest::{self, Copy};

/// It must see what is wrong before it begins to work.
const BOUND: Duration = Duration::from_secs(20);

/// Runs the host; what it said on its standard error, and its exit code.
fn host(arguments: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(dev::programs::host().unwrap());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SPIN_")) {
        command.env_remove(name);
    }
    let output = folder.join("stderr");
    let cache = dev::programs::folder().join("component-cache");
    command
        .args(["--listen", "127.0.0.1:0", "--cache-dir", cache.to_str().unwrap()])
        .args(["--log-dir", folder.join("logs").to_str().unwrap()])
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&output).unwrap());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > BOUND {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it runs, though it must not: {}", std::fs::read_to_string(&output).unwrap());
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    (status.code(), std::fs::read_to_string(&output).unwrap())
}

#[track_caller]
fn refuses(text: &str, words: &[&str]) {
    let copy = Copy::of(text);
    refused(host(&["--from", copy.path.to_str().unwrap()], copy.folder()), words);
}

#[track_caller]
fn refused((code, said): (Option<i32>, String), words: &[&str]) {
    assert_eq!(code, Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    // One message: it may show the line that is wrong below it.
    assert_eq!(said.lines().filter(|line| line.starts_with("host: ")).count(), 1, "{said}");
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
}

/// The real manifest with something replaced, which must be there.
#[track_caller]
fn with(old: &str, new: &str) -> String {
    let text = manifest::text();
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    refused(host(&["--from", "nowhere/spin.toml"], folder.path()), &["nowhere/spin.toml", "--from"]);
    refused(host(&[], folder.path()), &["spin.toml", "--from"]);
    refused(host(&["--from", folder.path().to_str().unwrap()], folder.path()), &["--from"]);
}

#[test]
fn broken_toml_is_shown_with_its_line() {
    refuses(&with("[application]", "[application"), &["spin.toml", "[application"]);
    refuses("", &["spin.toml"]);
    refuses("\u{0}\u{1}", &["spin.toml"]);
    refuses(&with("spin_manifest_version = 2", "spin_manifest_version = 1"), &["spin_manifest_version"]);
}

#[test]
fn an_unknown_key_is_named() {
    refuses(&with("[component.user]\n", "[component.user]\nkey_value_stores = [\"default\"]\n"), &["key_value_stores"]);
    refuses(&with("[[trigger.redis]]\n", "[[trigger.redis]]\ngroup = \"x\"\n"), &["group"]);
    refuses(&with("[[trigger.http]]\n", "[[trigger.cron]]\n"), &["cron"]);
}

#[test]
fn an_unknown_component_in_a_route_is_named() {
    refuses(&with("component = \"create-user\"", "component = \"create-usr\""), &["create-usr", "trigger.http"]);
    refuses(
        &with("component = \"project-people\"", "component = \"project-peeple\""),
        &["project-peeple", "trigger.redis"],
    );
}

#[test]
fn a_component_that_is_not_built_is_named() {
    refuses(
        &with("release/stats.wasm", "release/statistics.wasm"),
        &["statistics.wasm", "component.stats", "make build"],
    );
}

#[test]
fn a_component_that_is_none_is_named() {
    let copy = Copy::of("");
    let wasm = copy.folder().join("bad.wasm");
    let text = with("[component.stats]\nsource = \"", &format!("[component.stats]\nsource = \"{}\" #", wasm.display()));
    std::fs::write(&copy.path, text).unwrap();
    for content in [&b""[..], b"no wasm", b"\0asm\x0d\0\x01\0garbage"] {
        std::fs::write(&wasm, content).unwrap();
        refused(host(&["--from", copy.path.to_str().unwrap()], copy.folder()), &["bad.wasm", "stats"]);
    }
}

#[test]
fn a_component_of_another_trigger_is_named() {
    let stats = "component = \"stats\"";
    refuses(&with(stats, "component = \"project-stats\""), &["project-stats", "HTTP"]);
    refuses(&with("component = \"project-stats\"", stats), &["component.stats", "Redis"]);
}

#[test]
fn a_duplicate_route_is_named() {
    refuses(&with("route = \"/stats/v1\"", "route = \"/user/v1/users\""), &["/user/v1/users", "twice"]);
    refuses(&with("route = \"/stats/v1\"", "route = \"/user/v1/users/:name\""), &["/user/v1/users/:name", "twice"]);
    refuses(&with("route = \"/stats/v1\"", "route = \"stats/v1\""), &["stats/v1"]);
}

#[test]
fn an_undefined_variable_is_named() {
    refuses(
        &with(
            "allowed_outbound_hosts = [\"redis://{{ user_redis_host }}\"]",
            "allowed_outbound_hosts = [\"redis://{{ ghost }}\"]",
        ),
        &["ghost", "component."],
    );
    refuses(&with("address = \"redis://{{ user_redis_credentials }}", "address = \"redis://{{ ghost }}"), &["ghost"]);
    refuses(
        &with("worker_url = { default = \"http://127.0.0.1:9100\" }", "worker_url = { required = true }"),
        &["worker_url", "SPIN_VARIABLE_WORKER_URL"],
    );
    let copy = Copy::of(&manifest::text());
    let from = copy.path.to_str().unwrap();
    refused(host(&["--from", from, "--variable", "ghost=1"], copy.folder()), &["ghost"]);
}

#[test]
fn a_host_list_that_is_none_is_named() {
    refuses(&with("[\"{{ worker_url }}\"]", "[\"127.0.0.1:9100\"]"), &["127.0.0.1:9100", "component.recommendation"]);
}

#[test]
fn an_address_that_is_in_use_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let copy = Copy::of(&manifest::text());
    // The last --listen would be refused as given twice: this is a folder without the first.
    let mut command = Command::new(dev::programs::host().unwrap());
    let output = command
        .args(["--from", copy.path.to_str().unwrap(), "--listen", &address])
        .current_dir(copy.folder())
        .output()
        .unwrap();
    refused((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()), &[&address]);
}

#[test]
fn an_address_for_metrics_that_cannot_be_used_is_named() {
    let copy = Copy::of(&manifest::text());
    let from = copy.path.to_str().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    refused(host(&["--from", from, "--metrics-listen", &taken], copy.folder()), &[&taken, "--metrics-listen"]);
    let (code, said) = host(&["--from", from, "--metrics-listen", "9190"], copy.folder());
    assert!(code == Some(2) && said.contains("--metrics-listen") && said.contains("9190"), "{said}");
}

#[test]
fn secrets_are_never_in_a_message() {
    let copy = Copy::of(&manifest::text());
    let mut command = Command::new(dev::programs::host().unwrap());
    command.args(["--from", copy.path.to_str().unwrap(), "--listen", "127.0.0.1:0"]).current_dir(copy.folder());
    command.env("SPIN_VARIABLE_USER_REDIS_CREDENTIALS", ":hunter2@").env("SPIN_VARIABLE_USER_REDIS_HOST", "no host:x");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("hunter2"), "{said}");
    refused((output.status.code(), said), &["redis://"]);
}
