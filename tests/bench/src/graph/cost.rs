//! Cost against work: for each person the time of a recommendation beside the two-hop edges that it has to touch, what
//! as many increments cost at the same moment, and what the plain baseline takes. All answers are compared.

use anyhow::{Result, ensure};
use projection::graph::Rank;
use projection::view::View;
use serde::{Deserialize, Serialize};

use super::asking::{Asker, PAGE, TOP};
use super::bound::{Bound, Cost};
use super::plain::Plain;
use super::source::Network;
use crate::figures::median;
use crate::processes::thread_cpu;

/// The bound is measured again before each so many people.
const TOGETHER: usize = 20;
/// The baseline is asked about people with fewer two-hop edges than this: it takes seconds for more.
const PLAIN_EDGES: u64 = 20_000_000;
/// The slower rankings are compared for people with fewer than this.
const RANKS_EDGES: u64 = 1_000_000;

/// One person. Times are in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    pub person: u32,
    /// One of those drawn, not of the best connected.
    pub drawn: bool,
    pub edges: u64,
    pub ours: f64,
    /// As many increments, of four bytes and of one.
    pub bound: f64,
    pub bound_bytes: f64,
    /// Ours over the bound: the median of the rounds, each with its own bound.
    pub ratio: f64,
    pub ratio_bytes: f64,
    pub plain: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Costs {
    pub points: Vec<Point>,
    /// Seconds to build the baseline.
    pub plain_seconds: f64,
    pub plain_mutual_friends_p50: f64,
    pub plain_mutual_friends_p99: f64,
    /// How many answers were compared.
    pub compared: usize,
}

struct Sample {
    ours: f64,
    cost: Cost,
}

pub fn measure(view: &View, network: &Network, drawn: &[u32], best: &[u32], rounds: usize) -> Result<Costs> {
    eprintln!("  cost of recommendations beside the bound");
    let mut asker = Asker::new(view, false);
    let mut bound = Bound::new(network.people);
    let people: Vec<(u32, bool)> =
        drawn.iter().map(|&person| (person, true)).chain(best.iter().map(|&person| (person, false))).collect();
    let mut samples: Vec<Vec<Sample>> = people.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (people, samples) in people.chunks(TOGETHER).zip(samples.chunks_mut(TOGETHER)) {
            let cost = bound.measure();
            for (&(person, _), samples) in people.iter().zip(samples) {
                let (_, ours) = timed(|| asker.recommend(person, Rank::Mutual, TOP, None));
                samples.push(Sample { ours, cost });
            }
        }
    }
    eprintln!("  building the baseline, a hash map of hash sets");
    let (plain, built) = timed(|| Plain::of(network));
    let mut costs = Costs {
        points: people.iter().zip(&samples).map(|(&person, samples)| point(person, samples, &plain)).collect(),
        plain_seconds: built / 1e6,
        plain_mutual_friends_p50: 0.0,
        plain_mutual_friends_p99: 0.0,
        compared: 0,
    };
    eprintln!("  asking the baseline, and comparing all answers");
    costs.compare(&mut asker, &plain)?;
    Ok(costs)
}

/// What the work gives, and its microseconds of processor time.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = thread_cpu();
    let result = std::hint::black_box(work());
    let took = thread_cpu() - start;
    (result, took.as_secs_f64() * 1e6)
}

fn point((person, drawn): (u32, bool), samples: &[Sample], plain: &Plain) -> Point {
    let edges = plain.edges(person);
    let bounds = |of: fn(&Cost) -> f64| samples.iter().map(move |sample| of(&sample.cost) * edges as f64 / 1e3);
    let middle = |values: &mut dyn Iterator<Item = f64>| median(&values.collect::<Vec<_>>());
    let over = |of: fn(&Cost) -> f64| middle(&mut samples.iter().zip(bounds(of)).map(|(sample, b)| sample.ours / b));
    Point {
        person,
        drawn,
        edges,
        ours: middle(&mut samples.iter().map(|sample| sample.ours)),
        bound: middle(&mut bounds(|cost| cost.words)),
        bound_bytes: middle(&mut bounds(|cost| cost.bytes)),
        ratio: over(|cost| cost.words),
        ratio_bytes: over(|cost| cost.bytes),
        plain: None,
    }
}

impl Costs {
    fn compare(&mut self, asker: &mut Asker<'_>, plain: &Plain) -> Result<()> {
        for point in &mut self.points {
            let person = point.person;
            let ranks: &[Rank] = match point.edges {
                0..RANKS_EDGES => &Rank::ALL,
                RANKS_EDGES..PLAIN_EDGES => &[Rank::Mutual],
                _ => &[],
            };
            for &rank in ranks {
                let (expected, took) = timed(|| plain.recommend(person, rank, 2 * TOP));
                if rank == Rank::Mutual {
                    point.plain = Some(took);
                }
                let first = asker.recommend(person, rank, TOP, None);
                let after = first.last().map(|last| last.standing);
                let second = asker.recommend(person, rank, if after.is_some() { TOP } else { 0 }, after);
                let ours = first.iter().chain(&second).map(|one| {
                    let score = one.score();
                    (one.id() as u32, score.numerator, score.denominator)
                });
                let ours: Vec<_> = ours.collect();
                ensure!(ours == expected, "person {person}, {}: {ours:?}, but it is {expected:?}", rank.name());
                self.compared += 2;
            }
        }
        let mut times = Vec::new();
        let drawn: Vec<u32> = self.points.iter().map(|point| point.person).collect();
        for pair in drawn.windows(2).map(|pair| [pair[0], pair[1]]) {
            let (expected, took) = timed(|| plain.mutual_friends(pair, PAGE));
            times.push(took);
            let ours: Vec<u32> = asker.mutual_friends(pair, PAGE).iter().map(|one| one.id as u32).collect();
            ensure!(ours == expected, "friends of both of {pair:?}: {ours:?}, but it is {expected:?}");
            self.compared += 1;
        }
        self.plain_mutual_friends_p50 = median(&times);
        self.plain_mutual_friends_p99 = crate::figures::percentile(&times, 0.99);
        Ok(())
    }

    /// Those drawn, in ten groups by their two-hop edges.
    pub fn deciles(&self) -> Vec<Vec<&Point>> {
        let mut drawn: Vec<&Point> = self.points.iter().filter(|point| point.drawn).collect();
        drawn.sort_by_key(|point| point.edges);
        let size = drawn.len().div_ceil(10).max(1);
        drawn.chunks(size).map(<[_]>::to_vec).collect()
    }
}
