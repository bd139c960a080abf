//! Writes the view as it is at one moment, while its writer goes on.
//!
//! The records come first, copied a few at a time, whatever happens meanwhile; then again those that were written
//! meanwhile, round after round, until few are left: what moving a running machine does with its memory (Clark et al.,
//! *Live Migration of Virtual Machines*, NSDI 2005). Those few are copied in one hold of the view, and that is the
//! moment. People and their friends as they were then are read afterwards, what has changed since is taken back
//! ([`Frozen`]).

use std::fs::File;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use super::format::{Header, KNOWN, Section, StreamPart, put_words};
use super::sink::Sink;
use super::witness::Witness;
use crate::graph::{Frozen, Lost, Touched};
use crate::records::Records;
use crate::view::{Positions, State, View};

/// Records copied in one hold: each is somewhere else in memory, about 100 ns.
const RECORDS: u32 = 512;
/// People, who lie in order.
const PEOPLE: u32 = 4 * 1024;
/// Friends, and people, as one place in memory is about 30 friends.
const FRIENDS: usize = 8 * 1024;
/// So few records are copied in the hold that makes the moment...
const FEW: usize = 512;
/// ... unless they do not get fewer: each round takes a fraction of the one before, if it converges at all.
const ROUNDS: usize = 16;

#[derive(Debug)]
pub enum Failure {
    /// The view was begun anew, or ran away, meanwhile.
    Lost,
    Disk(io::Error),
}

impl From<Lost> for Failure {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Written {
    pub bytes: u64,
    pub positions: Positions,
    pub people: u64,
    pub friendships: u64,
    /// The longest time for which the view was held.
    pub longest_hold: Duration,
}

/// Writes a snapshot to an empty file, down to the disk. `witnesses` is asked for entries at positions, or before.
pub fn write(view: &View, file: File, witnesses: impl FnOnce(Positions) -> [Witness; 2]) -> Result<Written, Failure> {
    let sink = Sink::new(file).map_err(Failure::Disk)?;
    let mut writing = Writing { view, sink, longest: Duration::ZERO, records: 0 };
    let header = match writing.everything() {
        Ok(Some(header)) => header,
        Ok(None) => return Err(Failure::Disk(writing.sink.failure())),
        Err(Lost) => return Err(Failure::Lost),
    };
    let positions = header.positions();
    let mut header = Header { records: writing.records, ..header };
    for (stream, witness) in header.streams.iter_mut().zip(witnesses(positions)) {
        stream.witness = witness;
    }
    let Header { people, friendships, .. } = header;
    let bytes = writing.sink.finish(header).map_err(Failure::Disk)?;
    Ok(Written { bytes, positions, people, friendships, longest_hold: writing.longest })
}

struct Writing<'a> {
    view: &'a View,
    sink: Sink,
    longest: Duration,
    records: u64,
}

/// Looks at the view, and notes for how long.
fn hold<T>(view: &View, longest: &mut Duration, look: impl FnOnce(&State) -> T) -> T {
    let state = view.read();
    let start = Instant::now();
    let result = look(&state);
    drop(state);
    *longest = start.elapsed().max(*longest);
    result
}

/// Appends a person's record, if there is one: index, words, and the words.
fn put_record(buffer: &mut Vec<u8>, records: &Records, index: u32) -> u64 {
    let Some(words) = records.packed(index) else {
        return 0;
    };
    put_words(buffer, &[index, words.len() as u32]);
    put_words(buffer, words);
    1
}

impl Writing<'_> {
    /// None if the disk failed.
    fn everything(&mut self) -> Result<Option<Header>, Lost> {
        let Some((frozen, header)) = self.records()? else {
            return Ok(None);
        };
        Ok(self.graph(frozen)?.then_some(header))
    }

    fn hand_on(&mut self, section: Section, mut look: impl FnMut(&State) -> Result<(), Lost>) -> Result<bool, Lost> {
        let Self { view, sink, longest, .. } = self;
        sink.hand_on(section, || hold(view, longest, &mut look))
    }

    fn records(&mut self) -> Result<Option<(Frozen, Header)>, Lost> {
        let first = |state: &State| (Touched::since_now(&state.graph), state.graph.people() as u32);
        let (mut touched, people) = hold(self.view, &mut self.longest, first);
        for start in (0..people).step_by(RECORDS as usize) {
            let some = start..people.min(start + RECORDS);
            if !self.copy_records(some, &mut touched)? {
                return Ok(None);
            }
        }
        for _ in 0..ROUNDS {
            if touched.len() <= FEW {
                break;
            }
            for some in touched.take().chunks(RECORDS as usize) {
                if !self.copy_records(some.iter().copied(), &mut touched)? {
                    return Ok(None);
                }
            }
        }
        self.moment(touched)
    }

    fn copy_records(&mut self, people: impl Iterator<Item = u32>, touched: &mut Touched) -> Result<bool, Lost> {
        let buffer = &mut self.sink.buffer;
        self.records += hold(self.view, &mut self.longest, |state| {
            touched.catch_up(&state.graph)?;
            Ok(people.map(|index| put_record(buffer, &state.records, index)).sum::<u64>())
        })?;
        self.hand_on(Section::Records, |state| touched.catch_up(&state.graph))
    }

    /// The moment that the snapshot is of.
    fn moment(&mut self, mut touched: Touched) -> Result<Option<(Frozen, Header)>, Lost> {
        let buffer = &mut self.sink.buffer;
        let (mut frozen, header, records) = hold(self.view, &mut self.longest, |state| {
            touched.catch_up(&state.graph)?;
            let people = touched.take().into_iter();
            let records: u64 = people.map(|index| put_record(buffer, &state.records, index)).sum();
            Ok((Frozen::begin(&state.graph), header(state), records))
        })?;
        self.records += records;
        let Self { view, sink, longest, .. } = self;
        let more = sink.end(Section::Records, || hold(view, longest, |state| frozen.catch_up(&state.graph)))?;
        Ok(more.then_some((frozen, header)))
    }

    fn graph(&mut self, mut frozen: Frozen) -> Result<bool, Lost> {
        for start in (0..frozen.people()).step_by(PEOPLE as usize) {
            let some = start..frozen.people().min(start + PEOPLE);
            let buffer = &mut self.sink.buffer;
            hold(self.view, &mut self.longest, |state| {
                frozen.catch_up(&state.graph)?;
                for index in some {
                    let (id, known) = frozen.person(&state.graph, index);
                    buffer.extend((if known { id | KNOWN } else { id }).to_le_bytes());
                }
                Ok(())
            })?;
            if !self.hand_on(Section::People, |state| frozen.catch_up(&state.graph))? {
                return Ok(false);
            }
        }
        if !self.end(Section::People, &mut frozen)? {
            return Ok(false);
        }
        loop {
            let buffer = &mut self.sink.buffer;
            let more = hold(self.view, &mut self.longest, |state| {
                frozen.read(&state.graph, FRIENDS, |person| {
                    put_words(buffer, &[person.friends.len() as u32]);
                    put_words(buffer, person.friends);
                })
            })?;
            if !more {
                return self.end(Section::Rows, &mut frozen);
            }
            if !self.hand_on(Section::Rows, |state| frozen.catch_up(&state.graph))? {
                return Ok(false);
            }
        }
    }

    fn end(&mut self, section: Section, frozen: &mut Frozen) -> Result<bool, Lost> {
        let Self { view, sink, longest, .. } = self;
        sink.end(section, || hold(view, longest, |state| frozen.catch_up(&state.graph)))
    }
}

/// What the header says of the state, at the moment.
fn header(state: &State) -> Header {
    let part = |position, entries| StreamPart { position, entries, witness: Witness::default() };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Header {
        created: now.as_millis() as u64,
        streams: [part(state.positions.user, state.entries[0]), part(state.positions.friend, state.entries[1])],
        people: state.graph.people() as u64,
        known: state.graph.known() as u64,
        friendships: state.graph.friendships(),
        ..Header::default()
    }
}
