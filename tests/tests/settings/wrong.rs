//! A wrong setting, by flag and by environment: exit code 2, its name, its source, and what it may be.

use std::path::Path;
use std::process::Command;

struct Program {
    path: std::path::PathBuf,
    /// Before the flags.
    command: &'static [&'static str],
}

fn host() -> Program {
    Program { path: dev::programs::host().unwrap(), command: &[] }
}

fn social(command: &'static [&'static str]) -> Program {
    Program { path: dev::programs::folder().join("social"), command }
}

fn run(program: &Program, arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = dev::options::manifest().unwrap();
    let repository = manifest.parent().unwrap_or(Path::new("/"));
    let output = Command::new(&program.path)
        .args(program.command)
        .args(arguments)
        .env_clear()
        .env("DATA_DIR", folder.path())
        .envs(environment.iter().copied())
        .current_dir(repository)
        .output()
        .unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[track_caller]
fn names((code, said): (Option<i32>, String), words: &[&str]) {
    assert_eq!(code, Some(2), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    assert!(!said.contains("panicked") && said.lines().count() <= 2, "{said}");
}

#[test]
fn of_the_runtime() {
    let host = host();
    const ADDRESS: &str = "must be an IP address and a port, such as 127.0.0.1:9000";
    for (flag, value, may_be) in [
        ("--listen", "nonsense", ADDRESS),
        ("--metrics-listen", "9190", ADDRESS),
        ("--threads", "0", "must be a number from 1 to 1024"),
        ("--threads", "many", "must be a number from 1 to 1024"),
        ("--variable", "worker_url", "must be NAME=VALUE"),
    ] {
        names(run(&host, &[flag, value], &[]), &[&format!("{flag}={value} (command line)"), may_be]);
    }
    for (variable, value, may_be) in [
        ("SPIN_HTTP_LISTEN_ADDR", "localhost", ADDRESS),
        ("RUNTIME_METRICS_LISTEN", ":9190", ADDRESS),
        ("RUST_LOG", "host=loud", "must be a level"),
    ] {
        names(run(&host, &[], &[(variable, value)]), &[&format!("{variable}={value} (environment)"), may_be]);
    }
    // A flag hides what the environment says, also where that is wrong.
    let (code, said) = run(&host, &["--listen", "x"], &[("SPIN_HTTP_LISTEN_ADDR", "y")]);
    assert!(code == Some(2) && said.contains("--listen=x (command line)"), "{said}");
    names(run(&host, &["--log-dir", "/dev/null/x", "--listen", "127.0.0.1:0"], &[]), &["/dev/null/x", "--log-dir"]);
}

#[test]
fn of_variables_of_spin_toml() {
    let host = host();
    let on = &["--listen", "127.0.0.1:0"];
    for (variable, value, may_be) in [
        ("SPIN_VARIABLE_USER_REDIS_HOST", "no host:x", "one number"),
        ("SPIN_VARIABLE_WORKER_URL", "nonsense", "<scheme>://<host>[:<port>]"),
    ] {
        let name = variable.trim_start_matches("SPIN_VARIABLE_").to_lowercase();
        names(run(&host, on, &[(variable, value)]), &[&format!("{name} is {variable} (environment)"), may_be]);
        let given = format!("{name}={value}");
        let source = format!("{name} is --variable {name} (command line)");
        names(run(&host, &[on[0], on[1], "--variable", &given], &[]), &[&source, may_be]);
    }
    // A name that spin.toml does not have does nothing, as on Spin, but is told.
    let (_, said) = run(&host, &["--listen", "x:1"], &[("SPIN_VARIABLE_WORKER_URI", "http://127.0.0.1:1")]);
    assert!(!said.contains("SPIN_VARIABLE_WORKER_URI"), "the first mistake is enough: {said}");
    let all = [("SPIN_VARIABLE_WORKER_URI", "x"), ("SPIN_VARIABLE_WORKER_URL", "nonsense")];
    let (code, said) = run(&host, on, &all);
    assert!(code == Some(2) && said.contains("SPIN_VARIABLE_WORKER_URI (environment) sets nothing"), "{said}");
}

#[test]
fn of_make() {
    for (flag, variable, value, may_be) in [
        ("--port", "PORT", "http", "must be a port, 1 to 65535"),
        ("--runtime", "RUNTIME", "docker", "must be embedded or spin"),
        ("--redis-wait", "REDIS_WAIT", "-1", "must be a number of seconds, such as 10 or 0.5"),
        ("--start-wait", "START_WAIT", "soon", "must be a number of seconds, such as 10 or 0.5"),
    ] {
        let up = social(&["up"]);
        names(run(&up, &[&format!("{flag}={value}")], &[]), &[&format!("{flag}={value} (command line) {may_be}")]);
        names(run(&up, &[], &[(variable, value)]), &[&format!("{variable}={value} (environment) {may_be}")]);
    }
    let observe = social(&["observe"]);
    let may_be = "PROMETHEUS_PORT=0 (environment) must be a port, 1 to 65535";
    names(run(&observe, &[], &[("PROMETHEUS_PORT", "0")]), &[may_be]);
    for command in [&["up"][..], &["verify"], &["dead-letters"], &["replay"], &["rebuild", "stats"]] {
        let program = Program { path: dev::programs::folder().join("social"), command };
        for (flag, variable) in [
            ("--redis-url", "REDIS_URL"),
            ("--user-redis-url", "USER_REDIS_URL"),
            ("--friend-redis-url", "FRIEND_REDIS_URL"),
            ("--view-redis-url", "VIEW_REDIS_URL"),
        ] {
            let form = "It has the form redis://[[user]:password@]host[:port]";
            let secret = "redis://:hunter2@host:x";
            for (said, source) in [
                (run(&program, &[flag, secret], &[]), format!("{flag} (command line)")),
                (run(&program, &[], &[(variable, secret)]), format!("{variable} (environment)")),
            ] {
                assert!(!said.1.contains("hunter2"), "{}", said.1);
                names(said, &[&source, form]);
            }
        }
    }
    names(run(&social(&["up"]), &[], &[("HOST_PROGRAM", "/nowhere")]), &["HOST_PROGRAM", "/nowhere", "no file"]);
}

#[test]
fn of_the_worker() {
    let worker = Program { path: dev::programs::worker().unwrap(), command: &[] };
    for (flag, variable, value) in [
        ("--listen", "WORKER_LISTEN", "nonsense"),
        ("--query-threads", "WORKER_QUERY_THREADS", "0"),
        ("--query-queue", "WORKER_QUERY_QUEUE", "-1"),
        ("--memory-budget", "WORKER_MEMORY_BUDGET", "much"),
        ("--user-redis-url", "USER_REDIS_URL", "nonsense"),
        ("--log", "WORKER_LOG", "a=b=c["),
    ] {
        let given = format!("{flag}={value}");
        for (code, said) in [run(&worker, &[&given], &[]), run(&worker, &[], &[(variable, value)])] {
            assert!(code == Some(2) && said.contains(flag) && !said.contains("panicked"), "{given}: {said}");
        }
    }
}
