//! What a projection does to its read model.

use std::collections::BTreeMap;

use domain::{StreamPosition, Timestamp};

/// One write to a read model. All of them are safe to check before any of them is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets a bit.
    SetBit { key: String, offset: u64 },
    /// Adds to a number in a hash.
    Increment { key: String, field: String, by: i64 },
    /// Sets a field of a hash.
    Put { key: String, field: String, value: String },
    /// Adds an entry to an index that is ordered by bytes.
    Index { key: String, entry: String },
    /// Replaces all entries that an index has for one id.
    Reindex { index: String, entries_key: String, id: String, entries: Vec<String> },
    /// Puts an event aside.
    Dead { position: StreamPosition, kind: String, reason: String, time: Timestamp },
}

/// The same writes with all that is added to one number added at once: otherwise a batch of 100 events would be 100 additions to a total.
pub(super) fn added_up(writes: impl Iterator<Item = Write>) -> Vec<Write> {
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut others = Vec::new();
    for write in writes {
        match write {
            Write::Increment { key, field, by } => *sums.entry((key, field)).or_default() += by,
            other => others.push(other),
        }
    }
    others.extend(sums.into_iter().map(|((key, field), by)| Write::Increment { key, field, by }));
    others
}

impl Write {
    /// As the script takes it: its name, then its arguments.
    pub(super) fn into_words(self, words: &mut Vec<String>) {
        match self {
            Write::SetBit { key, offset } => words.extend(["SETBIT".into(), key, offset.to_string()]),
            Write::Increment { key, field, by } => words.extend(["HINCRBY".into(), key, field, by.to_string()]),
            Write::Put { key, field, value } => words.extend(["HSET".into(), key, field, value]),
            Write::Index { key, entry } => words.extend(["ZADD".into(), key, entry]),
            Write::Reindex { index, entries_key, id, entries } => {
                words.extend(["REINDEX".into(), index, entries_key, id, entries.join("\n")]);
            }
            Write::Dead { position, kind, reason, time } => {
                words.extend(["DEAD".into(), position.to_string(), kind, reason, time.to_string()]);
            }
        }
    }
}
