//! The read models as queries see them: always the live generation, each page in one script.

use domain::{StreamPosition, Timestamp, User, UserId};

use crate::{
    Error, Redis, Value, keys,
    project::directory::MARK,
    script::{ACTIVITY, Again, DIRECTORY, STATS},
};

/// A page, and what to ask for the next one with, if there may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Up to `limit` people one of whose names, or `first last` or `last first`, begins with `prefix`, whatever the case.
pub async fn directory(
    redis: &impl Redis,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<User>, Error> {
    let prefix = prefix.to_lowercase();
    let mut after = after.unwrap_or_default().to_owned();
    let mut items = Vec::new();
    loop {
        let count = (limit - items.len()).to_string();
        let key = keys::projection("directory");
        let found = DIRECTORY.run(redis, &[&key], &[&prefix, &after, &count], Again::Freely).await?;
        let (pairs, _) = found.as_chunks::<2>();
        for [entry, person] in pairs {
            after = entry.text()?.to_owned();
            let Ok(user) = serde_json::from_str::<User>(person.text()?) else { continue };
            if !listed_already(&after, &prefix, &user) {
                items.push(user);
            }
        }
        if pairs.len() < count.parse().unwrap_or(0) {
            return Ok(Page { items, next: None });
        }
        if items.len() == limit {
            return Ok(Page { items, next: Some(after) });
        }
    }
}

/// Whether an entry by last name is of somebody whose entry by first name matches too: they are listed once.
fn listed_already(entry: &str, prefix: &str, user: &User) -> bool {
    let by_last_name = entry.rsplit(MARK).nth(1) == Some("l");
    by_last_name && format!("{} {}", user.first_name, user.last_name).to_lowercase().starts_with(prefix)
}

/// Up to `limit` lines of a person's timeline, newest first, as JSON texts. None where the person is not known (yet).
pub async fn activity(
    redis: &impl Redis,
    of: UserId,
    after: Option<&str>,
    limit: usize,
) -> Result<Option<Page<String>>, Error> {
    let (of, count) = (of.to_string(), limit.to_string());
    let key = keys::projection("activity");
    let arguments = [of.as_str(), after.unwrap_or_default(), &count];
    let found = ACTIVITY.run(redis, &[&key], &arguments, Again::Freely).await?;
    let Some((known, entries)) = found.split_first() else { return Ok(None) };
    if known.text()? != "1" {
        return Ok(None);
    }
    let mut page = Page { items: Vec::with_capacity(entries.len()), next: None };
    for entry in entries {
        // `<position> <stream> <json>`: what orders it comes before what is shown.
        let entry = entry.text()?;
        let shown = entry.splitn(3, ' ').nth(2);
        page.items.push(shown.ok_or_else(|| Error::Reply(format!("timeline entry {entry:?}")))?.to_owned());
        page.next = (entries.len() == limit).then(|| entry.to_owned());
    }
    Ok(Some(page))
}

/// What happened in a minute.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Minute {
    /// Its beginning.
    pub minute: Timestamp,
    pub new_users: i64,
    pub new_friendships: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub users: i64,
    pub friendships: i64,
    /// Oldest first, the last one is still going on.
    pub per_minute: Vec<Minute>,
    /// The newest user and friend event in these figures.
    #[serde(skip)]
    pub last_events: (StreamPosition, StreamPosition),
}

const MINUTE_MS: u64 = 60_000;

/// The totals, and the last `minutes` minutes up to `now`.
pub async fn stats(redis: &impl Redis, now: Timestamp, minutes: u64) -> Result<Stats, Error> {
    let current = now.as_millis() / MINUTE_MS;
    let asked: Vec<Timestamp> =
        (0..minutes).rev().map(|ago| Timestamp::from_millis(current.saturating_sub(ago) * MINUTE_MS)).collect();
    let names: Vec<String> = asked.iter().map(|minute| minute.to_string()[..16].to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = STATS.run(redis, &[&keys::projection("stats")], &names, Again::Freely).await?;
    let number = |index: usize| -> Result<i64, Error> {
        let text = found.get(index).map_or(Ok("0"), Value::text)?;
        text.parse().map_err(|_| Error::Reply(format!("count {text:?}")))
    };
    let position = |index: usize| -> Result<StreamPosition, Error> {
        let text = found.get(index).map_or(Ok("0-0"), Value::text)?;
        text.parse().map_err(|_| Error::Reply(format!("checkpoint {text:?}")))
    };
    let mut per_minute = Vec::with_capacity(asked.len());
    for (n, minute) in asked.into_iter().enumerate() {
        per_minute.push(Minute { minute, new_users: number(4 + 2 * n)?, new_friendships: number(5 + 2 * n)? });
    }
    let last_events = (position(2)?, position(3)?);
    Ok(Stats { users: number(0)?, friendships: number(1)?, per_minute, last_events })
}
