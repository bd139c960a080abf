//! The most recent changes of friendships, numbered: what a query in progress has missed while it let the writer in.

use std::collections::VecDeque;

/// How far back a query can catch up: 128 batches. One that was away for longer starts again.
const KEPT: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub people: [u32; 2],
    pub added: bool,
}

#[derive(Default)]
pub struct Changes {
    recent: VecDeque<Change>,
    /// The number of the change after the newest one.
    next: u64,
}

impl Changes {
    pub fn push(&mut self, change: Change) {
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(change);
        self.next += 1;
    }

    pub fn next(&self) -> u64 {
        self.next
    }

    /// The changes from `number` on, or None if they are no longer all there.
    pub fn since(&self, number: u64) -> Option<impl Iterator<Item = Change>> {
        let missed = usize::try_from(self.next - number).ok()?;
        let start = self.recent.len().checked_sub(missed)?;
        Some(self.recent.range(start..).copied())
    }

    /// Makes everybody who has begun start again.
    pub fn break_off(&mut self) {
        self.recent.clear();
        self.next += 1;
    }

    pub fn bytes(&self) -> usize {
        self.recent.capacity() * size_of::<Change>()
    }
}
