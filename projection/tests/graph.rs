//! The graph against a model so plain that it is obviously right.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use projection::graph::{Frozen, Graph, MutualFriends, Question, Rank, Recommendation, Scratch, Standing};
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

    /// The whole ranking: ids and scores as the definitions of the measures have them.
    fn ranking(&self, id: u64, rank: Rank) -> Vec<(u64, f64)> {
        let mut candidates: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for friend in self.of(id) {
            for candidate in self.of(friend) {
                if candidate != id && !self.of(id).contains(&candidate) && self.known.contains(&candidate) {
                    candidates.entry(candidate).or_default().push(friend);
                }
            }
        }
        let score = |(candidate, mutual): (u64, Vec<u64>)| {
            let union = self.of(id).union(&self.of(candidate)).count();
            let score = match rank {
                Rank::Mutual => mutual.len() as f64,
                Rank::Jaccard => mutual.len() as f64 / union as f64,
                Rank::AdamicAdar => mutual.iter().map(|friend| 1.0 / (self.of(*friend).len() as f64).ln()).sum(),
            };
            (candidate, score)
        };
        let mut ranked: Vec<_> = candidates.into_iter().map(score).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked
    }

    fn recommend(&self, id: u64, limit: usize) -> Vec<(u64, u64)> {
        let ranking = self.ranking(id, Rank::Mutual);
        ranking.into_iter().take(limit).map(|(id, score)| (id, score as u64)).collect()
    }
}

/// A graph of nobody's friends. In a large one a few touched counters are written down, in a small one all are scanned.
fn empty(large: bool) -> Graph {
    let mut graph = Graph::default();
    (0..if large { 4_000 } else { 0 }).for_each(|id| assert!(graph.intern(10_000_000 + id).is_ok()));
    graph
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

fn ask(graph: &Graph, question: Question, scratch: &mut Scratch) -> Vec<Standing> {
    let mut recommendation = Recommendation::new(question, std::mem::take(scratch));
    let step = recommendation.step(graph, usize::MAX);
    assert!(step.began);
    *scratch = recommendation.into_scratch();
    step.done.unwrap().into_iter().map(|one| one.standing).collect()
}

fn recommend(graph: &Graph, id: u64, limit: usize, scratch: &mut Scratch) -> Vec<(u64, u64)> {
    let best = ask(graph, Question { id, rank: Rank::Mutual, limit, after: None }, scratch);
    best.into_iter().map(|one| (one.id, one.score.0.numerator)).collect()
}

fn common(graph: &Graph, a: u64, b: u64) -> Vec<u64> {
    let step = MutualFriends::new([a, b], usize::MAX, 0).step(graph, usize::MAX);
    step.done.unwrap().into_iter().map(|one| one.id).collect()
}

/// The same people with the same scores, where people whose scores differ by less than rounding may be in any order.
fn assert_same_ranking(found: &[Standing], expected: &[(u64, f64)]) {
    const ROUNDING: f64 = 1e-6;
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    let scores: HashMap<u64, f64> = expected.iter().copied().collect();
    for (place, one) in found.iter().enumerate() {
        let score = one.score.0.value();
        assert!((scores[&one.id] - score).abs() < ROUNDING, "{one:?} {expected:?}");
        assert!((expected[place].1 - score).abs() < ROUNDING, "{one:?} at {place} in {expected:?}");
    }
    assert!(found.is_sorted(), "{found:?}");
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
    fn any_history_gives_what_the_model_gives(history in ops(), limit in 0_usize..6, large in any::<bool>()) {
        let (mut graph, mut model) = (empty(large), Model::default());
        for op in &history {
            prop_assert_eq!(apply(&mut graph, op), model.apply(op), "{:?}", op);
        }
        let mut scratch = Scratch::default();
        let mut edges = 0;
        for a in IDS {
            let expected = model.of(a);
            edges += expected.len() as u64;
            prop_assert_eq!(friends(&graph, a), expected);
            let known = model.known.contains(&a);
            let expected = |limit| if known { model.recommend(a, limit) } else { Vec::new() };
            prop_assert_eq!(recommend(&graph, a, limit, &mut scratch), expected(limit));
            prop_assert_eq!(recommend(&graph, a, 1_000, &mut scratch), expected(1_000));
            for rank in Rank::ALL.into_iter().filter(|_| known) {
                let whole = ask(&graph, Question { id: a, rank, limit: 1_000, after: None }, &mut scratch);
                assert_same_ranking(&whole, &model.ranking(a, rank));
                // Page by page it is the same ranking.
                let (mut pages, page) = (Vec::new(), limit + 1);
                loop {
                    let after = pages.last().copied();
                    let more = ask(&graph, Question { id: a, rank, limit: page, after }, &mut scratch);
                    pages.extend_from_slice(&more);
                    if more.len() < page { break }
                }
                prop_assert_eq!(pages, whole);
            }
            for b in IDS.into_iter().filter(|_| model.known.contains(&a)) {
                if model.known.contains(&b) {
                    prop_assert_eq!(common(&graph, a, b), model.mutual(a, b));
                }
            }
        }
        prop_assert_eq!(graph.friendships() * 2, edges);
        prop_assert_eq!(graph.known(), model.known.len());
    }

    /// A query that lets the writer in between any two steps answers what was true at its first step.
    #[test]
    fn a_query_in_steps_is_exact_at_its_first_step(before in ops(), during in ops(), budget in 1_usize..40,
                                                   pace in 1_usize..4, large in any::<bool>(), rank in prop::sample::select(&Rank::ALL[..]),
                                                   of in prop::sample::select(&IDS[..]), other in prop::sample::select(&IDS[..])) {
        let (mut graph, mut model) = (empty(large), Model::default());
        let all = [&before[..], &[Op::Know(of), Op::Know(other)]].concat();
        for op in &all {
            apply(&mut graph, op);
            model.apply(op);
        }
        let (expected, in_common) = (model.ranking(of, rank), model.mutual(of, other));
        let question = Question { id: of, rank, limit: 1_000, after: None };
        let mut recommendation = Recommendation::new(question, Scratch::default());
        let mut friends = MutualFriends::new([of, other], 1_000, 0);
        let (mut best, mut both) = (None, None);
        let mut during = during.chunks(pace);
        while best.is_none() || both.is_none() {
            if best.is_none() {
                best = recommendation.step(&graph, budget).done;
            }
            if both.is_none() {
                both = friends.step(&graph, budget).done;
            }
            for op in during.next().unwrap_or_default() {
                // A name that changes makes a query about it start again.
                let renames = matches!(op, Op::Know(id) if graph.index(*id).is_some_and(|index| graph.known_id(index).is_some()));
                if !renames {
                    apply(&mut graph, op);
                    model.apply(op);
                }
            }
        }
        prop_assert_eq!((recommendation.restarts(), friends.restarts()), (0, 0));
        let best: Vec<_> = best.unwrap().into_iter().map(|one| one.standing).collect();
        assert_same_ranking(&best, &expected);
        prop_assert_eq!(both.unwrap().into_iter().map(|one| one.id).collect::<Vec<_>>(), in_common);
        // The counters are clean again: another query on them is right too.
        let mut scratch = recommendation.into_scratch();
        for id in IDS.into_iter().filter(|id| model.known.contains(id)) {
            prop_assert_eq!(recommend(&graph, id, 9, &mut scratch), model.recommend(id, 9));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is read a few people at a time is the graph at the moment when the reading began, and another graph that is
    /// filled with it answers the same.
    #[test]
    fn a_frozen_graph_is_that_of_its_moment(before in ops(), during in ops(), budget in 1_usize..20, pace in 1_usize..6) {
        let (mut graph, mut model) = (Graph::default(), Model::default());
        for op in &before {
            apply(&mut graph, op);
            model.apply(op);
        }
        let mut frozen = Frozen::begin(&graph);
        let (people, friendships) = (graph.people(), graph.friendships());
        let mut during = during.chunks(pace);
        let mut read = Vec::new();
        while frozen.read(&graph, budget, |one| read.push((one.id, one.known, one.friends.to_vec()))).unwrap() {
            for op in during.next().unwrap_or_default() {
                apply(&mut graph, op);
            }
        }
        prop_assert_eq!((read.len(), frozen.people() as usize, frozen.friendships()), (people, people, friendships));

        let mut other = Graph::default();
        for (index, (id, known, _)) in read.iter().enumerate() {
            prop_assert_eq!(other.restore_person(*id, *known), Ok(index as u32));
        }
        for (index, (_, _, friends)) in read.iter().enumerate() {
            prop_assert!(other.restore_friends(index as u32, friends));
            prop_assert_eq!(other.restore_friends(index as u32, &[index as u32]), false);
        }
        prop_assert_eq!((other.friendships(), other.known()), (friendships, model.known.len()));
        for id in IDS {
            prop_assert_eq!(friends(&other, id), model.of(id));
            let expected = if model.known.contains(&id) { model.recommend(id, 1_000) } else { Vec::new() };
            prop_assert_eq!(recommend(&other, id, 1_000, &mut Scratch::default()), expected);
        }
    }
}

/// What a query has missed is known for so many changes; and a graph that forgets is another graph.
#[test]
fn a_query_that_has_missed_too_much_starts_again() {
    let mut graph = Graph::default();
    for id in 1..=4 {
        let index = graph.intern(id).unwrap();
        graph.know(index);
    }
    graph.add(1, 2).unwrap();
    graph.add(2, 3).unwrap();
    let question = Question { id: 1, rank: Rank::Mutual, limit: 10, after: None };
    for lost in 0..3 {
        let mut recommendation = Recommendation::new(question, Scratch::default());
        assert!(recommendation.step(&graph, 1).began);
        match lost {
            0 => (0..40_000).for_each(|_| assert!(graph.add(3, 4).unwrap() && graph.remove(3, 4))),
            1 => graph.forget_friendships(),
            _ => graph.know(2),
        }
        let mut best = None;
        while best.is_none() {
            best = recommendation.step(&graph, 1).done;
        }
        assert_eq!(recommendation.restarts(), 1, "{lost}");
        assert_eq!(best.unwrap().len(), usize::from(lost != 1));
        graph.add(1, 2).unwrap();
        graph.add(2, 3).unwrap();
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
        let found = common(&graph, 1, 2);
        assert_eq!(found, both);
    }
}

/// Merging and searching, flat and in chunks.
#[test]
fn friends_are_restored_whatever_their_number() {
    let mut graph = Graph::default();
    let lengths = [1, 2, 1_023, 1_024, 1_025, 1_027, 1_540, 2_053, 5_131];
    (1..=10_000).for_each(|id| assert!(graph.restore_person(id, true).is_ok()));
    for (index, &length) in lengths.iter().enumerate() {
        // Any number of them may leave one over when they are cut into pieces.
        let list: Vec<u32> = (100..100 + length).collect();
        assert!(graph.restore_friends(index as u32, &list));
        assert_eq!((graph.degree(index as u32), graph.friends(index as u32).collect::<Vec<_>>()), (list.len(), list));
    }
}

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
        let found = common(&graph, 1, 2);
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
        assert_eq!(recommend(&graph, 1, 10, &mut Scratch::default()), [(2, mutual)]);
        assert_eq!(common(&graph, 1, 2).len() as u64, mutual);
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
