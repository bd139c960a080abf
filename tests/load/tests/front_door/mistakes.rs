//! Mistakes in a scenario: exit code 2, with the file, the line, the column, the key, and what it may be.

use crate::generator::{Generator, shipped};

const RIGHT: &str = r#"description = "One that is right"
seed = 1
show = 0

[network]
people = 100
friendships = 200
degrees = "power-law"
exponent = 2.5

[[phases]]
name = "people"
make = "people"

[[phases]]
name = "calls"
mix = { getUser = 2, addFriend = 1 }
whom = "anyone"
rate = 100
connections = 10
seconds = 5

[[thresholds]]
phase = "calls"
operation = "getUser"
p99_ms = 50

[ramp]
from = 10
step = 10
to = 100
seconds = 1
p99_ms = 100
"#;

/// The right one with a line replaced: where the mistake is to be found, and words about it.
async fn mistake(line: &str, by: &str, place: (usize, usize), key: &str, words: &[&str]) {
    assert_eq!(RIGHT.matches(line).count(), 1, "{line}");
    let generator = Generator::new();
    let file = generator.write(&RIGHT.replace(line, by));
    for verb in ["check", "run"] {
        let ended = generator.call(&[verb, &file]).await.is(2).says(words);
        let (row, column) = place;
        let whole = format!("load: {file}, line {row}, column {column}: ");
        assert!(ended.said.starts_with(&whole), "no {whole:?} in: {}", ended.said);
        if !key.is_empty() {
            assert!(ended.said.starts_with(&format!("{whole}`{key}`: ")), "no {key:?} in: {}", ended.said);
        }
    }
}

#[tokio::test]
async fn the_right_one_is_right() {
    let generator = Generator::new();
    let ended = generator.call(&["check", &generator.write(RIGHT)]).await.is(0);
    assert!(ended.out.contains("getUser 67%") && ended.out.contains("100 people, 200 friendships"), "{}", ended.out);
    for name in ["serial", "parallel", "hyperscale", "reads", "real-network"] {
        generator.call(&["check", &shipped(name)]).await.is(0);
    }
}

#[tokio::test]
async fn a_value_out_of_its_range() {
    mistake("people = 100", "people = 1", (6, 10), "network.people", &["`1`", "people from 2 to 10000000"]).await;
    mistake("seed = 1", "seed = -1", (2, 8), "seed", &["`-1`", "a whole number from 0"]).await;
    mistake("exponent = 2.5", "exponent = 1.5", (9, 12), "network.exponent", &["1.5", "from 2.05 to 5"]).await;
    let rate = ["a number of calls a second from 1 to 1000000"];
    mistake("rate = 100", "rate = 0", (19, 8), "phases.rate", &rate).await;
    mistake("rate = 100", "rate = \"fast\"", (19, 8), "phases.rate", &[&rate[..], &["\"fast\""]].concat()).await;
    mistake("rate = 100", "rate = nan", (19, 8), "phases.rate", &rate).await;
    mistake("connections = 10", "connections = 1.5", (20, 15), "phases.connections", &["whole number"]).await;
    mistake("seconds = 5", "seconds = 1e9", (21, 11), "phases.seconds", &["seconds from 0.1 to 86400"]).await;
    mistake("p99_ms = 50", "p99_ms = 0", (26, 10), "thresholds.p99_ms", &["milliseconds from 0.001 to 60000"]).await;
    mistake("from = 10", "from = -10", (29, 8), "ramp.from", &["calls a second"]).await;
}

#[tokio::test]
async fn a_word_that_is_none_of_those_allowed() {
    let degrees = ["`normal`", "uniform", "power-law"];
    mistake("degrees = \"power-law\"", "degrees = \"normal\"", (8, 11), "network.degrees", &degrees).await;
    mistake("make = \"people\"", "make = \"persons\"", (13, 8), "phases.make", &["people", "friendships"]).await;
    mistake("whom = \"anyone\"", "whom = \"nobody\"", (18, 8), "phases.whom", &["anyone", "popular"]).await;
    let operations = ["`getUsers`", "getUser", "recommendFriends", "getStats"];
    mistake("{ getUser = 2,", "{ getUsers = 2,", (17, 9), "phases.mix.getUsers", &operations).await;
    mistake("\"getUser\"", "\"user\"", (25, 13), "thresholds.operation", &["`user`", "createUser"]).await;
}

#[tokio::test]
async fn a_key_that_is_unknown_missing_or_there_twice() {
    mistake("show = 0", "shown = 0", (3, 1), "shown", &["unknown field", "`show`"]).await;
    mistake("people = 100", "peoples = 100", (6, 1), "network.peoples", &["unknown field", "`people`"]).await;
    mistake("rate = 100", "rat = 100", (19, 1), "phases.rat", &["unknown field", "`rate`"]).await;
    mistake("p99_ms = 50", "p98_ms = 50", (26, 1), "thresholds.p98_ms", &["unknown field", "`p99_ms`"]).await;
    mistake("step = 10", "stride = 10", (30, 1), "ramp.stride", &["unknown field", "`step`"]).await;
    mistake("step = 10\n", "", (28, 1), "ramp", &["missing field `step`"]).await;
    mistake("rate = 100", "rate = 100\nrate = 200", (20, 1), "", &["duplicate key"]).await;
}

#[tokio::test]
async fn keys_that_do_not_go_together() {
    mistake("degrees = \"power-law\"", "", (9, 12), "network.exponent", &["power-law"]).await;
    mistake("people = 100\n", "people = 20\n", (7, 15), "network.friendships", &["20 people have 190 pairs", "47"])
        .await;
    mistake("people = 100\n", "edges = \"x\"\n", (7, 15), "network.friendships", &["edges"]).await;
    mistake("people = 100\n", "\n", (5, 1), "network", &["`people` or `edges`"]).await;
    mistake("seconds = 5\n", "", (15, 1), "phases", &["`seconds` or `requests`"]).await;
    mistake("seconds = 5\n", "seconds = 5\nrequests = 9\n", (22, 12), "phases.requests", &["not by both"]).await;
    mistake("make = \"people\"\n", "make = \"people\"\nseconds = 5\n", (14, 11), "phases.seconds", &["make"]).await;
    mistake("make = \"people\"\n", "", (11, 1), "phases", &["`make` or `mix`"]).await;
    mistake("make = \"people\"", "make = \"friendships\"", (13, 8), "phases.make", &["nobody is there yet"]).await;
    let lonely = "mix = { getUser = 1 }\nrequests = 3";
    mistake("make = \"people\"", lonely, (13, 7), "phases.mix", &["getUser", "nobody is there yet"]).await;
    mistake("name = \"calls\"", "name = \"people\"", (16, 8), "phases.name", &["another phase"]).await;
    mistake("name = \"calls\"", "name = \"\"", (16, 8), "phases.name", &["1 to 40 characters"]).await;
    let nothing = "mix = { getUser = 0 }";
    mistake("mix = { getUser = 2, addFriend = 1 }", nothing, (17, 7), "phases.mix", &["above 0"]).await;
    let removed = "mix = { removeFriend = 1 }";
    mistake("mix = { getUser = 2, addFriend = 1 }", removed, (17, 7), "phases.mix", &["nobody has friends"]).await;
    mistake("phase = \"calls\"", "phase = \"call\"", (24, 9), "thresholds.phase", &["people, calls"]).await;
    mistake("\"getUser\"", "\"getStats\"", (25, 13), "thresholds.operation", &["no phase"]).await;
    mistake("p99_ms = 50\n", "", (23, 1), "thresholds", &["it needs a limit"]).await;
    mistake("to = 100", "to = 5", (31, 6), "ramp.to", &["less than `from`"]).await;
}

#[tokio::test]
async fn what_is_no_scenario_at_all() {
    mistake("[network]", "[network", (5, 9), "", &[]).await;
    mistake("seed = 1", "seed = ", (2, 8), "", &[]).await;
    let generator = Generator::new();
    generator.call(&["check", &generator.write("")]).await.is(2).says(&["scenario.toml", "missing field `phases`"]);
    generator.call(&["check", &generator.write("phases = []")]).await.is(2).says(&["`phases`", "no phase"]);
    generator.call(&["check", "nowhere/scenario.toml"]).await.is(2).says(&["nowhere/scenario.toml", "no such file"]);
    let folder = generator.path().display().to_string();
    generator.call(&["check", &folder]).await.is(2).says(&[&folder]);
    std::fs::write(generator.path().join("bytes"), b"\xff\xfe").unwrap();
    let bytes = generator.path().join("bytes").display().to_string();
    generator.call(&["check", &bytes]).await.is(2).says(&["UTF-8"]);
}
