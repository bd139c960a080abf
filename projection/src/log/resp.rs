//! Redis's protocol, RESP2 (<https://redis.io/docs/latest/develop/reference/protocol-spec/>), read where it lies.
//!
//! A reply comes in pieces. The cursor stops at what is not there yet and says how much of the buffer it needs to go on;
//! whoever reads keeps what was complete and starts again from there.

use std::ops::Range;

use domain::StreamPosition;

/// More than a stream's entries, their fields, or an array of a reply can ever be: ten digits are past [`MAX_REPLY`].
const MAX_DIGITS: usize = 10;
/// The longest line that is no header: an error's text.
const MAX_LINE: usize = 4096;
/// The largest reply that is read. Ours are asked for so that they have about a megabyte; a single entry of more than
/// this is nothing that the functions have written, whose bodies are bounded at 64 KiB.
pub const MAX_REPLY: usize = 64 << 20;
/// Replies are a few levels deep; a stream's entry is at the fifth.
const MAX_DEPTH: usize = 8;

/// Why the cursor did not get further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Nothing more can be read before the buffer holds so many bytes.
    Incomplete(usize),
    /// What comes is no reply to what was asked.
    Malformed(&'static str),
    /// The reply is larger than [`MAX_REPLY`].
    TooLarge,
}

/// A place in the bytes of a reply, as small as it can be: a reading notes fourteen of them for each event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// No place in a reply is beyond [`MAX_REPLY`].
    fn new(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32 }
    }

    pub fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// Reads from a place in a reply on.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// How much has been read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The first byte of what comes: what kind of value it is.
    pub fn kind(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::Incomplete(self.at + 1))
    }

    /// The number of elements of an array; none if it is null.
    pub fn array(&mut self) -> Result<Option<usize>, Stop> {
        self.header(b'*')
    }

    /// Where a string is; none if it is null.
    #[inline(always)]
    pub fn bulk(&mut self) -> Result<Option<Span>, Stop> {
        let mut ahead = *self;
        let Some(length) = ahead.header(b'$')? else {
            *self = ahead;
            return Ok(None);
        };
        let end = ahead.at + length;
        if self.bytes.get(end..end + 2) != Some(b"\r\n") {
            return Err(self.unfinished(end));
        }
        self.at = end + 2;
        Ok(Some(Span::new(ahead.at..end)))
    }

    /// Why there is no end of a string where it should be.
    #[cold]
    fn unfinished(&self, end: usize) -> Stop {
        match end + 2 {
            needed if needed <= self.bytes.len() => Stop::Malformed("a string that does not end where it should"),
            needed if needed > MAX_REPLY => Stop::TooLarge,
            needed => Stop::Incomplete(needed),
        }
    }

    /// A string that has to be there.
    #[inline(always)]
    pub fn text(&mut self) -> Result<Span, Stop> {
        self.bulk()?.ok_or(Stop::Malformed("a null where a string should be"))
    }

    /// Passes over one value of any kind.
    pub fn skip(&mut self) -> Result<(), Stop> {
        let mut ahead = *self;
        // How many values are left to pass over, at each level.
        let mut left = [0_usize; MAX_DEPTH];
        let mut depth = 0;
        left[0] = 1;
        loop {
            while left[depth] == 0 {
                if depth == 0 {
                    *self = ahead;
                    return Ok(());
                }
                depth -= 1;
            }
            left[depth] -= 1;
            match ahead.kind()? {
                b'$' => drop(ahead.bulk()?),
                b'+' | b'-' | b':' => drop(ahead.line()?),
                b'*' => {
                    let elements = ahead.array()?.unwrap_or(0);
                    depth += 1;
                    *left.get_mut(depth).ok_or(Stop::Malformed("arrays in arrays in arrays"))? = elements;
                }
                _ => return Err(Stop::Malformed("a value of no known kind")),
            }
        }
    }

    /// A line of text or a number, without its kind.
    pub fn line(&mut self) -> Result<Span, Stop> {
        let start = self.at + 1;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let window = &rest[..rest.len().min(MAX_LINE)];
        match window.windows(2).position(|pair| pair == b"\r\n") {
            Some(length) => {
                self.at = start + length + 2;
                Ok(Span::new(start..start + length))
            }
            None if window.len() == MAX_LINE => Err(Stop::Malformed("a line without an end")),
            None => Err(Stop::Incomplete(self.bytes.len().max(self.at) + 1)),
        }
    }

    /// The length in front of an array or a string; none is the null of either.
    #[inline(always)]
    fn header(&mut self, kind: u8) -> Result<Option<usize>, Stop> {
        // Nearly all are as short as this, which costs half.
        if let Some((number, size)) =
            self.bytes[self.at.min(self.bytes.len())..].first_chunk().and_then(|b| short(b, kind))
        {
            self.at += size;
            return Ok(Some(number));
        }
        self.long_header(kind)
    }

    #[cold]
    fn long_header(&mut self, kind: u8) -> Result<Option<usize>, Stop> {
        if self.kind()? != kind {
            return Err(Stop::Malformed("a value of another kind than expected"));
        }
        let mut number = 0;
        for digits in 0..=MAX_DIGITS {
            let at = self.at + 1 + digits;
            match self.byte(at)? {
                digit @ b'0'..=b'9' => number = number * 10 + usize::from(digit - b'0'),
                b'\r' if digits > 0 => {
                    if self.byte(at + 1)? != b'\n' {
                        return Err(Stop::Malformed("a length that does not end where it should"));
                    }
                    self.at = at + 2;
                    return if number > MAX_REPLY { Err(Stop::TooLarge) } else { Ok(Some(number)) };
                }
                b'-' if digits == 0 => return self.null(),
                _ => return Err(Stop::Malformed("a length that is no number")),
            }
        }
        Err(Stop::TooLarge)
    }

    fn null(&mut self) -> Result<Option<usize>, Stop> {
        for (offset, expected) in b"-1\r\n".iter().enumerate() {
            if self.byte(self.at + 1 + offset)? != *expected {
                return Err(Stop::Malformed("a length below zero"));
            }
        }
        self.at += 5;
        Ok(None)
    }

    #[inline]
    fn byte(&self, at: usize) -> Result<u8, Stop> {
        self.bytes.get(at).copied().ok_or(Stop::Incomplete(at + 1))
    }
}

/// A header with a length of one to three digits, and its own size.
#[inline(always)]
fn short(bytes: &[u8; 6], kind: u8) -> Option<(usize, usize)> {
    let digit = |byte: u8| usize::from(byte.wrapping_sub(b'0'));
    let (number, digits, size) = match *bytes {
        [_, a, b'\r', b'\n', ..] => (digit(a), digit(a), 4),
        [_, a, b, b'\r', b'\n', _] => (digit(a) * 10 + digit(b), digit(a).max(digit(b)), 5),
        [_, a, b, c, b'\r', b'\n'] => {
            (digit(a) * 100 + digit(b) * 10 + digit(c), digit(a).max(digit(b)).max(digit(c)), 6)
        }
        _ => return None,
    };
    (bytes[0] == kind && digits < 10).then_some((number, size))
}

/// A stream position, as `StreamPosition::from_str` reads it.
pub fn position(text: &[u8]) -> Option<StreamPosition> {
    let dash = text.iter().position(|&byte| byte == b'-')?;
    Some(StreamPosition { millis: number(&text[..dash])?, seq: number(&text[dash + 1..])? })
}

fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, &byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}
