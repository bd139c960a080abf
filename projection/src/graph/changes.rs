//! The most recent changes, numbered: what a query in progress, or a snapshot being written, has missed while it let the
//! writer in.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far back a reader can catch up: 128 batches. One that was away for longer starts again.
const KEPT: usize = 64 * 1024;

/// What has changed, people by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Added([u32; 2]),
    Removed([u32; 2]),
    /// Somebody's first event has come.
    Known(u32),
    /// Somebody who was known has another name.
    Renamed(u32),
}

/// A moment in the life of one graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of all graphs that there ever were, which, and of its lives, which.
    pub(super) epoch: u64,
    /// The number of the first change after this moment.
    next: u64,
}

pub struct Changes {
    recent: VecDeque<Change>,
    now: Mark,
}

fn new_epoch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Default for Changes {
    fn default() -> Self {
        Self { recent: VecDeque::new(), now: Mark { epoch: new_epoch(), next: 0 } }
    }
}

impl Changes {
    pub fn push(&mut self, change: Change) {
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(change);
        self.now.next += 1;
    }

    pub fn now(&self) -> Mark {
        self.now
    }

    /// The changes since a moment, oldest first, or None if they are no longer all there, or it was another graph's.
    pub fn since(&self, mark: Mark) -> Option<impl Iterator<Item = Change>> {
        if mark.epoch != self.now.epoch {
            return None;
        }
        let missed = usize::try_from(self.now.next - mark.next).ok()?;
        let start = self.recent.len().checked_sub(missed)?;
        Some(self.recent.range(start..).copied())
    }

    /// Makes everybody who has begun start again.
    pub fn break_off(&mut self) {
        self.recent.clear();
        self.now.epoch = new_epoch();
    }

    pub fn bytes(&self) -> usize {
        self.recent.capacity() * size_of::<Change>()
    }
}
