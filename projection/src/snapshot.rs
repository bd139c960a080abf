//! The view in a file, so that a worker that starts reads on from there instead of from position 0.
//!
//! A snapshot holds the view at exactly one moment, while the writer of the view goes on: [`writer`]. It is a file of a
//! format of its own, which notices any damage: SNAPSHOT.md and [`format`], [`reader`]. The newest two are kept:
//! [`store`]. It belongs to the streams that it was made from: [`witness`]. When one is written: [`service`].

#[cfg(test)]
mod crafted;
mod damage;
mod figures;
mod format;
mod reader;
mod restore;
mod service;
mod sink;
mod start;
mod store;
mod witness;
mod writer;

pub use damage::Damage;
pub use figures::Figures;
pub use format::{Header, StreamPart, VERSION};
pub use reader::{Part, Reader};
pub use restore::restore;
pub use service::{Due, Made, Refused, Snapshots, refuse_signals};
pub use start::begin;
pub use store::{Loaded, Store, newest_first};
pub use witness::Witness;
pub use writer::{Failure, Written, write};
