//! A ring for whoever projects: one is enough until it is answered, and none is waited for longer than a second.

use std::{
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use domain::event::Stream;
use event_store::project::{Stores, catch_up, people::People};

use crate::{
    given::{at, befriend, create},
    server::{Server, ask, get, number},
};

/// Long enough for a message on loopback, however busy the machine.
const SOON: Duration = Duration::from_secs(5);
/// What has not come after this does not come.
const QUIET: Duration = Duration::from_millis(200);

/// What is published on the doorbells of both streams, from now on: channel and message.
fn listen(server: &Server) -> Receiver<(String, String)> {
    let client = redis::Client::open(server.url()).expect("a redis:// URL");
    let mut connection = client.get_connection().expect("the test's server takes connections");
    let (ready, subscribed) = channel();
    let (send, rings) = channel();
    thread::spawn(move || {
        let mut pubsub = connection.as_pubsub();
        pubsub.subscribe(&["events:user", "events:friend"]).expect("subscribed");
        ready.send(()).expect("the test waits for it");
        // Until the server ends, and the test with it.
        while let Ok(message) = pubsub.get_message() {
            let channel = message.get_channel_name().to_owned();
            if send.send((channel, message.get_payload().expect("text"))).is_err() {
                return;
            }
        }
    });
    subscribed.recv_timeout(SOON).expect("it subscribes");
    rings
}

fn ring(stream: &str) -> (String, String) {
    (stream.to_owned(), stream.to_owned())
}

/// The bell stands for a second only, which is short on a busy machine: here it stays until it is cleared.
async fn hold(redis: &event_store::native::NativeRedis, stream: Stream) {
    ask(redis, "PERSIST", &[&event_store::keys::bell(stream)]).await;
}

#[tokio::test]
async fn many_appends_ring_once_until_it_is_answered() {
    let server = Server::start();
    let redis = server.connect().await;
    let rings = listen(&server);
    create(&redis, "Ada", "Lovelace").await;
    hold(&redis, Stream::User).await;
    for _ in 0..20 {
        create(&redis, "Grace", "Hopper").await;
    }
    assert_eq!(rings.recv_timeout(SOON), Ok(ring("events:user")));
    rings.recv_timeout(QUIET).expect_err("one is outstanding");

    // Answered: the next append rings again.
    let stores = Stores { sources: &[(Stream::User, &redis)], target: &redis };
    assert_eq!(catch_up::<People, _>(&stores, at(0)).await.unwrap(), 21);
    assert_eq!(get(&redis, "events:user:bell").await, None);
    create(&redis, "Alan", "Turing").await;
    assert_eq!(rings.recv_timeout(SOON), Ok(ring("events:user")));
}

#[tokio::test]
async fn each_stream_has_a_bell_of_its_own() {
    let server = Server::start();
    let redis = server.connect().await;
    let rings = listen(&server);
    create(&redis, "Ada", "Lovelace").await;
    hold(&redis, Stream::User).await;
    befriend(&redis, 1, 2).await;
    assert_eq!(rings.recv_timeout(SOON), Ok(ring("events:user")));
    assert_eq!(rings.recv_timeout(SOON), Ok(ring("events:friend")));
    // Who follows only one of them leaves the other one's alone.
    let stores = Stores { sources: &[(Stream::Friend, &redis)], target: &redis };
    catch_up::<People, _>(&stores, at(0)).await.unwrap();
    assert_eq!(get(&redis, "events:user:bell").await.as_deref(), Some("1"));
    assert_eq!(get(&redis, "events:friend:bell").await, None);
}

#[tokio::test]
async fn a_ring_that_was_lost_delays_the_next_by_a_second_at_most() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    let left = number(&redis, "PTTL", &["events:user:bell"]).await;
    assert!(left <= 1000, "{left} ms");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let rings = listen(&server);
    create(&redis, "Grace", "Hopper").await;
    assert_eq!(rings.recv_timeout(SOON), Ok(ring("events:user")));
}

#[tokio::test]
async fn what_is_refused_does_not_ring() {
    let server = Server::start();
    let redis = server.connect().await;
    befriend(&redis, 1, 2).await;
    ask(&redis, "DEL", &["events:friend:bell"]).await;
    let rings = listen(&server);
    let event = crate::given::added(1, 2);
    crate::given::append_friendship(&redis, &event, domain::Version::NONE, &[], None).await.unwrap();
    rings.recv_timeout(QUIET).expect_err("nothing happened");
    assert_eq!(get(&redis, "events:friend:bell").await, None);
}
