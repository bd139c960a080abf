//! What bad settings and a bad environment get, through the real program: one clear message, and an exit code.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const SOCIAL: &str = env!("CARGO_BIN_EXE_social");

/// `social up` with these settings, and none of those that the test was started with.
fn up(settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let mut command = Command::new(SOCIAL);
    for name in ["REDIS_URL", "USER_REDIS_URL", "FRIEND_REDIS_URL", "VIEW_REDIS_URL", "RUNTIME"] {
        command.env_remove(name);
    }
    command
        .arg("up")
        .env("DATA_DIR", folder.path())
        .env("PORT", port)
        // Only looked for: no test here comes so far as to start them.
        .env("HOST_PROGRAM", SOCIAL)
        .env("WORKER_PROGRAM", SOCIAL)
        .envs(settings.iter().copied());
    said(&command.output().unwrap())
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[track_caller]
fn refuses(settings: &[(&str, &str)], code: i32, words: &[&str]) {
    let (status, text) = up(settings);
    assert_eq!(status, Some(code), "{settings:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{settings:?}: no {word:?} in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_redis_url_that_is_none_is_refused_by_name() {
    refuses(&[("REDIS_URL", "localhost:6379")], 2, &["REDIS_URL", "no URL", "redis://"]);
    refuses(&[("REDIS_URL", "http://localhost")], 2, &["REDIS_URL", "http"]);
    refuses(&[("REDIS_URL", "rediss://localhost")], 2, &["TLS", "not supported"]);
    refuses(&[("REDIS_URL", "redis://")], 2, &["no host"]);
    refuses(&[("REDIS_URL", "redis://localhost:99999")], 2, &["65535"]);
    refuses(&[("REDIS_URL", "redis://localhost/3")], 2, &["database 3", "publish"]);
    refuses(&[("FRIEND_REDIS_URL", "nonsense")], 2, &["FRIEND_REDIS_URL", "no URL"]);
}

#[test]
fn an_unknown_runtime_or_port_is_refused() {
    refuses(&[("RUNTIME", "docker")], 2, &["RUNTIME=docker", "embedded or spin"]);
    refuses(&[("PORT", "0")], 2, &["PORT=0", "1 to 65535"]);
    refuses(&[("PORT", "http")], 2, &["PORT=http"]);
}

#[test]
fn spin_is_asked_for_but_not_there_or_too_old() {
    refuses(&[("RUNTIME", "spin"), ("PATH", "/nowhere")], 2, &["RUNTIME=spin", "https://"]);
    let folder = tempfile::tempdir().unwrap();
    for (says, words) in
        [("spin 3.6.0 (abc 2026-01-01)", ["Spin 3.6", "4.1"]), ("Spin Version 6.5.2", ["not the Spin CLI", "4.1"])]
    {
        let program = folder.path().join("spin");
        std::fs::write(&program, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let program = program.to_str().unwrap();
        refuses(&[("RUNTIME", "spin"), ("SPIN_PROGRAM", program)], 2, &words);
    }
}

#[test]
fn a_program_that_is_not_built_or_not_installed_is_named() {
    refuses(&[("HOST_PROGRAM", "/nowhere/host")], 2, &["HOST_PROGRAM", "/nowhere/host"]);
    refuses(&[("PATH", "/nowhere")], 2, &["redis-server is not installed", "make setup"]);
}

#[test]
fn a_variable_of_spin_that_has_no_effect_is_named_with_the_setting_to_use() {
    let variable = "SPIN_VARIABLE_FRIEND_REDIS_CREDENTIALS";
    let settings = [(variable, ":s3cret@"), ("SPIN_VARIABLE_USER_SERVICE_URL", "x"), ("PATH", "/nowhere")];
    refuses(&settings, 2, &[variable, "use FRIEND_REDIS_URL", "SPIN_VARIABLE_USER_SERVICE_URL", "use PORT"]);
    assert!(!up(&settings).1.contains("s3cret"));
    assert!(!up(&[("PATH", "/nowhere")]).1.contains("SPIN_VARIABLE"));
}

#[test]
fn a_held_port_is_refused_with_its_holder() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let pid = format!("pid {}", std::process::id());
    refuses(&[("PORT", &port)], 2, &[&format!("port {port} is held by"), &pid, "PORT="]);
}

#[test]
fn a_data_folder_that_cannot_be_written_to_is_named() {
    refuses(&[("DATA_DIR", "/proc/nowhere")], 2, &["DATA_DIR", "/proc/nowhere"]);
}

#[test]
fn a_redis_that_is_away_is_waited_for_and_then_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://127.0.0.1:{}", free.local_addr().unwrap().port());
    drop(free);
    let start = Instant::now();
    let words = ["waiting up to 1 s", "no Redis at redis://127.0.0.1", "leave REDIS_URL away"];
    refuses(&[("REDIS_URL", &url), ("REDIS_WAIT", "1.2")], 1, &words);
    assert!(start.elapsed() > Duration::from_millis(1200));
}

#[test]
fn a_wrong_password_is_refused_without_being_repeated() {
    let redis = Redis::start(&["--requirepass", "right"]);
    let url = |credentials: &str| format!("redis://{credentials}127.0.0.1:{}", redis.port);
    refuses(&[("REDIS_URL", &url(""))], 2, &["asks for a password"]);
    refuses(&[("REDIS_URL", &url(":mistaken@"))], 2, &["does not accept"]);
    let (_, text) = up(&[("REDIS_URL", &url("app:mistaken@"))]);
    assert!(!text.contains("mistaken"), "{text}");
}

#[test]
fn a_replica_is_refused_and_its_primary_named() {
    let redis = Redis::start(&["--replicaof", "127.0.0.1", "1"]);
    let url = format!("redis://127.0.0.1:{}", redis.port);
    refuses(&[("REDIS_URL", &url)], 2, &["replica", "127.0.0.1:1"]);
}

#[test]
fn an_old_redis_is_refused_with_its_version() {
    let url = server(|stream| answer_as_redis(stream, "redis_version:6.2.14\r\nrole:master\r\n"));
    refuses(&[("REDIS_URL", &url)], 2, &["Redis 6.2.14", "7.0 or later"]);
}

#[test]
fn a_redis_cluster_is_refused() {
    let info = "redis_version:7.2.0\r\nrole:master\r\ncluster_enabled:1\r\n";
    let url = server(move |stream| answer_as_redis(stream, info));
    refuses(&[("REDIS_URL", &url)], 2, &["Cluster", "USER_REDIS_URL"]);
}

#[test]
fn a_server_that_is_no_redis_is_refused() {
    let url = server(|mut stream| {
        let mut request = [0; 512];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    refuses(&[("REDIS_URL", &url), ("REDIS_WAIT", "1")], 2, &["not as a Redis server"]);
}

#[test]
fn down_says_when_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(SOCIAL).arg("down").env("DATA_DIR", folder.path()).output();
    let (status, text) = said(&output.unwrap());
    assert_eq!(status, Some(0));
    assert!(text.contains("Nothing runs from"), "{text}");
}

/// A real redis-server that keeps nothing.
struct Redis {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Redis {
    fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = dev::ports::Port::Any.choose().unwrap();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(args)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port, _folder: folder }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server on a free port, for what no real Redis of today does.
fn server(answer: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || answer(stream));
        }
    });
    url
}

/// Answers INFO with `info`, and everything else with OK.
fn answer_as_redis(mut stream: TcpStream, info: &str) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    // *<words>, then for each word its length and itself.
    while let Some(words) = lines.next() {
        let words: usize = words.trim_start_matches('*').parse().unwrap();
        let command: Vec<String> = (0..words).filter_map(|_| lines.by_ref().nth(1)).collect();
        let answer = match command.first().map(|name| name.to_uppercase()).as_deref() {
            Some("INFO") => format!("${}\r\n{info}\r\n", info.len()),
            _ => "+OK\r\n".to_string(),
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
