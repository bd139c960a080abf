//! `social observe`: it watches the system that runs, and ends with it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use dev::ports::Port;
use dev::{Options, System, options::Data};
use rustix::process::{Pid, Signal, kill_process};

const SOCIAL: &str = env!("CARGO_BIN_EXE_social");
const BOUND: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

struct Observe {
    child: Child,
    output: std::path::PathBuf,
    port: u16,
}

impl Observe {
    fn start(data: &Path) -> Self {
        let port = Port::Any.choose().unwrap();
        let output = data.join(format!("observe-{port}.txt"));
        let file = File::create(&output).unwrap();
        let child = observe(data)
            .env("PROMETHEUS_PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let mut observe = Self { child, output, port };
        let start = Instant::now();
        while !observe.said().contains("Ctrl-C stops it") {
            let ended = observe.child.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < BOUND, "{ended:?}: {}", observe.said());
            std::thread::sleep(POLL);
        }
        observe
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap()
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// It finds its targets after some seconds.
    fn gets(&self, path: &str, words: &str) {
        let start = Instant::now();
        while !self.get(path).contains(words) {
            assert!(start.elapsed() < BOUND, "no {words} in {}", self.get(path));
            std::thread::sleep(POLL);
        }
    }

    fn end(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.said());
            }
            assert!(start.elapsed() < BOUND, "{}", self.said());
            std::thread::sleep(POLL);
        }
    }
}

fn observe(data: &Path) -> Command {
    let mut command = Command::new(SOCIAL);
    command.arg("observe").env("DATA_DIR", data).env_remove("PROMETHEUS_PORT");
    command
}

fn refused(data: &Path, settings: &[(&str, &str)], words: &[&str]) {
    let output = observe(data).envs(settings.iter().copied()).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(words.iter().all(|word| said.contains(word)) && !said.contains("panicked"), "{said}");
}

#[test]
fn nothing_that_runs_and_wrong_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &[], &["nothing runs", "make up", folder.path().to_str().unwrap()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_watches_the_system_and_ends_on_ctrl_c_or_with_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { data: Data::In(folder.path().to_path_buf()), ..Options::isolated().unwrap() };
    let system = System::start(options).await.unwrap();
    refused(folder.path(), &[("PROMETHEUS_PORT", "http")], &["PROMETHEUS_PORT=http", "1 to 65535"]);
    refused(folder.path(), &[("PROMETHEUS_PROGRAM", "/nowhere")], &["PROMETHEUS_PROGRAM", "/nowhere"]);

    let first = Observe::start(folder.path());
    for url in [system.metrics_url().unwrap(), format!("{}/metrics", system.worker_url())] {
        assert!(first.said().contains(&url), "{url}: {}", first.said());
        first.gets("/api/v1/targets", &url);
    }
    first.gets("/api/v1/query?query=sum(up)", "\"2\"");
    assert!(first.get("/api/v1/rules").contains("WorkerDown"));
    refused(folder.path(), &[], &["make observe", "already"]);
    let port = first.port;
    kill_process(Pid::from_child(&first.child), Signal::INT).unwrap();
    let (status, said) = first.end();
    assert!(status.success(), "{said}");
    assert_eq!(dev::holder::of_port(port), None);

    let second = Observe::start(folder.path());
    system.stop_all().await;
    drop(system);
    let (status, said) = second.end();
    assert!(status.success() && said.contains("The system has ended"), "{said}");
}
