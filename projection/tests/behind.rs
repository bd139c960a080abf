//! A worker that is far behind: it says how far, answers what it knows, and is ready when it is near.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use support::{Redis, Worker, befriend, eventually, people};

/// More than ten times of what is near to it.
const EVENTS: u64 = 100_000;
const NEAR: &str = "1000";
/// What a slow Redis sends in one go, and how long it rests then: about 3,000 events a second.
const PORTION: usize = 64 << 10;
const REST: Duration = Duration::from_millis(50);

/// What stands between a worker and its Redis, and can be slow where streams are read.
struct Proxy {
    port: u16,
    slow: Arc<AtomicBool>,
}

impl Proxy {
    fn before(redis: &Redis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, behind) = (listener.local_addr().unwrap().port(), redis.port);
        let slow = Arc::<AtomicBool>::default();
        let is_slow = Arc::clone(&slow);
        // They end with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", behind)) else { continue };
                let (reads, slow) = (Arc::<AtomicBool>::default(), Arc::clone(&is_slow));
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let asked = Arc::clone(&reads);
                std::thread::spawn(move || {
                    pass_on(from_client, to_server, |bytes| {
                        if bytes.windows(5).any(|word| word == b"XREAD") {
                            asked.store(true, Ordering::Relaxed);
                        }
                    });
                });
                std::thread::spawn(move || {
                    pass_on(server, client, |_| {
                        if reads.load(Ordering::Relaxed) && slow.load(Ordering::Relaxed) {
                            std::thread::sleep(REST);
                        }
                    });
                });
            }
        });
        Self { port, slow }
    }

    fn set_slow(&self, slow: bool) {
        self.slow.store(slow, Ordering::Relaxed);
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, mut met: impl FnMut(&[u8])) {
    let mut buffer = vec![0; PORTION];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        met(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Friendships of people whom nobody knows.
fn fill(log: &mut redis::Connection) {
    let time = "2026-11-22T01:27:43.123Z";
    for start in (0..EVENTS).step_by(1_000) {
        let mut pipeline = redis::pipe();
        for number in start..start + 1_000 {
            let (a, b) = (100 + number % 300, 1_000 + number / 300);
            let data = format!(r#"{{"id":7,"userId":{a},"friendId":{b},"createdAt":"{time}","updatedAt":"{time}"}}"#);
            let add = pipeline.cmd("XADD").arg("events:friend").arg("*").arg("id").arg("x").arg("type");
            add.arg("FRIEND_ADDED").arg("subject").arg(format!("friendship/{a}-{b}")).arg("version").arg("1");
            add.arg("time").arg(time).arg("data").arg(data).ignore();
        }
        pipeline.exec(log).unwrap();
    }
}

fn readiness(worker: &Worker) -> (u16, Value) {
    let answer = worker.get("/readyz");
    (answer.status, answer.json())
}

fn lag(readiness: &Value) -> u64 {
    readiness["friend"]["lagEvents"].as_u64().unwrap()
}

#[test]
fn behind_by_a_hundred_thousand_events_it_answers_what_it_knows() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=3);
    let before = befriend(&mut log, 1, 2);
    let proxy = Proxy::before(&redis);
    let worker = Worker::begin_with(&proxy.url(), &["--ready-lag-events", NEAR]);
    worker.wait_until_ready();
    assert_eq!(lag(&readiness(&worker).1), 0);

    proxy.set_slow(true);
    fill(&mut log);
    let last = befriend(&mut log, 2, 3);
    // It takes half a minute at this speed, and is looked at every second.
    let (_, behind) =
        eventually("it is behind", || Some(readiness(&worker)).filter(|(_, said)| lag(said) > EVENTS / 2));
    assert_eq!((behind["status"].as_str(), behind["caughtUp"].as_bool()), (Some("DOWN"), Some(true)));
    assert_eq!((behind["friend"]["status"].as_str(), behind["user"]["status"].as_str()), (Some("DOWN"), Some("UP")));
    let detail = behind["friend"]["detail"].as_str().unwrap();
    assert!(detail.contains("events behind, ready at 1000"), "{detail}");

    let answer = worker.get("/v1/users/1/recommendations");
    assert_eq!((answer.status, answer.weights()), (200, vec![]), "2 and 3 are not friends yet, as far as it knows");
    let position = |event: &str| event.rsplit_once(':').unwrap().1.parse::<domain::StreamPosition>().unwrap();
    let included = position(answer.header("last-event").unwrap());
    assert!(included >= before.parse().unwrap() && included < last.parse().unwrap(), "{included}");
    assert_eq!(worker.get(&format!("/v1/users/1/recommendations?after=friend:{last}")).status, 503);
    assert_eq!(worker.get("/v1/users/1/mutual-friends?friendId=2").status, 200);
    // It goes on meanwhile, slowly.
    eventually("it comes nearer", || Some(lag(&readiness(&worker).1)).filter(|&now| now < lag(&behind)));
    assert!(lag(&readiness(&worker).1) > EVENTS / 10, "it is still far");

    proxy.set_slow(false);
    let (_, near) = eventually("it is ready", || Some(readiness(&worker)).filter(|(status, _)| *status == 200));
    assert!(lag(&near) <= 1_000, "{near}");
    let answer = worker.get(&format!("/v1/users/1/recommendations?after=friend:{last}"));
    assert_eq!(answer.weights(), [(3, 1)]);
    eventually("the figures agree", || {
        worker.get("/metrics").text().contains("worker_lag_events{stream=\"friend\"} 0").then_some(())
    });
}

#[test]
fn starting_far_behind_it_is_not_ready_before_it_is_near() {
    let redis = Redis::start();
    let mut log = redis.connection();
    people(&mut log, 1..=3);
    befriend(&mut log, 1, 2);
    fill(&mut log);
    befriend(&mut log, 2, 3);
    let proxy = Proxy::before(&redis);
    proxy.set_slow(true);
    let worker = Worker::begin_with(&proxy.url(), &["--ready-lag-events", NEAR]);
    let behind = eventually("it sees how far it is", || {
        let said = worker.try_get("/readyz").map(|answer| answer.json())?;
        (lag(&said) > EVENTS / 2).then_some(said)
    });
    assert_eq!((behind["status"].as_str(), behind["caughtUp"].as_bool()), (Some("DOWN"), Some(false)));
    assert_eq!(worker.get("/healthz").status, 200);
    eventually("it comes nearer", || Some(lag(&readiness(&worker).1)).filter(|&now| now < lag(&behind)));

    proxy.set_slow(false);
    worker.wait_until_ready();
    let (_, near) = readiness(&worker);
    assert_eq!(near["caughtUp"], true);
    assert!(lag(&near) <= 1_000, "{near}");
    assert_eq!(worker.get("/v1/users/1/recommendations").weights(), [(3, 1)]);
}
