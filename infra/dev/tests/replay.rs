//! `social replay` on a Redis that was given, without a system beside it.

use std::process::Command;

mod given;
use given::Given;

const LETTER: &str = "projection {projection} stream user position 5-0 type USER_ADDED reason none time now";

#[tokio::test]
async fn the_letters_of_the_worker_are_taken_away_and_those_of_nobody_stay() {
    let redis = Given::start("s3cret");
    let url = redis.url("s3cret");
    let folder = tempfile::tempdir().unwrap();
    let social = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_social"));
        for name in ["USER_REDIS_URL", "FRIEND_REDIS_URL", "VIEW_REDIS_URL"] {
            command.env_remove(name);
        }
        let output = command.arg(verb).env("DATA_DIR", folder.path()).env("REDIS_URL", &url).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{verb}: {said}");
        said
    };
    // The command waits until the server is up; the client below does not.
    assert!(social("dead-letters").contains("No dead letters"));

    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for projection in ["worker", "nobody"] {
        let letter = LETTER.replace("{projection}", projection);
        let words: Vec<&str> = letter.split(' ').collect();
        let _: String =
            redis::cmd("XADD").arg("events:dead").arg("*").arg(words).query_async(&mut connection).await.unwrap();
        let member = format!("{projection}/user/5-0");
        let _: u32 =
            redis::cmd("SADD").arg("events:dead:index").arg(member).query_async(&mut connection).await.unwrap();
    }
    let said = social("replay");
    assert!(said.contains("1 of the worker: it writes them again at its next start"), "{said}");
    assert!(said.contains("5-0 of nobody") && said.contains("1 are there now"), "{said}");

    let left: usize = redis::cmd("XLEN").arg("events:dead").query_async(&mut connection).await.unwrap();
    let index: Vec<String> =
        redis::cmd("SMEMBERS").arg("events:dead:index").query_async(&mut connection).await.unwrap();
    assert_eq!((left, index), (1, vec!["nobody/user/5-0".to_owned()]));
}
