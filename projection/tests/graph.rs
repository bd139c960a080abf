//! The graph against a model so plain that it is obviously right.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use projection::graph::{Graph, Progress, Recommendation, Scratch};
use proptest::prelude::*;

/// Ids with gaps, up to the largest.
const IDS: [u64; 24] = [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    63,
    64,
    65,
    1_000,
    65_535,
    65_536,
    1_000_000,
    4_294_967_295,
    4_294_967_296,
    9_007_199_254_740_990,
    9_007_199_254_740_991,
];

#[derive(Clone, Debug)]
enum Op {
    Add(u64, u64),
    Remove(u64, u64),
    Know(u64),
}

#[derive(Default)]
struct Model {
    friends: HashMap<u64, HashSet<u64>>,
    known: BTreeSet<u64>,
}

impl Model {
    fn of(&self, id: u64) -> HashSet<u64> {
        self.friends.get(&id).cloned().unwrap_or_default()
    }

    fn apply(&mut self, op: &Op) -> bool {
        match *op {
            Op::Add(a, b) => {
                a != b && self.friends.entry(a).or_default().insert(b) && self.friends.entry(b).or_default().insert(a)
            }
            Op::Remove(a, b) => {
                self.friends.entry(a).or_default().remove(&b) && self.friends.entry(b).or_default().remove(&a)
            }
            Op::Know(id) => self.known.insert(id),
        }
    }

    fn mutual(&self, a: u64, b: u64) -> Vec<u64> {
        let both: BTreeSet<u64> = self.of(a).intersection(&self.of(b)).copied().collect();
        both.intersection(&self.known).copied().collect()
    }

    fn recommend(&self, id: u64, limit: usize) -> Vec<(u64, u32)> {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for friend in self.of(id) {
            for candidate in self.of(friend) {
                if candidate != id && !self.of(id).contains(&candidate) && self.known.contains(&candidate) {
                    *counts.entry(candidate).or_default() += 1;
                }
            }
        }
        let mut ranked: Vec<_> = counts.into_iter().collect();
        ranked.sort_by_key(|&(id, mutual)| (std::cmp::Reverse(mutual), id));
        ranked.truncate(limit);
        ranked
    }
}

fn apply(graph: &mut Graph, op: &Op) -> bool {
    match *op {
        Op::Add(a, b) => graph.add(a, b).unwrap(),
        Op::Remove(a, b) => graph.remove(a, b),
        Op::Know(id) => {
            let index = graph.intern(id).unwrap();
            let new = graph.known_id(index).is_none();
            graph.know(index);
            new
        }
    }
}

fn friends(graph: &Graph, id: u64) -> HashSet<u64> {
    let ids: HashMap<u32, u64> = IDS.iter().filter_map(|&id| Some((graph.index(id)?, id))).collect();
    graph.index(id).map(|index| graph.friends(index).map(|friend| ids[&friend]).collect()).unwrap_or_default()
}

fn recommend(graph: &Graph, id: u64, limit: usize, scratch: &mut Scratch) -> Vec<(u64, u32)> {
    let (best, back) = graph.recommend(graph.index(id).unwrap(), limit, std::mem::take(scratch));
    *scratch = back;
    best.into_iter().map(|one| (one.id, one.mutual)).collect()
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let id = || prop::sample::select(&IDS[..]);
    let op = prop_oneof![
        5 => (id(), id()).prop_map(|(a, b)| Op::Add(a, b)),
        2 => (id(), id()).prop_map(|(a, b)| Op::Remove(a, b)),
        1 => id().prop_map(Op::Know),
    ];
    prop::collection::vec(op, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_gives_what_the_model_gives(history in ops(), limit in 0_usize..6) {
        let (mut graph, mut model) = (Graph::default(), Model::default());
        for op in &history {
            prop_assert_eq!(apply(&mut graph, op), model.apply(op), "{:?}", op);
        }
        let mut scratch = Scratch::default();
        let mut edges = 0;
        for a in IDS {
            let expected = model.of(a);
            edges += expected.len() as u64;
            prop_assert_eq!(friends(&graph, a), expected);
            let Some(index) = graph.index(a) else { continue };
            prop_assert_eq!(recommend(&graph, a, limit, &mut scratch), model.recommend(a, limit));
            prop_assert_eq!(recommend(&graph, a, 1_000, &mut scratch), model.recommend(a, 1_000));
            for b in IDS {
                let Some(other) = graph.index(b) else { continue };
                let mutual: Vec<u64> = graph.mutual_friends(index, other).into_iter().map(|(id, _)| id).collect();
                prop_assert_eq!(mutual, model.mutual(a, b));
            }
        }
        prop_assert_eq!(graph.friendships() * 2, edges);
        prop_assert_eq!(graph.known(), model.known.len());
    }

    /// A count that lets the writer in between any two steps gives what is true at its last step.
    #[test]
    fn a_count_in_steps_is_exact_at_its_last_step(before in ops(), during in ops(), of in prop::sample::select(&IDS[..]),
                                                  budget in 1_usize..40, pace in 1_usize..4) {
        let (mut graph, mut model) = (Graph::default(), Model::default());
        for op in &before {
            apply(&mut graph, op);
            model.apply(op);
        }
        let index = graph.intern(of).unwrap();
        let mut recommendation = Recommendation::new(index, 1_000, Scratch::default());
        let mut during = during.chunks(pace);
        let best = loop {
            match recommendation.step(&graph, budget) {
                Progress::Done(best) => break best,
                Progress::Counting => for op in during.next().unwrap_or_default() {
                    apply(&mut graph, op);
                    model.apply(op);
                },
            }
        };
        let best: Vec<_> = best.into_iter().map(|one| (one.id, one.mutual)).collect();
        prop_assert_eq!(best, model.recommend(of, 1_000));
        // The counters are clean again: another query on them is right too.
        let mut scratch = recommendation.into_scratch();
        for id in IDS.into_iter().filter(|&id| graph.index(id).is_some()) {
            prop_assert_eq!(recommend(&graph, id, 9, &mut scratch), model.recommend(id, 9));
        }
    }
}

/// A small generator with a fixed seed (xorshift), so that every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// People with thousands of friends: chunks split, join, move, and become flat again.
#[test]
fn very_large_people_grow_and_shrink_like_the_model() {
    let mut random = Random(42);
    let (mut graph, mut model) = (Graph::default(), BTreeSet::new());
    for id in 1..=20_000 {
        graph.intern(id).unwrap();
    }
    for phase in 0..6 {
        // Growing phases mostly add, shrinking ones mostly remove, the last one to nearly nothing.
        let adds = [90, 20, 80, 5, 70, 1][phase];
        for _ in 0..40_000 {
            let (hub, other) = (random.below(3) + 1, random.below(19_000) + 1_000);
            if random.below(100) < adds {
                assert_eq!(graph.add(hub, other).unwrap(), model.insert((hub, other)));
            } else {
                assert_eq!(graph.remove(hub, other), model.remove(&(hub, other)));
            }
        }
        for hub in 1..=3 {
            let expected: Vec<u32> = model.iter().filter(|edge| edge.0 == hub).map(|edge| edge.1 as u32 - 1).collect();
            let found: Vec<u32> = graph.friends(hub as u32 - 1).collect();
            assert_eq!(found, expected, "phase {phase}, person {hub}");
            assert_eq!(graph.degree(hub as u32 - 1), expected.len());
        }
        let known =
            |hub: u64| model.iter().filter(move |edge| edge.0 == hub).map(|edge| edge.1).collect::<BTreeSet<_>>();
        (0..graph.people() as u32).for_each(|index| graph.know(index));
        let both: Vec<u64> = known(1).intersection(&known(2)).copied().collect();
        let found: Vec<u64> = graph.mutual_friends(0, 1).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, both);
    }
}

/// Merging and searching, flat and in chunks.
#[test]
fn lists_of_any_two_lengths_have_in_common_what_sets_have() {
    let mut random = Random(3);
    for lengths in [[1, 1], [1, 5_000], [7, 900], [40, 30_000], [900, 1_100], [30_000, 2], [3_000, 20_000], [0, 9]] {
        let mut graph = Graph::default();
        let mut sets = [BTreeSet::new(), BTreeSet::new()];
        (1..=2).for_each(|id| assert!(graph.intern(id).is_ok()));
        for (set, (hub, length)) in sets.iter_mut().zip((1..=2).zip(lengths)) {
            while set.len() < length {
                let friend = random.below(40_000) + 10;
                assert_eq!(graph.add(hub, friend).unwrap(), set.insert(friend));
            }
        }
        (0..graph.people() as u32).for_each(|index| graph.know(index));
        let found: Vec<u64> = graph.mutual_friends(0, 1).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, sets[0].intersection(&sets[1]).copied().collect::<Vec<_>>(), "{lengths:?}");
    }
}

/// Wide counters: more than 255, and more than 65,535, mutual friends.
#[test]
fn counts_do_not_overflow_their_counters() {
    for mutual in [255_u64, 256, 65_535, 65_536] {
        let mut graph = Graph::default();
        for friend in 0..mutual {
            graph.add(1, 1_000 + friend).unwrap();
            graph.add(2, 1_000 + friend).unwrap();
        }
        (0..graph.people() as u32).for_each(|index| graph.know(index));
        assert_eq!(recommend(&graph, 1, 10, &mut Scratch::default()), [(2, mutual as u32)]);
        assert_eq!(graph.mutual_friends(0, graph.index(2).unwrap()).len() as u64, mutual);
    }
}

/// Friends drawn by a power law, in random order: at most 8 bytes a directed edge, lists and tables of people together.
#[test]
fn a_power_law_graph_at_rest_takes_at_most_8_bytes_a_directed_edge() {
    let mut random = Random(7);
    let mut graph = Graph::default();
    let people = 100_000;
    // The square of a uniform number favours small ids: a few people with thousands of friends, many with a few.
    let mut draw = || {
        let uniform = random.below(1 << 20) as f64 / f64::from(1 << 20);
        (uniform.powi(2) * f64::from(people)) as u64 + 1
    };
    while graph.friendships() < 1_000_000 {
        graph.add(draw(), draw()).unwrap();
    }
    let footprint = graph.footprint();
    let each = footprint.friendships as f64 / (graph.friendships() * 2) as f64;
    let all = (footprint.friendships + footprint.people) as f64 / (graph.friendships() * 2) as f64;
    assert!(each <= 6.5 && all <= 8.0, "{each:.2} bytes a directed edge, {all:.2} with the tables of people");

    // Half of the friendships go: their memory goes too.
    let mut left = graph.friendships() / 2;
    while left > 0 {
        left -= u64::from(graph.remove(draw(), draw()));
    }
    let after = graph.footprint().friendships as f64 / (graph.friendships() * 2) as f64;
    assert!(after <= 8.0, "{after:.2} bytes a directed edge after half of the friendships have gone");
}
