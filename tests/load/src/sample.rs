//! Whom the system now recommends to some of the people that were made.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use load::{Connection, Target};
use serde::Deserialize;

use crate::network::Made;

/// People whose recommendations are shown, and how many each.
const SAMPLE: usize = 5;
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

/// Prints a sample that includes every friendship that was made. Errors: the system does not answer as it should.
pub async fn print(target: &Target, made: &Made) -> Result<()> {
    let Some(last_event) = made.last_event else { return Ok(()) };
    let after = format!("friend:{last_event}");
    let mut connection = Connection::open(target.address).await.context("the system is not there any more")?;
    println!("\nRecommendations, with the number of mutual friends:");
    let step = (made.people.len() / SAMPLE).max(1);
    for id in made.people.iter().step_by(step).take(SAMPLE) {
        let user: User = serde_json::from_slice(&user(target, &mut connection, *id).await?)?;
        let found = recommendations(target, &mut connection, *id, &after).await?;
        let found: Vec<Recommendation> = serde_json::from_slice(&found)?;
        let named: Vec<String> = found.iter().map(|one| format!("{} {}", one.user.named(), one.weight)).collect();
        let list = if named.is_empty() { "nobody: no friend of a friend is left".to_owned() } else { named.join(", ") };
        println!("  {:<24} {list}", user.named());
    }
    Ok(())
}

async fn user(target: &Target, connection: &mut Connection, id: u64) -> Result<Vec<u8>> {
    let mut request = Vec::new();
    target.requests().user(&mut request, id);
    let answer = connection.call(&request).await?;
    match answer.status {
        200 => Ok(answer.body.to_vec()),
        status => bail!("user {id}: {status} {}", String::from_utf8_lossy(answer.body)),
    }
}

async fn recommendations(target: &Target, connection: &mut Connection, id: u64, after: &str) -> Result<Vec<u8>> {
    let mut request = Vec::new();
    target.requests().recommendations(&mut request, id, SHOWN, after);
    let mut answered = String::new();
    for _ in 0..TRIES {
        let answer = connection.call(&request).await?;
        match answer.status {
            200 => return Ok(answer.body.to_vec()),
            status => answered = format!("{status} {}", String::from_utf8_lossy(answer.body)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("of user {id}: {answered}")
}
