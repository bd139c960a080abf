//! The bytes of a snapshot. SNAPSHOT.md has the tables.

use domain::StreamPosition;
use domain::event::Stream;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::damage::Damage;
use super::witness::Witness;
use crate::view::Positions;

/// As in PNG: not text, broken by programs that strip the eighth bit or translate ends of lines, shown as one word.
pub const MAGIC: [u8; 8] = *b"\x89SNG\r\n\x1a\n";
/// At the end of the last piece.
pub const END_MAGIC: [u8; 8] = *b"\x89END\r\n\x1a\n";
/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;
pub const HEADER_BYTES: usize = 192;
/// The header ends with the checksum of all before it.
const HEADER_CHECKED: usize = HEADER_BYTES - 8;
/// A header of a newer version may be longer, within reason.
pub const MAX_HEADER_BYTES: usize = 4096;
/// Before the payload of a piece: kind, length, checksum.
pub const FRAME_BYTES: usize = 16;
/// The payload of a piece: a quarter of a second-level cache, in which it is checked and read, and large for a disk.
pub const PIECE_BYTES: usize = 256 * 1024;
/// Two times, two lengths in a word, and two names of 100 characters of 4 bytes.
pub const MAX_RECORD_WORDS: usize = 5 + 200;
/// In the id of a person: their own event has been seen. Ids leave the upper bits free.
pub const KNOWN: u64 = 1 << 63;
/// The least that people and friendships take in a file: an id and a degree; a neighbour in each direction.
const PERSON_BYTES: u64 = 12;
const FRIENDSHIP_BYTES: u64 = 8;
const RECORD_BYTES: u64 = 28;

/// What a piece holds. Pieces come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Section {
    Records = 1,
    People = 2,
    Rows = 3,
    End = 4,
}

impl Section {
    pub fn name(self) -> &'static str {
        match self {
            Section::Records => "records",
            Section::People => "people",
            Section::Rows => "rows",
            Section::End => "end",
        }
    }

    fn of(number: u32) -> Option<Self> {
        [Self::Records, Self::People, Self::Rows, Self::End].into_iter().find(|&section| section as u32 == number)
    }
}

/// How far a stream is included, and how to recognise it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamPart {
    pub position: StreamPosition,
    /// Entries included.
    pub entries: u64,
    pub witness: Witness,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole file.
    pub length: u64,
    /// Milliseconds since 1970.
    pub created: u64,
    /// By stream.
    pub streams: [StreamPart; 2],
    pub people: u64,
    pub known: u64,
    pub friendships: u64,
    /// Entries in the section of records; somebody whose record was written meanwhile has more than one.
    pub records: u64,
    pub pieces: u64,
    /// The checksum of the last piece, which depends on all pieces before it.
    pub last_checksum: u64,
}

impl Header {
    pub fn positions(&self) -> Positions {
        let [user, friend] = self.streams.map(|stream| stream.position);
        Positions { user, friend }
    }

    pub fn stream(&self, stream: Stream) -> &StreamPart {
        &self.streams[stream as usize]
    }

    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((HEADER_BYTES as u32).to_le_bytes());
        let mut numbers = vec![self.length, self.created];
        for StreamPart { position, entries, witness } in &self.streams {
            numbers.extend([position.millis, position.seq, *entries]);
            numbers.extend([witness.position.millis, witness.position.seq, witness.fingerprint]);
        }
        numbers.extend([self.people, self.known, self.friendships, self.records, self.pieces, self.last_checksum]);
        bytes.extend(numbers.into_iter().flat_map(u64::to_le_bytes));
        bytes.resize(HEADER_CHECKED, 0);
        bytes.extend(xxh3_64_with_seed(&bytes, 0).to_le_bytes());
        bytes.try_into().expect("the fields fill the header")
    }

    /// Reads a header of this version, whose checksum has been verified; `length` is that of the file.
    pub fn decode(bytes: &[u8; HEADER_BYTES], length: u64) -> Result<Self, Damage> {
        let mut numbers = bytes[16..HEADER_CHECKED].as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || numbers.next().unwrap_or_default();
        let mut header = Self { length: next(), created: next(), ..Self::default() };
        for stream in &mut header.streams {
            let position = StreamPosition { millis: next(), seq: next() };
            let entries = next();
            let witness = Witness { position: StreamPosition { millis: next(), seq: next() }, fingerprint: next() };
            *stream = StreamPart { position, entries, witness };
        }
        for field in [&mut header.people, &mut header.known, &mut header.friendships, &mut header.records] {
            *field = next();
        }
        (header.pieces, header.last_checksum) = (next(), next());
        if length < header.length {
            return Err(Damage::Truncated { length, expected: header.length });
        }
        let damaged = |what: &str| Err(Damage::Corrupt { section: "header", offset: 0, what: what.to_owned() });
        if length > header.length {
            return damaged("the file is longer than it says");
        }
        let parts = [
            (header.people, PERSON_BYTES),
            (header.friendships, FRIENDSHIP_BYTES),
            (header.records, RECORD_BYTES),
            (header.pieces, FRAME_BYTES as u64),
        ];
        let least = parts.iter().try_fold(0_u64, |sum, (count, each)| sum.checked_add(count.checked_mul(*each)?));
        if least.is_none_or(|least| least > length) || header.people > u64::from(u32::MAX) {
            return damaged("it counts more than the file has room for");
        }
        Ok(header)
    }
}

/// What stands at the beginning of every version: says how long the header is.
pub fn check_beginning(bytes: &[u8; 16]) -> Result<usize, Damage> {
    if bytes[..8] != MAGIC {
        return Err(Damage::Foreign);
    }
    let length = word(bytes, 12) as usize;
    if !(HEADER_BYTES..=MAX_HEADER_BYTES).contains(&length) {
        return Err(Damage::Corrupt { section: "header", offset: 12, what: format!("no header has {length} bytes") });
    }
    Ok(length)
}

/// The checksum, and then the version: of a newer one, or of none that ever was.
pub fn check_header(bytes: &[u8]) -> Result<(), Damage> {
    let damaged = |what: String| Err(Damage::Corrupt { section: "header", offset: 0, what });
    let Some((checked, &checksum)) = bytes.split_last_chunk::<8>() else {
        return damaged("too short".into());
    };
    if xxh3_64_with_seed(checked, 0) != u64::from_le_bytes(checksum) {
        return damaged("the checksum differs".into());
    }
    match word(bytes, 8) {
        VERSION if bytes.len() == HEADER_BYTES => Ok(()),
        newer if newer > VERSION => Err(Damage::Newer(newer)),
        odd => damaged(format!("version {odd} with {} bytes was never written", bytes.len())),
    }
}

/// What stands before the payload of a piece.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub section: Section,
    /// Bytes of the payload.
    pub length: usize,
    pub checksum: u64,
}

impl Frame {
    /// `before` is the checksum of the piece before: pieces that are missing, doubled, exchanged or another file's are
    /// noticed as well.
    pub fn of(section: Section, payload: &[u8], before: u64) -> Self {
        let checksum = checksum(section, payload, before);
        Self { section, length: payload.len(), checksum }
    }

    pub fn encode(&self) -> [u8; FRAME_BYTES] {
        let mut bytes = [0; FRAME_BYTES];
        bytes[..4].copy_from_slice(&(self.section as u32).to_le_bytes());
        bytes[4..8].copy_from_slice(&(self.length as u32).to_le_bytes());
        bytes[8..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// None if that is no frame.
    pub fn decode(bytes: &[u8; FRAME_BYTES]) -> Option<Self> {
        let length = word(bytes, 4) as usize;
        let whole = length > 0 && length <= PIECE_BYTES && length.is_multiple_of(4);
        let section = Section::of(word(bytes, 0)).filter(|_| whole)?;
        Some(Self { section, length, checksum: u64::from(word(bytes, 8)) | u64::from(word(bytes, 12)) << 32 })
    }
}

pub fn checksum(section: Section, payload: &[u8], before: u64) -> u64 {
    // The length is part of the hash, the section of its seed.
    xxh3_64_with_seed(payload, before.wrapping_add(section as u64))
}

/// Summed up over all rows this is nothing, exactly if (but for chance) everybody's friends have them as a friend.
pub fn pairing(person: u32, friends: &[u32]) -> u64 {
    let (before, after) = friends.split_at(friends.partition_point(|&friend| friend < person));
    let person = u64::from(person);
    let sum = |sum: u64, pair: u64| sum.wrapping_add(mixed(pair));
    let forth = after.iter().map(|&friend| person << 32 | u64::from(friend)).fold(0, sum);
    let back = before.iter().map(|&friend| u64::from(friend) << 32 | person).fold(0, sum);
    forth.wrapping_sub(back)
}

/// The finaliser of SplitMix64, a round less.
fn mixed(pair: u64) -> u64 {
    let once = (pair ^ (pair >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    once ^ (once >> 29)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Appends words as bytes: compiles to a copy.
pub fn put_words(bytes: &mut Vec<u8>, words: &[u32]) {
    let start = bytes.len();
    bytes.resize(start + words.len() * 4, 0);
    for (place, word) in bytes[start..].as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
}
