//! What came back: how many, how fast, and with which status.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies are kept in nanoseconds, up to a minute, to three digits.
const LONGEST: u64 = 60_000_000_000;
const DIGITS: u8 = 3;

#[derive(Debug, Clone)]
pub struct Tally {
    latency: Histogram<u64>,
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that were given no answer, by the reason.
    pub unanswered: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let latency = Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("the bounds are in range");
        Self { latency, statuses: BTreeMap::new(), unanswered: BTreeMap::new() }
    }
}

impl Tally {
    /// A time without anything else.
    pub fn took(&mut self, time: Duration) {
        self.latency.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(LONGEST));
    }

    pub fn answered(&mut self, status: u16, after: Duration) {
        self.took(after);
        *self.statuses.entry(status).or_default() += 1;
    }

    pub fn unanswered(&mut self, error: &io::Error) {
        // What came was not HTTP, or not all of it: the text says what. There are few such texts.
        let reason = match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => error.to_string(),
            kind => kind.to_string(),
        };
        *self.unanswered.entry(reason).or_default() += 1;
    }

    pub fn without_answer(&self) -> u64 {
        self.unanswered.values().sum()
    }

    pub fn add(&mut self, other: &Tally) {
        self.latency.add(&other.latency).expect("all have the same bounds");
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (reason, count) in &other.unanswered {
            *self.unanswered.entry(reason.clone()).or_default() += count;
        }
    }

    /// Back to nothing, without giving up its memory.
    pub fn clear(&mut self) {
        self.latency.reset();
        self.statuses.clear();
        self.unanswered.clear();
    }

    /// Calls that were answered, with any status.
    pub fn answers(&self) -> u64 {
        self.latency.len()
    }

    pub fn with_status(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Milliseconds within which this share of the answers came: 0.5 is the median, 1 the slowest.
    pub fn ms(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1e6
    }

    pub fn mean_ms(&self) -> f64 {
        self.latency.mean() / 1e6
    }

    pub fn least_ms(&self) -> f64 {
        self.latency.min() as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let mut tally = Tally::default();
        for ms in 1..=100 {
            tally.answered(if ms == 7 { 409 } else { 201 }, Duration::from_millis(ms));
        }
        for (share, expected) in [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0), (1.0, 100.0)] {
            assert!((tally.ms(share) - expected).abs() < 0.1, "{share}: {}", tally.ms(share));
        }
        assert_eq!((tally.answers(), tally.with_status(201), tally.with_status(409)), (100, 99, 1));
        assert_eq!(Tally::default().ms(0.99), 0.0);
    }
}
