//! The graph for other programs: everybody, or a person's neighbourhood, as JSON, CSV, GraphML or Cypher.
//!
//! An export is of one moment, and its reader may be as slow as they like. So it comes in two parts: what there was at
//! that moment is gathered into a spool, in short holds of the view and as fast as the disk allows ([`gather`]); then
//! the spool is written in a format, as fast as the reader takes it. Neither keeps more than a few pieces in memory.
//!
//! Reading order: this file (what an export is made of), [`gather`] and [`spool`], [`exports`] (so many at a time), then
//! the formats: [`json`], [`csv`], [`graphml`], [`cypher`]. Described for users in `projection/EXPORT.md`.

mod csv;
mod cypher;
mod exports;
mod gather;
mod graphml;
mod json;
mod members;
pub mod offline;
mod spool;

pub use exports::{Export, ExportError, Exports};
pub use gather::{GatherError, Whom, gather};
pub use spool::Spool;

use std::io::{self, Write};

use domain::User;

use crate::view::Positions;

/// Written at once: enough that the cost of a piece does not count.
const PIECE: usize = 64 * 1024;

/// Somebody in an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: u64,
    /// Nothing if only their friendships have been seen so far.
    pub user: Option<User>,
}

/// What can be exported: everybody first, then each friendship once.
pub trait Source {
    fn positions(&self) -> Positions;
    fn next_person(&mut self) -> io::Result<Option<Person>>;
    fn next_friendship(&mut self) -> io::Result<Option<[u64; 2]>>;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub people: u64,
    pub friendships: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Json,
    Csv,
    GraphMl,
    Cypher,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::GraphMl, Self::Cypher];

    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::GraphMl => "graphml",
            Self::Cypher => "cypher",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::GraphMl => "application/graphml+xml; charset=utf-8",
            Self::Cypher => "application/x-cypher-query; charset=utf-8",
        }
    }

    fn encoder(self) -> Box<dyn Encoder> {
        match self {
            Self::Json => Box::<json::Json>::default(),
            Self::Csv => Box::new(csv::Csv),
            Self::GraphMl => Box::new(graphml::GraphMl),
            Self::Cypher => Box::<cypher::Cypher>::default(),
        }
    }
}

/// Writes a format. Its methods are called in the order in which they are here.
trait Encoder {
    fn begin(&mut self, out: &mut Vec<u8>, positions: &Positions);
    fn person(&mut self, out: &mut Vec<u8>, person: &Person);
    /// That was everybody.
    fn people_end(&mut self, out: &mut Vec<u8>);
    /// The smaller id first.
    fn friendship(&mut self, out: &mut Vec<u8>, pair: [u64; 2]);
    fn end(&mut self, out: &mut Vec<u8>, positions: &Positions, totals: Totals);
}

/// Writes everything there is, a piece at a time.
pub fn write(source: &mut impl Source, format: Format, out: &mut impl Write) -> io::Result<Totals> {
    let (mut encoder, mut piece, mut totals) = (format.encoder(), Vec::with_capacity(2 * PIECE), Totals::default());
    let positions = source.positions();
    encoder.begin(&mut piece, &positions);
    while let Some(person) = source.next_person()? {
        encoder.person(&mut piece, &person);
        totals.people += 1;
        flush(&mut piece, PIECE, out)?;
    }
    encoder.people_end(&mut piece);
    while let Some([a, b]) = source.next_friendship()? {
        encoder.friendship(&mut piece, [a.min(b), a.max(b)]);
        totals.friendships += 1;
        flush(&mut piece, PIECE, out)?;
    }
    encoder.end(&mut piece, &positions, totals);
    flush(&mut piece, 1, out)?;
    Ok(totals)
}

fn flush(piece: &mut Vec<u8>, least: usize, out: &mut impl Write) -> io::Result<()> {
    if piece.len() >= least {
        out.write_all(piece)?;
        piece.clear();
    }
    Ok(())
}

/// Appends text; memory does not fail.
macro_rules! put {
    ($out:expr, $($argument:tt)*) => {{
        use std::io::Write as _;
        let _ = write!($out, $($argument)*);
    }};
}
use put;
