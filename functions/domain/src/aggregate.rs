//! What user and friendship have in common: a state that is the fold of its events, and a version that counts them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::StreamPosition;

/// How many events an aggregate has had: 0 before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    pub const NONE: Version = Version(0);

    pub fn next(self) -> Version {
        Version(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A thing whose whole history is its events.
pub trait Aggregate: Sized {
    type Event;

    /// The state after an event. Never refuses: what is in the log has happened.
    fn apply(state: Option<Self>, event: &Self::Event) -> Option<Self>;
}

/// An aggregate as it is stored between commands: `{"version":2,"lastEvent":"1795310863007-0","data":{…}}`. `data` is null
/// once the thing has ended; the version stays, so that a late command cannot mistake a new life for the old one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Current<T> {
    pub version: Version,
    pub last_event: StreamPosition,
    pub data: Option<T>,
}

impl<T> Default for Current<T> {
    /// An aggregate that has had no event.
    fn default() -> Self {
        Self { version: Version::NONE, last_event: StreamPosition::START, data: None }
    }
}

impl<T: Aggregate> Current<T> {
    /// Folds one more event in.
    pub fn then(self, position: StreamPosition, event: &T::Event) -> Self {
        Self { version: self.version.next(), last_event: position, data: T::apply(self.data, event) }
    }
}
