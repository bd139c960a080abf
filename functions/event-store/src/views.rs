//! The read models as queries see them: always the live generation, each page in one script.

use domain::{StreamPosition, Timestamp, User, UserId};

use crate::{
    Error, Redis, Value, keys,
    project::directory::{MARK, fold},
    script::{ACTIVITY, Again, DIRECTORY, STATS},
};

/// A page, and what to ask for the next one with, if there may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Entries that are looked at, at least, when the first look did not fill the page. In a stretch of people who are listed
/// already, by their first names, it would otherwise take a round trip for each few of them.
const LOOK_ON: usize = 1000;

/// Up to `limit` people one of whose names, or `first last` or `last first`, begins with `prefix`, whatever the case.
pub async fn directory(
    redis: &impl Redis,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<User>, Error> {
    let prefix = fold(prefix);
    // Whatever a client takes for a cursor, it sees nobody whom it does not ask for.
    let mut after = after.filter(|after| after.starts_with(&prefix)).unwrap_or_default().to_owned();
    let mut count = limit;
    let mut items = Vec::new();
    let key = keys::projection("directory");
    loop {
        let found = DIRECTORY.run(redis, &[&key], &[&prefix, &after, &count.to_string()], Again::Freely).await?;
        let (pairs, _) = found.as_chunks::<2>();
        for [entry, person] in pairs {
            entry.text()?.clone_into(&mut after);
            let Ok(user) = serde_json::from_str::<User>(person.text()?) else { continue };
            if listed_already(&after, &prefix, &user) {
                continue;
            }
            items.push(user);
            if items.len() == limit {
                return Ok(Page { items, next: Some(after) });
            }
        }
        if pairs.len() < count {
            return Ok(Page { items, next: None });
        }
        count = LOOK_ON;
    }
}

/// Whether a page of `prefix` can go on after this cursor: whether it has the form of an index entry with that prefix. From
/// any other place a page would begin with people of other names.
pub fn is_directory_cursor(cursor: &str, prefix: &str) -> bool {
    let mut parts = cursor.rsplitn(3, MARK);
    let id = parts.next().is_some_and(|id| id.parse::<UserId>().is_ok());
    let order = parts.next().is_some_and(|order| order == "f" || order == "l");
    id && order && parts.next().is_some_and(|names| names.starts_with(&fold(prefix)))
}

/// Whether an entry by last name is of somebody whose entry by first name matches too: they are listed once.
fn listed_already(entry: &str, prefix: &str, user: &User) -> bool {
    let by_last_name = entry.rsplit(MARK).nth(1) == Some("l");
    by_last_name && fold(&format!("{} {}", user.first_name, user.last_name)).starts_with(prefix)
}

/// Whether a timeline can go on after this cursor: the place of an entry, `<milliseconds> <stream>-<sequence>`.
pub fn is_activity_cursor(cursor: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((millis, place)) = cursor.split_once(' ') else { return false };
    let place = place.split_once('-');
    digits(millis) && place.is_some_and(|(stream, seq)| digits(stream) && digits(seq))
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
        // `<milliseconds> <stream>-<sequence> {…}`: what orders it comes before what is shown.
        let entry = entry.text()?;
        let (place, shown) = entry.split_once(" {").ok_or_else(|| Error::Reply(format!("timeline entry {entry:?}")))?;
        page.items.push(format!("{{{shown}"));
        // Every entry sorts behind its own place, so that the place is enough to go on from.
        page.next = (entries.len() == limit).then(|| place.to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_cursor_is_an_entry_of_its_prefix() {
        let entry = "ada lovelace\u{1f}f\u{1f}42";
        for prefix in ["", "a", "ADA ", "ada lovelace"] {
            assert!(is_directory_cursor(entry, prefix), "{prefix}");
        }
        assert!(is_directory_cursor("lovelace ada\u{1f}l\u{1f}42", "love"));
        assert!(!is_directory_cursor(entry, "b"));
        let bad =
            ["", "ada", "ada\u{1f}f", "ada\u{1f}f\u{1f}", "ada\u{1f}x\u{1f}42", "ada\u{1f}f\u{1f}042", "f\u{1f}42"];
        for cursor in bad {
            assert!(!is_directory_cursor(cursor, ""), "{cursor:?}");
        }
    }

    #[test]
    fn an_activity_cursor_is_a_place() {
        assert!(is_activity_cursor("00000001795310863007 1-00000000000000000000"));
        for bad in ["", "x", "1-0", "1 0-0 {}", "1 0 {}", "1 -0 {}", "1 user-0 {}", " 0-0 {}", "1-0 user {}"] {
            assert!(!is_activity_cursor(bad), "{bad:?}");
        }
    }
}
