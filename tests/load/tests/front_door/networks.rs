//! Networks from files.

use std::fs;

use tests::running::Own;

use crate::generator::{Generator, operation};

const SCENARIO: &str = r#"
[network]
edges = "friends.edges"

[[phases]]
name = "people"
make = "people"
connections = 1

[[phases]]
name = "friendships"
make = "friendships"
connections = 1
"#;

#[tokio::test]
async fn a_real_network_is_made_as_it_is() {
    let own = Own::start().await;
    let (api, generator) = (own.api(), Generator::new());
    // With comments, a friendship in both directions, one that comes again, and somebody who is their own friend.
    let edges = "# ids\n% more\n\n1000 5\n5\t1000 0.5\n5,7\n9 9\n  7 1000\n1000 5\n";
    fs::write(generator.path().join("friends.edges"), edges).unwrap();
    let ended = generator.go("run", &generator.write(SCENARIO), &own.url(), &[]).await.is(0);
    assert_eq!(operation(ended.phase("people"), "createUser")["requests"], 3);
    assert_eq!(operation(ended.phase("friendships"), "addFriend")["statuses"]["201"], 3);
    // 5, 7 and 1000 are the first three who sign up, in this order; friendships come as in the file.
    assert_eq!(api.friend_ids(1).await, [3, 2]);
    assert_eq!(api.friend_ids(2).await, [1, 3]);
}

#[tokio::test]
async fn a_mistake_in_the_file_is_named_with_its_line() {
    for (edges, words) in [
        ("1 2\n2 x\n", &["friends.edges, line 2", "2 x"][..]),
        ("1 2\n\n7\n", &["friends.edges, line 3", "two ids"]),
        ("1 -2\n", &["friends.edges, line 1"]),
        ("# nothing\n", &["friends.edges has no friendship"]),
        ("3 3\n", &["friends.edges has no friendship"]),
        (&"1".repeat(5_000), &["friends.edges, line 1", "too long"]),
    ] {
        let generator = Generator::new();
        fs::write(generator.path().join("friends.edges"), edges).unwrap();
        let scenario = generator.write(SCENARIO);
        let ended = generator.call(&["check", &scenario]).await.is(2).says(words);
        ended.says(&["scenario.toml, line 3, column 9: `network.edges`"]);
    }
    let generator = Generator::new();
    let ended = generator.call(&["check", &generator.write(SCENARIO)]).await.is(2);
    ended.says(&["line 3", "friends.edges cannot be read"]);
}
