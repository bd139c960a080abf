//! One moment of the graph in temporary files, so that it can be read as slowly as somebody likes.
//!
//! Small ones stay in memory. A file has no name from its beginning on: it is gone with the worker, however that ends.

use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use tempfile::{SpooledTempFile, spooled_tempfile};

use super::{Person, Source};
use crate::records;
use crate::view::Positions;

/// What stays in memory: a neighbourhood of some thousand people.
const IN_MEMORY: usize = 256 * 1024;
/// Written and read at once.
const BUFFER: usize = 64 * 1024;
/// A record has fewer words, by far; more is a broken file.
const MAX_RECORD_WORDS: usize = 1024;

/// A spool that is being filled.
pub struct Spooling {
    /// Each person: id, number of words of the record, and those.
    people: BufWriter<SpooledTempFile>,
    /// Runs: the id of one, the number of the others, and their ids.
    friendships: BufWriter<SpooledTempFile>,
    counts: [u64; 2],
}

pub struct Spool {
    positions: Positions,
    people: BufReader<SpooledTempFile>,
    friendships: BufReader<SpooledTempFile>,
    /// People and runs still to be read.
    left: [u64; 2],
    /// The run that is being read: whose, and how many of it are left.
    run: (u64, u32),
    words: Vec<u32>,
}

impl Spooling {
    pub fn new() -> Self {
        let file = || BufWriter::with_capacity(BUFFER, spooled_tempfile(IN_MEMORY));
        Self { people: file(), friendships: file(), counts: [0; 2] }
    }

    /// No words: a person who is not known.
    pub fn person(&mut self, id: u64, record: &[u32]) -> io::Result<()> {
        self.counts[0] += 1;
        self.people.write_all(&id.to_le_bytes())?;
        self.people.write_all(&(record.len() as u32).to_le_bytes())?;
        record.iter().try_for_each(|word| self.people.write_all(&word.to_le_bytes()))
    }

    /// Friendships of one person with others.
    pub fn friendships(&mut self, id: u64, others: &[u64]) -> io::Result<()> {
        if others.is_empty() {
            return Ok(());
        }
        self.counts[1] += 1;
        self.friendships.write_all(&id.to_le_bytes())?;
        self.friendships.write_all(&(others.len() as u32).to_le_bytes())?;
        others.iter().try_for_each(|other| self.friendships.write_all(&other.to_le_bytes()))
    }

    pub fn finish(self, positions: Positions) -> io::Result<Spool> {
        let rewound = |file: BufWriter<SpooledTempFile>| {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            Ok::<_, io::Error>(BufReader::with_capacity(BUFFER, file))
        };
        let (people, friendships) = (rewound(self.people)?, rewound(self.friendships)?);
        Ok(Spool { positions, people, friendships, left: self.counts, run: (0, 0), words: Vec::new() })
    }
}

impl Source for Spool {
    fn positions(&self) -> Positions {
        self.positions
    }

    fn next_person(&mut self) -> io::Result<Option<Person>> {
        if self.left[0] == 0 {
            return Ok(None);
        }
        self.left[0] -= 1;
        let (id, words) = (long(&mut self.people)?, word(&mut self.people)? as usize);
        if words == 0 {
            return Ok(Some(Person { id, user: None }));
        }
        if words > MAX_RECORD_WORDS {
            return Err(broken());
        }
        self.words.clear();
        for _ in 0..words {
            self.words.push(word(&mut self.people)?);
        }
        let user = records::unpack(id, &self.words).ok_or_else(broken)?;
        Ok(Some(Person { id, user: Some(user) }))
    }

    fn next_friendship(&mut self) -> io::Result<Option<[u64; 2]>> {
        if self.run.1 == 0 {
            if self.left[1] == 0 {
                return Ok(None);
            }
            self.left[1] -= 1;
            self.run = (long(&mut self.friendships)?, word(&mut self.friendships)?);
        }
        self.run.1 = self.run.1.checked_sub(1).ok_or_else(broken)?;
        Ok(Some([self.run.0, long(&mut self.friendships)?]))
    }
}

fn long(file: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn word(file: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the temporary file is not what was written to it")
}
