//! A redis-server that belongs to one test, and short ways to ask it.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use event_store::{Redis, Value, native::NativeRedis};
use tempfile::TempDir;

/// Another process may take the port between our finding it free and the server's taking it.
const STARTS: usize = 5;
/// It takes 20 ms on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(20);

pub struct Server {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Server {
    pub fn start() -> Self {
        (0..STARTS).find_map(|_| Self::try_start()).expect("redis-server starts on one of five free ports")
    }

    /// A connection of its own.
    pub async fn connect(&self) -> NativeRedis {
        NativeRedis::open(&self.url()).await.expect("the test's redis-server takes connections")
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn try_start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("loopback has a free port").port();
        let folder = TempDir::new().expect("the temporary folder is writable");
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        // The server ends with the test's thread, even when nobody is left to end it.
        // SAFETY: between fork and exec only one system call is made, and nothing is allocated.
        #[cfg(target_os = "linux")]
        unsafe {
            use rustix::process::{Signal, set_parent_process_death_signal};
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let process = match command.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => panic!(
                "these tests need redis-server 7 or later on the PATH: `apt-get install redis-server` (Debian, Ubuntu), \
                 `dnf install redis` (Fedora), `brew install redis` (macOS)"
            ),
            Err(error) => panic!("redis-server does not start: {error}"),
        };
        let mut server = Self { process, port, _folder: folder };
        server.is_ready().then_some(server)
    }

    /// Waits until it is this very process that answers on the port. False when it has ended instead.
    fn is_ready(&mut self) -> bool {
        let sign = format!("process_id:{}\r\n", self.process.id());
        let deadline = Instant::now() + START_LIMIT;
        while self.process.try_wait().expect("it is our child").is_none() {
            assert!(Instant::now() < deadline, "redis-server does not answer on port {}", self.port);
            if info(self.port).is_some_and(|info| info.contains(&sign)) {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn info(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(b"INFO server\r\nQUIT\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

pub async fn ask(redis: &NativeRedis, command: &'static str, words: &[&str]) -> Vec<Value> {
    let arguments = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    redis.execute(command, arguments).await.unwrap_or_else(|error| panic!("{command} {words:?}: {error}"))
}

/// Every element of the reply, as text.
pub async fn texts(redis: &NativeRedis, command: &'static str, words: &[&str]) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Nil => "(nil)".to_owned(),
        Value::Int(n) => n.to_string(),
        text => text.text().expect("UTF-8").to_owned(),
    };
    ask(redis, command, words).await.iter().map(text).collect()
}

pub async fn number(redis: &NativeRedis, command: &'static str, words: &[&str]) -> i64 {
    ask(redis, command, words).await[0].int().expect("a number")
}

pub async fn get(redis: &NativeRedis, key: &str) -> Option<String> {
    ask(redis, "GET", &[key]).await[0].bytes().map(|bytes| String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}

/// All that there is, by key, as Redis would dump it; without the bells, which go by themselves.
pub async fn everything(redis: &NativeRedis) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for key in texts(redis, "KEYS", &["*"]).await {
        if !key.ends_with(":bell") {
            let dump = ask(redis, "DUMP", &[&key]).await;
            all.insert(key, dump[0].bytes().expect("it is still there").to_vec());
        }
    }
    all
}

/// How often a command was called since `CONFIG RESETSTAT`, by clients and by scripts.
pub async fn calls(redis: &NativeRedis, command: &str) -> u64 {
    counted(redis, command, "calls").await
}

/// What Redis counts of a command: `calls`, or how long they took, `usec`.
pub async fn counted(redis: &NativeRedis, command: &str, what: &str) -> u64 {
    let info = texts(redis, "INFO", &["commandstats"]).await;
    let (command, what) = (format!("cmdstat_{command}:"), format!("{what}="));
    let mut counts =
        info[0].lines().filter_map(|line| line.strip_prefix(&command)).flat_map(|counts| counts.split(','));
    counts.find_map(|count| count.strip_prefix(&what)).map_or(0, |count| count.parse().expect("a count"))
}
