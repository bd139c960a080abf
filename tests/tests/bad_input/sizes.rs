//! Bodies over 64 KiB: 413, without reading the rest.

use std::time::{Duration, Instant};

use reqwest::Method;
use tests::answer::Answer;
use tests::api::JSON;
use tests::running::shared;
use tests::wire::Wire;

use crate::Quiet;

const LIMIT: usize = 64 * 1024;
const AT_ONCE: Duration = Duration::from_secs(2);
const POST: &str = "POST /user/v1/users";

/// A person's JSON, with spaces up to this length.
fn padded(length: usize) -> Vec<u8> {
    let mut body = br#"{"firstName":"A","lastName":"B"}"#.to_vec();
    body.resize(length, b' ');
    body
}

async fn connect() -> Wire {
    Wire::connect(shared().addresses().port).await
}

#[track_caller]
fn too_large(answer: Answer) {
    assert_eq!(answer.is(413).json()["type"], "/problems/too-large");
}

#[tokio::test]
async fn a_body_of_64_kib_is_taken_and_one_byte_more_is_not() {
    let quiet = Quiet::begin().await;
    let send = async |length| {
        let request = quiet.api.request(Method::PUT, &quiet.user_path()).header("content-type", JSON);
        quiet.api.send(request.body(padded(length))).await
    };
    too_large(send(LIMIT + 1).await);
    too_large(send(10 * LIMIT).await);
    quiet.end().await;
    let quiet = Quiet::begin().await;
    let request = quiet.api.request(Method::PUT, &quiet.user_path()).header("content-type", JSON);
    quiet.api.send(request.body(padded(LIMIT))).await.is(200);
}

#[tokio::test]
async fn a_large_body_that_is_sent_whole_always_gets_its_413() {
    let quiet = Quiet::begin().await;
    for _ in 0..20 {
        let request = quiet.api.request(Method::POST, "/user/v1/users").header("content-type", JSON);
        too_large(quiet.api.send(request.body(padded(1_000_000))).await);
    }
    quiet.end().await;
}

#[tokio::test]
async fn an_announced_large_body_is_refused_before_any_of_it_comes() {
    let quiet = Quiet::begin().await;
    for length in ["65537", "10000000000", "9223372036854775807"] {
        let mut wire = connect().await;
        let start = Instant::now();
        wire.head(POST, &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")).await;
        too_large(wire.checked(POST).await);
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_chunked_body_is_refused_once_it_is_too_large_and_before_its_end() {
    let quiet = Quiet::begin().await;
    for chunk in [1000, 16 * 1024, LIMIT + 1] {
        let mut wire = connect().await;
        let start = Instant::now();
        wire.head(POST, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n").await;
        let body = padded(chunk);
        for _ in 0..(LIMIT / chunk + 1) {
            wire.bytes(format!("{chunk:x}\r\n").as_bytes()).await;
            wire.bytes(&body).await;
            wire.bytes(b"\r\n").await;
        }
        // It never ends.
        too_large(wire.checked(POST).await);
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_chunked_body_within_the_limit_is_taken() {
    let _quiet = Quiet::begin().await;
    let mut wire = connect().await;
    wire.head(POST, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n").await;
    for piece in ["{\"firstName\":", "\"A\",\"last", "Name\":\"B\"}"] {
        wire.bytes(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wire.bytes(b"0\r\n\r\n").await;
    wire.checked(POST).await.is(201);
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_of_its_body_leaves_no_trace() {
    let quiet = Quiet::begin().await;
    for _ in 0..20 {
        let mut wire = connect().await;
        wire.head(POST, "Content-Type: application/json\r\nContent-Length: 34\r\n").await;
        wire.bytes(br#"{"firstName":"A","lastNa"#).await;
    }
    quiet.end().await;
}

#[tokio::test]
async fn a_client_that_stalls_in_the_middle_of_its_body_is_given_up_and_holds_up_nobody() {
    let quiet = Quiet::begin().await;
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut wire = connect().await;
        wire.head(POST, "Content-Type: application/json\r\nContent-Length: 34\r\n").await;
        wire.bytes(b"{").await;
        stalled.push(wire);
    }
    let start = Instant::now();
    quiet.api.user(quiet.person).await.is(200);
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    for mut wire in stalled {
        let answer = wire.answer().await;
        assert!(answer.as_ref().is_none_or(|answer| answer.status != 500), "{answer:?}");
    }
    quiet.end().await;
}
