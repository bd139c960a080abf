//! Answers queries on threads of their own, few at a time.
//!
//! Two lanes: a query starts in the light one, and if it turns out to be heavy it goes on in the heavy one, which has half
//! of the threads. So heavy queries wait for each other and not light ones for them. Either holds the view for one step
//! at a time, a few hundred microseconds, and the writer gets in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use domain::User;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::graph::{Common, MutualFriends, Question, Recommendation, Recommended, Scratch, Step};
use crate::metrics::{Kind, Metrics};
use crate::view::{Positions, State, View};

/// Edges looked at under one hold of the view: about a fifth of a millisecond.
pub const STEP_EDGES: usize = 32 * 1024;
/// Steps after which a query is a heavy one: about three milliseconds, which light ones may have to wait. Of the people
/// in a graph of a million people and 16 million friendships fewer than one in a hundred are beyond it.
const LIGHT_STEPS: usize = 16;
/// A query starts again when the changes that it has missed are no longer all known. One that has to so often asks of a
/// machine that has no time for it.
const MAX_RESTARTS: u32 = 8;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// Nobody known has this id.
    Unknown(u64),
    /// Too many queries are waiting, or too much changes while this one runs.
    Busy,
    /// The query broke; the log says why.
    Broken,
}

/// An answer and the state that it is about.
pub struct Answer<T> {
    pub value: T,
    pub positions: Positions,
}

/// Somebody in an answer, with their name.
pub struct Named<T> {
    pub user: User,
    pub what: T,
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

/// A query that proceeds in steps.
trait InSteps: Send + 'static {
    type Found: Send + 'static;

    /// The people who have to be known.
    fn people(&self) -> Vec<u64>;
    /// Makes room for a step, before the view is held.
    fn prepare(&mut self, _people: usize, _budget: usize) {}
    fn step(&mut self, state: &State, budget: usize) -> Step<Self::Found>;
    fn restarts(&self) -> u32;
    fn index(found: &Self::Found) -> u32;
}

struct Recommending {
    question: Question,
    recommendation: Option<Recommendation>,
    scratches: Arc<Mutex<Vec<Scratch>>>,
}

impl Recommending {
    fn recommendation(&mut self) -> &mut Recommendation {
        let new = || Recommendation::new(self.question, self.scratches.lock().pop().unwrap_or_default());
        self.recommendation.get_or_insert_with(new)
    }
}

impl InSteps for Recommending {
    type Found = Recommended;

    fn people(&self) -> Vec<u64> {
        vec![self.question.id]
    }

    fn prepare(&mut self, people: usize, budget: usize) {
        self.recommendation().prepare(people, budget);
    }

    fn step(&mut self, state: &State, budget: usize) -> Step<Recommended> {
        self.recommendation().step(&state.graph, budget)
    }

    fn restarts(&self) -> u32 {
        self.recommendation.as_ref().map_or(0, Recommendation::restarts)
    }

    fn index(found: &Recommended) -> u32 {
        found.index
    }
}

impl Drop for Recommending {
    fn drop(&mut self) {
        if let Some(recommendation) = self.recommendation.take() {
            let scratch = recommendation.into_scratch();
            self.scratches.lock().push(scratch);
        }
    }
}

struct Intersecting {
    ids: [u64; 2],
    mutual: MutualFriends,
}

impl InSteps for Intersecting {
    type Found = Common;

    fn people(&self) -> Vec<u64> {
        self.ids.to_vec()
    }

    fn step(&mut self, state: &State, budget: usize) -> Step<Common> {
        self.mutual.step(&state.graph, budget)
    }

    fn restarts(&self) -> u32 {
        self.mutual.restarts()
    }

    fn index(found: &Common) -> u32 {
        found.index
    }
}

type Found<T> = Result<Answer<Vec<Named<T>>>, QueryError>;

/// A query on its way: handed from the light lane to the heavy one as it is.
struct Task<Q: InSteps> {
    view: Arc<View>,
    gone: Arc<AtomicBool>,
    query: Q,
    positions: Positions,
}

impl<Q: InSteps> Task<Q> {
    /// None if more steps are needed.
    fn run(&mut self, steps: usize) -> Option<Found<Q::Found>> {
        let mut people = self.view.read().graph.people();
        for _ in 0..steps {
            if self.gone.load(Ordering::Relaxed) {
                // Nobody reads this.
                return Some(Err(QueryError::Broken));
            }
            if self.query.restarts() > MAX_RESTARTS {
                return Some(Err(QueryError::Busy));
            }
            self.query.prepare(people, STEP_EDGES);
            let state = self.view.read();
            people = state.graph.people();
            let step = self.query.step(&state, STEP_EDGES);
            if step.began {
                self.positions = state.positions;
                if let Some(&id) = self.query.people().iter().find(|&&id| state.find(id).is_none()) {
                    return Some(Err(QueryError::Unknown(id)));
                }
            }
            if let Some(found) = step.done {
                // They were chosen among the known, so each of them has a name: none is missing here.
                let named = |what: Q::Found| Some(Named { user: state.person(Q::index(&what))?, what });
                let value = found.into_iter().filter_map(named).collect();
                return Some(Ok(Answer { value, positions: self.positions }));
            }
        }
        None
    }
}

/// Tells a running query that nobody waits for it any more.
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
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

impl Queries {
    pub fn new(view: Arc<View>, metrics: Arc<Metrics>, threads: usize, queue: usize) -> Self {
        let light = Lane::new(threads, queue);
        let heavy = Lane::new((threads / 2).max(1), queue);
        Self { view, metrics, light, heavy, scratches: Arc::default() }
    }

    /// The people whom somebody may know, best first.
    pub async fn recommend(&self, question: Question) -> Found<Recommended> {
        let query = Recommending { question, recommendation: None, scratches: Arc::clone(&self.scratches) };
        self.answer(Kind::Recommendations, query).await
    }

    /// The people who are friends with both, by id, from the one after `after` on.
    pub async fn mutual_friends(&self, ids: [u64; 2], limit: usize, after: u64) -> Found<Common> {
        let query = Intersecting { ids, mutual: MutualFriends::new(ids, limit, after) };
        self.answer(Kind::MutualFriends, query).await
    }

    /// Bytes of the counters that no query uses at the moment.
    pub fn counter_bytes(&self) -> usize {
        self.scratches.lock().iter().map(Scratch::bytes).sum()
    }

    async fn answer<Q: InSteps>(&self, kind: Kind, query: Q) -> Found<Q::Found> {
        let start = Instant::now();
        let caller = Caller(Arc::default());
        let (view, gone) = (Arc::clone(&self.view), Arc::clone(&caller.0));
        let mut task = Task { view, gone, query, positions: Positions::default() };
        let first = move || match task.run(LIGHT_STEPS) {
            Some(answer) => Ok(answer),
            None => Err(task),
        };
        let answer = match self.run(&self.light, first).await? {
            Ok(answer) => answer,
            Err(mut task) => {
                self.metrics.heavy();
                // It is done before it has taken so many steps.
                self.run(&self.heavy, move || task.run(usize::MAX)).await?.unwrap_or(Err(QueryError::Broken))
            }
        };
        self.metrics.query(kind, start.elapsed());
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
