//! What it takes to put a running system under load through its HTTP API, as cheaply as can be: on a small machine the
//! client shares the processors with what it measures.
//!
//! Reading order: [`target`] finds the system, [`operation`] is what can be asked of it, [`requests`] writes what is sent,
//! [`client`] sends it, [`drive`] keeps many connections busy, [`pace`] says when each call begins, [`tally`] counts what
//! comes back.

pub mod client;
pub mod drive;
pub mod operation;
pub mod pace;
pub mod people;
pub mod requests;
pub mod tally;
pub mod target;

pub use client::{Answer, Connection};
pub use operation::{Operation, Outcome};
pub use requests::Requests;
pub use tally::Tally;
pub use target::Target;
