//! What the way through the runtime costs: the recommendation route beside the worker's own, the same people in turn.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use load::drive::{Work, drive};
use load::people::Person;
use load::{Answer, Connection, Requests, Tally, Target};
use serde::{Deserialize, Serialize};

use super::asking::TOP;
use super::random::Random;
use super::source::rmat_edge;
use crate::bed;
use crate::figures::median;

/// As many as the goal is stated for.
const CONNECTIONS: usize = 64;
const SCALE: u32 = 11;
const FRIENDSHIPS: usize = 30_000;
const WARM_UP: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    Runtime,
    Worker,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    pub round: usize,
    pub way: Way,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpPath {
    pub people: u64,
    pub friendships: usize,
    pub turns: Vec<Turn>,
}

impl HttpPath {
    pub fn median(&self, way: Way, of: impl Fn(&Turn) -> f64) -> f64 {
        median(&self.turns.iter().filter(|turn| turn.way == way).map(of).collect::<Vec<_>>())
    }

    /// How many times as long the way through the runtime takes, by throughput.
    pub fn ratio(&self) -> f64 {
        self.median(Way::Worker, |turn| turn.per_second) / self.median(Way::Runtime, |turn| turn.per_second)
    }
}

/// Starts a system, fills it through its front door, and measures both ways in turn.
pub async fn measure(rounds: usize, seconds: f64, quick: bool) -> Result<HttpPath> {
    eprintln!("the HTTP path: starting a system");
    let (system, _) = bed::start(|_| ()).await?;
    let runtime = Target::find(&system.url()).await?;
    let worker = Target::resolve(&system.worker_url()).await?;
    let friendships = if quick { FRIENDSHIPS / 10 } else { FRIENDSHIPS };
    let people = 1_u64 << SCALE;
    let requests = runtime.requests();
    fill(&runtime, people as usize, |request, n| {
        requests.create_user(request, &Person::random(&mut fastrand::Rng::with_seed(n as u64)));
    })
    .await?;
    let mut random = Random::new(42);
    let mut pairs = std::collections::HashSet::new();
    while pairs.len() < friendships {
        let [a, b] = rmat_edge(&mut random, SCALE);
        if a != b {
            pairs.insert([a.min(b), a.max(b)]);
        }
    }
    let pairs: Vec<[u32; 2]> = pairs.into_iter().collect();
    let last = fill(&runtime, pairs.len(), |request, n| {
        requests.add_friend(request, pairs[n][0].into(), pairs[n][1].into());
    })
    .await?;
    wait_for(&worker, &last).await?;
    let mut turns = Vec::new();
    for round in 0..rounds {
        // No way always comes after the other.
        let ways = if round.is_multiple_of(2) { [Way::Runtime, Way::Worker] } else { [Way::Worker, Way::Runtime] };
        for way in ways {
            let target = if way == Way::Runtime { &runtime } else { &worker };
            let turn = turn(round, way, target, people, seconds).await?;
            eprintln!("  round {}: {:?} {:.0}/s, p99 {:.2} ms", round + 1, way, turn.per_second, turn.p99_ms);
            turns.push(turn);
        }
    }
    system.stop_all().await;
    Ok(HttpPath { people, friendships, turns })
}

struct Fill<F> {
    next: Cell<usize>,
    count: usize,
    write: F,
    last_event: RefCell<String>,
    wrong: RefCell<Option<String>>,
}

impl<F: Fn(&mut Vec<u8>, usize)> Work for Fill<F> {
    type Call = ();

    fn next(&self, request: &mut Vec<u8>) -> Option<()> {
        let n = self.next.get();
        (n < self.count && self.wrong.borrow().is_none()).then(|| {
            self.next.set(n + 1);
            (self.write)(request, n);
        })
    }

    fn done(&self, (): (), answer: io::Result<Answer<'_>>, _: Duration) {
        match answer {
            Ok(answer) if answer.status == 201 => {
                let event = answer.header("last-event").unwrap_or_default();
                self.last_event.replace(event.to_owned());
            }
            Ok(answer) => {
                let body = String::from_utf8_lossy(answer.body);
                self.wrong.replace(Some(format!("{}: {body}", answer.status)));
            }
            Err(error) => drop(self.wrong.replace(Some(error.to_string()))),
        }
    }
}

/// Makes commands. Returns one of the last events.
async fn fill(target: &Target, count: usize, write: impl Fn(&mut Vec<u8>, usize)) -> Result<String> {
    let (last_event, wrong) = (RefCell::default(), RefCell::default());
    let fill = Fill { next: Cell::new(0), count, write, last_event, wrong };
    drive(target.address, 16, &fill).await;
    match fill.wrong.into_inner() {
        Some(wrong) => bail!("the network cannot be made: {wrong}"),
        None => Ok(fill.last_event.into_inner()),
    }
}

async fn wait_for(worker: &Target, last_event: &str) -> Result<()> {
    let mut request = Vec::new();
    worker.requests().get(&mut request, format_args!("/v1/users/1/recommendations?after={last_event}"));
    let mut connection = Connection::open(worker.address).await?;
    let answer = connection.call(&request).await.context("the worker")?;
    ensure!(answer.status == 200, "the worker is behind: {}", String::from_utf8_lossy(answer.body));
    Ok(())
}

struct Asking {
    way: Way,
    requests: Requests,
    people: u64,
    random: RefCell<Random>,
    from: Instant,
    until: Instant,
    tally: RefCell<Tally>,
    wrong: RefCell<Option<String>>,
}

impl Work for Asking {
    type Call = ();

    fn next(&self, request: &mut Vec<u8>) -> Option<()> {
        (Instant::now() < self.until).then(|| {
            let id = self.random.borrow_mut().below(self.people) + 1;
            match self.way {
                Way::Runtime => {
                    let path = "/recommendation/v1/users";
                    self.requests.get(request, format_args!("{path}/{id}/commands/recommendFriends?limit={TOP}"));
                }
                Way::Worker => {
                    self.requests.get(request, format_args!("/v1/users/{id}/recommendations?limit={TOP}"));
                }
            }
        })
    }

    fn done(&self, (): (), answer: io::Result<Answer<'_>>, took: Duration) {
        let wrong = match answer {
            Ok(answer) if answer.status == 200 => {
                let now = Instant::now();
                if now >= self.from && now < self.until {
                    self.tally.borrow_mut().answered(answer.status, took);
                }
                return;
            }
            Ok(answer) => format!("{}: {}", answer.status, String::from_utf8_lossy(answer.body)),
            Err(error) => error.to_string(),
        };
        self.wrong.borrow_mut().get_or_insert(wrong);
    }
}

async fn turn(round: usize, way: Way, target: &Target, people: u64, seconds: f64) -> Result<Turn> {
    let from = Instant::now() + WARM_UP;
    let asking = Asking {
        way,
        requests: target.requests(),
        people,
        random: RefCell::new(Random::new(round as u64 + 1)),
        from,
        until: from + Duration::from_secs_f64(seconds),
        tally: RefCell::default(),
        wrong: RefCell::default(),
    };
    drive(target.address, CONNECTIONS, &asking).await;
    if let Some(wrong) = asking.wrong.into_inner() {
        bail!("{way:?}: {wrong}");
    }
    let tally = asking.tally.into_inner();
    let per_second = tally.answers() as f64 / seconds;
    Ok(Turn { round, way, per_second, p50_ms: tally.ms(0.5), p99_ms: tally.ms(0.99) })
}
