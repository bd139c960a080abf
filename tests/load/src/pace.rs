//! Calls at a constant rate, whether or not the ones before are answered: an open model, as people and other programs
//! make calls. Each counts from when it was meant to begin, so a stall of the server counts for every call that it
//! delayed, not only for those that were under way.

mod timer;

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::Tally;
use timer::Timer;

/// Calls begin at multiples of this: above 5,000 a second some begin together. Waking up for each of them would take a
/// large part of a processor, on a small machine from the system that is measured.
const GRID: Duration = Duration::from_micros(200);

/// When which call is meant to begin.
pub struct Schedule {
    begun: Instant,
    interval: Duration,
    count: u64,
    due: Cell<u64>,
    begun_calls: Cell<u64>,
    ended: Cell<bool>,
    some_due: Notify,
    lateness: RefCell<Tally>,
}

impl Schedule {
    /// So many calls, `per_second` of them a second, from now on.
    pub fn new(per_second: f64, count: u64) -> Self {
        Self {
            begun: Instant::now(),
            interval: Duration::from_secs_f64(1.0 / per_second),
            count,
            due: Cell::new(0),
            begun_calls: Cell::new(0),
            ended: Cell::new(false),
            some_due: Notify::new(),
            lateness: RefCell::default(),
        }
    }

    /// From the first call to when another one would follow the last.
    pub fn lasting(&self) -> Duration {
        self.start_of(self.count) - self.begun
    }

    fn start_of(&self, call: u64) -> Instant {
        // As a whole: rounding each interval would add up.
        let after = self.interval.as_secs_f64() * call as f64;
        if self.interval >= GRID {
            return self.begun + Duration::from_secs_f64(after);
        }
        self.begun + GRID.mul_f64((after / GRID.as_secs_f64()).ceil())
    }

    /// Lets calls go when they are due, until all are.
    pub async fn keep(&self) -> io::Result<()> {
        let timer = Timer::new()?;
        while self.due.get() < self.count && !self.ended.get() {
            let now = Instant::now();
            let next = self.start_of(self.due.get());
            match next.checked_duration_since(now) {
                Some(wait) if !wait.is_zero() => timer.sleep(wait).await?,
                _ => self.release(now),
            }
        }
        Ok(())
    }

    /// Lets go what is due by now.
    fn release(&self, now: Instant) {
        self.lateness.borrow_mut().took(now - self.start_of(self.due.get()));
        while self.due.get() < self.count && self.start_of(self.due.get()) <= now {
            self.due.set(self.due.get() + 1);
            // The connection that was used last: few of them are kept warm, and the others rest.
            self.some_due.notify_last();
        }
    }

    /// Waits for the next call that is due: when it was meant to begin. None: there are no more.
    pub async fn turn(&self) -> Option<Instant> {
        loop {
            let call = self.begun_calls.get();
            if self.ended.get() || call == self.count {
                // Whoever waits as well has to learn it.
                self.some_due.notify_waiters();
                return None;
            }
            if call < self.due.get() {
                self.begun_calls.set(call + 1);
                return Some(self.start_of(call));
            }
            self.some_due.notified().await;
        }
    }

    /// No call begins any more, though it may be due.
    pub fn end(&self) {
        self.ended.set(true);
        self.some_due.notify_waiters();
    }

    /// Calls that never began: all that were to, or, where an end came before, those that were due.
    pub fn not_begun(&self) -> u64 {
        let wanted = if self.ended.get() { self.due.get() } else { self.count };
        wanted - self.begun_calls.get()
    }

    /// How much later than meant calls were let go: the generator's own delay, which counts as the system's.
    pub fn into_lateness(self) -> Tally {
        self.lateness.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_that_wait_for_a_connection_keep_their_own_beginnings() {
        let schedule = Schedule::new(1_000.0, 50);
        schedule.keep().await.unwrap();
        // All are due; one connection takes them one after another, from the beginning.
        let mut starts = Vec::new();
        while let Some(start) = schedule.turn().await {
            starts.push(start);
        }
        assert_eq!((starts.len(), schedule.not_begun()), (50, 0));
        assert!(starts.iter().zip(0..).all(|(start, n)| *start == schedule.begun + Duration::from_millis(n)));
        assert_eq!(schedule.into_lateness().ms(0.0) as u64, 0);
    }

    #[test]
    fn many_begin_together_and_no_rate_is_lost() {
        let schedule = Schedule::new(33_000.0, 33_000);
        let starts: Vec<Duration> = (0..33_000).map(|call| schedule.start_of(call) - schedule.begun).collect();
        assert!(starts.iter().all(|start| start.as_nanos() % GRID.as_nanos() == 0));
        assert!(starts.is_sorted() && starts[0].is_zero() && starts[32_999] <= Duration::from_secs(1));
        assert_eq!(starts.iter().filter(|start| **start <= Duration::from_millis(500)).count(), 16_501);
    }

    #[tokio::test]
    async fn none_begins_before_its_time() {
        let schedule = Schedule::new(200.0, 20);
        let calls = async {
            let mut count = 0;
            while let Some(start) = schedule.turn().await {
                assert!(Instant::now() >= start);
                count += 1;
            }
            count
        };
        let (kept, count) = tokio::join!(schedule.keep(), calls);
        kept.unwrap();
        assert_eq!(count, 20);
    }

    #[tokio::test]
    async fn an_end_is_an_end_for_those_who_wait() {
        let schedule = Schedule::new(1.0, 100);
        let (one, other, ()) = tokio::join!(schedule.turn(), schedule.turn(), async { schedule.end() });
        assert_eq!((one, other), (None, None));
    }
}
