//! An export's moment, gathered while a writer does nothing but write: it is what a replay up to its positions gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use domain::StreamPosition;
use domain::event::{Stream, decode};
use projection::export::{GatherError, Source, Spool, Whom, gather};
use projection::view::{Entry, Positions, View};

const PEOPLE: u64 = 40_000;
/// Everybody's friend, or nearly: a list that takes several holds.
const HUB: u64 = 1;
const EVENTS: u64 = 400_000;
/// Between two batches.
const PAUSE: std::time::Duration = std::time::Duration::from_micros(20);
/// As many as a tail hands over at once.
const BATCH: usize = 512;

#[derive(Clone, Copy)]
enum Change {
    Name { id: u64, version: u64 },
    Friends { a: u64, b: u64, added: bool },
}

/// The same for the same number, wherever it is asked for.
fn change(number: u64) -> Change {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66;
    let mut below = |bound: u64| {
        state = (state ^ (state >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (state >> 20) % bound
    };
    let (kind, a, b) = (below(8), below(PEOPLE) + 1, below(PEOPLE) + 1);
    if kind == 0 {
        return Change::Name { id: a, version: number };
    }
    let a = if kind < 4 { HUB } else { a };
    Change::Friends { a, b: if a == b { b % PEOPLE + 1 } else { b }, added: below(3) > 0 }
}

/// Both streams are numbered through, so a position says which events come before it.
fn entry(number: u64) -> (Stream, Entry) {
    let times = r#""createdAt":"2026-11-22T01:27:43.123Z","updatedAt":"2026-11-22T01:27:43.123Z""#;
    let (stream, kind, data) = match change(number) {
        Change::Name { id, version } => {
            let data = format!(r#"{{"id":{id},"firstName":"V{version}","lastName":"N",{times}}}"#);
            (Stream::User, "USER_UPDATED", data)
        }
        Change::Friends { a, b, added } => {
            let data = format!(r#"{{"id":7,"userId":{a},"friendId":{b},{times}}}"#);
            (Stream::Friend, if added { "FRIEND_ADDED" } else { "FRIEND_REMOVED" }, data)
        }
    };
    let position: StreamPosition = format!("{}-0", number + 1).parse().unwrap();
    (stream, Entry { position, event: Some(decode(stream, kind, None, data.as_bytes()).unwrap()) })
}

fn entries(numbers: std::ops::Range<u64>) -> [Vec<Entry>; 2] {
    let mut entries = [Vec::new(), Vec::new()];
    numbers.map(entry).for_each(|(stream, entry)| entries[stream as usize].push(entry));
    entries
}

fn apply(view: &View, entries: &[Vec<Entry>; 2]) {
    for stream in Stream::ALL {
        entries[stream as usize].chunks(BATCH).for_each(|batch| view.apply(stream, batch, |_| ()));
    }
}

/// A plain model that goes forward in time.
#[derive(Default)]
struct Model {
    /// How many events of each stream are in it.
    done: [u64; 2],
    names: BTreeMap<u64, String>,
    friends: BTreeMap<u64, BTreeSet<u64>>,
}

type Network = (BTreeMap<u64, Option<String>>, BTreeSet<(u64, u64)>);

impl Model {
    fn advance(&mut self, positions: Positions) {
        let until = [positions.user.millis, positions.friend.millis];
        for number in self.done[0]..until[0] {
            if let Change::Name { id, version } = change(number) {
                self.names.insert(id, format!("V{version}"));
            }
        }
        for number in self.done[1]..until[1] {
            if let Change::Friends { a, b, added } = change(number) {
                for (one, other) in [(a, b), (b, a)] {
                    let friends = self.friends.entry(one).or_default();
                    let _ = if added { friends.insert(other) } else { friends.remove(&other) };
                }
            }
        }
        self.done = until;
    }

    fn network(&self, whom: Whom) -> Network {
        let friends = |id: &u64| self.friends.get(id).into_iter().flatten().copied();
        let befriended = self.friends.iter().filter(|(_, friends)| !friends.is_empty()).map(|(&id, _)| id);
        let members: BTreeSet<u64> = match whom {
            Whom::Everybody => self.names.keys().copied().chain(befriended).collect(),
            Whom::Neighbourhood { id, steps } => (0..steps).fold(BTreeSet::from([id]), |members, _| {
                members.iter().flat_map(friends).chain(members.iter().copied()).collect()
            }),
        };
        let pairs = members.iter().flat_map(|&a| friends(&a).filter(move |&b| a < b).map(move |b| (a, b)));
        let pairs = pairs.filter(|(_, b)| members.contains(b)).collect();
        (members.into_iter().map(|id| (id, self.names.get(&id).cloned())).collect(), pairs)
    }
}

fn read(mut spool: Spool) -> Network {
    let mut network = Network::default();
    while let Some(person) = spool.next_person().unwrap() {
        let name = person.user.map(|user| user.first_name.to_string());
        assert!(network.0.insert(person.id, name).is_none(), "{} is there once", person.id);
    }
    while let Some([a, b]) = spool.next_friendship().unwrap() {
        assert!(network.1.insert((a.min(b), a.max(b))), "{a}-{b} is there once");
    }
    network
}

/// Lets the writer write to its end, also where the test fails: else it would wait for ever.
struct LetGo<'a>(&'a AtomicBool);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_moment_is_what_a_replay_gives_however_much_is_written() {
    // On a machine that has other things to do, the writer may rarely get its turn while an export runs.
    let mut moved = 0;
    for _ in 0..40 {
        moved += exports_beside_a_writer();
        if moved >= 5 {
            return;
        }
    }
    panic!("only {moved} exports had changes meanwhile");
}

/// Gives how many exports had changes meanwhile.
fn exports_beside_a_writer() -> usize {
    let view = View::default();
    let mut model = Model::default();
    apply(&view, &entries(0..EVENTS / 4));
    let rest = entries(EVENTS / 4..EVENTS);
    let (writing, wanted) = (AtomicBool::new(true), AtomicBool::new(false));
    let mut moments = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let [users, friendships] = rest.each_ref().map(|all| all.chunks(BATCH / 2));
            for batch in friendships.clone().map(Some).zip(users.map(Some).chain(std::iter::repeat(None))) {
                // Only while an export runs, and not all of it in the first.
                while !wanted.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                std::thread::sleep(PAUSE);
                let [friendships, users] = [batch.0, batch.1].map(Option::unwrap_or_default);
                view.apply(Stream::Friend, friendships, |_| ());
                view.apply(Stream::User, users, |_| ());
            }
            writing.store(false, Ordering::Relaxed);
        });
        let _let_go = LetGo(&wanted);
        let id = 2;
        let whoms = [Whom::Everybody, Whom::Neighbourhood { id: HUB, steps: 1 }, Whom::Neighbourhood { id, steps: 2 }];
        for whom in whoms.into_iter().cycle() {
            if !writing.load(Ordering::Relaxed) {
                break;
            }
            let before = view.positions();
            wanted.store(true, Ordering::Relaxed);
            while view.positions() == before && writing.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            let gathered = gather(&view, whom, &AtomicBool::new(false));
            // What is slow here must not leave the writer alone.
            wanted.store(false, Ordering::Relaxed);
            let positions = match gathered {
                Ok(spool) => {
                    let positions = spool.positions();
                    model.advance(positions);
                    assert!(read(spool) == model.network(whom), "{whom:?} at {positions}");
                    positions
                }
                Err(GatherError::Unknown(_)) => continue,
                Err(error) => panic!("{error:?}"),
            };
            moments.push((positions, view.positions()));
        }
    });
    let moved = moments.iter().filter(|(then, later)| then != later).count();
    println!("{} exports, {moved} of them with changes meanwhile", moments.len());
    moved
}

/// Nobody waits for it any more: nothing is gathered.
#[test]
fn what_is_abandoned_ends_at_once() {
    let view = View::default();
    apply(&view, &entries(0..1000));
    let ended = gather(&view, Whom::Everybody, &AtomicBool::new(true));
    assert!(matches!(ended, Err(GatherError::Abandoned)));
}
