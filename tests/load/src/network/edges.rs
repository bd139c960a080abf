//! A real network from a file: a friendship a line, as two ids with white space between them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::{Network, Pair};
use crate::scenario::{MOST_FRIENDSHIPS, MOST_PEOPLE};

/// Far longer than two ids and a weight are. What is longer is no list of edges.
const LONGEST_LINE: u64 = 1_000;

/// Reads it. Lines that are empty or begin with `#` or `%` are comments, what follows two ids is not looked at, and what
/// comes again, in either direction, counts once. Err: what is wrong, with the file and the line.
pub fn read(path: &Path) -> Result<Network, String> {
    let say = |what: String| format!("{}{what}", path.display());
    let file = File::open(path).map_err(|error| say(format!(" cannot be read: {error}")))?;
    let mut ids: Vec<(u64, u64)> = Vec::new();
    let mut lines = BufReader::new(file);
    let (mut line, mut number) = (String::new(), 0);
    loop {
        number += 1;
        line.clear();
        let read = lines.by_ref().take(LONGEST_LINE).read_line(&mut line);
        let read = read.map_err(|error| say(format!(", line {number}: {error}")))?;
        if read == 0 {
            break;
        }
        if read as u64 == LONGEST_LINE {
            return Err(say(format!(", line {number}: it is too long for two ids")));
        }
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', '%']) {
            continue;
        }
        if ids.len() == MOST_FRIENDSHIPS {
            return Err(say(format!(", line {number}: more than {MOST_FRIENDSHIPS} friendships")));
        }
        ids.push(pair(text).map_err(|what| say(format!(", line {number}: {what}")))?);
    }
    let (people, pairs) = distinct(&ids);
    match people {
        0 => Err(say(" has no friendship".to_owned())),
        people if people > MOST_PEOPLE => Err(say(format!(" has {people} people, more than {MOST_PEOPLE}"))),
        people => Ok(Network::Given { people, pairs }),
    }
}

fn pair(text: &str) -> Result<(u64, u64), String> {
    let mut ids = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).map(str::parse);
    match (ids.next(), ids.next()) {
        (Some(Ok(one)), Some(Ok(other))) => Ok((one, other)),
        _ => {
            let shown: String = text.chars().take(40).collect();
            Err(format!("{shown:?} is no friendship: two ids, such as `7 42`"))
        }
    }
}

/// People numbered from 0 in the order of their ids, and friendships in the order of the file.
fn distinct(ids: &[(u64, u64)]) -> (usize, Vec<Pair>) {
    let friends = || ids.iter().filter(|(one, other)| one != other);
    let mut people: Vec<u64> = friends().flat_map(|(one, other)| [*one, *other]).collect();
    people.sort_unstable();
    people.dedup();
    let place = |id: &u64| people.binary_search(id).expect("everybody is there") as u32;
    let mut known = HashSet::with_capacity(ids.len());
    let new = |pair: &Pair| known.insert((pair.0.min(pair.1), pair.0.max(pair.1)));
    let pairs = friends().map(|(one, other)| (place(one), place(other))).filter(new).collect();
    (people.len(), pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_counts_once_and_nobody_is_their_own_friend() {
        let (people, pairs) = distinct(&[(7, 100), (100, 7), (9, 9), (7, 100), (3, 7)]);
        assert_eq!((people, pairs), (3, vec![(1, 2), (0, 1)]));
    }

    #[test]
    fn lines_are_of_many_makes() {
        assert_eq!(pair("7 42"), Ok((7, 42)));
        assert_eq!(pair("7\t42\t0.5"), Ok((7, 42)));
        assert_eq!(pair("7, 42"), Ok((7, 42)));
        for bad in ["7", "7 x", "-1 2", "ä"] {
            assert!(pair(bad).is_err(), "{bad}");
        }
    }
}
