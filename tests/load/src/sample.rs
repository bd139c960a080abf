//! Whom the system now recommends to some of the people that were made.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::ask::Asker;
use crate::population::Newest;

/// Recommendations shown for each.
const SHOWN: usize = 4;
/// The system waits for the asked-for event for about a second, then asks to be asked again.
const TRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Recommendation {
    user: User,
    weight: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: u64,
    first_name: String,
    last_name: String,
}

impl User {
    fn named(&self) -> String {
        format!("{} {} ({})", self.first_name, self.last_name, self.id)
    }
}

/// Some people, spread over the network, each with their recommendations, which include every friendship that was made.
/// Err: the system does not answer as it should.
pub async fn text(asker: &mut Asker<'_>, people: &[u64], newest: &Newest, count: usize) -> Result<String> {
    let after = format!("user:{},friend:{}", newest.user, newest.friend);
    let mut text = String::from("Recommendations, with the number of mutual friends:\n");
    let step = (people.len() / count.max(1)).max(1);
    for id in people.iter().step_by(step).take(count) {
        let user: User = serde_json::from_value(answer(asker, &format!("/user/v1/users/{id}")).await?)?;
        let path = format!("/recommendation/v1/users/{id}/commands/recommendFriends?limit={SHOWN}&after={after}");
        let found: Vec<Recommendation> = serde_json::from_value(answer(asker, &path).await?)?;
        let named: Vec<String> = found.iter().map(|one| format!("{} {}", one.user.named(), one.weight)).collect();
        let list = if named.is_empty() { "nobody: no friend of a friend is left".to_owned() } else { named.join(", ") };
        let _ = writeln!(text, "  {:<24} {list}", user.named());
    }
    Ok(text)
}

async fn answer(asker: &mut Asker<'_>, path: &str) -> Result<Value> {
    let mut answered = String::new();
    for _ in 0..TRIES {
        let reply = asker.get(path).await?;
        if reply.status == 200 {
            return Ok(reply.body);
        }
        answered = format!("{} {}", reply.status, reply.body);
        tokio::time::sleep(PAUSE).await;
    }
    bail!("GET {path} answered {answered}")
}
