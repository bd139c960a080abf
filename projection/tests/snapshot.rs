//! Snapshots: what is read is what was there at one moment, and nothing damaged is ever read.

#[path = "support/history.rs"]
mod history;

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use domain::StreamPosition;
use domain::event::Stream;
use history::{History, everything};
use projection::snapshot::{Damage, Failure, Header, Part, Reader, Store, Witness, Written, restore, write};
use projection::view::{Entry, Positions, State, View};

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("snapshot-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn witnesses(positions: Positions) -> [Witness; 2] {
    [positions.user, positions.friend].map(|position| Witness { position, fingerprint: position.millis })
}

/// The bytes of a view's snapshot.
fn bytes(view: &View) -> (Vec<u8>, Written) {
    let folder = Folder::new();
    let path = folder.0.join("one");
    let written = write(view, File::create(&path).unwrap(), witnesses).unwrap();
    (fs::read(path).unwrap(), written)
}

fn read(bytes: &[u8]) -> Result<State, Damage> {
    restore(Reader::new(bytes, bytes.len() as u64)?)
}

#[test]
fn what_is_read_is_what_was_written() {
    for (seed, length, people) in
        [(1, 0, 1), (2, 1, 1), (3, 10, 5), (4, 1_000, 50), (5, 30_000, 4_000), (6, 60_000, 300)]
    {
        let history = History::random(seed, length, people);
        let view = history.up_to(&history.end());
        let (bytes, written) = bytes(&view);
        assert_eq!((written.bytes, written.positions), (bytes.len() as u64, history.end()));
        let state = read(&bytes).unwrap();
        assert_eq!(everything(&state), everything(&view.read()), "history {seed}");
        let header = *Reader::new(&bytes[..], bytes.len() as u64).unwrap().header();
        assert_eq!(header.streams.map(|stream| stream.witness), witnesses(history.end()));
        // It goes on from there as the other one does.
        let (further, restored) = (History::random(seed + 100, 2_000, people + 50), View::from(state));
        for view in [&view, &restored] {
            for (stream, entry) in &further.entries {
                view.apply(*stream, std::slice::from_ref(entry), |_| {});
            }
        }
        assert_eq!(everything(&restored.read()), everything(&view.read()), "history {seed}, later");
    }
}

#[test]
fn one_with_very_many_friends_is_cut_into_pieces_and_comes_back() {
    for many in [1_024, 1_025, 1_026, 1_540, 513 * 7 + 1, 150_000] {
        let mut view = View::default();
        for friend in 1..=many {
            let position = StreamPosition { millis: friend, seq: 0 };
            let event = Some(history::friends(1, friend + 1, true));
            view.apply(Stream::Friend, &[Entry { position, event }], |_| {});
        }
        for round in 0..3 {
            let (bytes, _) = bytes(&view);
            let again = View::from(read(&bytes).unwrap());
            assert_eq!(everything(&again.read()), everything(&view.read()), "{many} friends");
            view = again;
            // The border between short and long lists, from both sides.
            let position = StreamPosition { millis: many + 1 + round, seq: 0 };
            let event = Some(history::friends(1, 2 + round, false));
            view.apply(Stream::Friend, &[Entry { position, event }], |_| {});
        }
    }
}

/// Writers do not wait for snapshots, and snapshots are of one moment all the same.
#[test]
fn written_while_the_view_changes_it_is_exactly_the_view_at_its_positions() {
    for seed in 0..3 {
        let history = History::random(seed, 150_000, 6_000);
        let view = View::default();
        let done = AtomicBool::new(false);
        let snapshots = std::thread::scope(|scope| {
            scope.spawn(|| {
                for some in history.entries.chunks(500) {
                    for (stream, entry) in some {
                        view.apply(*stream, std::slice::from_ref(entry), |_| {});
                    }
                    // On a machine with much to do the snapshots have to get their turn.
                    std::thread::sleep(Duration::from_micros(200));
                }
                done.store(true, Ordering::Release);
            });
            let mut snapshots = Vec::new();
            while !done.load(Ordering::Acquire) {
                snapshots.push(bytes(&view));
            }
            snapshots
        });
        let within = snapshots.iter().filter(|(_, written)| written.positions != history.end()).count();
        assert!(within > 1, "{within} of {} snapshots were written while the view changed", snapshots.len());
        // All of them would take long: they are alike.
        for (bytes, written) in snapshots.iter().step_by(snapshots.len().div_ceil(8)) {
            let state = read(bytes).unwrap();
            assert_eq!(state.positions, written.positions);
            assert_eq!(everything(&state), everything(&history.up_to(&written.positions).read()), "history {seed}");
        }
    }
}

#[test]
fn a_view_begun_anew_meanwhile_is_a_moment_that_is_lost() {
    let history = History::random(9, 40_000, 5_000);
    let view = history.up_to(&history.end());
    let done = AtomicBool::new(false);
    let mut lost = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                view.forget(Stream::User);
                for (stream, entry) in history.entries.iter().take(2_000) {
                    view.apply(*stream, std::slice::from_ref(entry), |_| {});
                }
            }
        });
        let folder = Folder::new();
        let path = folder.0.join("one");
        let start = Instant::now();
        while lost == 0 && start.elapsed() < Duration::from_secs(20) {
            match write(&view, File::create(&path).unwrap(), witnesses) {
                Err(Failure::Lost) => lost += 1,
                Ok(_) => drop(restore(Reader::open(&path).unwrap()).expect("what is written is whole")),
                Err(Failure::Disk(error)) => panic!("{error}"),
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(lost > 0, "nothing was lost");
}

#[test]
fn every_flipped_bit_and_every_truncation_is_noticed() {
    let history = History::random(7, 300, 20);
    let view = history.up_to(&history.end());
    let (bytes, _) = bytes(&view);
    assert!(read(&bytes).is_ok());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let damage = read(&damaged).err().unwrap_or_else(|| panic!("bit {bit} of byte {at} went unnoticed"));
            let expected = match at {
                0..8 => matches!(damage, Damage::Foreign),
                8..192 => matches!(damage, Damage::Corrupt { section: "header", .. } | Damage::Truncated { .. }),
                _ => matches!(damage, Damage::Corrupt { section: "records" | "people" | "rows" | "end", .. }),
            };
            assert!(expected, "bit {bit} of byte {at}: {damage}");
        }
    }
    for length in 0..bytes.len() {
        let damage = read(&bytes[..length]).err().unwrap_or_else(|| panic!("{length} bytes were enough"));
        assert!(matches!(damage, Damage::Truncated { .. }), "{length} bytes: {damage}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(read(&longer), Err(Damage::Corrupt { section: "header", .. })));
}

/// As a file system that lost a block, or wrote it to another place, leaves it.
#[test]
fn a_block_that_is_lost_doubled_or_of_another_snapshot_is_noticed() {
    let snapshot = |seed| {
        let history = History::random(seed, 120_000, 9_000);
        bytes(&history.up_to(&history.end())).0
    };
    let (bytes, other) = (snapshot(21), snapshot(22));
    const BLOCK: usize = 4096;
    assert!(bytes.len() > 100 * BLOCK);
    for block in (0..bytes.len().min(other.len()) / BLOCK).step_by(3) {
        let range = block * BLOCK..(block + 1) * BLOCK;
        let after = &bytes[(block + 1) % 50 * BLOCK..][..BLOCK];
        for instead in [&[0; BLOCK][..], after, &other[range.clone()]] {
            let mut damaged = bytes.clone();
            damaged[range.clone()].copy_from_slice(instead);
            assert!(damaged == bytes || read(&damaged).is_err(), "block {block}");
        }
    }
    let spliced = [&bytes[..192], &other[192..]].concat();
    assert!(read(&spliced).is_err());
}

#[test]
fn a_newer_version_is_named_and_other_files_are_none_of_ours() {
    let history = History::random(8, 100, 20);
    let (bytes, _) = bytes(&history.up_to(&history.end()));
    // The rule that every version keeps: magic, version, length of the header, and the checksum as its last eight bytes.
    let mut newer = bytes[..184].to_vec();
    newer[8] = 2;
    newer[12..16].copy_from_slice(&400_u32.to_le_bytes());
    newer.resize(392, 7);
    newer.extend(xxhash_rust::xxh3::xxh3_64(&newer).to_le_bytes());
    newer.extend([1; 1000]);
    let damage = read(&newer).err().unwrap();
    assert!(matches!(damage, Damage::Newer(2)) && damage.to_string().contains("newer version"), "{damage}");
    for foreign in [b"\x89PNG\r\n\x1a\n".repeat(100), b"REDIS0011".repeat(100), vec![0; 4096]] {
        assert!(matches!(read(&foreign), Err(Damage::Foreign)));
    }
    assert!(matches!(read(&[]), Err(Damage::Truncated { length: 0, .. })));
}

/// A header whose checksum is right is believed only as far as the file is long.
#[test]
fn no_count_of_a_header_makes_room_for_what_the_file_cannot_hold() {
    let history = History::random(10, 300, 20);
    let (bytes, _) = bytes(&history.up_to(&history.end()));
    let header = *Reader::new(&bytes[..], bytes.len() as u64).unwrap().header();
    let mut headers = Vec::new();
    for count in [header.people + 1, 1 << 20, u64::from(u32::MAX), u64::MAX / 12, u64::MAX] {
        headers.push(Header { people: count, ..header });
        headers.push(Header { friendships: count, ..header });
        headers.push(Header { records: count, ..header });
        headers.push(Header { pieces: count, ..header });
        headers.push(Header { length: count, ..header });
        headers.push(Header { known: count, ..header });
    }
    for header in headers {
        let lying = [&header.encode()[..], &bytes[192..]].concat();
        assert!(read(&lying).is_err(), "{header:?}");
    }
}

#[test]
fn a_reader_gives_records_then_people_then_friends() {
    let history = History::random(11, 3_000, 200);
    let view = history.up_to(&history.end());
    let (bytes, _) = bytes(&view);
    let mut reader = Reader::new(&bytes[..], bytes.len() as u64).unwrap();
    let (mut records, mut people, mut directed) = (0, Vec::new(), 0);
    while let Some(part) = reader.next().unwrap() {
        match part {
            Part::Record { words, .. } => {
                assert!(people.is_empty() && projection::records::unpack(1, words).is_some());
                records += 1;
            }
            Part::Person { index, id, known } => {
                assert_eq!((index as usize, directed), (people.len(), 0));
                people.push((id, known));
            }
            Part::Friends { index, friends } => {
                let state = view.read();
                assert_eq!(people[index as usize], (state.graph.id(index), state.graph.known_id(index).is_some()));
                assert!(state.graph.friends(index).eq(friends.iter().copied()));
                directed += friends.len() as u64;
            }
        }
    }
    assert_eq!((records, directed), (view.read().graph.known() as u64, 2 * view.read().graph.friendships()));
}

#[test]
fn the_last_two_are_kept_and_the_newest_in_order_is_loaded() {
    let folder = Folder::new();
    let history = History::random(12, 4_000, 300);
    let mut store = Store::open(&folder.0).unwrap();
    assert!(store.load().is_none());
    let view = View::default();
    let mut written = Vec::new();
    for part in history.entries.chunks(1_000) {
        for (stream, entry) in part {
            view.apply(*stream, std::slice::from_ref(entry), |_| {});
        }
        written.push(store.write(&view, witnesses).unwrap());
    }
    let paths = |store: &Store| store.list().unwrap().into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    assert_eq!(paths(&store), [written[3].0.clone(), written[2].0.clone()]);
    assert!(written[3].0.ends_with("graph-00000000000000000004.snapshot"));
    let refused = Store::open(&folder.0).err().unwrap().to_string();
    assert!(refused.contains("--snapshot-dir") && refused.contains("another worker"), "{refused}");
    drop(store);

    // What was being written when the worker was killed.
    let unfinished = folder.0.join("graph-00000000000000000005.snapshot.tmp");
    fs::copy(&written[3].0, &unfinished).unwrap();
    let mut store = Store::open(&folder.0).unwrap();
    assert!(!unfinished.exists());
    assert_eq!(store.load().unwrap().header.positions(), written[3].1.positions);

    let mut bytes = fs::read(&written[3].0).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 16;
    fs::write(&written[3].0, &bytes).unwrap();
    let loaded = store.load().unwrap();
    assert_eq!((&loaded.path, loaded.header.positions()), (&written[2].0, written[2].1.positions));
    assert_eq!(everything(&loaded.state), everything(&history.up_to(&written[2].1.positions).read()));
    assert!(
        folder.0.join("graph-00000000000000000004.snapshot.broken").exists(),
        "it is kept for whoever wants to look"
    );
    assert_eq!(paths(&store), [written[2].0.clone()]);
    let next = store.write(&view, witnesses).unwrap();
    assert!(next.0.ends_with("graph-00000000000000000006.snapshot"), "no number comes twice");

    for path in paths(&store) {
        fs::write(path, b"").unwrap();
    }
    assert!(store.load().is_none());
}
