//! How the worker starts, refuses to start, and stops.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use support::{Redis, Worker, command, free_port, people, request};

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

#[test]
fn an_old_redis_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Answers INFO as version 6.2 would, and anything else with OK.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let info = "# Server\r\nredis_version:6.2.14\r\n";
                    let _ = match line.to_ascii_uppercase().as_str() {
                        "INFO" => write!(writer, "${}\r\n{info}\r\n", info.len()),
                        "CLIENT" | "SELECT" | "PING" => write!(writer, "+OK\r\n"),
                        _ => Ok(()),
                    };
                }
            });
        }
    });
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
    for name in ["WORKER_LISTEN", "USER_REDIS_URL", "FRIEND_REDIS_URL", "VIEW_REDIS_URL", "--query-threads", "RUST_LOG"]
    {
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
