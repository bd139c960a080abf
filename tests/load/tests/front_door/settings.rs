//! Wrong settings: exit code 2, and what they may be.

use std::fs;

use crate::generator::{Generator, shipped};

#[tokio::test]
async fn wrong_settings_are_named_with_what_they_may_be() {
    let serial = shipped("serial");
    let cases: [(&[&str], &[&str]); 9] = [
        (&["run"], &["<SCENARIO>"]),
        (&["fly"], &["fly"]),
        (&["run", &serial, "--url", "127.0.0.1:9000"], &["127.0.0.1:9000", "http://host:port"]),
        (&["run", &serial, "--url", "https://127.0.0.1:9000"], &["https://127.0.0.1:9000", "http://host:port"]),
        (&["run", &serial, "--seed", "-1"], &["--seed", "-1"]),
        (&["run", &serial, "--rate", "7"], &["--rate"]),
        (&["ramp", &serial, "--from", "0"], &["--from", "from 1 to 1000000"]),
        (&["ramp", &serial, "--seconds", "soon"], &["--seconds", "from 0.1 to 86400"]),
        (&["ramp", &serial, "--from", "900", "--to", "800"], &["--from 900", "--to 800"]),
    ];
    for (arguments, words) in cases {
        let generator = Generator::new();
        let results = generator.results().display().to_string();
        let arguments = match arguments.len() {
            1 => arguments.to_vec(),
            _ => [arguments, &["--results", &results]].concat(),
        };
        generator.call(&arguments).await.is(2).says(words);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_found_out_before_the_run() {
    let generator = Generator::new();
    fs::write(generator.results(), "a file").unwrap();
    let ended = generator.go("run", &shipped("serial"), "http://127.0.0.1:1", &[]).await;
    ended.is(2).says(&["--results", "nothing can be written there"]);
}

#[tokio::test]
async fn a_ramp_needs_rates() {
    let generator = Generator::new();
    let scenario = generator.write("[[phases]]\nname = \"a\"\nmix = { getStats = 1 }\nrequests = 1\n");
    generator.go("ramp", &scenario, "http://127.0.0.1:1", &[]).await.is(2).says(&["scenario.toml", "[ramp]"]);
}

#[tokio::test]
async fn help_says_what_the_exit_codes_mean() {
    let ended = Generator::new().call(&["--help"]).await.is(0);
    assert!(ended.out.contains("Exit code") && ended.out.contains("130"), "{}", ended.out);
}
