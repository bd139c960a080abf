//! How the worker starts, refuses to start, and stops.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use support::{Redis, Worker, command, eventually, free_port, people, request};

fn refuses(redis_url: &str, port: u16) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(redis_url, port).stderr(Stdio::piped()).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn without_redis_it_waits_and_then_says_so() {
    let start = Instant::now();
    let port = free_port();
    let (code, said) = refuses(&format!("redis://127.0.0.1:{port}"), free_port());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("waiting for Redis") && said.contains(&port.to_string()), "{said}");
    assert!(said.contains("--user-redis-url") || said.contains("-redis-url"), "{said}");
    assert!((Duration::from_secs(9)..Duration::from_secs(15)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[test]
fn a_redis_that_comes_later_is_waited_for() {
    let mut redis = Redis::start();
    people(&mut redis.connection(), 1..=1);
    redis.stop();
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| Worker::start_on(&redis.url()));
        std::thread::sleep(Duration::from_secs(1));
        let late = Redis::on(redis.port);
        let worker = starting.join().unwrap();
        assert_eq!(worker.get("/healthz").status, 200);
        drop(late);
    });
}

#[test]
fn a_wrong_password_is_a_wrong_setting_and_is_not_repeated() {
    let redis = Redis::start_with(Some("right"));
    for url in [format!("redis://:wrong@127.0.0.1:{}", redis.port), format!("redis://127.0.0.1:{}", redis.port)] {
        let (code, said) = refuses(&url, free_port());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("check user and password") && !said.contains("wrong@"), "{said}");
    }
    assert_eq!(Worker::start(&redis).get("/healthz").status, 200);
}

/// The connections that read the streams log in as the others do.
#[test]
fn user_password_database_and_socket_are_those_of_the_url() {
    let redis = Redis::start();
    let mut log = redis.connection();
    redis::cmd("ACL").arg(&["SETUSER", "worker", "on", ">right", "~*", "&*", "+@all"]).exec(&mut log).unwrap();
    redis::cmd("SELECT").arg(3).exec(&mut log).unwrap();
    people(&mut log, 1..=1);
    let port = redis.port;
    for url in [format!("redis://worker:right@127.0.0.1:{port}/3"), format!("{}?db=3", redis.socket_url())] {
        let worker = Worker::start_on(&url);
        assert_eq!(worker.get("/v1/users/1/recommendations").status, 200, "{url}");
    }
    let other = Worker::start_on(&format!("redis://worker:right@127.0.0.1:{port}"));
    assert_eq!(other.get("/v1/users/1/recommendations").status, 404);
}

#[test]
fn what_is_no_url_is_a_wrong_setting() {
    for url in ["nonsense", "http://127.0.0.1:6379", "redis://", "rediss://127.0.0.1:6379"] {
        let (code, said) = refuses(url, free_port());
        assert_eq!(code, Some(2), "{url}: {said}");
        assert!(said.contains("--user-redis-url"), "{said}");
    }
    let (code, said) = refuses("redis://:secret@[broken", free_port());
    assert!(code == Some(2) && !said.contains("secret"), "{said}");
}

/// One that answers INFO as version 6.2 would, after it has been LOADING for a while, and anything else with OK.
fn old_redis(loading: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let start = Instant::now();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let info = "# Server\r\nredis_version:6.2.14\r\n";
                    let _ = match line.to_ascii_uppercase().as_str() {
                        "INFO" if start.elapsed() < loading => write!(writer, "-LOADING reading\r\n"),
                        "INFO" => write!(writer, "${}\r\n{info}\r\n", info.len()),
                        "CLIENT" | "SELECT" | "PING" => write!(writer, "+OK\r\n"),
                        _ => Ok(()),
                    };
                }
            });
        }
    });
    port
}

#[test]
fn a_redis_that_refuses_us_while_it_reads_its_log_is_waited_for_longer() {
    let loading = Duration::from_secs(12);
    let (start, port) = (Instant::now(), old_redis(loading));
    let (code, said) = refuses(&format!("redis://127.0.0.1:{port}"), free_port());
    assert_eq!(code, Some(2), "it got as far as the version: {said}");
    assert!((loading..loading + Duration::from_secs(5)).contains(&start.elapsed()), "{:?}", start.elapsed());
    let times = said.matches("which reads its log, up to 900s").count();
    assert_eq!(times, 6, "at once and after ten seconds, for each of three contexts: {said}");
}

/// Redis answers `INFO` while it reads its log back, and little else.
#[test]
fn a_redis_that_reads_its_log_for_longer_than_we_wait_at_the_start_is_waited_for() {
    let mut redis = Redis::start();
    people(&mut redis.connection(), 1..=1);
    let mut filler = redis::pipe();
    for number in 0..13_000 {
        filler.set("filler", number).ignore();
    }
    filler.exec(&mut redis.connection()).unwrap();
    redis.stop();
    let start = Instant::now();
    // At least 10.4 s.
    redis.resume_slowly(800);
    let worker = Worker::begin(&redis.url());
    let healthy = eventually("the worker answers", || worker.try_get("/healthz"));
    assert_eq!(healthy.status, 200);
    assert_eq!(worker.get("/readyz").status, 503);
    redis.wait_until_it_answers();
    worker.wait_until_ready();
    assert!(start.elapsed() > Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(worker.get("/v1/users/1/recommendations").status, 200);
}

#[test]
fn an_old_redis_is_refused() {
    let port = old_redis(Duration::ZERO);
    let (code, said) = refuses(&format!("redis://127.0.0.1:{port}"), free_port());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("6.2.14") && said.contains("7.0"), "{said}");
}

#[test]
fn a_port_in_use_is_named() {
    let redis = Redis::start();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, said) = refuses(&redis.url(), taken.local_addr().unwrap().port());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&taken.local_addr().unwrap().to_string()) && said.contains("--listen"), "{said}");
}

#[test]
fn help_shows_every_setting() {
    let output = command("redis://x", 1).arg("--help").stdout(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for name in [
        "WORKER_LISTEN",
        "USER_REDIS_URL",
        "FRIEND_REDIS_URL",
        "VIEW_REDIS_URL",
        "--query-threads",
        "WORKER_READY_LAG_EVENTS",
        "WORKER_MEMORY_BUDGET",
        "RUST_LOG",
        "WORKER_SNAPSHOT_DIR",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
    let (code, _) = {
        let status = command("redis://x", 1).arg("--nonsense").stderr(Stdio::null()).status().unwrap();
        (status.code(), ())
    };
    assert_eq!(code, Some(2));
}

#[test]
fn asked_to_stop_it_finishes_what_it_began() {
    let redis = Redis::start();
    people(&mut redis.connection(), 1..=1);
    let worker = Worker::start(&redis);
    let port = worker.port;
    // Waits for its second, because nothing will ever come.
    let waiting =
        std::thread::spawn(move || request(port, "GET", "/v1/users/1/recommendations?after=user:99999999999999-0"));
    std::thread::sleep(Duration::from_millis(300));
    worker.terminate();
    assert_eq!(waiting.join().unwrap().unwrap().status, 503);
    assert_eq!(worker.exit().code(), Some(0));
}

#[test]
fn a_request_that_never_ends_has_its_time_and_a_second_signal_ends_it_at_once() {
    let redis = Redis::start();
    for again in [false, true] {
        let worker = Worker::start(&redis);
        let mut client = TcpStream::connect(("127.0.0.1", worker.port)).unwrap();
        client.write_all(b"GET /healthz HT").unwrap();
        assert_eq!(worker.get("/healthz").status, 200);
        let start = Instant::now();
        worker.terminate();
        eventually("it stops", || worker.said("stopping").pop());
        if again {
            worker.terminate();
        }
        assert_eq!(worker.exit().code(), Some(0));
        assert_eq!(start.elapsed() < Duration::from_secs(10), again, "{:?}", start.elapsed());
    }
}
