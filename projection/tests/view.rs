//! Readers against the writer, and against a second view that takes the place of the first: whatever they see is what a
//! replay up to their positions gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::StreamPosition;
use domain::event::{Stream, decode};
use projection::graph::{MutualFriends, Question, Rank, Recommendation, Scratch};
use projection::metrics::Metrics;
use projection::queries::Queries;
use projection::view::{Entry, Positions, View};

const PEOPLE: u64 = 30;

/// A small generator with a given seed (xorshift), so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Name(u64, u64),
    Friends(u64, u64, bool),
}

/// What happened, in the order of each stream.
struct History {
    users: Vec<Change>,
    friendships: Vec<Change>,
}

fn position(number: usize) -> StreamPosition {
    format!("{}-0", number + 1).parse().unwrap()
}

fn number(position: StreamPosition) -> usize {
    position.millis as usize
}

impl History {
    fn random(random: &mut Random, events: usize) -> Self {
        let mut history = Self { users: Vec::new(), friendships: Vec::new() };
        for version in 0..events {
            let (a, b) = (random.below(PEOPLE) + 1, random.below(PEOPLE) + 1);
            match random.below(8) {
                0 => history.users.push(Change::Name(a, version as u64)),
                kind if a != b => history.friendships.push(Change::Friends(a, b, kind < 6)),
                _ => {}
            }
        }
        history
    }

    fn stream(&self, stream: Stream) -> &[Change] {
        match stream {
            Stream::User => &self.users,
            Stream::Friend => &self.friendships,
        }
    }

    /// As the tail hands them over.
    fn entries(&self, stream: Stream, range: std::ops::Range<usize>) -> Vec<Entry> {
        const TIME: &str = "2026-11-22T01:27:43.123Z";
        let entry = |number: usize| {
            let (kind, data) = match self.stream(stream)[number] {
                Change::Name(id, version) => {
                    let kind = if version == 0 { "USER_CREATED" } else { "USER_UPDATED" };
                    let names = format!(r#""firstName":"Person","lastName":"{version}""#);
                    (kind, format!(r#"{{"id":{id},{names},"createdAt":"{TIME}","updatedAt":"{TIME}"}}"#))
                }
                Change::Friends(a, b, added) => {
                    let kind = if added { "FRIEND_ADDED" } else { "FRIEND_REMOVED" };
                    let ids = format!(r#""id":1,"userId":{a},"friendId":{b}"#);
                    (kind, format!(r#"{{{ids},"createdAt":"{TIME}","updatedAt":"{TIME}"}}"#))
                }
            };
            Entry { position: position(number), event: Some(decode(stream, kind, None, data.as_bytes()).unwrap()) }
        };
        range.map(entry).collect()
    }

    /// Names and friends after so many events of each stream.
    fn state(&self, positions: Positions) -> (BTreeMap<u64, u64>, BTreeMap<u64, BTreeSet<u64>>) {
        let (mut names, mut friends) = (BTreeMap::new(), BTreeMap::<u64, BTreeSet<u64>>::new());
        for change in &self.users[..number(positions.user)] {
            if let Change::Name(id, version) = *change {
                names.insert(id, version);
            }
        }
        for change in &self.friendships[..number(positions.friend)] {
            if let Change::Friends(a, b, added) = *change {
                for (one, other) in [(a, b), (b, a)] {
                    let friends = friends.entry(one).or_default();
                    let _ = if added { friends.insert(other) } else { friends.remove(&other) };
                }
            }
        }
        (names, friends)
    }

    /// Id, name and weight of whom `id` may know, best first.
    fn recommended(&self, positions: Positions, id: u64) -> Vec<(u64, u64, u64)> {
        let (names, friends) = self.state(positions);
        let of = |id: u64| friends.get(&id).cloned().unwrap_or_default();
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for candidate in of(id).iter().flat_map(|&friend| of(friend)) {
            *counts.entry(candidate).or_default() += 1;
        }
        let others = counts.into_iter().filter(|(other, _)| *other != id && !of(id).contains(other));
        let mut ranked: Vec<_> =
            others.filter_map(|(other, weight)| Some((other, *names.get(&other)?, weight))).collect();
        ranked.sort_by_key(|&(id, _, weight)| (std::cmp::Reverse(weight), id));
        ranked
    }

    fn mutual(&self, positions: Positions, a: u64, b: u64) -> Vec<u64> {
        let (names, friends) = self.state(positions);
        let of = |id: u64| friends.get(&id).cloned().unwrap_or_default();
        of(a).intersection(&of(b)).copied().filter(|id| names.contains_key(id)).collect()
    }
}

/// Hands a view the next few events of one of the streams. False at the end of both.
fn write(view: &View, history: &History, random: &mut Random, done: &mut [usize; 2]) -> bool {
    let streams = [Stream::User, Stream::Friend];
    let stream = streams[random.below(2) as usize];
    let at = &mut done[stream as usize];
    // Some of them twice, as after a reconnection.
    let start = at.saturating_sub(random.below(3) as usize);
    let end = history.stream(stream).len().min(*at + random.below(9) as usize);
    view.apply(stream, &history.entries(stream, start..end.max(start)), |_| {});
    *at = end.max(*at);
    streams.iter().any(|&stream| done[stream as usize] < history.stream(stream).len())
}

/// A query in progress, the moment that it is about, and what it asks.
enum Query {
    Recommending(Box<Recommendation>, Positions, u64),
    Intersecting(Box<MutualFriends>, Positions, [u64; 2]),
}

impl Query {
    fn new(random: &mut Random) -> Self {
        let (a, b) = (random.below(PEOPLE) + 1, random.below(PEOPLE) + 1);
        let question = Question { id: a, rank: Rank::Mutual, limit: 1_000, after: None };
        match random.below(2) {
            0 => {
                Self::Recommending(Box::new(Recommendation::new(question, Scratch::default())), Positions::default(), a)
            }
            _ => Self::Intersecting(Box::new(MutualFriends::new([a, b], 1_000, 0)), Positions::default(), [a, b]),
        }
    }

    /// One step; an answer is compared with the replay.
    fn step(&mut self, view: &View, history: &History, budget: usize) -> bool {
        let state = view.read();
        match self {
            Self::Recommending(recommendation, moment, id) => {
                let step = recommendation.step(&state.graph, budget);
                *moment = if step.began { state.positions } else { *moment };
                let Some(found) = step.done else { return false };
                let named = found.iter().map(|one| {
                    let name = state.person(one.index).unwrap().last_name.as_str().parse().unwrap();
                    (one.id(), name, one.score().numerator)
                });
                let known = history.state(*moment).0.contains_key(id);
                let expected = if known { history.recommended(*moment, *id) } else { Vec::new() };
                assert_eq!(named.collect::<Vec<_>>(), expected, "person {id} at {moment}");
            }
            Self::Intersecting(mutual, moment, [a, b]) => {
                let step = mutual.step(&state.graph, budget);
                *moment = if step.began { state.positions } else { *moment };
                let Some(found) = step.done else { return false };
                let names = history.state(*moment).0;
                let known = names.contains_key(a) && names.contains_key(b);
                let expected = if known { history.mutual(*moment, *a, *b) } else { Vec::new() };
                let found: Vec<u64> = found.iter().map(|one| one.id).collect();
                assert_eq!(found, expected, "{a} and {b} at {moment}");
            }
        }
        true
    }
}

/// Writer, queries and rebuilds take turns in an order that the seed decides; thousands of orders are tried.
#[test]
fn in_any_order_of_steps_an_answer_is_that_of_one_moment() {
    let (mut answers, mut exchanges) = (0, 0);
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let history = History::random(&mut random, 300);
        let (view, mut done) = (View::default(), [0; 2]);
        let (mut fresh, mut rebuilt) = (View::default(), [0; 2]);
        let mut queries: Vec<Query> = (0..4).map(|_| Query::new(&mut random)).collect();
        let mut more = true;
        while more {
            match random.below(8) {
                0 => more = write(&view, &history, &mut random, &mut done),
                1 => {
                    write(&fresh, &history, &mut random, &mut rebuilt);
                    if view.replace(&fresh) {
                        exchanges += 1;
                        (fresh, rebuilt) = (View::default(), [0; 2]);
                    }
                }
                _ => {
                    let at = random.below(4) as usize;
                    let budget = random.below(40) as usize + 1;
                    if queries[at].step(&view, &history, budget) {
                        answers += 1;
                        queries[at] = Query::new(&mut random);
                    }
                }
            }
        }
        let whole =
            Positions { user: position(history.users.len() - 1), friend: position(history.friendships.len() - 1) };
        assert_eq!(view.positions(), whole);
        for id in 1..=PEOPLE {
            let question = Question { id, rank: Rank::Mutual, limit: 1_000, after: None };
            let mut query = Query::Recommending(Box::new(Recommendation::new(question, Scratch::default())), whole, id);
            assert!(query.step(&view, &history, usize::MAX));
        }
    }
    assert!(answers > 10_000 && exchanges > 100, "{answers} answers, {exchanges} exchanges");
}

/// The same with threads, as the worker has them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beside_a_writer_and_rebuilds_an_answer_is_that_of_one_moment() {
    let mut random = Random::new(7);
    let history = Arc::new(History::random(&mut random, 20_000));
    let (view, end) = (Arc::<View>::default(), Arc::<AtomicBool>::default());
    let queries = Arc::new(Queries::new(Arc::clone(&view), Arc::<Metrics>::default(), 3, 100));
    let mut asking = Vec::new();
    for reader in 0..3 {
        let (queries, end) = (Arc::clone(&queries), Arc::clone(&end));
        asking.push(tokio::spawn(async move {
            let (mut random, mut seen) = (Random::new(100 + reader), Vec::new());
            while !end.load(Ordering::Relaxed) {
                let id = random.below(PEOPLE) + 1;
                let question = Question { id, rank: Rank::Mutual, limit: 1_000, after: None };
                let Ok(answer) = queries.recommend(question).await else { continue };
                let named = answer.value.iter().map(|one| {
                    let name = one.user.last_name.as_str().parse().unwrap();
                    (one.user.id.get(), name, one.what.score().numerator)
                });
                seen.push((id, answer.positions, named.collect::<Vec<(u64, u64, u64)>>()));
            }
            seen
        }));
    }
    let (writer, events) = (Arc::clone(&view), Arc::clone(&history));
    let writing = tokio::task::spawn_blocking(move || {
        let mut done = [0; 2];
        while write(&writer, &events, &mut random, &mut done) {
            std::thread::yield_now();
        }
    });
    let (live, events, stop) = (Arc::clone(&view), Arc::clone(&history), Arc::clone(&end));
    let rebuilding = tokio::task::spawn_blocking(move || {
        let mut exchanges = 0;
        while !stop.load(Ordering::Relaxed) {
            let (fresh, mut random, mut done) = (View::default(), Random::new(exchanges), [0; 2]);
            while !live.replace(&fresh) {
                write(&fresh, &events, &mut random, &mut done);
            }
            exchanges += 1;
        }
        exchanges
    });
    writing.await.unwrap();
    end.store(true, Ordering::Relaxed);
    assert!(rebuilding.await.unwrap() > 0);
    let mut checked = 0;
    for reader in asking {
        // Comparing takes longer than asking: a part of them, spread over the whole.
        let seen = reader.await.unwrap();
        for (id, positions, found) in seen.iter().step_by(seen.len() / 200 + 1) {
            assert_eq!(*found, history.recommended(*positions, *id), "person {id} at {positions}");
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked} answers");
}
