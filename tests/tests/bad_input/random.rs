//! Whatever comes, there is never a 500 (every answer is checked for that), and an error is always a problem.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use tests::api::JSON;
use tests::random::Random;

use crate::Quiet;

const BODIES: u64 = 400;
const TARGETS: u64 = 600;
/// At a time.
const SIDE_BY_SIDE: u64 = 8;

/// A good body with a few bytes changed, or nothing but random bytes.
fn body(random: &mut Random) -> Vec<u8> {
    let length = random.below(200);
    if random.below(3) == 0 {
        return random.bytes(length);
    }
    let mut body = br#"{"id":7,"firstName":"Ada","lastName":"Lovelace","more":[1,2.5e3,null,{"x":"\u00e9"}]}"#.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(body.len());
        match random.below(4) {
            0 => drop(body.remove(at)),
            1 => body.insert(at, random.number() as u8),
            2 => body[at] = *random.pick(b"{}[]\",:\\u0 \x00\xff"),
            _ => body[at] ^= 1 << random.below(8),
        }
    }
    body
}

#[tokio::test]
async fn random_bodies_are_refused_or_are_people() {
    let quiet = Quiet::begin().await;
    let workers = (0..SIDE_BY_SIDE).map(async |worker| {
        let mut random = Random::new(worker);
        let mut made = 0;
        for _ in 0..BODIES / SIDE_BY_SIDE {
            let bytes = body(&mut random);
            let request = quiet.api.request(Method::POST, "/user/v1/users").header("content-type", JSON);
            let answer = quiet.api.send(request.body(bytes.clone())).await;
            match answer.status {
                201 => {
                    let sent: Value = serde_json::from_slice(&bytes).expect("what was taken is JSON");
                    let kept = answer.json();
                    for name in ["firstName", "lastName"] {
                        assert_eq!(kept[name].as_str(), sent[name].as_str().map(str::trim), "{answer}");
                    }
                    made += 1;
                }
                400 | 422 => {}
                _ => panic!("seed {worker}: {bytes:?}: {answer}"),
            }
        }
        made
    });
    let made: usize = join_all(workers).await.into_iter().sum();
    assert!(made > 0 && made < BODIES as usize, "{made}");
    // What was taken is in the log: nothing more.
    let mut quiet = quiet;
    quiet.before.0 += made;
    quiet.end().await;
}

/// A path and a query of words that mean something, of characters that mean something, and of others.
fn target(random: &mut Random) -> String {
    const WORDS: [&str; 22] = [
        "user",
        "v1",
        "users",
        "1",
        "2",
        "friend",
        "friends",
        "commands",
        "addFriend",
        "removeFriend",
        "recommendation",
        "recommendFriends",
        "findMutualFriends",
        "directory",
        "activity",
        "stats",
        "events",
        "actuator",
        "health",
        "0",
        "99999999999999999999",
        "",
    ];
    const NAMES: [&str; 8] = ["limit", "cursor", "after", "name", "friendId", "minutes", "x", ""];
    const PIECES: [&str; 17] = [
        "1", "0", "-1", "1000", "a", "%00", "%ff", "%C3%A9", "%", "%zz", "+", "user:1-0", "1-0", "=", "&", ";", "'\"<>",
    ];
    let mut target = String::new();
    for _ in 0..=random.below(6) {
        target.push('/');
        target.push_str(random.pick::<&str>(&WORDS));
        if random.below(8) == 0 {
            target.push_str(random.pick::<&str>(&PIECES));
        }
    }
    for n in 0..random.below(4) {
        target.push(if n == 0 { '?' } else { '&' });
        target.push_str(random.pick::<&str>(&NAMES));
        target.push('=');
        (0..random.below(3)).for_each(|_| target.push_str(random.pick::<&str>(&PIECES)));
    }
    target
}

#[tokio::test]
async fn random_targets_are_answered() {
    let quiet = Quiet::begin().await;
    let workers = (0..SIDE_BY_SIDE).map(async |worker| {
        let mut random = Random::new(1000 + worker);
        for _ in 0..TARGETS / SIDE_BY_SIDE {
            let target = target(&mut random);
            let method = random.pick(&[Method::GET, Method::GET, Method::HEAD, Method::PUT, Method::DELETE]).clone();
            let expected = [200, 400, 404, 405, 415, 503];
            let answer = quiet.api.send(quiet.api.request(method.clone(), &target)).await;
            assert!(expected.contains(&answer.status), "{method} {target}: {answer}");
        }
    });
    join_all(workers).await;
    quiet.end().await;
}

#[tokio::test]
async fn random_commands_on_friendships_are_refused_or_done() {
    let quiet = Quiet::begin().await;
    let mut random = Random::new(7);
    let people: Vec<u64> = quiet.api.people(3).await.iter().map(|person| person.id).collect();
    let mut quiet = quiet;
    quiet.before.0 += people.len();
    for _ in 0..200 {
        let (a, b) = (*random.pick(&people), *random.pick(&people));
        let target = match random.below(3) {
            0 => format!("/friend/v1/users/{a}/commands/addFriend?friendId={b}"),
            1 => format!("/friend/v1/users/{a}/commands/removeFriend?x=1&friendId={b}&friendId=9"),
            _ => format!("/friend/v1/users/{a}/commands/addFriend{}", &target(&mut random)[1..]),
        };
        let answer = quiet.api.post(&target).await;
        assert!([201, 204, 400, 404, 409].contains(&answer.status), "{target}: {answer}");
        quiet.before.1 += usize::from(answer.status < 300);
    }
    quiet.end().await;
}
