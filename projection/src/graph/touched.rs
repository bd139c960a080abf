//! Whose record has been written since a moment: what a copy of the records, made while the writer goes on, has missed.

use std::collections::HashSet;

use super::changes::{Change, Mark};
use super::{Graph, Lost};

pub struct Touched {
    seen: Mark,
    people: HashSet<u32>,
}

impl Touched {
    pub fn since_now(graph: &Graph) -> Self {
        Self { seen: graph.changes.now(), people: HashSet::new() }
    }

    /// Notes whose record has been written. To be called at least once in 64 thousand changes.
    pub fn catch_up(&mut self, graph: &Graph) -> Result<(), Lost> {
        let changes = graph.changes.since(self.seen).ok_or(Lost)?;
        self.seen = graph.changes.now();
        self.people.extend(changes.filter_map(|change| match change {
            Change::Known(index) | Change::Renamed(index) => Some(index),
            Change::Added(_) | Change::Removed(_) => None,
        }));
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.people.len()
    }

    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Gives them out, and begins anew.
    pub fn take(&mut self) -> Vec<u32> {
        self.people.drain().collect()
    }
}
