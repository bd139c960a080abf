//! Whom may a person know? Everybody whom their friends know, ranked by how many of their friends know them.
//!
//! The two-hop neighbours are counted in a flat array, one counter a person. Nearly all the time goes into fetching
//! counters from memory, so they are as narrow as they can be: nobody has more mutual friends with a person than that
//! person has friends, so one byte does for people with up to 255 friends.
//!
//! The count proceeds in steps, and between two steps the caller lets go of the graph, so that the count of a person
//! with a hundred million two-hop edges makes nobody wait. What changed meanwhile is made up for: an edge that appeared
//! or went behind the place where the count has arrived changes one counter, one ahead of it will be seen anyway. Only
//! when the person's own friends changed does the count start again. So the answer is exact, and that of one moment:
//! the moment of the last step.

use super::Graph;
use super::counters::{Counters, Tally};

/// Somebody whom a person may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommended {
    pub index: u32,
    pub id: u64,
    /// How many friends both have.
    pub mutual: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Step again.
    Counting,
    Done(Vec<Recommended>),
}

/// How far the count has come: past everything before `friend`, and of `friend` everything before `neighbour`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub friend: u32,
    pub neighbour: u32,
}

/// The counters of one query thread, all zero between two queries.
#[derive(Default)]
pub struct Scratch {
    bytes: Counters<u8>,
    shorts: Counters<u16>,
    words: Counters<u32>,
}

#[derive(Clone, Copy)]
enum Width {
    Byte,
    Short,
    Word,
}

impl Scratch {
    fn of(&mut self, width: Width) -> &mut dyn Tally {
        match width {
            Width::Byte => &mut self.bytes,
            Width::Short => &mut self.shorts,
            Width::Word => &mut self.words,
        }
    }
}

/// A recommendation in the making.
pub struct Recommendation {
    person: u32,
    limit: usize,
    place: Place,
    /// The number of the first change not taken into account; None before the first step.
    seen: Option<u64>,
    restarts: u32,
    width: Width,
    scratch: Scratch,
}

impl Recommendation {
    pub fn new(person: u32, limit: usize, scratch: Scratch) -> Self {
        Self { person, limit, place: Place::default(), seen: None, restarts: 0, width: Width::Byte, scratch }
    }

    /// How often the count had to start again.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Counts about `budget` more edges, or to the end if that comes first.
    pub fn step(&mut self, graph: &Graph, budget: usize) -> Progress {
        if !self.catch_up(graph) {
            self.restarts += u32::from(self.seen.is_some());
            self.start(graph);
        }
        self.seen = Some(graph.changes.next());
        let tally = self.scratch.of(self.width);
        if !tally.count(graph, self.person, &mut self.place, budget) {
            return Progress::Counting;
        }
        Progress::Done(tally.best(graph, self.person, self.limit))
    }

    /// Gives the counters back for the next query.
    pub fn into_scratch(mut self) -> Scratch {
        self.scratch.of(self.width).clear();
        self.scratch
    }

    fn start(&mut self, graph: &Graph) {
        self.scratch.of(self.width).clear();
        self.place = Place::default();
        self.width = match graph.degree(self.person) {
            0..=0xFF => Width::Byte,
            0x100..=0xFFFF => Width::Short,
            _ => Width::Word,
        };
        self.scratch.of(self.width).grow(graph.people());
    }

    /// Makes up for what changed since the last step. False where the count has to start from the beginning.
    fn catch_up(&mut self, graph: &Graph) -> bool {
        let Some(changes) = self.seen.and_then(|seen| graph.changes.since(seen)) else {
            return false;
        };
        let tally = self.scratch.of(self.width);
        // People who have come since the last step have no counters yet.
        tally.grow(graph.people());
        for change in changes {
            let [a, b] = change.people;
            if a == self.person || b == self.person {
                return false;
            }
            for (friend, neighbour) in [(a, b), (b, a)] {
                let passed = Place { friend, neighbour } < self.place;
                if passed && graph.rows.contains(self.person, friend) {
                    tally.correct(neighbour, change.added);
                }
            }
        }
        true
    }
}
