//! `Idempotency-Key`s that are none.

use reqwest::header::HeaderValue;

use crate::Quiet;

#[tokio::test]
async fn keys_that_are_none_are_400_on_every_command() {
    let quiet = Quiet::begin().await;
    let long = "k".repeat(129);
    let bad: [&[u8]; 8] =
        [b"", b"a b", b"a\tb", "schl\u{fc}ssel".as_bytes(), b"\xff", b"\xe4", long.as_bytes(), "🔑".as_bytes()];
    for key in bad {
        let key = HeaderValue::from_bytes(key).unwrap();
        let stranger = quiet.person;
        let commands = [
            quiet.api.creation("A", "B"),
            quiet.api.addition(stranger, quiet.friend),
            quiet.api.removal(stranger, quiet.friend),
        ];
        for command in commands {
            let answer = quiet.api.send(command.header("idempotency-key", key.clone())).await;
            answer.refuses(400, &["Idempotency-Key"]);
        }
    }
    quiet.end().await;
}

#[tokio::test]
async fn two_keys_are_as_bad_as_none() {
    let quiet = Quiet::begin().await;
    let request = quiet.api.creation("A", "B").header("idempotency-key", "one").header("idempotency-key", "two");
    quiet.api.send(request).await.refuses(400, &["Idempotency-Key"]);
    quiet.end().await;
}
