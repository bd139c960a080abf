//! One query, asked as the worker asks it: in steps, the view let go of between them.

use std::time::{Duration, Instant};

use projection::graph::{Common, MutualFriends, Question, Rank, Recommendation, Recommended, Scratch, Standing, Step};
use projection::queries::STEP_EDGES;
use projection::view::{State, View};
use serde::{Deserialize, Serialize};

use crate::processes::thread_cpu;

/// How many are recommended.
pub const TOP: usize = 10;
/// The worker's default page of mutual friends.
pub const PAGE: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Mutual,
    AdamicAdar,
    Jaccard,
    SecondPage,
    MutualFriends,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Mutual, Kind::AdamicAdar, Kind::Jaccard, Kind::SecondPage, Kind::MutualFriends];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Mutual => "recommend, top 10",
            Kind::AdamicAdar => "recommend, adamic-adar",
            Kind::Jaccard => "recommend, jaccard",
            Kind::SecondPage => "recommend, next 10 by cursor",
            Kind::MutualFriends => "mutual friends",
        }
    }

    fn rank(self) -> Rank {
        match self {
            Kind::AdamicAdar => Rank::AdamicAdar,
            Kind::Jaccard => Rank::Jaccard,
            Kind::Mutual | Kind::SecondPage | Kind::MutualFriends => Rank::Mutual,
        }
    }
}

/// How long the view was held without a pause.
#[derive(Default)]
pub struct Holds {
    pub all: Vec<f64>,
    /// The longest in processor time: what a hold takes where nobody takes the processor away meanwhile.
    pub longest_cpu: Duration,
}

/// One thread that asks.
pub struct Asker<'a> {
    view: &'a View,
    scratch: Scratch,
    /// Measured only where somebody waits.
    pub holds: Option<Holds>,
}

impl<'a> Asker<'a> {
    pub fn new(view: &'a View, measures_holds: bool) -> Self {
        Self { view, scratch: Scratch::default(), holds: measures_holds.then(Holds::default) }
    }

    /// Asks about a person, and somebody else where it takes two. Returns how long it took.
    pub fn ask(&mut self, kind: Kind, person: u32, other: u32) -> Duration {
        match kind {
            Kind::MutualFriends => {
                let start = Instant::now();
                std::hint::black_box(self.mutual_friends([person, other], PAGE));
                start.elapsed()
            }
            Kind::SecondPage => {
                let first = self.recommend(person, Rank::Mutual, TOP, None);
                let after = first.last().map(|last| last.standing);
                let start = Instant::now();
                std::hint::black_box(self.recommend(person, Rank::Mutual, TOP, after));
                start.elapsed()
            }
            Kind::Mutual | Kind::AdamicAdar | Kind::Jaccard => {
                let start = Instant::now();
                std::hint::black_box(self.recommend(person, kind.rank(), TOP, None));
                start.elapsed()
            }
        }
    }

    pub fn recommend(&mut self, person: u32, rank: Rank, limit: usize, after: Option<Standing>) -> Vec<Recommended> {
        let question = Question { id: person.into(), rank, limit, after };
        let mut query = Recommendation::new(question, std::mem::take(&mut self.scratch));
        let prepare = |query: &mut Recommendation, people| query.prepare(people, STEP_EDGES);
        let step = |query: &mut Recommendation, state: &State| query.step(&state.graph, STEP_EDGES);
        let found = self.steps(&mut query, prepare, step, |one| one.index);
        self.scratch = query.into_scratch();
        found
    }

    pub fn mutual_friends(&mut self, people: [u32; 2], limit: usize) -> Vec<Common> {
        let mut query = MutualFriends::new(people.map(u64::from), limit, 0);
        let step = |query: &mut MutualFriends, state: &State| query.step(&state.graph, STEP_EDGES);
        self.steps(&mut query, |_, _| {}, step, |one| one.index)
    }

    /// To the end, names included, as the worker does it.
    fn steps<Q, T>(
        &mut self,
        query: &mut Q,
        prepare: impl Fn(&mut Q, usize),
        step: impl Fn(&mut Q, &State) -> Step<T>,
        index: impl Fn(&T) -> u32,
    ) -> Vec<T> {
        let mut people = self.view.read().graph.people();
        loop {
            prepare(query, people);
            let state = self.view.read();
            let since = self.holds.as_ref().map(|_| (Instant::now(), thread_cpu()));
            people = state.graph.people();
            let found = step(query, &state).done;
            let named = found.iter().flatten().filter_map(|one| state.person(index(one)));
            std::hint::black_box(named.collect::<Vec<_>>());
            drop(state);
            if let (Some(holds), Some((wall, processor))) = (&mut self.holds, since) {
                holds.all.push(wall.elapsed().as_secs_f64() * 1e6);
                holds.longest_cpu = holds.longest_cpu.max(thread_cpu() - processor);
            }
            if let Some(found) = found {
                return found;
            }
        }
    }
}
