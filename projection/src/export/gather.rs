//! One moment of the view, or a part of it, gathered into a spool.
//!
//! The view is held for a few hundred people or a few thousand friendships at a time, and let go of in between: the
//! writer gets in, and what it changes is taken back (see [`crate::graph::Past`] and [`crate::records::Kept`]).

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::members::Members;
use super::spool::{Spool, Spooling};
use crate::graph::{Lost, Past};
use crate::records::Kept;
use crate::view::{Positions, State, View};

/// Friends read under one hold of the view: about a tenth of a millisecond...
const STEP_FRIENDS: usize = 16 * 1024;
/// ... where finding somebody's list and record costs as much as reading so many friends: half a dozen cache misses.
const VISIT: usize = 64;
/// Ids looked up under one hold, most of them a cache miss.
const STEP_IDS: usize = 8 * 1024;
/// People looked ahead for, without the view: as many as one hold can take.
const AHEAD: usize = STEP_FRIENDS / VISIT;
/// As for a query: more changes than are kept came between two holds, and the machine has no time for this.
const MAX_RESTARTS: u32 = 8;

/// What is to be exported.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    Everybody,
    /// A person, everybody within so many steps, and all friendships among them.
    Neighbourhood {
        id: u64,
        steps: u8,
    },
}

#[derive(Debug)]
pub enum GatherError {
    /// Nobody known has this id.
    Unknown(u64),
    /// Too much changes while this runs.
    Restless,
    /// Nobody waits for it any more.
    Abandoned,
    /// The temporary files cannot be written.
    Spool(io::Error),
}

enum Stop {
    Again,
    Failed(GatherError),
}

impl From<Lost> for Stop {
    fn from(_: Lost) -> Self {
        Self::Again
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(GatherError::Spool(error))
    }
}

/// Gathers a moment, the present one if it can be kept: a later one if too much changes. Blocks.
pub fn gather(view: &View, whom: Whom, abandoned: &AtomicBool) -> Result<Spool, GatherError> {
    for _ in 0..=MAX_RESTARTS {
        match Gathering::begin(view, whom, abandoned).and_then(|(gathering, person)| gathering.run(whom, person)) {
            Ok(spool) => return Ok(spool),
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Again) => tracing::debug!("too much has changed since the last look; the export starts again"),
        }
    }
    Err(GatherError::Restless)
}

struct Gathering<'a> {
    view: &'a View,
    abandoned: &'a AtomicBool,
    positions: Positions,
    past: Past,
    kept: Kept,
    longest_hold: Duration,
}

/// Where the reading of people has arrived.
#[derive(Default)]
struct Place {
    /// The next people, and how many of them are done.
    ahead: Vec<u32>,
    done: usize,
    /// From where to go on in the list of the one who is read, if that has begun.
    start: Option<u32>,
    /// They have friends at all.
    befriended: bool,
}

/// What one hold has brought.
#[derive(Default)]
struct Batch {
    /// Ids, and where their records are in `words`: nowhere if they are not known.
    people: Vec<(u64, Range<usize>)>,
    words: Vec<u32>,
    /// Index, id, and where their friends are.
    rows: Vec<(u32, u64, Range<usize>)>,
    friends: Vec<u32>,
    ids: Vec<u64>,
}

impl<'a> Gathering<'a> {
    fn begin(view: &'a View, whom: Whom, abandoned: &'a AtomicBool) -> Result<(Self, u32), Stop> {
        let state = view.read();
        let person = match whom {
            Whom::Everybody => 0,
            Whom::Neighbourhood { id, .. } => state.find(id).ok_or(Stop::Failed(GatherError::Unknown(id)))?,
        };
        let (past, kept, positions) = (Past::begin(&state.graph), state.records.keep(), state.positions);
        Ok((Self { view, abandoned, positions, past, kept, longest_hold: Duration::ZERO }, person))
    }

    fn run(mut self, whom: Whom, person: u32) -> Result<Spool, Stop> {
        let start = Instant::now();
        let members = match whom {
            Whom::Everybody => Members::Everybody(self.past.people()),
            Whom::Neighbourhood { steps, .. } => self.neighbourhood(person, steps)?,
        };
        let (mut spooling, mut place, mut batch) = (Spooling::new(), Place::default(), Batch::default());
        let mut next = members.from(0);
        loop {
            if place.done == place.ahead.len() {
                place.done = 0;
                place.ahead.clear();
                place.ahead.extend(std::iter::successors(next, |&last| members.from(last + 1)).take(AHEAD));
                next = place.ahead.last().and_then(|&last| members.from(last + 1));
            }
            if place.ahead.is_empty() {
                break;
            }
            self.hold(|state, past, kept| batch.read(state, past, kept, &mut place))?;
            batch.select(&members);
            for indexes in batch.friends.chunks(STEP_IDS) {
                let ids = &mut batch.ids;
                self.hold(|state, _, _| ids.extend(indexes.iter().map(|&index| state.graph.id(index))))?;
            }
            batch.spool(&mut spooling)?;
        }
        tracing::debug!(?whom, took = ?start.elapsed(), longest_hold = ?self.longest_hold, "gathered for an export");
        Ok(spooling.finish(self.positions)?)
    }

    /// Holds the view for a moment, and sees it as it was.
    fn hold<T>(&mut self, read: impl FnOnce(&State, &Past, &Kept) -> T) -> Result<T, Stop> {
        loop {
            if self.abandoned.load(Ordering::Relaxed) {
                return Err(Stop::Failed(GatherError::Abandoned));
            }
            let state = self.view.read();
            let start = Instant::now();
            if self.past.catch_up(&state.graph)? {
                let found = read(&state, &self.past, &self.kept);
                drop(state);
                self.longest_hold = self.longest_hold.max(start.elapsed());
                return Ok(found);
            }
            drop(state);
            // The next time there is less to catch up with: the writer lets readers in between two batches.
            self.past.settle();
        }
    }

    /// A person and everybody within so many steps.
    fn neighbourhood(&mut self, person: u32, steps: u8) -> Result<Members, Stop> {
        let mut members = Members::nobody(self.past.people());
        members.insert(person);
        let mut ring = vec![person];
        for step in 1..=steps {
            let mut next = Vec::new();
            let (mut done, mut start) = (0, 0);
            let mut found = Vec::with_capacity(STEP_FRIENDS);
            while done < ring.len() {
                (done, start) = self.hold(|state, past, _| read_ring(state, past, &ring, (done, start), &mut found))?;
                for friend in found.drain(..).filter(|&friend| !members.contains(friend)).collect::<Vec<_>>() {
                    members.insert(friend);
                    // The last ring is in the set and needs no list.
                    if step < steps {
                        next.push(friend);
                    }
                }
            }
            ring = next;
        }
        Ok(members)
    }
}

/// Reads friends of the people of a ring, from a place in it on: who, and from where in their list. Where it ended.
fn read_ring(
    state: &State,
    past: &Past,
    ring: &[u32],
    (mut done, mut start): (usize, u32),
    found: &mut Vec<u32>,
) -> (usize, u32) {
    let mut spent = 0;
    while done < ring.len() && spent < STEP_FRIENDS {
        let before = found.len();
        let next = past.read(&state.graph, ring[done], start, STEP_FRIENDS - spent, found);
        spent += found.len() - before + VISIT;
        match next {
            Some(next) => start = next,
            None => (done, start) = (done + 1, 0),
        }
    }
    (done, start)
}

impl Batch {
    /// Reads people and their friends, as many as one hold can take.
    fn read(&mut self, state: &State, past: &Past, kept: &Kept, place: &mut Place) {
        let mut spent = 0;
        while place.done < place.ahead.len() && spent < STEP_FRIENDS {
            let person = place.ahead[place.done];
            let (id, known) = (state.graph.id(person), past.known_id(&state.graph, person).is_some());
            // Each friendship comes from the smaller index. Whether there are any at all matters where nothing else is
            // known.
            let start = place.start.unwrap_or(if known { person + 1 } else { 0 });
            let first = self.friends.len();
            place.start = past.read(&state.graph, person, start, STEP_FRIENDS - spent, &mut self.friends);
            place.befriended |= self.friends.len() > first;
            spent += self.friends.len() - first + VISIT;
            self.rows.push((person, id, first..self.friends.len()));
            if place.start.is_some() {
                continue;
            }
            let words = self.words.len();
            if known {
                kept.packed(&state.records, person, &mut self.words);
            }
            // Somebody named by a friendship that was ended again, and by nothing else, is not there.
            if known || place.befriended {
                self.people.push((id, words..self.words.len()));
            }
            place.befriended = false;
            place.done += 1;
        }
    }

    /// Leaves the friends with whom the friendship is to be exported from here.
    fn select(&mut self, members: &Members) {
        let mut kept = 0;
        for (person, _, range) in &mut self.rows {
            let first = kept;
            for at in range.clone() {
                let friend = self.friends[at];
                if friend > *person && members.contains(friend) {
                    self.friends[kept] = friend;
                    kept += 1;
                }
            }
            *range = first..kept;
        }
        self.friends.truncate(kept);
    }

    fn spool(&mut self, spooling: &mut Spooling) -> io::Result<()> {
        for (id, words) in self.people.drain(..) {
            spooling.person(id, &self.words[words])?;
        }
        for (_, id, friends) in self.rows.drain(..) {
            spooling.friendships(id, &self.ids[friends])?;
        }
        self.words.clear();
        self.friends.clear();
        self.ids.clear();
        Ok(())
    }
}
