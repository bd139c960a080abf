//! How fast is a snapshot written, and read? And for how long does the view's writer wait?
//!
//! `cargo run --profile native -p projection --example snapshot -- [people, as a power of two: 20]
//! [friendships: 16000000] [folder: the system's for temporary files]`

#[path = "support/rmat.rs"]
mod rmat;

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::event::{Event, Stream};
use domain::{Friendship, FriendshipId, Name, StreamPosition, Timestamp, User, UserId, friendship, user};
use projection::records::Records;
use projection::snapshot::{Reader, Witness, restore, write};
use projection::view::{Entry, State, View};
use rmat::{Random, edge};

const ROUNDS: usize = 5;

fn timestamp() -> Timestamp {
    Timestamp::from_millis(1_795_310_863_007)
}

fn person(id: u64) -> User {
    let name = |text: String| Name::parse(&text).expect("a name");
    let id_ = UserId::new(id).expect("an id");
    let (created_at, updated_at) = (timestamp(), timestamp());
    User {
        id: id_,
        first_name: name(format!("First{}", id % 1000)),
        last_name: name(format!("Last{}", id % 10_000)),
        created_at,
        updated_at,
    }
}

fn build(scale: u32, wanted: u64) -> State {
    let (mut random, mut state) = (Random(42), State::default());
    let mut records = Records::default();
    for id in 1..=1_u64 << scale {
        let index = state.graph.intern(id).expect("room");
        records.put(index, &person(id));
        state.graph.know(index);
    }
    while state.graph.friendships() < wanted {
        let (a, b) = edge(&mut random, scale);
        state.graph.add(a, b).expect("room");
    }
    state.records = records;
    state
}

/// Writes friendships and names as fast as they are taken until `stop`; gives how many, and the slowest batch.
fn change(view: &View, scale: u32, each_second: u64, stop: &AtomicBool) -> (u64, Duration) {
    let (mut random, mut position) = (Random(7), view.positions());
    let (start, mut slowest, mut count) = (Instant::now(), Duration::ZERO, 0);
    while !stop.load(Ordering::Relaxed) {
        let mut batch = Vec::new();
        for _ in 0..100 {
            let (a, b) = edge(&mut random, scale);
            position.friend.seq += 1;
            let [user_id, friend_id] = [a, b].map(|id| UserId::new(id).expect("an id"));
            let (created_at, updated_at) = (timestamp(), timestamp());
            let id = FriendshipId::new(7).expect("an id");
            let friendship = Friendship { id, user_id, friend_id, created_at, updated_at };
            let event = friendship::Event::Added(friendship);
            batch.push(Entry { position: position.friend, event: (a != b).then_some(Event::Friendship(event)) });
        }
        position.user.seq += 1;
        let renamed = user::Event::Updated(person(edge(&mut random, scale).0));
        let renamed = Entry { position: position.user, event: Some(Event::User(renamed)) };
        let asked = Instant::now();
        view.apply(Stream::Friend, &batch, |_| {});
        view.apply(Stream::User, &[renamed], |_| {});
        slowest = slowest.max(asked.elapsed());
        count += 101;
        let due = Duration::from_secs_f64(count as f64 / each_second as f64);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    (count, slowest)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let scale: u32 = arguments.next().map_or(20, |text| text.parse().expect("a number"));
    let wanted = arguments.next().map_or(16_000_000, |text| text.parse().expect("a number"));
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("snapshot-example-{}", std::process::id()));
    let mut state = build(scale, wanted);
    state.positions.friend = StreamPosition { millis: 1, seq: 0 };
    state.positions.user = StreamPosition { millis: 1, seq: 0 };
    let view = View::from(state);
    println!("{} people, {} friendships", view.read().graph.people(), view.read().graph.friendships());

    for writes in [0, 10_000] {
        println!("\nwith {writes} writes a second beside");
        for _ in 0..ROUNDS {
            let stop = AtomicBool::new(false);
            let (written, took, (count, slowest)) = std::thread::scope(|scope| {
                let writer =
                    scope.spawn(|| if writes > 0 { change(&view, scale, writes, &stop) } else { (0, Duration::ZERO) });
                let start = Instant::now();
                let file = File::create(&path).expect("a file");
                let written = write(&view, file, |_| [Witness::default(); 2]).expect("written");
                let took = start.elapsed();
                stop.store(true, Ordering::Relaxed);
                (written, took, writer.join().expect("the writer"))
            });
            let megabytes = written.bytes as f64 / 1e6;
            let each = megabytes / took.as_secs_f64();
            let hold = written.longest_hold;
            println!(
                "written: {megabytes:.1} MB in {took:.3?}, {each:.0} MB/s to the disk; longest hold {hold:?}; {count} \
                 writes, slowest batch {slowest:?}"
            );
        }
    }
    println!();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let state = restore(Reader::open(&path).expect("a snapshot")).expect("in order");
        let seconds = start.elapsed().as_secs_f64();
        let megabytes = fs::metadata(&path).expect("there").len() as f64 / 1e6;
        let friendships = state.graph.friendships() as f64 / 1e6 / seconds;
        let each = state.graph.footprint().friendships as f64 / state.graph.friendships() as f64 / 2.0;
        println!(
            "loaded: {seconds:.3} s, {:.0} MB/s, {friendships:.1} million friendships/s; {each:.2} bytes a direction",
            megabytes / seconds
        );
    }
    fs::remove_file(&path).expect("there");
}
