//! Who people are: names and times, packed into words and kept in the same kind of pool as the graph's lists.
//!
//! A person of the usual 13 letters costs about 48 bytes; a struct of two strings would cost 150. Packed, a record is
//! two words for each time, one for the lengths of both names, and the names.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use domain::{Name, Timestamp, User, UserId};
use parking_lot::Mutex;

use crate::graph::{Moved, Pool, grow_by_an_eighth};

const TIMES: usize = 4;
const HEADER: usize = TIMES + 1;

/// Where a record is. No words: none has been seen.
#[derive(Clone, Copy, Default)]
struct Place {
    words: u32,
    block: u32,
}

/// The records of people, by the graph's index.
#[derive(Default)]
pub struct Records {
    places: Vec<Place>,
    pool: Pool,
    buffer: Vec<u32>,
    keepers: Mutex<Vec<Weak<Mutex<Replaced>>>>,
}

/// By index, the first record that was replaced.
type Replaced = HashMap<u32, Box<[u32]>>;

/// The records as they were at the moment of [`Records::keep`]: whatever has been replaced since is kept here, for as
/// long as this lives.
pub struct Kept(Arc<Mutex<Replaced>>);

impl Kept {
    /// Appends a person's record as it was, packed. False if there was none.
    pub fn packed(&self, records: &Records, index: u32, into: &mut Vec<u32>) -> bool {
        let replaced = self.0.lock();
        let record = replaced.get(&index).map(|words| &words[..]).or_else(|| records.packed(index));
        into.extend_from_slice(record.unwrap_or_default());
        record.is_some()
    }
}

impl Records {
    /// From now on, what is replaced can still be read. A record that is new since cannot be told from an old one.
    pub fn keep(&self) -> Kept {
        let replaced = Arc::default();
        self.keepers.lock().push(Arc::downgrade(&replaced));
        Kept(replaced)
    }

    /// Hands a record that is about to be replaced to those who still want it.
    fn keep_old(&mut self, index: u32) {
        let keepers = self.keepers.get_mut();
        if keepers.is_empty() {
            return;
        }
        let place = self.places[index as usize];
        if place.words == 0 {
            return;
        }
        let old = self.pool.get(place.block, place.words as usize);
        keepers.retain(|keeper| {
            let Some(replaced) = keeper.upgrade() else {
                return false;
            };
            replaced.lock().entry(index).or_insert_with(|| old.into());
            true
        });
    }

    /// Stores a person's record in the place of any earlier one.
    pub fn put(&mut self, index: u32, user: &User) {
        while self.places.len() <= index as usize {
            grow_by_an_eighth(&mut self.places);
            self.places.push(Place::default());
        }
        self.keep_old(index);
        pack(user, &mut self.buffer);
        let old = self.places[index as usize];
        if old.words as usize == self.buffer.len() {
            self.pool.get_mut(old.block, self.buffer.len())[..self.buffer.len()].copy_from_slice(&self.buffer);
            return;
        }
        if old.words > 0
            && let Some(Moved { owner, .. }) = self.pool.free(old.block, old.words as usize)
        {
            self.places[owner as usize].block = old.block;
        }
        let block = self.pool.store(index, &self.buffer);
        self.places[index as usize] = Place { words: self.buffer.len() as u32, block };
    }

    /// The person with this index and id, if their record has been seen.
    pub fn get(&self, index: u32, id: u64) -> Option<User> {
        let place = self.places.get(index as usize).filter(|place| place.words > 0)?;
        unpack(id, self.pool.get(place.block, place.words as usize))
    }

    /// A person's record as it is stored, if it has been seen: see [`Records::restore`].
    pub fn packed(&self, index: u32) -> Option<&[u32]> {
        let place = self.places.get(index as usize).filter(|place| place.words > 0)?;
        Some(self.pool.get(place.block, place.words as usize))
    }

    /// Puts back what [`Records::packed`] gave. False, and nothing done, if that is no record.
    pub fn restore(&mut self, index: u32, words: &[u32]) -> bool {
        match unpack(1, words) {
            Some(user) => {
                self.put(index, &user);
                true
            }
            None => false,
        }
    }

    /// Makes room for so many people in all.
    pub fn reserve(&mut self, people: usize) {
        self.places.reserve_exact(people.saturating_sub(self.places.len()));
    }

    pub fn bytes(&self) -> usize {
        self.places.capacity() * size_of::<Place>() + self.pool.bytes() + self.buffer.capacity() * size_of::<u32>()
    }
}

fn pack(user: &User, words: &mut Vec<u32>) {
    words.clear();
    for time in [user.created_at, user.updated_at] {
        let millis = time.as_millis();
        words.extend([millis as u32, (millis >> 32) as u32]);
    }
    let (first, last) = (user.first_name.as_str().as_bytes(), user.last_name.as_str().as_bytes());
    // A name has at most 100 characters of at most 4 bytes.
    words.push(first.len() as u32 | (last.len() as u32) << 16);
    let mut bytes = first.iter().chain(last).copied();
    while let Some(byte) = bytes.next() {
        let mut rest = || bytes.next().unwrap_or_default();
        words.push(u32::from_le_bytes([byte, rest(), rest(), rest()]));
    }
}

/// The person of a record as [`Records::packed`] gives it. None if that is no record.
pub fn unpack(id: u64, words: &[u32]) -> Option<User> {
    let lengths = *words.get(TIMES)?;
    let (first, last) = ((lengths & 0xFFFF) as usize, (lengths >> 16) as usize);
    let bytes: Vec<u8> = words[HEADER..].iter().flat_map(|word| word.to_le_bytes()).collect();
    if bytes.len() != (first + last).next_multiple_of(size_of::<u32>()) {
        return None;
    }
    let time = |at: usize| Timestamp::from_millis(u64::from(words[at]) | u64::from(words[at + 1]) << 32);
    let name = |range: std::ops::Range<usize>| Name::parse(std::str::from_utf8(bytes.get(range)?).ok()?).ok();
    Some(User {
        id: UserId::new(id).ok()?,
        first_name: name(0..first)?,
        last_name: name(first..first + last)?,
        created_at: time(0),
        updated_at: time(2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: u64, first: &str, last: &str, millis: u64) -> User {
        User {
            id: UserId::new(id).unwrap(),
            first_name: Name::parse(first).unwrap(),
            last_name: Name::parse(last).unwrap(),
            created_at: Timestamp::from_millis(millis),
            updated_at: Timestamp::from_millis(millis * 1_000),
        }
    }

    #[test]
    fn records_come_back_as_they_were_through_changes_of_length() {
        let mut records = Records::default();
        let people = 500_u32;
        let at = |index: u32, round: u32| {
            let longer = "ü".repeat(((index * 7 + round * 13) % 100 + 1) as usize);
            user(u64::from(index) + 1, &longer, "Lovelace", 1_795_310_863_007 + u64::from(round))
        };
        for round in 0..4 {
            for index in 0..people {
                records.put(index, &at(index, round));
            }
        }
        for index in 0..people {
            assert_eq!(records.get(index, u64::from(index) + 1), Some(at(index, 3)));
        }
        assert_eq!(records.get(people, 1), None);
    }

    #[test]
    fn what_is_replaced_is_kept_for_whoever_asked_for_it() {
        let mut records = Records::default();
        records.put(0, &user(1, "Ada", "Byron", 1));
        let first = records.keep();
        records.put(0, &user(1, "Ada", "King", 1));
        let second = records.keep();
        records.put(0, &user(1, "Ada", "Lovelace", 1));
        let read = |kept: &Kept, index| {
            let mut words = Vec::new();
            kept.packed(&records, index, &mut words).then(|| unpack(1, &words).unwrap().last_name.to_string())
        };
        assert_eq!([read(&first, 0).as_deref(), read(&second, 0).as_deref()], [Some("Byron"), Some("King")]);
        assert_eq!(read(&first, 1), None);
        drop((first, second));
        records.put(0, &user(1, "Ada", "Byron", 1));
        assert!(records.keepers.lock().is_empty());
    }

    #[test]
    fn a_usual_person_costs_less_than_fifty_bytes() {
        let mut records = Records::default();
        let people = 200_000;
        for index in 0..people {
            records.put(index, &user(u64::from(index) + 1, "Ada", "Lovelace", 1_795_310_863_007));
        }
        let each = records.bytes() as f64 / f64::from(people);
        assert!(each < 50.0, "{each} bytes a person");
    }
}
