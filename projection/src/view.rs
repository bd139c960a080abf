//! The view: graph, people, and the positions up to which they hold. One writer, any number of readers.
//!
//! The writer holds the lock for one small batch at a time and then hands it to whoever waits. A reader sees the view
//! between two batches, never within one.

use std::fmt;
use std::time::{Duration, Instant};

use domain::event::{Event, Stream};
use domain::{StreamPosition, User, friendship, user};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

use crate::graph::{Full, Graph};
use crate::records::Records;

/// Events applied under one hold of the lock...
const BATCH_EVENTS: usize = 512;
/// ... unless that takes longer than this: readers wait no longer.
const BATCH_TIME: Duration = Duration::from_millis(2);
/// The clock is read once for so many events.
const CLOCK_EVERY: usize = 16;

/// The newest event of each stream that is included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    pub user: StreamPosition,
    pub friend: StreamPosition,
}

impl Positions {
    pub fn of(&self, stream: Stream) -> StreamPosition {
        match stream {
            Stream::User => self.user,
            Stream::Friend => self.friend,
        }
    }

    pub fn set(&mut self, stream: Stream, position: StreamPosition) {
        match stream {
            Stream::User => self.user = position,
            Stream::Friend => self.friend = position,
        }
    }

    /// Whether all of `other` is included.
    pub fn include(&self, other: &Positions) -> bool {
        self.user >= other.user && self.friend >= other.friend
    }
}

/// As in `Last-Event`.
impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user:{},friend:{}", self.user, self.friend)
    }
}

/// An entry of a stream; no event if it could not be read, and only its position counts.
#[derive(Debug)]
pub struct Entry {
    pub position: StreamPosition,
    pub event: Option<Event>,
}

#[derive(Default)]
pub struct State {
    pub graph: Graph,
    pub positions: Positions,
    pub records: Records,
    /// How many entries of each stream are included.
    pub entries: [u64; 2],
}

impl State {
    /// A person who is known.
    pub fn person(&self, index: u32) -> Option<User> {
        self.records.get(index, self.graph.known_id(index)?)
    }

    /// The index of a person, if they are known.
    pub fn find(&self, id: u64) -> Option<u32> {
        self.graph.index(id).filter(|&index| self.graph.known_id(index).is_some())
    }

    pub fn record_bytes(&self) -> usize {
        self.records.bytes()
    }

    /// Bytes of everything.
    pub fn bytes(&self) -> usize {
        let footprint = self.graph.footprint();
        footprint.friendships + footprint.people + footprint.changes + self.record_bytes()
    }

    /// Applies an event once: whatever is not after the stream's position has been applied already.
    fn apply(&mut self, stream: Stream, entry: &Entry) -> bool {
        if entry.position <= self.positions.of(stream) {
            return false;
        }
        self.positions.set(stream, entry.position);
        self.entries[stream as usize] += 1;
        let applied = match &entry.event {
            Some(Event::User(event)) => self.apply_user(event),
            Some(Event::Friendship(event)) => self.apply_friendship(event),
            None => return false,
        };
        if applied.is_err() {
            // Four thousand million people: the machine is full long before.
            tracing::error!(%stream, position = %entry.position, "the graph has no room for another person");
        }
        applied.is_ok()
    }

    fn apply_user(&mut self, event: &user::Event) -> Result<(), Full> {
        let user = event.user();
        let index = self.graph.intern(user.id.get())?;
        self.records.put(index, user);
        self.graph.know(index);
        Ok(())
    }

    fn apply_friendship(&mut self, event: &friendship::Event) -> Result<(), Full> {
        let friendship = event.friendship();
        let (a, b) = (friendship.user_id.get(), friendship.friend_id.get());
        match event {
            friendship::Event::Added(_) => self.graph.add(a, b).map(drop),
            friendship::Event::Removed(_) => {
                self.graph.remove(a, b);
                Ok(())
            }
        }
    }

    fn forget(&mut self, stream: Stream) {
        self.positions.set(stream, StreamPosition::START);
        self.entries[stream as usize] = 0;
        match stream {
            Stream::User => {
                self.records = Records::default();
                self.graph.forget_known();
            }
            Stream::Friend => self.graph.forget_friendships(),
        }
    }
}

pub struct View {
    state: RwLock<State>,
    positions: watch::Sender<Positions>,
}

impl Default for View {
    fn default() -> Self {
        Self { state: RwLock::default(), positions: watch::Sender::new(Positions::default()) }
    }
}

/// A view that goes on from there.
impl From<State> for View {
    fn from(state: State) -> Self {
        let positions = watch::Sender::new(state.positions);
        Self { state: RwLock::new(state), positions }
    }
}

impl View {
    /// The view between two batches. Whoever holds it keeps the writer waiting: a millisecond, not more.
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    pub fn positions(&self) -> Positions {
        *self.positions.borrow()
    }

    pub fn bytes(&self) -> usize {
        self.read().bytes()
    }

    /// Another number each time that the view forgets, or is replaced.
    pub fn life(&self) -> u64 {
        self.read().graph.life()
    }

    /// Puts another view in the place of this one, and this one in its place, if it includes everything that this one
    /// does. False, and nothing done, if it does not.
    pub fn replace(&self, other: &View) -> bool {
        let mut state = self.state.write();
        let mut other = other.state.write();
        if !other.positions.include(&state.positions) {
            return false;
        }
        std::mem::swap(&mut *state, &mut *other);
        self.publish(state);
        true
    }

    /// Waits until everything up to `wanted` is included.
    pub async fn reached(&self, wanted: &Positions) {
        let mut positions = self.positions.subscribe();
        // The sender lives as long as this view.
        let _ = positions.wait_for(|positions| positions.include(wanted)).await;
    }

    /// Applies entries in order; hands those that took effect to `applied`.
    pub fn apply(&self, stream: Stream, entries: &[Entry], mut applied: impl FnMut(&Event)) {
        let mut rest = entries;
        while !rest.is_empty() {
            let start = Instant::now();
            let mut state = self.state.write();
            let mut count = 0;
            for entry in rest.iter().take(BATCH_EVENTS) {
                if count % CLOCK_EVERY == CLOCK_EVERY - 1 && start.elapsed() >= BATCH_TIME {
                    break;
                }
                if state.apply(stream, entry)
                    && let Some(event) = &entry.event
                {
                    applied(event);
                }
                count += 1;
            }
            self.publish(state);
            rest = &rest[count..];
        }
    }

    /// So many entries were in a stream up to the position that is included: Redis has counted anew.
    pub fn count(&self, stream: Stream, entries: u64) {
        self.state.write().entries[stream as usize] = entries;
    }

    /// Forgets everything that came from a stream, to read it from its beginning.
    pub fn forget(&self, stream: Stream) {
        let mut state = self.state.write();
        state.forget(stream);
        self.publish(state);
    }

    fn publish(&self, state: RwLockWriteGuard<'_, State>) {
        let positions = state.positions;
        // Hands the lock to waiting readers, who would otherwise find it taken for the next batch.
        RwLockWriteGuard::unlock_fair(state);
        self.positions.send_replace(positions);
    }
}
