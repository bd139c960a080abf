//! Scenarios that go well.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;
use tests::api::Api;
use tests::running::{Own, shared};

use crate::generator::{Generator, operation, shipped};

#[tokio::test]
async fn the_small_networks_are_made_and_counted() {
    let own = Own::start().await;
    let (api, generator) = (own.api(), Generator::new());
    let serial = generator.go("run", &shipped("serial"), &own.url(), &[]).await.is(0);
    assert_eq!(serial.phase("people")["connections"], 1);
    let added = operation(serial.phase("friendships"), "addFriend");
    let made = added["statuses"]["201"].as_u64().unwrap();
    assert_eq!((added["requests"].as_u64(), added["failed"].as_u64()), (Some(300), Some(0)));
    assert_eq!(added["refused"].as_u64(), Some(300 - made));
    assert!((60..=105).contains(&made), "{made} of the 105 pairs");
    assert_eq!(friendships_of(&api, 1, 15).await, made);

    let generator = Generator::new();
    let parallel = generator.go("run", &shipped("parallel"), &own.url(), &[]).await.is(0);
    for (phase, name, count) in [("people", "createUser", 600), ("friendships", "addFriend", 2_000)] {
        assert_eq!(operation(parallel.phase(phase), name)["statuses"]["201"], count);
    }
    for (what, count) in [("users", 600), ("friendships", 2_000)] {
        let account = &parallel.report["accounts"][what];
        assert_eq!(account["verdict"], "held");
        assert_eq!((&account["acknowledged"], &account["counted"]), (&Value::from(count), &Value::from(count)));
    }
    assert_eq!(friendships_of(&api, 16, 615).await, 2_000);
    assert!(parallel.out.contains("Recommendations, with the number of mutual friends"), "{}", parallel.out);
}

/// By asking each of them.
async fn friendships_of(api: &Api, first: u64, last: u64) -> u64 {
    let mut friends = 0;
    for id in first..=last {
        friends += api.friends(id).await.len() as u64;
    }
    friends / 2
}

const EVERYTHING: &str = r#"
seed = 7

[network]
people = 40
friendships = 100
degrees = "power-law"

[[phases]]
name = "people"
make = "people"

[[phases]]
name = "friendships"
make = "friendships"

[[phases]]
name = "everything"
whom = "popular"
rate = 200
connections = 8
seconds = 4

[phases.mix]
createUser = 2
updateUser = 2
addFriend = 2
removeFriend = 2
getUser = 2
listFriends = 2
findMutualFriends = 2
recommendFriends = 2
listDirectory = 2
listActivity = 2
getStats = 2
"#;

#[tokio::test]
async fn every_operation_finds_what_it_is_about() {
    let own = Own::start().await;
    let generator = Generator::new();
    let ended = generator.go("run", &generator.write(EVERYTHING), &own.url(), &[]).await.is(0);
    let phase = ended.phase("everything");
    assert_eq!((&phase["model"], &phase["perSecond"]), (&Value::from("open"), &Value::from(200.0)));
    // A constant rate is a number of calls, however slow the machine is.
    assert_eq!((&phase["requests"], &phase["failed"]), (&Value::from(800), &Value::from(0)));
    let operations = phase["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 11);
    let sum = |key: &str| operations.iter().map(|operation| operation[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("requests"), sum("failed")), (800, 0));
    for operation in operations {
        let latency = &operation["latencyMs"];
        let ms = |key: &str| latency[key].as_f64().unwrap_or_else(|| panic!("no {key}: {operation}"));
        let ascending = [ms("min"), ms("p50"), ms("p90"), ms("p99"), ms("p999"), ms("max")];
        assert!(ms("min") > 0.0 && ascending.is_sorted(), "{operation}");
    }
    let timeline = phase["timeline"].as_array().unwrap();
    let seconds: Vec<f64> = timeline.iter().map(|point| point["seconds"].as_f64().unwrap()).collect();
    assert!(seconds.len() > 3 && seconds.is_sorted(), "{seconds:?}");
    let accounts = &ended.report["accounts"];
    assert_eq!((&accounts["users"]["verdict"], &accounts["friendships"]["verdict"]), (&"held".into(), &"held".into()));
    for name in ["everything", "removeFriend", "p99.9 ms", "nothing is lost"] {
        assert!(ended.out.contains(name), "no {name}: {}", ended.out);
    }
}

#[tokio::test]
async fn results_are_kept_as_json_as_text_and_as_a_picture() {
    let generator = Generator::new();
    let scenario = fs::read_to_string(shipped("serial")).unwrap();
    let scenario = scenario.replace("A network of 15 people", "A <small> network & more");
    let ended = generator.go("run", &generator.write(&scenario), &shared().url(), &["--seed", "5"]).await.is(0);
    let report = &ended.report;
    assert_eq!((&report["format"], &report["exitCode"], &report["interrupted"]), (&1.into(), &0.into(), &false.into()));
    assert_eq!((&report["scenario"]["seed"], &report["scenario"]["text"]), (&5.into(), &Value::from(scenario)));
    assert!(report["machine"]["processors"].as_u64() >= Some(1));
    assert_eq!(report["target"], shared().url());
    let text = fs::read_to_string(&generator.files(".txt")[0]).unwrap();
    assert!(text.contains("addFriend") && ended.out.contains(text.trim()), "{text}");
    let svg = fs::read_to_string(&generator.files(".svg")[0]).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for word in ["milliseconds", "calls/s", "p99", "1 people · 2 friendships", "A &lt;small&gt; network &amp; more"] {
        assert!(svg.contains(word), "no {word} in the picture");
    }
}

#[tokio::test]
async fn a_seed_gives_the_same_people_with_the_same_friends_again() {
    let own = Own::start().await;
    let (api, scenario) = (own.api(), shipped("serial"));
    let mut networks = Vec::new();
    for (n, seed) in [(0, "3"), (1, "3"), (2, "4")] {
        let generator = Generator::new();
        generator.go("run", &scenario, &own.url(), &["--seed", seed]).await.is(0);
        let mut network = Vec::new();
        for id in 15 * n + 1..=15 * n + 15 {
            let user = api.user(id).await.is(200).json();
            let friends: Vec<u64> = api.friend_ids(id).await.into_iter().map(|friend| friend - 15 * n).collect();
            network.push((user["firstName"].clone(), user["lastName"].clone(), friends));
        }
        networks.push(network);
    }
    assert_eq!(networks[0], networks[1]);
    assert_ne!(networks[0], networks[2]);
}

const LONG: &str = r#"
[network]
people = 10

[[phases]]
name = "people"
make = "people"

[[phases]]
name = "calls"
mix = { getUser = 1, createUser = 1 }
rate = 100
seconds = 600

[[phases]]
name = "never"
mix = { getUser = 1 }
requests = 10
"#;

#[tokio::test]
async fn ctrl_c_ends_a_run_with_its_results() {
    let generator = Generator::new();
    let scenario = generator.write(LONG);
    let mut running = generator.start(&scenario, &shared().url());
    running.says("calls: ").await;
    running.signal(Signal::INT);
    let ended = running.end().await.is(130);
    assert_eq!((&ended.report["interrupted"], &ended.report["exitCode"]), (&true.into(), &130.into()));
    let phase = ended.phase("calls");
    assert!(phase["requests"].as_u64() > Some(0) && phase["seconds"].as_f64() < Some(500.0), "{phase}");
    assert_eq!(ended.report["phases"].as_array().unwrap().len(), 2);
    assert_eq!((generator.files(".txt").len(), generator.files(".svg").len()), (1, 1));
    assert!(ended.out.contains("Interrupted"), "{}", ended.out);
}
