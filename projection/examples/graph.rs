//! How fast and how large is the graph? Loads an R-MAT graph, friendship by friendship, and compares queries with a
//! plain hash map of hash sets.
//!
//! `cargo run --profile native -p projection --example graph -- [people, as a power of two: 20] [friendships: 16000000]`

#[path = "support/rmat.rs"]
mod rmat;

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::time::{Duration, Instant};

use projection::graph::{Graph, MutualFriends, Question, Rank, Recommendation, Recommended, Scratch};
use rmat::{Random, edge};

/// People asked about: half of them anybody, half drawn by their number of friends.
const ASKED: usize = 200;
const LIMIT: usize = 10;
/// Each is asked so often, and the median counts: other programs run as well.
const ROUNDS: usize = 7;

fn naive(friends: &HashMap<u32, HashSet<u32>>, person: u32) -> Vec<(u32, u32)> {
    let mine = &friends[&person];
    let mut counts: HashMap<u32, u32> = HashMap::new();
    for friend in mine {
        for candidate in &friends[friend] {
            *counts.entry(*candidate).or_default() += 1;
        }
    }
    let others = counts.into_iter().filter(|(other, _)| *other != person && !mine.contains(other));
    let mut ranked: Vec<_> = others.collect();
    ranked.sort_unstable_by_key(|&(other, mutual)| (std::cmp::Reverse(mutual), other));
    ranked.truncate(LIMIT);
    ranked
}

fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = what();
    (result, start.elapsed())
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    println!("{what:32} median {:9.4} ms   p99 {:9.3} ms   max {:9.3} ms", at(50), at(99), at(100));
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let scale: u32 = arguments.next().unwrap_or(20);
    let wanted = arguments.next().unwrap_or(16_000_000);
    let people = 1_u32 << scale;

    let mut random = Random(42);
    let mut graph = Graph::default();
    for id in 1..=u64::from(people) {
        let index = graph.intern(id).expect("room");
        graph.know(index);
    }
    let (mut slowest, mut tried) = (Duration::ZERO, 0_u64);
    let ((), loading) = timed(|| {
        while graph.friendships() < u64::from(wanted) {
            let (a, b) = edge(&mut random, scale);
            tried += 1;
            let (_, time) = timed(|| graph.add(a, b).expect("room"));
            slowest = slowest.max(time);
        }
    });
    let footprint = graph.footprint();
    let directed = (graph.friendships() * 2) as f64;
    println!("{people} people, {} friendships ({tried} tried)", graph.friendships());
    let mut degrees: Vec<usize> = (0..people).map(|person| graph.degree(person)).collect();
    degrees.sort_unstable();
    let (median, most) = (degrees[degrees.len() / 2], degrees[degrees.len() - 1]);
    println!("friends of a person: mean {:.1}, median {median}, most {most}", directed / f64::from(people));
    println!("load: {:.1} s, slowest addition {slowest:?}", loading.as_secs_f64());
    println!(
        "bytes a directed edge: {:.2} lists, {:.2} with the tables of people; {:.1} MB in all",
        footprint.friendships as f64 / directed,
        (footprint.friendships + footprint.people) as f64 / directed,
        (footprint.friendships + footprint.people) as f64 / 1e6
    );

    let asked: Vec<u32> = std::iter::repeat_with(|| {
        let anybody = random.next() as u32 % people;
        if random.next().is_multiple_of(2) { anybody } else { (edge(&mut random, scale).0 - 1) as u32 }
    })
    .filter(|&person| graph.degree(person) > 0)
    .take(ASKED)
    .collect();
    ask(&graph, &asked);
    compare(&graph, &asked, people);
    change(&mut graph, &mut random, scale);
}

fn recommend(graph: &Graph, person: u32, scratch: Scratch) -> (Vec<Recommended>, Scratch) {
    let question = Question { id: u64::from(person) + 1, rank: Rank::Mutual, limit: LIMIT, after: None };
    let mut recommendation = Recommendation::new(question, scratch);
    let best = recommendation.step(graph, usize::MAX).done;
    (best.unwrap_or_default(), recommendation.into_scratch())
}

fn bound(people: usize) {
    fn one<T: Copy + Default + std::ops::AddAssign + From<u8>>(people: usize, name: &str) {
        let mut random = Random(7);
        let places: Vec<u32> = (0..4_000_000).map(|_| (random.next() % people as u64) as u32).collect();
        let mut counters = vec![T::default(); people];
        let mut best = f64::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            for &p in &places {
                counters[p as usize] += T::from(1);
            }
            best = best.min(start.elapsed().as_secs_f64() * 1e9 / places.len() as f64);
        }
        black_box(&counters);
        println!("bound {name}: {best:.2} ns");
    }
    one::<u32>(people, "u32");
    one::<u16>(people, "u16");
}

fn ask(graph: &Graph, asked: &[u32]) {
    bound(graph.people());
    let mut scratch = recommend(graph, asked[0], Scratch::default()).1;
    let mut rounds = vec![Vec::with_capacity(ROUNDS); asked.len()];
    for _ in 0..ROUNDS {
        for (&person, times) in asked.iter().zip(&mut rounds) {
            let ((best, back), took) = timed(|| recommend(graph, person, std::mem::take(&mut scratch)));
            black_box(best);
            scratch = back;
            times.push(took);
        }
    }
    rounds.iter_mut().for_each(|times| times.sort_unstable());
    let times: Vec<Duration> = rounds.iter().map(|times| times[ROUNDS / 2]).collect();
    let two_hop = |person: u32| graph.friends(person).map(|friend| graph.degree(friend)).sum::<usize>();
    let mut edges: Vec<usize> = asked.iter().map(|&person| two_hop(person)).collect();
    let total: usize = edges.iter().sum();
    edges.sort_unstable();
    let each = times.iter().sum::<Duration>().as_secs_f64() * 1e9 / total as f64;
    let (median, p99) = (edges[edges.len() / 2], edges[edges.len() * 99 / 100]);
    println!("two-hop edges: median {median}, p99 {p99}; {each:.1} ns an edge");
    let mut per: Vec<(usize, f64)> =
        asked.iter().zip(&times).map(|(&p, t)| (two_hop(p), t.as_secs_f64() * 1e9)).collect();
    per.sort_by_key(|a| a.0);
    for part in per.chunks(20) {
        let mut x: Vec<f64> = part.iter().map(|(e, t)| t / *e as f64).collect();
        x.sort_by(f64::total_cmp);
        println!("edges {:>8}..{:>8}: {:.2} ns an edge (median)", part[0].0, part[part.len() - 1].0, x[x.len() / 2]);
    }
    report("recommend top 10", times);
    let pairs = asked.windows(2).map(|pair| {
        timed(|| {
            black_box(
                MutualFriends::new([u64::from(pair[0]) + 1, u64::from(pair[1]) + 1], 1000, 0).step(graph, usize::MAX),
            )
        })
        .1
    });
    report("mutual friends", pairs.collect());
}

fn compare(graph: &Graph, asked: &[u32], people: u32) {
    let (friends, time) = timed(|| {
        let lists = (0..people).map(|person| (person, graph.friends(person).collect()));
        lists.collect::<HashMap<u32, HashSet<u32>>>()
    });
    println!("hash map of hash sets: built in {:.1} s", time.as_secs_f64());
    let mut times = Vec::new();
    for &person in asked {
        let (expected, time) = timed(|| naive(&friends, person));
        times.push(time);
        let (best, _) = recommend(graph, person, Scratch::default());
        let best: Vec<_> = best.into_iter().map(|one| (one.index, one.score().numerator as u32)).collect();
        assert_eq!(best, expected, "person {person}");
    }
    report("recommend top 10, hash map", times);
}

/// Removes and adds friendships of everybody, as a full graph sees them.
fn change(graph: &mut Graph, random: &mut Random, scale: u32) {
    let edges: Vec<_> = (0..100_000).map(|_| edge(random, scale)).filter(|(a, b)| a != b).collect();
    let removals = edges.iter().map(|&(a, b)| timed(|| graph.remove(a, b)).1).collect();
    report("remove", removals);
    let additions = edges.iter().map(|&(a, b)| timed(|| graph.add(a, b)).1).collect();
    report("add", additions);
}
