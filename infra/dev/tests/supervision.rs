//! `social up` from its start to its end, with the real parts: whatever happens, nothing is left running, and nothing
//! that was acknowledged is lost.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use dev::ports::Port;

mod given;
use given::Given;

const SOCIAL: &str = env!("CARGO_BIN_EXE_social");
/// The first start compiles the components, beside the other tests.
const START: Duration = Duration::from_secs(180);
const END: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A `social up` of its own.
struct Up {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Up {
    fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings)
    }

    fn start_in(folder: tempfile::TempDir, settings: &[(&str, &str)]) -> Self {
        let port = Port::Any.choose().unwrap();
        let output = File::create(folder.path().join("output")).unwrap();
        let child = command("up", folder.path(), port)
            .env("START_WAIT", START.as_secs().to_string())
            .envs(settings.iter().copied())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut up = Self { child, port, folder };
        let start = Instant::now();
        while !up.output().contains("Ctrl-C stops everything") {
            let ended = up.child.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < START, "{ended:?}: {}", up.output());
            std::thread::sleep(POLL);
        }
        up
    }

    fn output(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("output")).unwrap()
    }

    /// The processes of the parts, with their commands.
    fn parts(&self) -> Vec<(String, String)> {
        let out = Command::new("ps").args(["-A", "-o", "ppid=,pid=,command="]).output().unwrap();
        let parent = self.child.id().to_string();
        let table = String::from_utf8_lossy(&out.stdout).into_owned();
        table.lines().filter_map(|line| child_of(&parent, line)).collect()
    }

    fn part(&self, name: &str) -> String {
        let parts = self.parts();
        let found = parts.iter().find(|(_, command)| command.split(' ').next().unwrap_or("").ends_with(name));
        found.unwrap_or_else(|| panic!("no {name} in {parts:?}")).0.clone()
    }

    fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < END, "still running: {}", self.output());
            std::thread::sleep(POLL);
        }
    }

    fn post_user(&self) -> String {
        let body = r#"{"firstName":"Ada","lastName":"Lovelace"}"#;
        self.http(&format!(
            "POST /user/v1/users HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(END)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // TERM, so that it takes its parts with it also where no kernel does that.
        if matches!(self.child.try_wait(), Ok(None)) {
            signal("TERM", &self.child.id().to_string());
            let _ = self.child.wait();
        }
    }
}

fn command(verb: &str, folder: &std::path::Path, port: u16) -> Command {
    let mut command = Command::new(SOCIAL);
    for name in ["REDIS_URL", "USER_REDIS_URL", "FRIEND_REDIS_URL", "VIEW_REDIS_URL", "RUNTIME"] {
        command.env_remove(name);
    }
    command.arg(verb).env("DATA_DIR", folder).env("PORT", port.to_string());
    command
}

fn child_of(parent: &str, line: &str) -> Option<(String, String)> {
    let mut fields = line.split_whitespace();
    let is_child = fields.next()? == parent;
    let pid = fields.next()?.to_string();
    is_child.then(|| (pid, fields.collect::<Vec<_>>().join(" ")))
}

fn signal(name: &str, pid: &str) {
    Command::new("kill").args([&format!("-{name}"), pid]).status().unwrap();
}

#[track_caller]
fn all_gone(parts: &[(String, String)]) {
    assert_eq!(parts.len(), 3, "{parts:?}");
    let start = Instant::now();
    for (pid, command) in parts {
        let is_there = || {
            let out = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap().stdout;
            // One that nobody has waited for yet has ended as well.
            !out.is_empty() && !out.starts_with(b"Z")
        };
        while is_there() {
            assert!(start.elapsed() < END, "still there: {command}");
            std::thread::sleep(POLL);
        }
    }
}

#[test]
fn ctrl_c_stops_everything_and_nothing_is_lost() {
    let mut up = Up::start(&[]);
    let answer = up.post_user();
    assert!(answer.starts_with("HTTP/1.0 201") || answer.starts_with("HTTP/1.1 201"), "{answer}");
    let parts = up.parts();
    signal("INT", &up.child.id().to_string());
    assert_eq!(up.end().code(), Some(0), "{}", up.output());
    all_gone(&parts);
    assert!(up.output().contains("nothing left running"), "{}", up.output());

    let folder = std::mem::replace(&mut up.folder, tempfile::tempdir().unwrap());
    let again = Up::start_in(folder, &[]);
    let answer = again.http("GET /user/v1/users/1 HTTP/1.0\r\nHost: localhost\r\n\r\n");
    assert!(answer.contains("Lovelace"), "{answer}");
}

/// Creates one person after the other on one connection, until an answer says that it is the last. Gives how many.
fn create_until_told(port: u16, answered: &AtomicUsize) -> usize {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
    stream.get_ref().set_read_timeout(Some(END)).unwrap();
    let body = r#"{"firstName":"Ada","lastName":"Lovelace"}"#;
    let head = "POST /user/v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for created in 1.. {
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).unwrap(), 0, "not answered: {head:?}");
        }
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 201"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        stream.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
        answered.fetch_add(1, Ordering::Relaxed);
        if head.contains("connection: close") {
            return created;
        }
    }
    unreachable!("it goes on until it is told")
}

#[test]
fn told_to_end_under_load_every_part_answers_what_it_accepted() {
    let mut up = Up::start(&[]);
    let (parts, port, pid) = (up.parts(), up.port, up.child.id().to_string());
    let answered = AtomicUsize::new(0);
    let created: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16).map(|_| scope.spawn(|| create_until_told(port, &answered))).collect();
        let start = Instant::now();
        while answered.load(Ordering::Relaxed) < 500 && start.elapsed() < END {
            std::thread::sleep(POLL);
        }
        signal("TERM", &pid);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(up.end().code(), Some(0), "{}", up.output());
    all_gone(&parts);
    assert!(!up.output().contains("did not end in time"), "{}", up.output());

    // Ids have no gaps: the next one says how many there are.
    let folder = std::mem::replace(&mut up.folder, tempfile::tempdir().unwrap());
    let answer = Up::start_in(folder, &[]).post_user();
    assert!(answer.contains(&format!("\"id\":{},", created + 1)), "{created} were answered: {answer}");
}

#[test]
fn the_end_of_any_part_is_named_and_ends_all() {
    for (program, name) in [("redis-server", "redis"), ("projection-worker", "worker"), ("host", "runtime")] {
        let mut up = Up::start(&[]);
        let parts = up.parts();
        signal("KILL", &up.part(program));
        assert_eq!(up.end().code(), Some(1), "{}", up.output());
        let message = format!("the {name} was killed (SIGKILL)");
        assert!(up.output().contains(&message), "{}", up.output());
        all_gone(&parts);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_supervisor_leaves_nothing_and_the_next_start_works() {
    let mut up = Up::start(&[]);
    up.post_user();
    let parts = up.parts();
    signal("KILL", &up.child.id().to_string());
    up.end();
    // At once: the next start waits for the Redis that is still ending.
    let folder = std::mem::replace(&mut up.folder, tempfile::tempdir().unwrap());
    let again = Up::start_in(folder, &[]);
    all_gone(&parts);
    let answer = again.http("GET /user/v1/users/1 HTTP/1.0\r\nHost: localhost\r\n\r\n");
    assert!(answer.contains("Lovelace"), "{answer}");
}

#[test]
fn a_second_start_says_who_holds_the_port_and_down_stops_the_first() {
    let mut up = Up::start(&[]);
    let parts = up.parts();
    let said = refused_beside(&up, up.port);
    let holder = format!("port {} is held by pid {}", up.port, up.part("host"));
    assert!(said.contains(&holder) && said.contains("make down"), "{said}");

    // The same data under another port is no better idea.
    let port = Port::Any.choose().unwrap();
    let said = refused_beside(&up, port);
    assert!(said.contains(&format!("pid {}", up.child.id())), "{said}");

    let down = command("down", up.folder.path(), up.port).output().unwrap();
    assert!(down.status.success(), "{down:?}");
    assert_eq!(up.end().code(), Some(0));
    all_gone(&parts);
}

/// What a second start with the same data says.
fn refused_beside(up: &Up, port: u16) -> String {
    let mut second = command("up", up.folder.path(), port).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while second.try_wait().unwrap().is_none() {
        if start.elapsed() > END {
            signal("TERM", &second.id().to_string());
            panic!("the second start was not refused");
        }
        std::thread::sleep(POLL);
    }
    let second = second.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{said}");
    said
}

#[tokio::test]
async fn a_redis_that_was_given_is_used_and_left_running() {
    let redis = Given::start("p@ss/word");
    let url = redis.url("p%40ss%2Fword");
    let mut up = Up::start(&[("REDIS_URL", &url)]);
    assert_eq!(up.parts().len(), 2, "{:?}", up.parts());
    assert!(up.post_user().contains("Lovelace"));
    let verify = command("verify", up.folder.path(), up.port).output().unwrap();
    let said = String::from_utf8_lossy(&verify.stderr);
    assert!(verify.status.code() == Some(2) && said.contains("give USER_REDIS_URL here too, or REDIS_URL"), "{said}");
    signal("TERM", &up.child.id().to_string());
    assert_eq!(up.end().code(), Some(0), "{}", up.output());
    assert!(!up.output().contains("worker and Redis") && up.output().contains("given runs on"), "{}", up.output());
    assert!(!up.output().contains("p@ss") && !up.output().contains("p%40ss"), "{}", up.output());
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let events: usize = redis::cmd("XLEN").arg("events:user").query_async(&mut connection).await.unwrap();
    assert_eq!(events, 1);
}

#[test]
fn a_command_that_would_look_at_other_servers_than_the_running_system_is_refused() {
    let (user, friend) = (Given::start("s3cret"), Given::start("s3cret"));
    let (user_url, friend_url) = (user.url("s3cret"), friend.url("s3cret"));
    let up = Up::start(&[("USER_REDIS_URL", &user_url), ("FRIEND_REDIS_URL", &friend_url)]);
    assert!(up.post_user().contains("Lovelace"));
    let verify = |settings: &[(&str, &str)]| {
        let output = command("verify", up.folder.path(), up.port).envs(settings.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let refused = |settings: &[(&str, &str)], words: &str| {
        let (code, said) = verify(settings);
        assert!(code == Some(2) && said.contains(words) && !said.contains("s3cret"), "{settings:?}: {code:?} {said}");
    };
    let at_user = format!("user context is at 127.0.0.1:{}: give USER_REDIS_URL here too", user.port);
    let at_friend = format!("friend context is at 127.0.0.1:{}: give FRIEND_REDIS_URL here too", friend.port);
    refused(&[], &at_user);
    refused(&[("USER_REDIS_URL", &friend_url)], &at_user);
    refused(&[("USER_REDIS_URL", &user_url)], &at_friend);
    let both = [("USER_REDIS_URL", user_url.as_str()), ("FRIEND_REDIS_URL", &friend_url)];
    refused(&[both[0], both[1], ("VIEW_REDIS_URL", &user_url)], "leave VIEW_REDIS_URL and REDIS_URL away");
    let (code, said) = verify(&both);
    assert!(code == Some(0) && said.contains("1 user events"), "{code:?} {said}");
    let known = std::fs::read_to_string(up.folder.path().join("running.json")).unwrap();
    assert!(!known.contains("s3cret"), "{known}");
}
