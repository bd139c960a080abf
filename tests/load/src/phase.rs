//! One phase: its calls, from the first one to the last answer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use load::drive::{Connections, Work};
use load::pace::Schedule;
use load::{Answer, Operation, Outcome, Requests, Tally, Target};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};

use crate::interrupt::Interrupt;
use crate::population::{Call, Odds, Population};
use crate::processor;
use crate::progress::Progress;
use crate::record::{Calls, Point, Record};
use crate::scenario::{End, Model, Phase, What};

/// When no more calls begin: how long those under way, and those that were due, are waited for.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// Stretches of the curve over time are this share of the whole, or of what has passed, where its length is not known.
const STRETCH: f64 = 1.0 / 60.0;
const SHORTEST_STRETCH: Duration = Duration::from_millis(20);
const LONGEST_STRETCH: Duration = Duration::from_secs(10);
/// With fewer, p99 is but another word for the slowest.
const CALLS_OF_A_STRETCH: f64 = 100.0;
/// How often the clock is looked at for the curve and for what is shown.
const TICK: Duration = Duration::from_millis(10);

/// What came of a phase.
pub struct Measured {
    pub name: String,
    pub model: Model,
    /// From the first call until no more begin, or all are answered.
    pub window: Duration,
    pub calls: BTreeMap<Operation, Calls>,
    /// All operations together.
    pub total: Tally,
    pub points: Vec<Point>,
    pub in_time: u64,
    /// Due, but never begun: all connections were busy for too long.
    pub not_begun: u64,
    pub generator: Generator,
}

/// What the generator itself took.
pub struct Generator {
    /// Of one processor.
    pub processor_share: f64,
    /// How late calls were let go, in an open model.
    pub lateness: Option<Tally>,
}

impl Measured {
    pub fn failed(&self) -> u64 {
        self.calls.values().map(Calls::failures).sum::<u64>() + self.not_begun
    }

    /// Calls that were to be made.
    pub fn requests(&self) -> u64 {
        self.calls.values().map(|calls| calls.sent).sum::<u64>() + self.not_begun
    }

    /// Answers a second, while calls began.
    pub fn per_second(&self) -> f64 {
        self.in_time as f64 / self.window.as_secs_f64()
    }

    pub fn failed_share(&self) -> f64 {
        let requests = self.requests();
        if requests > 0 { self.failed() as f64 / requests as f64 } else { 0.0 }
    }
}

/// Makes all calls of a phase.
pub async fn run(
    target: &Target,
    phase: &Phase,
    population: &RefCell<Population>,
    interrupt: &Interrupt,
) -> io::Result<Measured> {
    let connections = Connections::open(target.address, phase.model.connections()).await;
    let processor = processor::used();
    let traffic = Traffic::new(target.requests(), phase, population);
    let progress = Progress::new(phase, traffic.count);
    {
        let mut driven = std::pin::pin!(connections.drive(&traffic));
        let finished = tokio::select! {
            () = &mut driven => true,
            failed = traffic.pace() => failed.map(|()| false)?,
            () = traffic.deadline() => false,
            () = interrupt.wait() => false,
            () = traffic.watch(&progress) => false,
        };
        traffic.close(interrupt.code().is_some());
        if !finished {
            // The last calls may be due just now.
            let rest = async {
                tokio::select! {
                    () = driven => Ok(()),
                    failed = traffic.pace() => failed,
                    () = traffic.watch(&progress) => Ok(()),
                }
            };
            timeout(DRAIN_LIMIT, rest).await.unwrap_or(Ok(()))?;
        }
    }
    drop(progress);
    Ok(traffic.measured(phase, processor::used() - processor))
}

struct Traffic<'a> {
    requests: Requests,
    population: &'a RefCell<Population>,
    what: Kind,
    /// Calls, where their number is known.
    count: Option<u64>,
    begun_calls: Cell<u64>,
    begun: Instant,
    lasting: Option<Duration>,
    /// How long it is going to take, if that is known.
    known: Option<Duration>,
    shortest_stretch: Duration,
    /// When nothing more was to begin.
    closed: Cell<Option<Duration>>,
    interrupted: Cell<bool>,
    last_answer: Cell<Duration>,
    schedule: Option<Schedule>,
    record: RefCell<Record>,
}

enum Kind {
    MakePeople,
    MakeFriendships,
    Mix(Odds),
}

impl<'a> Traffic<'a> {
    fn new(requests: Requests, phase: &Phase, population: &'a RefCell<Population>) -> Self {
        let (what, made) = match &phase.what {
            What::MakePeople => (Kind::MakePeople, population.borrow().network()),
            What::MakeFriendships => (Kind::MakeFriendships, population.borrow().friendships_to_make()),
            What::Mix(mix) => (Kind::Mix(Odds::new(mix)), 0),
        };
        let (count, seconds) = match (phase.end, phase.model) {
            (End::Made, _) => (Some(made as u64), None),
            (End::Requests(count), _) => (Some(count), None),
            (End::Seconds(seconds), _) => (None, Some(seconds)),
        };
        let schedule = match phase.model {
            Model::Closed { .. } => None,
            Model::Open { per_second, .. } => {
                let count = count.unwrap_or((per_second * seconds.unwrap_or_default()).round().max(1.0) as u64);
                Some(Schedule::new(per_second, count))
            }
        };
        let shortest_stretch = match phase.model {
            Model::Closed { .. } => SHORTEST_STRETCH,
            Model::Open { per_second, .. } => {
                SHORTEST_STRETCH.max(Duration::from_secs_f64(CALLS_OF_A_STRETCH / per_second))
            }
        };
        let lasting = seconds.map(Duration::from_secs_f64);
        let known = lasting.or(schedule.as_ref().map(Schedule::lasting));
        Self {
            requests,
            population,
            what,
            count,
            begun_calls: Cell::new(0),
            begun: Instant::now(),
            lasting,
            known,
            shortest_stretch,
            closed: Cell::new(None),
            interrupted: Cell::new(false),
            last_answer: Cell::new(Duration::ZERO),
            schedule,
            record: RefCell::default(),
        }
    }

    /// Ends only where it fails.
    async fn pace(&self) -> io::Result<()> {
        if let Some(schedule) = &self.schedule {
            schedule.keep().await?;
        }
        std::future::pending().await
    }

    async fn deadline(&self) {
        match self.lasting {
            Some(lasting) => sleep_until((self.begun + lasting).into()).await,
            None => std::future::pending().await,
        }
    }

    /// Draws the curve over time, and shows how it goes.
    async fn watch(&self, progress: &Progress) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let (now, mut record) = (self.begun.elapsed(), self.record.borrow_mut());
            let length = self.known.unwrap_or(now).mul_f64(STRETCH).max(self.shortest_stretch);
            record.close_point(now, length.min(LONGEST_STRETCH));
            if progress.is_due(now) {
                let (done, failed) = (self.begun_calls.get(), record.failed);
                progress.show(now, done, failed, &record.show(now));
            }
        }
    }

    /// No more calls begin, but for those that are due already, unless somebody waits for the end.
    fn close(&self, interrupted: bool) {
        self.closed.set(Some(self.begun.elapsed()));
        self.interrupted.set(interrupted);
        if let (Some(schedule), true) = (&self.schedule, interrupted) {
            schedule.end();
        }
    }

    fn measured(self, phase: &Phase, processor: Duration) -> Measured {
        let mut record = self.record.into_inner();
        let all = self.last_answer.get();
        let window = match self.closed.get() {
            Some(closed) if self.interrupted.get() => self.lasting.map_or(closed, |lasting| closed.min(lasting)),
            // It lasted as long as it was to last, however soon the last call was answered.
            _ => self.lasting.unwrap_or(all),
        };
        record.close_curve(all);
        let mut total = Tally::default();
        record.calls.values().for_each(|calls| total.add(&calls.tally));
        let share = processor.as_secs_f64() / self.begun.elapsed().as_secs_f64();
        let not_begun = self.schedule.as_ref().map_or(0, Schedule::not_begun);
        Measured {
            name: phase.name.clone(),
            model: phase.model,
            window: window.max(Duration::from_micros(1)),
            calls: record.calls,
            total,
            points: record.points,
            in_time: record.in_time,
            not_begun,
            generator: Generator { processor_share: share, lateness: self.schedule.map(Schedule::into_lateness) },
        }
    }
}

impl Work for Traffic<'_> {
    type Call = Call;

    async fn turn(&self) -> Option<Instant> {
        match &self.schedule {
            Some(schedule) => schedule.turn().await,
            None => self.closed.get().is_none().then(Instant::now),
        }
    }

    fn next(&self, request: &mut Vec<u8>) -> Option<Call> {
        let n = self.begun_calls.get();
        if self.count.is_some_and(|count| n >= count) {
            return None;
        }
        let mut population = self.population.borrow_mut();
        let call = match &self.what {
            Kind::MakePeople => Some(population.sign_up(n as usize, &self.requests, request)),
            Kind::MakeFriendships => population.befriend(&self.requests, request),
            Kind::Mix(odds) => population.any(odds, &self.requests, request),
        }?;
        self.begun_calls.set(n + 1);
        self.record.borrow_mut().sent(call.operation);
        Some(call)
    }

    fn done(&self, call: Call, answer: io::Result<Answer<'_>>, took: Duration) {
        let now = self.begun.elapsed();
        let in_time = self.closed.get().is_none() && self.lasting.is_none_or(|lasting| now <= lasting);
        self.last_answer.set(now);
        let outcome = self.record.borrow_mut().ended(call.operation, &answer, took, in_time);
        if let (Ok(answer), Outcome::Done) = (&answer, outcome) {
            self.population.borrow_mut().note(call, outcome, answer);
        }
    }
}
