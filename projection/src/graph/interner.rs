//! People's ids (up to 2^53 - 1, with gaps) as dense indexes (from 0, without gaps).

use hashbrown::HashTable;

use super::rows::grow_by_an_eighth;

/// Set on the id of a person of whom only friendships have been seen so far. Ids leave the upper bits free.
const UNKNOWN: u64 = 1 << 63;
/// Ids are spread over this many tables, so that a table that grows moves thousands of entries and not millions:
/// at ten million people that is about 100 microseconds under the lock instead of a quarter of a second.
const SHARDS: usize = 1024;
/// An odd multiplier with well mixed bits (2^64 divided by the golden ratio).
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

pub struct Interner {
    ids: Vec<u64>,
    indexes: Vec<HashTable<u32>>,
    known: u32,
    /// The first so many ids ascend.
    ascending: u32,
}

fn hash(id: u64) -> u64 {
    // Multiplying mixes upwards only; folding brings the well mixed upper half down to where tables look.
    let mixed = id.wrapping_mul(MULTIPLIER);
    mixed ^ (mixed >> 32)
}

fn shard(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

impl Default for Interner {
    fn default() -> Self {
        Self { ids: Vec::new(), indexes: (0..SHARDS).map(|_| HashTable::new()).collect(), known: 0, ascending: 0 }
    }
}

impl Interner {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// How many people are known.
    pub fn known(&self) -> usize {
        self.known as usize
    }

    pub fn index(&self, id: u64) -> Option<u32> {
        let hash = hash(id);
        let same = |&index: &u32| self.ids[index as usize] & !UNKNOWN == id;
        self.indexes[shard(hash)].find(hash, same).copied()
    }

    /// The id of a person, if they are known.
    pub fn known_id(&self, index: u32) -> Option<u64> {
        let id = self.ids[index as usize];
        (id & UNKNOWN == 0).then_some(id)
    }

    pub fn id(&self, index: u32) -> u64 {
        self.ids[index as usize] & !UNKNOWN
    }

    /// Below this index, who has the smaller index has the smaller id. Where people are read before friendships, and in
    /// the order in which they were created, that is everybody.
    pub fn ascending(&self) -> u32 {
        self.ascending
    }

    /// Gives a person an index. They must not have one yet.
    pub fn insert(&mut self, id: u64) -> u32 {
        let index = self.ids.len() as u32;
        if index == self.ascending && self.ids.last().is_none_or(|last| last & !UNKNOWN < id) {
            self.ascending += 1;
        }
        grow_by_an_eighth(&mut self.ids);
        self.ids.push(id | UNKNOWN);
        let hash = hash(id);
        let ids = &self.ids;
        self.indexes[shard(hash)].insert_unique(hash, index, |&other| self::hash(ids[other as usize] & !UNKNOWN));
        index
    }

    /// Makes room for so many people in all, to be filled without growing on the way.
    pub fn reserve(&mut self, people: usize) {
        self.ids.reserve_exact(people.saturating_sub(self.ids.len()));
        // Shares differ by chance: a table that gets more than its share grows by itself.
        let share = people.div_ceil(SHARDS);
        let ids = &self.ids;
        for table in &mut self.indexes {
            let more = share.saturating_sub(table.len());
            table.reserve(more, |&other| self::hash(ids[other as usize] & !UNKNOWN));
        }
    }

    /// True if they were not known.
    pub fn set_known(&mut self, index: u32) -> bool {
        let id = &mut self.ids[index as usize];
        let new = *id & UNKNOWN != 0;
        self.known += u32::from(new);
        *id &= !UNKNOWN;
        new
    }

    pub fn forget_known(&mut self) {
        self.ids.iter_mut().for_each(|id| *id |= UNKNOWN);
        self.known = 0;
    }

    pub fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<u64>()
            + self.indexes.iter().map(|table| size_of_val(table) + table.allocation_size()).sum::<usize>()
    }
}
