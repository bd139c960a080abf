//! The graph of friendships, in memory: who is friends with whom, by dense index, and the two questions asked of it.
//!
//! People are known to the outside by their id, inside by a dense index in the order of their first appearance.
//! A friendship may come before the people whom it connects: they get an index at once, and are *unknown* until
//! [`Graph::know`] says otherwise. Unknown people count as mutual friends, but are never in an answer.
//!
//! Reading order: [`pool`] (memory), [`rows`] and [`chunked`] (the lists of neighbours), [`recommend`], [`counters`] and
//! [`rank`] (recommendations), [`mutual`] (mutual friends), [`changes`], [`moment`], [`frozen`], [`touched`] and [`past`]
//! (how a long query, a snapshot and an export see one moment while the writer goes on).

mod changes;
mod chunked;
mod counters;
mod frozen;
mod interner;
mod moment;
mod mutual;
mod past;
mod pool;
mod rank;
mod recommend;
mod rows;
mod touched;
mod wide;

pub use frozen::{Frozen, FrozenPerson, Lost};
pub use moment::Moment;
pub use mutual::{Common, MutualFriends};
pub use past::Past;
pub use rank::{Rank, Score, Standing};
pub use recommend::{Question, Recommendation, Recommended, Scratch, Step};
pub use touched::Touched;

use changes::{Change, Changes};
use interner::Interner;
pub(crate) use pool::{Moved, Pool};
use rows::Rows;
pub(crate) use rows::grow_by_an_eighth;

/// Most people a graph can hold: 4,294,967,295.
pub const MAX_PEOPLE: usize = u32::MAX as usize;

#[derive(Default)]
pub struct Graph {
    people: Interner,
    rows: Rows,
    changes: Changes,
    friendships: u64,
}

/// Where the memory is, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Lists of neighbours: rows, blocks, directories, and the free room in all of them.
    pub friendships: usize,
    /// Ids and the tables that find them.
    pub people: usize,
    /// The recent changes.
    pub changes: usize,
}

/// The graph has no room for another person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Graph {
    /// The index of a person, new or not.
    pub fn intern(&mut self, id: u64) -> Result<u32, Full> {
        if let Some(index) = self.people.index(id) {
            return Ok(index);
        }
        if self.people.len() >= MAX_PEOPLE {
            return Err(Full);
        }
        self.rows.push();
        Ok(self.people.insert(id))
    }

    /// The person has a name now, and may be in answers; or they had one, and have another.
    pub fn know(&mut self, index: u32) {
        let new = self.people.set_known(index);
        self.changes.push(if new { Change::Known(index) } else { Change::Renamed(index) });
    }

    /// Adds a friendship. False if there is one already. Nobody is their own friend.
    pub fn add(&mut self, a: u64, b: u64) -> Result<bool, Full> {
        let (a, b) = (self.intern(a)?, self.intern(b)?);
        if a == b || !self.rows.insert(a, b) {
            return Ok(false);
        }
        self.rows.insert(b, a);
        self.friendships += 1;
        self.changes.push(Change::Added([a, b]));
        Ok(true)
    }

    /// Removes a friendship. False if there is none.
    pub fn remove(&mut self, a: u64, b: u64) -> bool {
        let (Some(a), Some(b)) = (self.people.index(a), self.people.index(b)) else {
            return false;
        };
        if !self.rows.remove(a, b) {
            return false;
        }
        self.rows.remove(b, a);
        self.friendships -= 1;
        self.changes.push(Change::Removed([a, b]));
        true
    }

    /// Forgets all friendships. Everybody keeps their index.
    pub fn forget_friendships(&mut self) {
        self.rows = Rows::default();
        (0..self.people.len()).for_each(|_| self.rows.push());
        self.friendships = 0;
        self.changes.break_off();
    }

    /// Nobody is known any more.
    pub fn forget_known(&mut self) {
        self.people.forget_known();
        self.changes.break_off();
    }

    /// The index of a person who is known, or appears in a friendship.
    pub fn index(&self, id: u64) -> Option<u32> {
        self.people.index(id)
    }

    /// The id of a person, if they are known.
    pub fn known_id(&self, index: u32) -> Option<u64> {
        self.people.known_id(index)
    }

    /// The id of a person, known or not.
    pub fn id(&self, index: u32) -> u64 {
        self.people.id(index)
    }

    pub fn degree(&self, index: u32) -> usize {
        self.rows.degree(index)
    }

    /// A person's friends, ascending by index.
    pub fn friends(&self, index: u32) -> impl Iterator<Item = u32> {
        self.rows.from(index, 0).flatten().copied()
    }

    /// Another number for each graph, and each time that one forgets.
    pub fn life(&self) -> u64 {
        self.changes.now().epoch
    }

    /// Everybody with an index, known or not.
    pub fn people(&self) -> usize {
        self.people.len()
    }

    pub fn known(&self) -> usize {
        self.people.known()
    }

    pub fn friendships(&self) -> u64 {
        self.friendships
    }

    pub fn footprint(&self) -> Footprint {
        Footprint { friendships: self.rows.bytes(), people: self.people.bytes(), changes: self.changes.bytes() }
    }
}
