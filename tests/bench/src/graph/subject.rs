//! What is measured: the worker's view in this process, filled as events fill it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::event::{Event, Stream};
use domain::{Friendship, FriendshipId, Name, StreamPosition, Timestamp, User, UserId, friendship, user};
use projection::graph::{Frozen, Graph};
use projection::view::{Entry, View};
use serde::{Deserialize, Serialize};

use super::source::Network;
use crate::processes;

/// Events made at a time, outside of the timing. Their memory is there before the first measurement.
const EVENTS: usize = 64 * 1024;
/// Loading the largest graph takes tens of seconds.
const SAY_EVERY: Duration = Duration::from_secs(5);
const NAMES: [(&str, &str); 4] =
    [("Ada", "Lovelace"), ("Grace", "Hopper"), ("Alan", "Turing"), ("Katherine", "Johnson")];
/// People and friends that are read from one graph and then put into another at a time.
const PIECE: usize = 1 << 20;

/// What loading took, and what the view takes since.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    pub people_seconds: f64,
    pub friendships_seconds: f64,
    /// Of a graph from lists that are there already, as from a snapshot.
    pub bulk_seconds: f64,
    /// Bytes a directed edge: resident memory since the start without the people's names, and as the graph counts them.
    pub resident_bytes: f64,
    pub lists_bytes: f64,
    pub lists_and_tables_bytes: f64,
    /// Bytes a person of their names and times.
    pub record_bytes: f64,
    pub resident_mb: f64,
}

pub fn friendship_entry(number: u64, [a, b]: [u32; 2], added: bool) -> Entry {
    let id = |id: u32| UserId::new(id.into()).expect("ids are from 1 on");
    let time = Timestamp::from_millis(1_795_317_412_856 + number);
    let friendship = Friendship {
        id: FriendshipId::new(number).expect("numbers are from 1 on"),
        user_id: id(a),
        friend_id: id(b),
        created_at: time,
        updated_at: time,
    };
    let event = if added { friendship::Event::Added(friendship) } else { friendship::Event::Removed(friendship) };
    Entry { position: StreamPosition { millis: number, seq: 0 }, event: Some(Event::Friendship(event)) }
}

fn user_entry(id: u32) -> Entry {
    let time = Timestamp::from_millis(1_795_310_863_007 + u64::from(id));
    let (first, last) = NAMES[id as usize % NAMES.len()];
    let name = |text: &str| Name::parse(text).expect("a name");
    let user = User {
        id: UserId::new(id.into()).expect("ids are from 1 on"),
        first_name: name(first),
        last_name: name(last),
        created_at: time,
        updated_at: time,
    };
    let event = Event::User(user::Event::Created(user));
    Entry { position: StreamPosition { millis: id.into(), seq: 0 }, event: Some(event) }
}

/// Applies all events, made piece by piece. Only applying is timed.
fn apply_all(view: &View, stream: Stream, name: &str, mut entries: impl ExactSizeIterator<Item = Entry>) -> Duration {
    let (all, mut took, mut done) = (entries.len(), Duration::ZERO, 0);
    let mut piece = Vec::with_capacity(EVENTS);
    let mut said = Instant::now();
    loop {
        piece.clear();
        piece.extend(entries.by_ref().take(EVENTS));
        if piece.is_empty() {
            return took;
        }
        let start = Instant::now();
        view.apply(stream, &piece, |_| {});
        took += start.elapsed();
        done += piece.len();
        if said.elapsed() > SAY_EVERY {
            eprintln!("    {done} of {all} {name}");
            said = Instant::now();
        }
    }
}

/// People first, then friendship by friendship.
pub fn load(network: &Network) -> Result<(View, Loaded)> {
    let resident = || processes::resident_mb(std::process::id()).context("Linux does not say what is resident");
    let view = View::default();
    let before = resident()?;
    let people = apply_all(&view, Stream::User, "people", (0..network.people).map(|n| user_entry(n + 1)));
    let pairs = network.friendships.iter().enumerate();
    let events = pairs.map(|(n, &pair)| friendship_entry(n as u64 + 1, pair, true));
    let friendships = apply_all(&view, Stream::Friend, "friendships", events);
    let now = resident()?;
    let state = view.read();
    let (footprint, records) = (state.graph.footprint(), state.record_bytes());
    ensure!(state.graph.friendships() == network.friendships.len() as u64, "some friendships were lost");
    let bulk = bulk(&state.graph)?;
    drop(state);
    let directed = 2.0 * network.friendships.len() as f64;
    let loaded = Loaded {
        people_seconds: people.as_secs_f64(),
        friendships_seconds: friendships.as_secs_f64(),
        bulk_seconds: bulk.as_secs_f64(),
        resident_bytes: ((now - before) * 1e6 - records as f64) / directed,
        lists_bytes: footprint.friendships as f64 / directed,
        lists_and_tables_bytes: (footprint.friendships + footprint.people) as f64 / directed,
        record_bytes: records as f64 / f64::from(network.people),
        resident_mb: now - before,
    };
    Ok((view, loaded))
}

/// Fills a second graph with the lists of the first.
fn bulk(graph: &Graph) -> Result<Duration> {
    let (mut copy, mut took) = (Graph::default(), Duration::ZERO);
    let start = Instant::now();
    for index in 0..graph.people() as u32 {
        copy.restore_person(graph.id(index), graph.known_id(index).is_some())
            .map_err(|_| anyhow::anyhow!("no room for another person"))?;
    }
    took += start.elapsed();
    let mut frozen = Frozen::begin(graph);
    let mut more = true;
    while more {
        let (mut ends, mut friends) = (Vec::new(), Vec::new());
        let read = frozen.read(graph, PIECE, |person| {
            friends.extend_from_slice(person.friends);
            ends.push((person.index, friends.len()));
        });
        more = read.map_err(|_| anyhow::anyhow!("too much changed"))?;
        let (start, mut begin) = (Instant::now(), 0);
        for (index, end) in ends {
            ensure!(copy.restore_friends(index, &friends[begin..end]), "a list was refused");
            begin = end;
        }
        took += start.elapsed();
    }
    ensure!(copy.friendships() == graph.friendships(), "friendships were lost");
    Ok(took)
}
