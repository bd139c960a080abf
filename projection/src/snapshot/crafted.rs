//! Files whose checksums are right and whose content is not: a mistake of a writer, or malice.

use std::fs;
use std::io::Cursor;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::{Name, Timestamp, User, UserId};

use super::damage::Damage;
use super::format::{Header, KNOWN, Section, put_words};
use super::reader::Reader;
use super::restore::restore;
use super::sink::Sink;
use crate::records::Records;
use crate::view::State;

struct File {
    /// Index and words.
    records: Vec<(u32, Vec<u32>)>,
    people: Vec<u64>,
    rows: Vec<Vec<u32>>,
    header: Header,
}

fn record() -> Vec<u32> {
    let name = |text| Name::parse(text).unwrap();
    let time = Timestamp::from_millis(7);
    let id = UserId::new(1).unwrap();
    let user = User { id, first_name: name("Ada"), last_name: name("Lovelace"), created_at: time, updated_at: time };
    let mut records = Records::default();
    records.put(0, &user);
    records.packed(0).unwrap().to_vec()
}

/// Three friends of each other, two of them known.
fn good() -> File {
    let header = Header { people: 3, known: 2, friendships: 3, records: 2, ..Header::default() };
    File {
        records: vec![(0, record()), (2, record())],
        people: vec![10 | KNOWN, 20, 30 | KNOWN],
        rows: vec![vec![1, 2], vec![0, 2], vec![0, 1]],
        header,
    }
}

fn bytes(file: &File) -> Vec<u8> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("snapshot-crafted-{}-{number}", std::process::id()));
    let mut sink = Sink::new(fs::File::create(&path).unwrap()).unwrap();
    let end = |sink: &mut Sink, section| {
        let Ok(more) = sink.end::<std::convert::Infallible>(section, || Ok(()));
        assert!(more);
    };
    for (index, words) in &file.records {
        put_words(&mut sink.buffer, &[*index, words.len() as u32]);
        put_words(&mut sink.buffer, words);
    }
    end(&mut sink, Section::Records);
    file.people.iter().for_each(|id| sink.buffer.extend(id.to_le_bytes()));
    end(&mut sink, Section::People);
    for row in &file.rows {
        put_words(&mut sink.buffer, &[row.len() as u32]);
        put_words(&mut sink.buffer, row);
    }
    end(&mut sink, Section::Rows);
    sink.finish(file.header).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    bytes
}

fn read(file: &File) -> Result<State, Damage> {
    let bytes = bytes(file);
    let length = bytes.len() as u64;
    restore(Reader::new(Cursor::new(bytes), length)?)
}

#[test]
fn what_cannot_be_is_refused_whatever_its_checksums_say() {
    let state = read(&good()).unwrap();
    assert_eq!((state.graph.people(), state.graph.known(), state.graph.friendships()), (3, 2, 3));

    type Spoil = fn(&mut File);
    let cases: [(&str, &str, Spoil); 19] = [
        ("a friend who is nobody", "not in order", |file| file.rows[0] = vec![1, 3]),
        ("their own friend", "not in order", |file| file.rows[0] = vec![0, 1]),
        ("not ascending", "not in order", |file| file.rows[0] = vec![2, 1]),
        ("a friend twice", "not in order", |file| file.rows[0] = vec![1, 1]),
        ("more friends than people", "cannot have", |file| file.rows[0] = vec![0, 1, 2]),
        ("one direction", "not theirs", |file| {
            (file.rows[0], file.rows[1], file.header.friendships) = (vec![1], vec![2], 2);
        }),
        ("too few friendships", "as many", |file| file.rows = vec![vec![1], vec![0], vec![]]),
        ("too many friendships", "cannot have", |file| file.header.friendships = 2),
        ("somebody twice", "twice", |file| file.people[2] = 10 | KNOWN),
        ("nobody's id", "nobody", |file| file.people[1] = 0),
        ("known without a record", "without a record", |file| file.people[1] |= KNOWN),
        ("a record of one unknown", "without a record", |file| file.people[0] &= !KNOWN),
        ("another number of known people", "as many", |file| file.header.known = 3),
        ("a record of nobody", "no record", |file| file.records[0].0 = 3),
        ("a record that is none", "no record", |file| file.records[0].1[4] = 0),
        ("a name that is no text", "no record", |file| file.records[0].1[5] = u32::MAX),
        ("an empty record", "no record", |file| file.records[0].1.clear()),
        ("a person too many", "more in it", |file| file.people.push(40)),
        ("a row too few", "of the section end", |file| drop(file.rows.pop())),
    ];
    for (case, says, spoil) in cases {
        let mut file = good();
        spoil(&mut file);
        let damage = read(&file).err().unwrap_or_else(|| panic!("{case}: accepted"));
        assert!(damage.to_string().contains(says), "{case}: {damage}");
    }
}

#[test]
fn a_record_that_comes_again_is_the_newer_one() {
    let mut file = good();
    let mut later = record();
    later[2] = 99;
    file.records.push((2, later));
    file.header.records = 3;
    assert_eq!(read(&file).unwrap().person(2).unwrap().updated_at, Timestamp::from_millis(99));
}
