//! What a figure is kept in: atomic cells, so that counting takes no lock and a scrape holds nobody up.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Decided before the first instance is made: a level that went up goes down again.
static COUNTING: AtomicBool = AtomicBool::new(true);

/// For a host that shows its metrics nowhere: from now on all cells stay as they are, and no clock is read for them.
pub fn count_nothing() {
    COUNTING.store(false, Ordering::Relaxed);
}

fn counting() -> bool {
    COUNTING.load(Ordering::Relaxed)
}

/// The beginning of what is to be measured. None: nothing is.
pub fn now() -> Option<Instant> {
    counting().then(Instant::now)
}

/// Only goes up.
#[derive(Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn inc(&self) {
        if counting() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Default)]
pub struct Level(AtomicI64);

impl Level {
    pub fn add(&self, change: i64) {
        if counting() {
            self.0.fetch_add(change, Ordering::Relaxed);
        }
    }

    pub fn set(&self, value: i64) {
        if counting() {
            self.0.store(value, Ordering::Relaxed);
        }
    }

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, in buckets. prometheus-client's own histogram takes a lock for every observation.
pub struct Durations {
    /// Upper bounds, in microseconds; one bucket more takes what is above.
    bounds: &'static [u64],
    buckets: Box<[Count]>,
    nanoseconds: AtomicU64,
}

impl Durations {
    pub fn new(bounds: &'static [u64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| Count::default()).collect();
        Self { bounds, buckets, nanoseconds: AtomicU64::new(0) }
    }

    /// How long it took that began then.
    pub fn observe(&self, began: Option<Instant>) {
        if let Some(began) = began {
            self.add(began.elapsed());
        }
    }

    fn add(&self, took: Duration) {
        // A bucket holds what is at most its bound.
        let index = self.bounds.partition_point(|bound| Duration::from_micros(*bound) < took);
        self.buckets[index].inc();
        self.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Durations of several threads together, as a scrape shows them.
#[derive(Default)]
pub struct Sum {
    buckets: Vec<(f64, u64)>,
    nanoseconds: u64,
}

impl Sum {
    pub fn of<'a>(all: impl Iterator<Item = &'a Durations>) -> Self {
        let mut sum = Self::default();
        for durations in all {
            let bounds = durations.bounds.iter().map(|bound| *bound as f64 / 1e6).chain([f64::MAX]);
            if sum.buckets.is_empty() {
                sum.buckets = bounds.map(|bound| (bound, 0)).collect();
            }
            for ((_, count), more) in sum.buckets.iter_mut().zip(&durations.buckets) {
                *count += more.get();
            }
            sum.nanoseconds += durations.nanoseconds.load(Ordering::Relaxed);
        }
        sum
    }

    pub fn seconds(&self) -> f64 {
        self.nanoseconds as f64 / 1e9
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// Upper bound and count of each bucket alone.
    pub fn buckets(&self) -> &[(f64, u64)] {
        &self.buckets
    }
}

/// Why a call out of a component came to nothing.
#[derive(Clone, Copy)]
pub enum Failure {
    /// Not reached, or the connection broke.
    Connection,
    /// No answer in time.
    Timeout,
    /// It answered that it could not do it.
    Error,
    /// The component may not reach it.
    Denied,
    /// The component gave up waiting.
    Abandoned,
}

impl Failure {
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Connection, "connection"),
        (Self::Timeout, "timeout"),
        (Self::Error, "error"),
        (Self::Denied, "denied"),
        (Self::Abandoned, "abandoned"),
    ];
}

/// Calls of a component to servers of one kind.
pub struct Calls {
    pub begun: Count,
    pub took: Durations,
    failed: [Count; Failure::ALL.len()],
}

impl Calls {
    pub fn new(bounds: &'static [u64]) -> Self {
        Self { begun: Count::default(), took: Durations::new(bounds), failed: Default::default() }
    }

    pub fn begin(&self) -> Call<'_> {
        self.begun.inc();
        Call { calls: self, began: now(), ended: false }
    }

    pub fn failed(&self, failure: Failure) -> &Count {
        &self.failed[failure as usize]
    }
}

/// A call that is under way. One that is dropped was given up.
pub struct Call<'a> {
    calls: &'a Calls,
    began: Option<Instant>,
    ended: bool,
}

impl Call<'_> {
    pub fn end(mut self, failure: Option<Failure>) {
        self.ended = true;
        if let Some(failure) = failure {
            self.calls.failed(failure).inc();
        }
        // The time of what was not answered says nothing about the server.
        if matches!(failure, None | Some(Failure::Error)) {
            self.calls.took.observe(self.began);
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.calls.failed(Failure::Abandoned).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: &[u64] = &[10, 100];

    #[test]
    fn a_bucket_holds_what_is_at_most_its_bound() {
        let durations = Durations::new(BOUNDS);
        for microseconds in [0, 10, 11, 100, 101, 5_000] {
            durations.add(Duration::from_micros(microseconds));
        }
        let sum = Sum::of([&durations, &durations].into_iter());
        assert_eq!(sum.buckets(), [(0.00001, 4), (0.0001, 4), (f64::MAX, 4)]);
        assert_eq!((sum.count(), sum.seconds()), (12, 2.0 * 0.005222));
    }

    #[test]
    fn a_call_that_is_dropped_was_given_up() {
        let calls = Calls::new(BOUNDS);
        drop(calls.begin());
        calls.begin().end(None);
        calls.begin().end(Some(Failure::Error));
        calls.begin().end(Some(Failure::Timeout));
        let failed = Failure::ALL.map(|(failure, name)| (name, calls.failed(failure).get()));
        let expected = [("connection", 0), ("timeout", 1), ("error", 1), ("denied", 0), ("abandoned", 1)];
        assert_eq!((failed, calls.begun.get()), (expected, 4));
        assert_eq!(Sum::of([&calls.took].into_iter()).count(), 2);
    }
}
