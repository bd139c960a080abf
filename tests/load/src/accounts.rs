//! Whether what was acknowledged is there: the system's own count before and after, against the answers.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use load::Operation;
use serde::Serialize;

use crate::ask::Asker;
use crate::phase::Measured;
use crate::population::Newest;

/// Read models are some tens of milliseconds behind, and after a rush some seconds.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// For somebody who waits for the end.
pub const IMPATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// How many there are, for the log up to some events.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    users: u64,
    friendships: u64,
    newest: Newest,
}

/// Both sides of what was made.
#[derive(Debug, Serialize)]
pub struct Accounts {
    pub users: Account,
    pub friendships: Account,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Made, less those that were ended, by answers that said so.
    pub acknowledged: i64,
    /// Calls of which nobody knows whether they were done: how many more there may be, and how many fewer.
    pub unclear_more: u64,
    pub unclear_fewer: u64,
    /// What the system counts more than before.
    pub counted: i64,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    Held,
    Lost,
    /// Somebody else writes to the same system, so a loss would not be seen.
    Unclear,
}

impl Account {
    fn new(acknowledged: i64, unclear_more: u64, unclear_fewer: u64, counted: i64) -> Self {
        let verdict = if counted < acknowledged - unclear_fewer as i64 {
            Verdict::Lost
        } else if counted > acknowledged + unclear_more as i64 {
            Verdict::Unclear
        } else {
            Verdict::Held
        };
        Self { acknowledged, unclear_more, unclear_fewer, counted, verdict }
    }
}

impl Accounts {
    pub fn of<'a>(measured: impl Iterator<Item = &'a Measured>, before: &Count, after: &Count) -> Self {
        let (mut created, mut added, mut removed) = ((0, 0), (0, 0), (0, 0));
        for calls in measured.flat_map(|measured| &measured.calls) {
            let (sum, status) = match calls.0 {
                Operation::CreateUser => (&mut created, 201),
                Operation::AddFriend => (&mut added, 201),
                Operation::RemoveFriend => (&mut removed, 204),
                _ => continue,
            };
            sum.0 += calls.1.tally.with_status(status) as i64;
            sum.1 += calls.1.unclear();
        }
        let more = |before: u64, after: u64| after as i64 - before as i64;
        Self {
            users: Account::new(created.0, created.1, 0, more(before.users, after.users)),
            friendships: Account::new(
                added.0 - removed.0,
                added.1,
                removed.1,
                more(before.friendships, after.friendships),
            ),
        }
    }
}

async fn count(asker: &mut Asker<'_>) -> Result<Count> {
    let reply = asker.get("/stats/v1?minutes=1").await?;
    let (Some(users), Some(friendships)) = (reply.body["users"].as_u64(), reply.body["friendships"].as_u64()) else {
        bail!("GET /stats/v1 answered {}: {}", reply.status, reply.body);
    };
    let mut newest = Newest::default();
    newest.note(&reply.last_event);
    Ok(Count { users, friendships, newest })
}

/// The count before anything is done, when it has caught up with the log.
pub async fn before(asker: &mut Asker<'_>) -> Result<Count> {
    let begun = Instant::now();
    loop {
        let count = count(asker).await?;
        let user = format!("/events/v1/user?limit=1&after={}", count.newest.user);
        let friend = format!("/events/v1/friend?limit=1&after={}", count.newest.friend);
        let is_end = |body: &serde_json::Value| body.as_array().is_some_and(Vec::is_empty);
        // Where others write all the time it never has caught up: then the balance will say so.
        let patient = begun.elapsed() < PATIENCE;
        if !patient || is_end(&asker.get(&user).await?.body) && is_end(&asker.get(&friend).await?.body) {
            return Ok(count);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The count when it includes some events.
pub async fn including(asker: &mut Asker<'_>, newest: &Newest, patience: Duration) -> Result<Count> {
    let begun = Instant::now();
    loop {
        let count = count(asker).await?;
        if count.newest.includes(newest) {
            return Ok(count);
        }
        if begun.elapsed() > patience {
            bail!("the statistics are still behind after {} s: they include {:?}", patience.as_secs(), count.newest);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until every read model has whoever signed up last and all that was done before.
pub async fn settle(asker: &mut Asker<'_>, newest: &Newest, last_created: Option<u64>) -> Result<()> {
    including(asker, newest, PATIENCE).await?;
    let Some(id) = last_created else { return Ok(()) };
    let after = format!("user:{},friend:{}", newest.user, newest.friend);
    let recommended = format!("/recommendation/v1/users/{id}/commands/recommendFriends?limit=1&after={after}");
    for path in [recommended, format!("/user/v1/users/{id}/activity?limit=1")] {
        let begun = Instant::now();
        while asker.get(&path).await?.status != 200 {
            if begun.elapsed() > PATIENCE {
                bail!("GET {path} is still behind after {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_what_no_unclear_call_explains() {
        let verdict = |acknowledged, more, fewer, counted| Account::new(acknowledged, more, fewer, counted).verdict;
        assert_eq!(verdict(600, 0, 0, 600), Verdict::Held);
        assert_eq!(verdict(600, 0, 0, 599), Verdict::Lost);
        assert_eq!(verdict(600, 3, 0, 603), Verdict::Held);
        assert_eq!(verdict(600, 3, 0, 604), Verdict::Unclear);
        assert_eq!(verdict(-5, 0, 2, -7), Verdict::Held);
        assert_eq!(verdict(-5, 0, 2, -8), Verdict::Lost);
    }
}
