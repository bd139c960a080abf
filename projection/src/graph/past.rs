//! The friends of anybody as they were at one moment, asked for in any order and a piece at a time, while the writer
//! goes on.
//!
//! As in [`super::frozen`], what has changed since is taken back. Here that is kept for everybody to the end, for
//! whoever reads decides as they go whom they still need, and a long list is read in pieces, so that no hold of the
//! graph grows with the number of somebody's friends.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound::{Excluded, Included};

use super::changes::{Change, Mark};
use super::{Graph, Lost};

/// Changes that are sorted in while the graph is held: about a tenth of a millisecond. More are noted, and sorted in
/// between two holds.
const SORTED_IN: usize = 1024;

/// The graph at the moment of [`Past::begin`].
pub struct Past {
    seen: Mark,
    people: u32,
    /// Who became known since.
    known: HashSet<u32>,
    /// Of a person and another: whether they were friends. Only of those whose friendship came or went since.
    undone: BTreeMap<(u32, u32), bool>,
    /// Changes noted and not sorted in.
    missed: Vec<Change>,
}

impl Past {
    pub fn begin(graph: &Graph) -> Self {
        Self {
            seen: graph.changes.now(),
            people: graph.people() as u32,
            known: HashSet::new(),
            undone: BTreeMap::new(),
            missed: Vec::new(),
        }
    }

    /// How many people there were. Their indexes are the numbers below.
    pub fn people(&self) -> u32 {
        self.people
    }

    /// Notes what has changed: to be called at each hold of the graph before anything is read. False if that is too
    /// much to be sorted in now: [`Past::settle`] without the graph, and come again.
    pub fn catch_up(&mut self, graph: &Graph) -> Result<bool, Lost> {
        self.missed.extend(graph.changes.since(self.seen).ok_or(Lost)?);
        self.seen = graph.changes.now();
        if self.missed.len() > SORTED_IN {
            return Ok(false);
        }
        self.settle();
        Ok(true)
    }

    /// Sorts in what has been noted.
    pub fn settle(&mut self) {
        for change in self.missed.drain(..) {
            let ([a, b], were) = match change {
                Change::Added(people) => (people, false),
                Change::Removed(people) => (people, true),
                Change::Known(index) => {
                    self.known.insert(index);
                    continue;
                }
                Change::Renamed(_) => continue,
            };
            // The oldest change says how it was.
            self.undone.entry((a, b)).or_insert(were);
            self.undone.entry((b, a)).or_insert(were);
        }
    }

    /// The id of a person, if they were known.
    pub fn known_id(&self, graph: &Graph, index: u32) -> Option<u64> {
        graph.known_id(index).filter(|_| !self.known.contains(&index))
    }

    /// Appends a person's friends from `start` on, ascending, about `budget` of them. The next to be read if there may
    /// be more.
    pub fn read(&self, graph: &Graph, person: u32, start: u32, budget: usize, into: &mut Vec<u32>) -> Option<u32> {
        let (first, mut next) = (into.len(), None);
        for run in graph.rows.from(person, start) {
            if into.len() - first >= budget {
                next = Some(run[0]);
                break;
            }
            into.extend_from_slice(run);
        }
        if !self.undone.is_empty() {
            self.take_back(person, start, next, first, into);
        }
        next
    }

    /// Makes the piece from `start` to before `next`, which begins at `first`, what it was.
    fn take_back(&self, person: u32, start: u32, next: Option<u32>, first: usize, into: &mut Vec<u32>) {
        let end = next.map_or(Included((person, u32::MAX)), |next| Excluded((person, next)));
        let mut undone = self.undone.range((Included((person, start)), end)).peekable();
        if undone.peek().is_none() {
            return;
        }
        let now = into.split_off(first);
        into.extend(now.into_iter().filter(|&friend| !self.undone.contains_key(&(person, friend))));
        into.extend(undone.filter(|(_, were)| **were).map(|(&(_, friend), _)| friend));
        into[first..].sort_unstable();
    }
}
