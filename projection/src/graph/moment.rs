//! One moment of the graph, seen later.
//!
//! A long query must not hold the graph, and must be about one moment all the same. It remembers the moment at which it
//! began, lets go of the graph between its steps, and takes back from what it reads later whatever has changed since:
//! multi-version reading with an undo log, as databases do it (Reed, *Naming and Synchronization in a Decentralized
//! Computer System*, MIT 1978), where the log is the list of the most recent changes and the version is always the
//! query's own.

use std::collections::{HashMap, HashSet};

use super::Graph;
use super::changes::{Change, Mark};

/// What has changed since, as far as a reader asks for it. Empty for nearly every query.
pub struct Moment {
    /// Up to where the changes have been looked at.
    seen: Mark,
    /// How many friends people have won since.
    won: HashMap<u32, i64>,
    known: HashSet<u32>,
    renamed: HashSet<u32>,
}

impl Moment {
    pub fn now(graph: &Graph) -> Self {
        Self { seen: graph.changes.now(), won: HashMap::new(), known: HashSet::new(), renamed: HashSet::new() }
    }

    /// Notes what has changed since the last look, and says what became of friendships: both people, and whether the
    /// friendship was added. None if that is not known any more: the moment is lost.
    pub fn catch_up(&mut self, graph: &Graph) -> Option<Vec<([u32; 2], bool)>> {
        let changes = graph.changes.since(self.seen)?;
        self.seen = graph.changes.now();
        let mut friendships = Vec::new();
        for change in changes {
            match change {
                Change::Added(people) => friendships.push((people, true)),
                Change::Removed(people) => friendships.push((people, false)),
                Change::Known(index) => drop(self.known.insert(index)),
                Change::Renamed(index) => drop(self.renamed.insert(index)),
            }
        }
        for &(people, added) in &friendships {
            for person in people {
                *self.won.entry(person).or_default() += if added { 1 } else { -1 };
            }
        }
        Some(friendships)
    }

    /// The id of a person, if they were known.
    pub fn known_id(&self, graph: &Graph, index: u32) -> Option<u64> {
        graph.known_id(index).filter(|_| self.known.is_empty() || !self.known.contains(&index))
    }

    /// How many friends a person had.
    pub fn degree(&self, graph: &Graph, index: u32) -> u64 {
        let won = if self.won.is_empty() { 0 } else { self.won.get(&index).copied().unwrap_or_default() };
        (graph.degree(index) as u64).saturating_add_signed(-won)
    }

    /// Whether a person has another name now.
    pub fn renamed(&self, index: u32) -> bool {
        !self.renamed.is_empty() && self.renamed.contains(&index)
    }
}
