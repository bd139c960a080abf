//! What is known of a phase while it goes on: every answer, by operation and over time.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use load::{Answer, Operation, Outcome, Tally};
use serde::Serialize;

/// A failure is shown with so much of what was said.
const LONGEST_SAID: usize = 160;

/// All calls of one operation.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    pub tally: Tally,
    /// Sent, but for those that never got a connection.
    pub sent: u64,
    pub refused: u64,
    pub failed: u64,
    /// The first failure of each kind: a status or a reason, and what was said.
    pub first_failures: BTreeMap<String, String>,
}

impl Calls {
    pub fn ended(&self) -> u64 {
        self.tally.answers() + self.tally.without_answer()
    }

    /// Those whose answer nobody waited for, because the run was ended.
    pub fn abandoned(&self) -> u64 {
        self.sent - self.ended()
    }

    /// Nobody knows whether they were done.
    pub fn unclear(&self) -> u64 {
        let unavailable: u64 = self.tally.statuses.range(500..).map(|(_, count)| count).sum();
        unavailable + self.tally.without_answer() + self.abandoned()
    }

    /// Without one that was right, for whatever reason.
    pub fn failures(&self) -> u64 {
        self.failed + self.abandoned()
    }
}

/// What happened between the last point and this one.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// From the beginning of the phase to the end of this interval.
    pub seconds: f64,
    pub per_second: f64,
    pub failed: u64,
    /// None where nothing was answered.
    pub latency_ms: Option<Percentiles>,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Percentiles {
    pub fn of(tally: &Tally) -> Option<Self> {
        let some = Self { p50: tally.ms(0.5), p90: tally.ms(0.9), p99: tally.ms(0.99), max: tally.ms(1.0) };
        (tally.answers() > 0).then_some(some)
    }
}

/// What happened in a stretch of time.
#[derive(Default)]
struct Window {
    tally: Tally,
    failed: u64,
    from: Duration,
    to: Duration,
}

impl Window {
    fn length(&self) -> Duration {
        self.to - self.from
    }

    fn point(&self) -> Point {
        Point {
            seconds: self.to.as_secs_f64(),
            per_second: self.tally.answers() as f64 / self.length().as_secs_f64().max(f64::MIN_POSITIVE),
            failed: self.failed,
            latency_ms: Percentiles::of(&self.tally),
        }
    }

    /// Begins anew.
    fn clear(&mut self, now: Duration) {
        self.tally.clear();
        self.failed = 0;
        (self.from, self.to) = (now, now);
    }

    /// Is longer by the one that follows it.
    fn add(&mut self, next: &Window) {
        self.tally.add(&next.tally);
        self.failed += next.failed;
        self.to = next.to;
    }
}

#[derive(Default)]
pub struct Record {
    pub calls: BTreeMap<Operation, Calls>,
    pub points: Vec<Point>,
    /// Answers that came while calls were still begun.
    pub in_time: u64,
    pub failed: u64,
    open: Window,
    /// Held back, because the one after it may be too short to stand alone.
    closed: Window,
    shown: Window,
}

impl Record {
    pub fn sent(&mut self, operation: Operation) {
        self.calls.entry(operation).or_default().sent += 1;
    }

    /// Takes what came of a call, and says what it means. `in_time`: the phase is not over.
    pub fn ended(
        &mut self,
        operation: Operation,
        answer: &io::Result<Answer<'_>>,
        took: Duration,
        in_time: bool,
    ) -> Outcome {
        let calls = self.calls.entry(operation).or_default();
        let outcome = match answer {
            Ok(answer) => {
                calls.tally.answered(answer.status, took);
                self.open.tally.took(took);
                self.shown.tally.took(took);
                self.in_time += u64::from(in_time);
                operation.outcome(answer.status)
            }
            Err(error) => {
                calls.tally.unanswered(error);
                Outcome::Failed
            }
        };
        match outcome {
            Outcome::Done => {}
            Outcome::Refused => calls.refused += 1,
            Outcome::Failed => {
                calls.failed += 1;
                self.failed += 1;
                self.open.failed += 1;
                self.shown.failed += 1;
                let (kind, said) = failure(answer);
                calls.first_failures.entry(kind).or_insert(said);
            }
        }
        outcome
    }

    /// Ends a stretch of the curve over time if it is long enough.
    pub fn close_point(&mut self, now: Duration, length: Duration) {
        if now < self.open.from + length {
            return;
        }
        self.open.to = now;
        if !self.closed.length().is_zero() {
            self.points.push(self.closed.point());
        }
        std::mem::swap(&mut self.open, &mut self.closed);
        self.open.clear(now);
    }

    /// Ends the curve. A short rest belongs to the stretch before it: the rate of a moment says nothing.
    pub fn close_curve(&mut self, now: Duration) {
        self.open.to = now.max(self.open.from);
        if self.closed.length().is_zero() {
            std::mem::swap(&mut self.open, &mut self.closed);
        } else if 2 * self.open.length() < self.closed.length() {
            self.closed.add(&self.open);
        } else {
            self.points.push(self.closed.point());
            std::mem::swap(&mut self.open, &mut self.closed);
        }
        if !self.closed.length().is_zero() {
            self.points.push(self.closed.point());
        }
    }

    /// What has happened since the last time somebody was shown it.
    pub fn show(&mut self, now: Duration) -> Point {
        self.shown.to = now;
        let point = self.shown.point();
        self.shown.clear(now);
        point
    }
}

fn failure(answer: &io::Result<Answer<'_>>) -> (String, String) {
    match answer {
        Ok(answer) => {
            let said = String::from_utf8_lossy(answer.body);
            (answer.status.to_string(), said.chars().take(LONGEST_SAID).collect())
        }
        Err(error) => ("no answer".to_owned(), error.to_string()),
    }
}
