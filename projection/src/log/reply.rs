//! A reply of the log, as it grows: stream entries whose fields are places in the buffer that they came in.

use domain::StreamPosition;
use redis::{ErrorKind, RedisError, RedisResult};

use super::info::StreamInfo;
use super::resp::{Cursor, MAX_REPLY, Span, Stop, position};

/// Room that a read finds in the buffer at least: what Redis sends in one go.
const ROOM: usize = 64 << 10;
/// A buffer that had to grow beyond this is given back: only an odd entry needs so much.
const KEPT_BUFFER: usize = 8 << 20;

/// What was asked for. What Redis says of the stream comes after it always, and is as new or newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The entries of an XREAD of one stream: null if it timed out.
    Read,
    /// The entries of an XRANGE.
    Range,
    /// No entries.
    Info,
}

/// Why a reply cannot be read. The connection is of no use any more.
#[derive(Debug)]
pub enum ReadError {
    Redis(RedisError),
    /// It is larger than [`MAX_REPLY`], with the entry at this position, which is the first one or not.
    TooLarge {
        entry: Option<StreamPosition>,
        first: bool,
    },
}

impl<T: Into<RedisError>> From<T> for ReadError {
    fn from(error: T) -> Self {
        Self::Redis(error.into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Begin(Asked),
    /// So many entries are still to come.
    Entries(usize),
    Info,
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    position: StreamPosition,
    /// Its fields are those from the end of the entry before to here.
    fields_end: u32,
}

/// An entry of which so many fields have not come yet.
#[derive(Clone, Copy, Debug)]
struct Begun {
    position: StreamPosition,
    pairs: usize,
}

/// An entry that has not been understood yet.
#[derive(Clone, Copy, Debug)]
pub struct RawEntry<'a> {
    pub position: StreamPosition,
    fields: &'a [[Span; 2]],
    buffer: &'a [u8],
}

impl<'a> RawEntry<'a> {
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let buffer = self.buffer;
        self.fields.iter().map(move |[name, value]| (name.of(buffer), value.of(buffer)))
    }

    pub fn field(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.fields().find(|field| field.0 == name).map(|field| field.1)
    }
}

/// A reply, complete or not. It is used again and again, so that nothing is allocated for an entry or a field.
#[derive(Debug)]
pub struct Reply {
    buffer: Vec<u8>,
    /// So much of the buffer has been understood.
    parsed: usize,
    /// It is of no use to look again before the buffer holds so much.
    needed: usize,
    stage: Stage,
    begun: Option<Begun>,
    entries: Vec<Place>,
    fields: Vec<[Span; 2]>,
    info: StreamInfo,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            parsed: 0,
            needed: 1,
            stage: Stage::Done,
            begun: None,
            entries: Vec::new(),
            fields: Vec::new(),
            info: StreamInfo::default(),
        }
    }
}

impl Reply {
    /// Forgets what it was, for the reply to another command.
    pub fn begin(&mut self, asked: Asked) {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BUFFER);
        self.entries.clear();
        self.fields.clear();
        self.fields.shrink_to(KEPT_BUFFER / size_of::<[Span; 2]>());
        (self.parsed, self.needed) = (0, 1);
        self.stage = if asked == Asked::Info { Stage::Info } else { Stage::Begin(asked) };
        self.begun = None;
        self.info = StreamInfo::default();
    }

    /// Where the next bytes go: there is room for some.
    pub fn room(&mut self) -> &mut Vec<u8> {
        let missing = self.needed.saturating_sub(self.buffer.len());
        self.buffer.reserve(missing.max(ROOM));
        &mut self.buffer
    }

    /// How many entries it has, so far.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.buffer.len()
    }

    /// What Redis said of the stream after the entries.
    pub fn info(&self) -> &StreamInfo {
        &self.info
    }

    /// The position of the last entry.
    pub fn last(&self) -> Option<StreamPosition> {
        self.entries.last().map(|entry| entry.position)
    }

    pub fn entries(&self) -> impl ExactSizeIterator<Item = RawEntry<'_>> {
        let mut start = 0;
        self.entries.iter().map(move |place| {
            let end = place.fields_end as usize;
            let fields = &self.fields[std::mem::replace(&mut start, end)..end];
            RawEntry { position: place.position, fields, buffer: &self.buffer }
        })
    }

    /// Understands what has come. True if the reply is complete.
    pub fn advance(&mut self) -> Result<bool, ReadError> {
        if self.buffer.len() < self.needed {
            return Ok(false);
        }
        loop {
            let step = match self.stage {
                Stage::Begin(asked) => self.head(asked),
                Stage::Entries(0) => Ok(Stage::Info),
                Stage::Entries(left) => self.entry().map(|()| Stage::Entries(left - 1)),
                Stage::Info => self.read_info()?,
                Stage::Done if self.parsed < self.buffer.len() => return Err(malformed("more than was asked for")),
                Stage::Done => return Ok(true),
            };
            match step {
                Ok(stage) => self.stage = stage,
                Err(Stop::Incomplete(needed)) if needed <= MAX_REPLY => {
                    self.needed = needed;
                    return Ok(false);
                }
                Err(Stop::Malformed(what)) => return Err(self.refusal().unwrap_or_else(|| malformed(what))),
                Err(Stop::Incomplete(_) | Stop::TooLarge) => return Err(self.too_large()),
            }
        }
    }

    /// What comes before the entries.
    fn head(&mut self, asked: Asked) -> Result<Stage, Stop> {
        let mut cursor = Cursor::new(&self.buffer, self.parsed);
        if cursor.kind()? == b'-' {
            // All of it has to be there before it can be told.
            cursor.line()?;
            return Err(Stop::Malformed("an error"));
        }
        let entries = match asked {
            Asked::Read => match cursor.array()? {
                None => 0,
                Some(1) if cursor.array()? == Some(2) => {
                    cursor.text()?;
                    cursor.array()?.ok_or(Stop::Malformed("a null where entries should be"))?
                }
                Some(_) => return Err(Stop::Malformed("a reply of more or less than one stream")),
            },
            _ => cursor.array()?.ok_or(Stop::Malformed("a null where entries should be"))?,
        };
        self.parsed = cursor.at();
        Ok(Stage::Entries(entries))
    }

    /// Reads an entry's position, and notes where its fields are; goes on with one that was not complete before.
    fn entry(&mut self) -> Result<(), Stop> {
        let Begun { position, mut pairs } = match self.begun.take() {
            Some(begun) => begun,
            None => self.begin_entry()?,
        };
        let mut cursor = Cursor::new(&self.buffer, self.parsed);
        let stopped = loop {
            if pairs == 0 {
                break None;
            }
            self.parsed = cursor.at();
            match cursor.text().and_then(|name| Ok([name, cursor.text()?])) {
                Ok(pair) => self.fields.push(pair),
                Err(stop) => break Some(stop),
            }
            pairs -= 1;
        };
        if let Some(stop) = stopped {
            self.begun = Some(Begun { position, pairs });
            return Err(stop);
        }
        self.parsed = cursor.at();
        self.entries.push(Place { position, fields_end: self.fields.len() as u32 });
        Ok(())
    }

    fn begin_entry(&mut self) -> Result<Begun, Stop> {
        let mut cursor = Cursor::new(&self.buffer, self.parsed);
        if cursor.array()? != Some(2) {
            return Err(Stop::Malformed("an entry that is not a position and fields"));
        }
        let id = cursor.text()?;
        let position = position(id.of(&self.buffer)).ok_or(Stop::Malformed("an entry whose position is none"))?;
        let texts = cursor.array()?.ok_or(Stop::Malformed("an entry without fields"))?;
        if texts % 2 != 0 {
            return Err(Stop::Malformed("a field without a value"));
        }
        self.parsed = cursor.at();
        Ok(Begun { position, pairs: texts / 2 })
    }

    fn read_info(&mut self) -> RedisResult<Result<Stage, Stop>> {
        let mut cursor = Cursor::new(&self.buffer, self.parsed);
        if let Err(stop) = cursor.skip() {
            return Ok(Err(stop));
        }
        self.info = StreamInfo::from_reply(redis::parse_redis_value(&self.buffer[self.parsed..cursor.at()]))?;
        self.parsed = cursor.at();
        Ok(Ok(Stage::Done))
    }

    /// The error that Redis sent instead of entries, if it did.
    fn refusal(&self) -> Option<ReadError> {
        let rest = &self.buffer[self.parsed..];
        let refused = matches!(self.stage, Stage::Begin(_)) && rest.first() == Some(&b'-');
        let error = refused.then(|| redis::parse_redis_value(rest).and_then(redis::Value::extract_error).err());
        Some(error??.into())
    }

    fn too_large(&self) -> ReadError {
        ReadError::TooLarge { entry: self.begun.map(|begun| begun.position), first: self.entries.is_empty() }
    }
}

fn malformed(what: &'static str) -> ReadError {
    RedisError::from((ErrorKind::Parse, "Redis does not answer what was asked", what.to_owned())).into()
}
