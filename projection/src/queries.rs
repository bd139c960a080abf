//! Answers queries on threads of their own, few at a time.
//!
//! Two lanes: a query starts in the light one, and if it turns out to be heavy it starts again in the heavy one, which
//! has half of the threads. So heavy queries wait for each other and not light ones for them. Either holds the view for
//! one step at a time, and the writer gets in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use domain::User;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::graph::{Progress, Recommendation, Scratch};
use crate::metrics::{Kind, Metrics};
use crate::view::{Positions, State, View};

/// Edges counted under one hold of the view: about half a millisecond.
const STEP_EDGES: usize = 100_000;
/// Steps after which a query is a heavy one: about three milliseconds, which light ones may have to wait. Of the people
/// in a graph of a million people and 16 million friendships fewer than one in a hundred are beyond it.
const LIGHT_STEPS: usize = 5;
/// A count that its person's own changes keep interrupting is finished under one hold.
const MAX_RESTARTS: u32 = 3;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// Nobody known has this id.
    Unknown(u64),
    /// Too many queries are waiting.
    Busy,
    /// The query broke; the log says why.
    Broken,
}

/// An answer and the state that it is about.
pub struct Answer<T> {
    pub value: T,
    pub positions: Positions,
}

#[derive(Serialize)]
pub struct Candidate {
    pub user: User,
    /// How many friends both have.
    pub weight: u32,
}

/// So many run, so many more wait.
struct Lane {
    admitted: Semaphore,
    running: Semaphore,
}

impl Lane {
    fn new(threads: usize, queue: usize) -> Self {
        Self { admitted: Semaphore::new(threads + queue), running: Semaphore::new(threads) }
    }

    async fn enter(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), QueryError> {
        let admitted = self.admitted.try_acquire().map_err(|_| QueryError::Busy)?;
        let running = self.running.acquire().await.map_err(|_| QueryError::Busy)?;
        Ok((admitted, running))
    }
}

pub struct Queries {
    view: Arc<View>,
    metrics: Arc<Metrics>,
    light: Lane,
    heavy: Lane,
    /// Counters that no query uses at the moment: at most one for each that may run.
    scratches: Arc<Mutex<Vec<Scratch>>>,
}

/// Tells a running query that nobody waits for it any more.
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

enum Outcome {
    Answer(Result<Answer<Vec<Candidate>>, QueryError>),
    TooHeavy,
}

/// A recommendation to be computed.
#[derive(Clone)]
struct Task {
    view: Arc<View>,
    scratches: Arc<Mutex<Vec<Scratch>>>,
    gone: Arc<AtomicBool>,
    id: u64,
    limit: usize,
}

impl Queries {
    pub fn new(view: Arc<View>, metrics: Arc<Metrics>, threads: usize, queue: usize) -> Self {
        let light = Lane::new(threads, queue);
        let heavy = Lane::new((threads / 2).max(1), queue);
        Self { view, metrics, light, heavy, scratches: Arc::default() }
    }

    /// The people whom `id` may know, best first.
    pub async fn recommend(&self, id: u64, limit: usize) -> Result<Answer<Vec<Candidate>>, QueryError> {
        let start = Instant::now();
        let caller = Caller(Arc::default());
        let (view, scratches) = (Arc::clone(&self.view), Arc::clone(&self.scratches));
        let task = Task { view, scratches, gone: Arc::clone(&caller.0), id, limit };
        let first = task.clone();
        let answer = match self.run(&self.light, move || first.run(LIGHT_STEPS)).await? {
            Outcome::Answer(answer) => answer,
            Outcome::TooHeavy => {
                self.metrics.heavy();
                match self.run(&self.heavy, move || task.run(usize::MAX)).await? {
                    Outcome::Answer(answer) => answer,
                    Outcome::TooHeavy => Err(QueryError::Broken),
                }
            }
        };
        self.metrics.query(Kind::Recommendations, start.elapsed());
        answer
    }

    /// The people who are friends with both, by id.
    pub async fn mutual_friends(&self, id: u64, friend: u64) -> Result<Answer<Vec<User>>, QueryError> {
        let start = Instant::now();
        let view = Arc::clone(&self.view);
        let answer = self.run(&self.light, move || mutual_friends(&view.read(), id, friend)).await?;
        self.metrics.query(Kind::MutualFriends, start.elapsed());
        answer
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: &Lane,
        query: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, QueryError> {
        let _permits = lane.enter().await.inspect_err(|_| self.metrics.refused())?;
        tokio::task::spawn_blocking(query).await.map_err(|error| {
            tracing::error!(%error, "a query broke");
            QueryError::Broken
        })
    }
}

fn mutual_friends(state: &State, id: u64, friend: u64) -> Result<Answer<Vec<User>>, QueryError> {
    let a = state.find(id).ok_or(QueryError::Unknown(id))?;
    let b = state.find(friend).ok_or(QueryError::Unknown(friend))?;
    let mutual = state.graph.mutual_friends(a, b);
    let value = mutual.into_iter().filter_map(|(_, index)| state.person(index)).collect();
    Ok(Answer { value, positions: state.positions })
}

impl Task {
    fn run(&self, steps: usize) -> Outcome {
        let Some(person) = self.view.read().find(self.id) else {
            return Outcome::Answer(Err(QueryError::Unknown(self.id)));
        };
        let scratch = self.scratches.lock().pop().unwrap_or_default();
        let mut recommendation = Recommendation::new(person, self.limit, scratch);
        let outcome = self.count(&mut recommendation, steps);
        self.scratches.lock().push(recommendation.into_scratch());
        outcome
    }

    fn count(&self, recommendation: &mut Recommendation, steps: usize) -> Outcome {
        for _ in 0..steps {
            if self.gone.load(Ordering::Relaxed) {
                // Nobody reads this.
                return Outcome::Answer(Err(QueryError::Broken));
            }
            let state = self.view.read();
            let budget = if recommendation.restarts() > MAX_RESTARTS { usize::MAX } else { STEP_EDGES };
            if let Progress::Done(best) = recommendation.step(&state.graph, budget) {
                // The best were chosen among the known, so each of them has a name: none is missing here.
                let named = |one: &crate::graph::Recommended| {
                    Some(Candidate { user: state.person(one.index)?, weight: one.mutual })
                };
                let value = best.iter().filter_map(named).collect();
                return Outcome::Answer(Ok(Answer { value, positions: state.positions }));
            }
        }
        Outcome::TooHeavy
    }
}
