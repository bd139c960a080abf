//! Making a network: people first, then friendships between them.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use domain::StreamPosition;
use fastrand::Rng;
use load::drive::{Work, drive};
use load::people::{Person, distinct_pairs, random_pairs};
use load::{Answer, Tally, Target};
use serde::Deserialize;

use crate::progress::Progress;

/// How long calls under way are waited for after Ctrl-C.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub people: usize,
    pub friendships: Friendships,
    pub connections: usize,
    pub seed: u64,
}

#[derive(Debug, Clone, Copy)]
pub enum Friendships {
    /// So many calls between random two people: some of them are friends already.
    Random(usize),
    /// So many friendships, each asked for once.
    Distinct(usize),
}

/// What came of a plan.
#[derive(Default)]
pub struct Made {
    pub phases: Vec<Phase>,
    /// The ids of the people, where they were created.
    pub people: Vec<u64>,
    /// The newest friendship's event.
    pub last_event: Option<StreamPosition>,
    pub interrupted: bool,
}

impl Made {
    /// Answers that a healthy system does not give, and calls without one.
    pub fn unexpected(&self) -> u64 {
        let expected = |phase: &Phase| phase.tally.with_status(201) + phase.tally.with_status(409);
        self.phases.iter().map(|phase| phase.tally.answers() + phase.tally.unanswered - expected(phase)).sum()
    }
}

/// All calls of one kind.
pub struct Phase {
    pub name: &'static str,
    pub tally: Tally,
    pub took: Duration,
    /// Why the first call without an answer had none.
    pub first_failure: Option<String>,
}

pub async fn make(target: &Target, plan: Plan) -> Made {
    let mut rng = Rng::with_seed(plan.seed);
    let people: Vec<Person> = (0..plan.people).map(|_| Person::random(&mut rng)).collect();
    let requests = target.requests();
    let mut made = Made::default();

    let create = |request: &mut Vec<u8>, call: usize| requests.create_user(request, &people[call]);
    let ids = RefCell::new(vec![0; people.len()]);
    let created = |call: usize, answer: &Answer<'_>| {
        if let Ok(Created { id }) = serde_json::from_slice(answer.body) {
            ids.borrow_mut()[call] = id;
        }
    };
    made.run(target, plan.connections, Calls::new("createUser", people.len(), &create, &created)).await;
    made.people = ids.into_inner().into_iter().filter(|id| *id != 0).collect();
    if made.interrupted || made.people.len() < 2 {
        return made;
    }

    let pairs = match plan.friendships {
        Friendships::Random(count) => random_pairs(&mut rng, made.people.len(), count),
        Friendships::Distinct(count) => {
            // Where some people could not be created, fewer pairs are left.
            let people = made.people.len();
            distinct_pairs(&mut rng, people, count.min(people * (people - 1) / 2))
        }
    };
    let ids = made.people.clone();
    let add = |request: &mut Vec<u8>, call: usize| {
        let (one, other): (usize, usize) = pairs[call];
        requests.add_friend(request, ids[one], ids[other]);
    };
    let newest = Cell::new(None);
    let added = |_: usize, answer: &Answer<'_>| {
        let position = answer.header("last-event").and_then(|text| text.strip_prefix("friend:")?.parse().ok());
        newest.set(newest.get().max(position));
    };
    made.run(target, plan.connections, Calls::new("addFriend", pairs.len(), &add, &added)).await;
    made.last_event = newest.get();
    made
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

impl Made {
    async fn run(&mut self, target: &Target, connections: usize, calls: Calls<'_>) {
        let begun = Instant::now();
        {
            let mut all = std::pin::pin!(drive(target.address, connections, &calls));
            tokio::select! {
                () = &mut all => {}
                _ = tokio::signal::ctrl_c() => {
                    self.interrupted = true;
                    calls.next.set(calls.count);
                    let _ = tokio::time::timeout(GRACE, all).await;
                }
            }
        }
        self.phases.push(Phase {
            name: calls.name,
            took: begun.elapsed(),
            tally: calls.tally.into_inner(),
            first_failure: calls.first_failure.into_inner(),
        });
    }
}

type Write<'a> = &'a dyn Fn(&mut Vec<u8>, usize);
type Take<'a> = &'a dyn Fn(usize, &Answer<'_>);

/// A number of calls of one kind, in their order.
struct Calls<'a> {
    name: &'static str,
    count: usize,
    next: Cell<usize>,
    write: Write<'a>,
    take: Take<'a>,
    tally: RefCell<Tally>,
    first_failure: RefCell<Option<String>>,
    progress: Progress,
}

impl<'a> Calls<'a> {
    fn new(name: &'static str, count: usize, write: Write<'a>, take: Take<'a>) -> Self {
        Self {
            name,
            count,
            next: Cell::new(0),
            write,
            take,
            tally: RefCell::default(),
            first_failure: RefCell::default(),
            progress: Progress::new(name, count),
        }
    }
}

impl Work for Calls<'_> {
    fn next(&self, request: &mut Vec<u8>) -> Option<usize> {
        let call = self.next.get();
        (call < self.count).then(|| {
            self.next.set(call + 1);
            (self.write)(request, call);
            call
        })
    }

    fn done(&self, call: usize, answer: io::Result<Answer<'_>>, took: Duration) {
        let mut tally = self.tally.borrow_mut();
        match answer {
            Ok(answer) => {
                tally.answered(answer.status, took);
                if answer.status == 201 {
                    (self.take)(call, &answer);
                }
            }
            Err(error) => {
                tally.unanswered += 1;
                self.first_failure.borrow_mut().get_or_insert_with(|| error.to_string());
            }
        }
        self.progress.one_more();
    }
}
