//! Everybody and their friends as they were at one moment, read in order and a few at a time, while the writer goes on.
//!
//! As in [`super::moment`], what has changed since is taken back. What is kept for that is in proportion to the changes
//! of the people who have not been read yet.

use std::collections::{HashMap, HashSet};

use super::changes::{Change, Mark};
use super::{Full, Graph};

/// The graph at the moment of [`Frozen::begin`].
pub struct Frozen {
    seen: Mark,
    people: u32,
    friendships: u64,
    /// The next to be read.
    next: u32,
    /// Who became known since.
    known: HashSet<u32>,
    /// Of people still to be read: with whom they were friends (true) or not, and it is the other way round now, or was.
    undone: HashMap<u32, HashMap<u32, bool>>,
    buffer: Vec<u32>,
}

/// Somebody as they were at the moment.
pub struct FrozenPerson<'a> {
    pub index: u32,
    pub id: u64,
    /// Whether their own event has been seen.
    pub known: bool,
    /// Ascending, by index. Every index is less than [`Frozen::people`].
    pub friends: &'a [u32],
}

/// The moment cannot be seen any more: too much has changed since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl Frozen {
    pub fn begin(graph: &Graph) -> Self {
        Self {
            seen: graph.changes.now(),
            people: graph.people() as u32,
            friendships: graph.friendships(),
            next: 0,
            known: HashSet::new(),
            undone: HashMap::new(),
            buffer: Vec::new(),
        }
    }

    /// How many people there were, known or not. Their indexes are the numbers below.
    pub fn people(&self) -> u32 {
        self.people
    }

    pub fn friendships(&self) -> u64 {
        self.friendships
    }

    /// Notes what has changed. To be called at least once in 64 thousand changes.
    pub fn catch_up(&mut self, graph: &Graph) -> Result<(), Lost> {
        let changes = graph.changes.since(self.seen).ok_or(Lost)?;
        self.seen = graph.changes.now();
        for change in changes {
            let (people, were) = match change {
                Change::Added(people) => (people, false),
                Change::Removed(people) => (people, true),
                Change::Known(index) => {
                    self.known.insert(index);
                    continue;
                }
                Change::Renamed(_) => continue,
            };
            let [a, b] = people;
            for (person, friend) in [(a, b), (b, a)] {
                if (self.next..self.people).contains(&person) {
                    self.undone.entry(person).or_default().entry(friend).or_insert(were);
                }
            }
        }
        Ok(())
    }

    /// The id of a person, and whether they were known: of anybody, at any time, if nothing has changed since the last
    /// [`Frozen::catch_up`].
    pub fn person(&self, graph: &Graph, index: u32) -> (u64, bool) {
        (graph.id(index), graph.known_id(index).is_some() && !self.known.contains(&index))
    }

    /// Hands on people until about `budget` friends and people have been; false after the last of them.
    pub fn read(&mut self, graph: &Graph, budget: usize, mut each: impl FnMut(FrozenPerson<'_>)) -> Result<bool, Lost> {
        self.catch_up(graph)?;
        let mut spent = 0;
        while self.next < self.people && spent < budget {
            let index = self.next;
            self.next += 1;
            let buffer = &mut self.buffer;
            buffer.clear();
            graph.rows.from(index, 0).for_each(|run| buffer.extend_from_slice(run));
            if let Some(undone) = self.undone.remove(&index) {
                buffer.retain(|friend| !undone.contains_key(friend));
                buffer.extend(undone.into_iter().filter(|(_, were)| *were).map(|(friend, _)| friend));
                buffer.sort_unstable();
            }
            let known = graph.known_id(index).is_some() && !self.known.contains(&index);
            spent += buffer.len() + 1;
            each(FrozenPerson { index, id: graph.id(index), known, friends: buffer });
        }
        Ok(self.next < self.people)
    }
}

/// Filling an empty graph with what [`Frozen`] gave.
impl Graph {
    /// Makes room for so many people, before they are restored.
    pub fn reserve(&mut self, people: usize) {
        self.people.reserve(people);
        self.rows.reserve(people);
    }

    /// The next person, in the order of the indexes.
    pub fn restore_person(&mut self, id: u64, known: bool) -> Result<u32, Full> {
        let index = self.intern(id)?;
        if known {
            self.people.set_known(index);
        }
        Ok(index)
    }

    /// Somebody's friends, when everybody has been restored. False, and nothing done, if that is no list of friends:
    /// not ascending, somebody who is not there or themselves, or they have friends already.
    pub fn restore_friends(&mut self, index: u32, friends: &[u32]) -> bool {
        let ascends = friends.windows(2).all(|pair| pair[0] < pair[1]);
        let there = friends.last().is_none_or(|&last| (last as usize) < self.people());
        if !ascends || !there || self.degree(index) > 0 || friends.binary_search(&index).is_ok() {
            return false;
        }
        self.rows.restore(index, friends);
        // Each friendship comes twice, and counts when it comes from the smaller index.
        self.friendships += friends.len() as u64 - friends.partition_point(|&friend| friend < index) as u64;
        true
    }
}
