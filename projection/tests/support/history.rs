#![allow(dead_code, reason = "each test program uses a part of it")]
//! Random histories of people and friendships, and what a view makes of them.

use std::collections::BTreeMap;

use domain::event::{Event, Stream};
use domain::{Friendship, FriendshipId, Name, StreamPosition, Timestamp, User, UserId, friendship, user};
use projection::view::{Entry, Positions, State, View};

/// Deterministic: the same seed, the same history.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }
}

/// The two streams, in the order in which they were appended.
pub struct History {
    pub entries: Vec<(Stream, Entry)>,
}

pub fn person(id: u64, round: u64) -> Event {
    let first = "é".repeat((id.wrapping_mul(7) + round * 13) as usize % 40 + 1);
    let last = Name::parse(&format!("Number {id}")).unwrap();
    let (created_at, updated_at) = (Timestamp::from_millis(id), Timestamp::from_millis(id.wrapping_add(round)));
    let user = User {
        id: UserId::new(id).unwrap(),
        first_name: Name::parse(&first).unwrap(),
        last_name: last,
        created_at,
        updated_at,
    };
    Event::User(if round == 0 { user::Event::Created(user) } else { user::Event::Updated(user) })
}

pub fn friends(a: u64, b: u64, added: bool) -> Event {
    let [user_id, friend_id] = [a, b].map(|id| UserId::new(id).unwrap());
    let at = Timestamp::from_millis(a);
    let friendship =
        Friendship { id: FriendshipId::new(7).unwrap(), user_id, friend_id, created_at: at, updated_at: at };
    let event = if added { friendship::Event::Added } else { friendship::Event::Removed };
    Event::Friendship(event(friendship))
}

impl History {
    /// Ids have gaps; one in a hundred entries cannot be read; somebody has very many friends.
    pub fn random(seed: u64, length: usize, people: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut last = [0_u64; 2];
        let entries = (0..length).map(|_| {
            let mut id = || (random.below(people) + 1) * 3;
            let (a, b) = (id(), id());
            let (stream, event) = match random.below(100) {
                0 => (Stream::Friend, None),
                1..=25 => (Stream::User, Some(person(a, random.below(5)))),
                26..=75 => (Stream::Friend, Some(friends(a, b, true))),
                76..=85 => (Stream::Friend, Some(friends(3, b, true))),
                _ => (Stream::Friend, Some(friends(a, b, false))),
            };
            last[stream as usize] += 1 + random.below(3);
            let position = StreamPosition { millis: 1_795_310_863_000 + last[stream as usize], seq: random.below(2) };
            (stream, Entry { position, event })
        });
        Self { entries: entries.collect() }
    }

    /// Applies what is not beyond the positions.
    pub fn up_to(&self, positions: &Positions) -> View {
        let view = View::default();
        for (stream, entry) in &self.entries {
            if entry.position <= positions.of(*stream) {
                view.apply(*stream, std::slice::from_ref(entry), |_| {});
            }
        }
        view
    }

    pub fn end(&self) -> Positions {
        let mut end = Positions::default();
        self.entries.iter().for_each(|(stream, entry)| end.set(*stream, entry.position));
        end
    }
}

/// Everything that a view says, by id.
#[derive(Debug, PartialEq)]
pub struct Everything {
    positions: Positions,
    entries: [u64; 2],
    known: usize,
    friendships: u64,
    /// With the person, if they are known. Somebody without friends who is unknown is nobody.
    people: BTreeMap<u64, (Option<User>, Vec<u64>)>,
}

pub fn everything(state: &State) -> Everything {
    let graph = &state.graph;
    let person = |index: u32| {
        let mut friends: Vec<u64> = graph.friends(index).map(|friend| graph.id(friend)).collect();
        friends.sort_unstable();
        (graph.id(index), (state.person(index), friends))
    };
    let people =
        (0..graph.people() as u32).map(person).filter(|(_, (user, friends))| user.is_some() || !friends.is_empty());
    Everything {
        positions: state.positions,
        entries: state.entries,
        known: graph.known(),
        friendships: graph.friendships(),
        people: people.collect(),
    }
}
