#![allow(dead_code, reason = "each test program uses a part of it")]
//! A Redis, a worker, and a client of both, each on a port of its own and gone at the end of its test.

pub mod download;
pub mod long_log;
pub mod network;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Whatever takes longer than this never happens.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Tries until it works.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(start.elapsed() < PATIENCE, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn kill(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

pub struct Redis {
    pub port: u16,
    folder: PathBuf,
    process: Option<Child>,
    password: Option<&'static str>,
}

impl Redis {
    pub fn start() -> Self {
        Self::start_with(None)
    }

    pub fn start_with(password: Option<&'static str>) -> Self {
        Self::begin(free_port(), password)
    }

    /// One at a given port.
    pub fn on(port: u16) -> Self {
        Self::begin(port, None)
    }

    fn begin(port: u16, password: Option<&'static str>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("projection-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut redis = Self { port, folder, process: None, password };
        redis.resume();
        redis
    }

    /// Starts it (again), with the data that it had.
    pub fn resume(&mut self) {
        self.spawn(&[]);
        self.wait_until_it_answers();
    }

    /// One that still reads its log back takes connections, but answers LOADING.
    pub fn wait_until_it_answers(&self) {
        let ping = redis::cmd("PING");
        eventually("Redis answers", || ping.query::<String>(&mut self.client().get_connection().ok()?).ok());
    }

    /// Starts it again, so slow at reading its log back that each command takes this many microseconds.
    pub fn resume_slowly(&mut self, each: u32) {
        self.spawn(&["--key-load-delay", &each.to_string()]);
        eventually("Redis is there", || self.client().get_connection().ok());
    }

    fn spawn(&mut self, more: &[&str]) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always"]).arg("--dir").arg(&self.folder);
        command.arg("--unixsocket").arg(self.socket());
        command.args(self.password.iter().flat_map(|password| ["--requirepass", password]));
        command.args(more).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn();
        self.process =
            Some(process.expect("redis-server 7 or later has to be installed and on the PATH for this test"));
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            kill(&mut process);
        }
    }

    pub fn url(&self) -> String {
        let password = self.password.map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}127.0.0.1:{}", self.port)
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The same server by its socket in the file system.
    pub fn socket_url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn client(&self) -> redis::Client {
        redis::Client::open(self.url()).unwrap()
    }

    pub fn connection(&self) -> redis::Connection {
        self.client().get_connection().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub struct Worker {
    pub port: u16,
    process: Child,
    said: Arc<Mutex<String>>,
}

/// A worker's command line, all three contexts on one Redis.
pub fn command(redis_url: &str, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_projection-worker"));
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--user-redis-url", redis_url]);
    command.args(["--friend-redis-url", redis_url, "--view-redis-url", redis_url]);
    command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Worker {
    /// Starts it and waits until it has caught up.
    pub fn start(redis: &Redis) -> Self {
        Self::start_on(&redis.url())
    }

    pub fn start_on(redis_url: &str) -> Self {
        let worker = Self::begin(redis_url);
        worker.wait_until_ready();
        worker
    }

    /// Starts it, and waits for nothing.
    pub fn begin(redis_url: &str) -> Self {
        Self::begin_with(redis_url, &[])
    }

    /// Starts it with more settings, and waits for nothing.
    pub fn begin_with(redis_url: &str, more: &[&str]) -> Self {
        let port = free_port();
        let mut process = command(redis_url, port).args(more).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, said) = (BufReader::new(process.stderr.take().unwrap()).lines(), Arc::<Mutex<String>>::default());
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut said = heard.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
            }
        });
        Self { port, process, said }
    }

    /// The lines of its log so far that hold a text.
    pub fn said(&self, text: &str) -> Vec<String> {
        self.said.lock().unwrap().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// One that was started in another way, on this port.
    pub fn started(port: u16, process: Child) -> Self {
        let worker = Self { port, process, said: Arc::default() };
        worker.wait_until_ready();
        worker
    }

    /// Memory that it has at the moment, in bytes.
    pub fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
    }

    pub fn wait_until_ready(&self) {
        eventually("the worker is ready", || self.try_get("/readyz").filter(|answer| answer.status == 200));
    }

    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path).expect("the worker answers")
    }

    pub fn try_get(&self, path: &str) -> Option<Answer> {
        request(self.port, "GET", path).ok()
    }

    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Nothing in it runs until it goes on.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    pub fn go_on(&self) {
        self.signal("CONT");
    }

    pub fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), pid]).status().unwrap().success());
    }

    pub fn exit(mut self) -> ExitStatus {
        eventually("the worker ends", || self.process.try_wait().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        kill(&mut self.process);
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    /// The ids and weights of a list of recommendations.
    pub fn weights(&self) -> Vec<(u64, u64)> {
        let one = |one: &Value| (one["user"]["id"].as_u64().unwrap(), one["weight"].as_u64().unwrap());
        self.json().as_array().unwrap().iter().map(one).collect()
    }

    /// The fields that a problem complains about.
    pub fn fields(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn request(port: u16, method: &str, path: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{method} {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status =
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(std::io::ErrorKind::InvalidData)?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    Ok(Answer { status, headers, body })
}

const TIME: &str = "2026-11-22T01:27:43.123Z";

/// Adds an entry to a stream; gives its position.
pub fn append(redis: &mut redis::Connection, stream: &str, fields: &[(&str, &str)]) -> String {
    redis::cmd("XADD").arg(format!("events:{stream}")).arg("*").arg(fields).query(redis).unwrap()
}

pub fn event(redis: &mut redis::Connection, stream: &str, kind: &str, subject: &str, data: &str) -> String {
    append(redis, stream, &fields(stream, kind, subject, data))
}

/// The fields of an event.
fn fields<'a>(stream: &str, kind: &'a str, subject: &'a str, data: &'a str) -> [(&'static str, &'a str); 7] {
    [
        ("id", "019aa907-0000-7000-8000-000000000000"),
        ("source", if stream == "user" { "/user" } else { "/friend" }),
        ("type", kind),
        ("subject", subject),
        ("version", "1"),
        ("time", TIME),
        ("data", data),
    ]
}

pub fn user(redis: &mut redis::Connection, kind: &str, id: u64, first: &str) -> String {
    event(redis, "user", kind, &format!("user/{id}"), &user_data(id, first))
}

fn user_data(id: u64, first: &str) -> String {
    format!(r#"{{"id":{id},"firstName":"{first}","lastName":"Number {id}","createdAt":"{TIME}","updatedAt":"{TIME}"}}"#)
}

pub fn people(redis: &mut redis::Connection, ids: std::ops::RangeInclusive<u64>) {
    let mut pipe = redis::pipe();
    for id in ids {
        let (subject, data) = (format!("user/{id}"), user_data(id, "Person"));
        let fields = fields("user", "USER_CREATED", &subject, &data);
        pipe.cmd("XADD").arg("events:user").arg("*").arg(&fields).ignore();
    }
    pipe.exec(redis).unwrap();
}

pub fn friends(redis: &mut redis::Connection, kind: &str, a: u64, b: u64) -> String {
    let data = format!(r#"{{"id":7,"userId":{a},"friendId":{b},"createdAt":"{TIME}","updatedAt":"{TIME}"}}"#);
    event(redis, "friend", kind, &format!("friendship/{}-{}", a.min(b), a.max(b)), &data)
}

pub fn befriend(redis: &mut redis::Connection, a: u64, b: u64) -> String {
    friends(redis, "FRIEND_ADDED", a, b)
}
