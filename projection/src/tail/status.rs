//! How a tail is doing, for others to see.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::StreamPosition;
use parking_lot::Mutex;

use crate::log::standing::Missing;

/// A tail that is near its stream's end is so until it is this many times further away than what made it near: one that
/// is about as far behind as the bound is does not turn ready and unready all the time.
const FAR: u64 = 10;
/// It is never far for less than this: so much may come between two looks at a stream.
const LEAST_FAR: u64 = 1_000;

#[derive(Debug)]
pub struct TailStatus {
    /// At most so many events behind the end of its stream, a tail is near it.
    bound: u64,
    connected: AtomicBool,
    /// Entries applied, of all that ever were in the stream.
    applied: AtomicU64,
    /// Entries that ever were in the stream, when it was last looked at.
    added: AtomicU64,
    near: AtomicBool,
    /// Where the stream ended when the tail first saw it.
    target: Mutex<Option<StreamPosition>>,
    missing: Mutex<Option<Missing>>,
}

impl TailStatus {
    /// Of a tail that starts after so many entries of its stream.
    pub fn new(bound: u64, entries: u64) -> Self {
        Self {
            bound,
            connected: AtomicBool::default(),
            applied: entries.into(),
            added: entries.into(),
            near: AtomicBool::default(),
            target: Mutex::default(),
            missing: Mutex::default(),
        }
    }

    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Entries applied, of all that ever were in the stream.
    pub fn entries(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// Where the stream ended when the tail first saw it, if it has.
    pub fn target(&self) -> Option<StreamPosition> {
        *self.target.lock()
    }

    /// Entries that ever were in the stream, when it was last looked at.
    pub fn added(&self) -> u64 {
        self.added.load(Ordering::Relaxed)
    }

    /// How many events there are that have not been applied.
    pub fn lag(&self) -> u64 {
        self.added().saturating_sub(self.entries())
    }

    /// Events that have to be applied next, and are gone.
    pub fn missing(&self) -> Option<Missing> {
        *self.missing.lock()
    }

    /// Why queries should better be asked elsewhere, if they should.
    pub fn trouble(&self) -> Option<String> {
        if !self.connected() {
            return Some("the stream's Redis is not reachable".to_owned());
        }
        if let Some(missing) = self.missing() {
            return Some(format!("{missing}: put them back into the stream"));
        }
        let (lag, bound) = (self.lag(), self.bound);
        (!self.near.load(Ordering::Relaxed)).then(|| format!("{lag} events behind, ready at {bound}"))
    }

    pub(super) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }

    pub(super) fn set_missing(&self, missing: Option<Missing>) {
        *self.missing.lock() = missing;
    }

    /// The tail sees its stream for the first time, or another stream than before.
    pub(super) fn aim(&self, end: StreamPosition) {
        self.target.lock().get_or_insert(end);
    }

    /// The stream has to be read from its beginning.
    pub(super) fn start_again(&self) {
        *self.target.lock() = None;
        *self.missing.lock() = None;
        self.near.store(false, Ordering::Relaxed);
    }

    /// So many entries ever were in the stream.
    pub fn saw(&self, added: u64) {
        self.added.store(added, Ordering::Relaxed);
        self.look();
    }

    /// So many entries have been applied, of all that ever were in the stream.
    pub fn applied(&self, entries: u64) {
        self.applied.store(entries, Ordering::Relaxed);
        self.look();
    }

    fn look(&self) {
        let lag = self.lag();
        if lag <= self.bound {
            if self.target.lock().is_some() {
                self.near.store(true, Ordering::Relaxed);
            }
        } else if lag > self.bound.saturating_mul(FAR).max(LEAST_FAR) {
            self.near.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_until_ten_times_as_far() {
        let status = TailStatus::new(100, 5_000);
        status.set_connected(true);
        status.saw(5_000);
        assert!(status.trouble().is_some(), "it has not seen the stream");
        status.aim(StreamPosition::START);
        status.saw(9_000);
        assert_eq!((status.lag(), status.trouble().unwrap()), (4_000, "4000 events behind, ready at 100".to_owned()));
        status.applied(8_899);
        assert!(status.trouble().is_some());
        status.applied(8_900);
        assert_eq!(status.trouble(), None);
        status.saw(9_900);
        assert_eq!((status.lag(), status.trouble()), (1_000, None));
        status.saw(9_901);
        assert!(status.trouble().is_some());
        status.applied(9_800);
        assert!(status.trouble().is_some());
        status.applied(9_801);
        assert_eq!(status.trouble(), None);
        status.set_connected(false);
        assert!(status.trouble().unwrap().contains("not reachable"));
    }
}
