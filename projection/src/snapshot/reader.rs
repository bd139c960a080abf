//! Reads a snapshot from beginning to end, with flat memory, and believes nothing in it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::damage::Damage;
use super::format::{
    END_MAGIC, FRAME_BYTES, Frame, HEADER_BYTES, Header, KNOWN, MAX_RECORD_WORDS, Section, check_beginning,
    check_header, checksum, pairing,
};

/// What a snapshot holds, in this order: all records, then everybody, then everybody's friends.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Of the person with this index; the last one counts. See [`crate::records::unpack`].
    Record { index: u32, words: &'a [u32] },
    /// By ascending index, from 0 on without gaps.
    Person { index: u32, id: u64, known: bool },
    /// By ascending index as well; the friends by index, ascending.
    Friends { index: u32, friends: &'a [u32] },
}

pub struct Reader<R> {
    input: R,
    header: Header,
    /// Where the next piece begins.
    offset: u64,
    /// Where the piece in the window began.
    piece: u64,
    pieces: u64,
    checksum: u64,
    section: Section,
    bytes: Vec<u8>,
    /// The piece that is read; before it what is left of those before.
    window: Vec<u32>,
    at: usize,
    /// Parts of the section read so far.
    count: u64,
    known: u64,
    directed: u64,
    pairing: u64,
}

impl Reader<File> {
    pub fn open(path: &Path) -> Result<Self, Damage> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Self::new(file, length)
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header of a file of that length.
    pub fn new(mut input: R, length: u64) -> Result<Self, Damage> {
        let mut header = vec![0; 16];
        let truncated = |expected: usize| Err(Damage::Truncated { length, expected: expected as u64 });
        if length < HEADER_BYTES as u64 {
            return truncated(HEADER_BYTES);
        }
        input.read_exact(&mut header)?;
        let header_length = check_beginning(header[..].try_into().expect("16 bytes"))?;
        if length < header_length as u64 {
            return truncated(header_length);
        }
        header.resize(header_length, 0);
        input.read_exact(&mut header[16..])?;
        check_header(&header)?;
        let header = Header::decode(header[..].try_into().expect("the version has this length"), length)?;
        Ok(Self {
            input,
            header,
            offset: HEADER_BYTES as u64,
            piece: HEADER_BYTES as u64,
            pieces: 0,
            checksum: 0,
            section: Section::Records,
            bytes: Vec::new(),
            window: Vec::new(),
            at: 0,
            count: 0,
            known: 0,
            directed: 0,
            pairing: 0,
        })
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes read so far, of [`Header::length`].
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next part; none after the last, when the whole file has been found in order.
    #[expect(clippy::should_implement_trait, reason = "it lends what it gives")]
    pub fn next(&mut self) -> Result<Option<Part<'_>>, Damage> {
        loop {
            let more = self.count < self.parts();
            match self.section {
                Section::Records if more => return self.record().map(Some),
                Section::People if more => return self.person().map(Some),
                Section::Rows if more => return self.friends().map(Some),
                Section::Records => self.begin(Section::People)?,
                Section::People => self.begin(Section::Rows)?,
                Section::Rows => self.end()?,
                Section::End => return Ok(None),
            }
        }
    }

    fn parts(&self) -> u64 {
        match self.section {
            Section::Records => self.header.records,
            Section::People | Section::Rows => self.header.people,
            Section::End => 0,
        }
    }

    fn begin(&mut self, section: Section) -> Result<(), Damage> {
        if self.at < self.window.len() {
            return Err(self.corrupt("there is more in it than the header says"));
        }
        (self.section, self.count) = (section, 0);
        Ok(())
    }

    fn record(&mut self) -> Result<Part<'_>, Damage> {
        let [index, length] = self.words(2)? else { unreachable!("two were asked for") };
        let (index, length) = (*index, *length as usize);
        if u64::from(index) >= self.header.people || length > MAX_RECORD_WORDS {
            return Err(self.corrupt(&format!("no record of person {index} has {length} words")));
        }
        self.count += 1;
        Ok(Part::Record { index, words: self.words(length)? })
    }

    fn person(&mut self) -> Result<Part<'_>, Damage> {
        let [low, high] = self.words(2)? else { unreachable!("two were asked for") };
        let id = u64::from(*low) | u64::from(*high) << 32;
        let (index, known) = (self.count as u32, id & KNOWN != 0);
        self.count += 1;
        self.known += u64::from(known);
        Ok(Part::Person { index, id: id & !KNOWN, known })
    }

    fn friends(&mut self) -> Result<Part<'_>, Damage> {
        let degree = u64::from(self.words(1)?[0]);
        let (index, people) = (self.count as u32, self.header.people);
        if degree >= people || self.directed + degree > 2 * self.header.friendships {
            return Err(self.corrupt(&format!("person {index} cannot have {degree} friends")));
        }
        self.count += 1;
        self.directed += degree;
        let friends = self.words(degree as usize)?;
        let ascends = friends.windows(2).all(|pair| pair[0] < pair[1]);
        let there = friends.last().is_none_or(|&last| u64::from(last) < people);
        if !ascends || !there || friends.binary_search(&index).is_ok() {
            return Err(self.corrupt(&format!("the friends of person {index} are not in order")));
        }
        let pairing = pairing(index, friends);
        self.pairing = self.pairing.wrapping_add(pairing);
        // The same words once more: a part that is handed on must not be borrowed before the errors are.
        let end = self.at;
        Ok(Part::Friends { index, friends: &self.window[end - degree as usize..end] })
    }

    /// Everything has been read: does it fit together?
    fn end(&mut self) -> Result<(), Damage> {
        self.begin(Section::End)?;
        if self.known != self.header.known || self.directed != 2 * self.header.friendships {
            return Err(self.corrupt("people and friendships are not as many as the header says"));
        }
        if self.pairing != 0 {
            return Err(self.corrupt("somebody is a friend of one who is not theirs"));
        }
        let pieces = self.pieces;
        let end = self.words(4)?;
        let magic = [END_MAGIC[..4].try_into(), END_MAGIC[4..].try_into()];
        let magic = magic.map(|half| u32::from_le_bytes(half.expect("four bytes")));
        let fits = u64::from(end[0]) | u64::from(end[1]) << 32 == pieces && end[2..] == magic;
        let rest = self.at < self.window.len() || self.offset != self.header.length;
        if !fits || rest || self.pieces != self.header.pieces || self.checksum != self.header.last_checksum {
            return Err(self.corrupt("it is not the end that the header promises"));
        }
        Ok(())
    }

    /// The next words of the section.
    fn words(&mut self, count: usize) -> Result<&[u32], Damage> {
        while self.window.len() - self.at < count {
            self.next_piece()?;
        }
        self.at += count;
        Ok(&self.window[self.at - count..self.at])
    }

    /// Reads the next piece, which has to be of this section, and checks it.
    fn next_piece(&mut self) -> Result<(), Damage> {
        self.window.drain(..self.at);
        self.at = 0;
        self.piece = self.offset;
        let rest = self.header.length - self.offset;
        if rest < FRAME_BYTES as u64 {
            return Err(self.corrupt("it ends too early"));
        }
        let mut frame = [0; FRAME_BYTES];
        self.input.read_exact(&mut frame)?;
        let Some(frame) = Frame::decode(&frame) else {
            return Err(self.corrupt("there is no piece here"));
        };
        if frame.section != self.section {
            return Err(self.corrupt(&format!("a piece of the section {} is here", frame.section.name())));
        }
        if rest - (FRAME_BYTES as u64) < frame.length as u64 {
            return Err(self.corrupt("the piece is longer than the file"));
        }
        self.bytes.resize(frame.length, 0);
        self.input.read_exact(&mut self.bytes)?;
        if checksum(frame.section, &self.bytes, self.checksum) != frame.checksum {
            return Err(self.corrupt("the checksum differs"));
        }
        self.checksum = frame.checksum;
        self.offset += (FRAME_BYTES + frame.length) as u64;
        self.pieces += 1;
        self.window.extend(self.bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)));
        Ok(())
    }

    fn corrupt(&self, what: &str) -> Damage {
        Damage::Corrupt { section: self.section.name(), offset: self.piece, what: what.to_owned() }
    }
}
