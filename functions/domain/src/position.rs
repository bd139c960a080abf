//! A place in a Redis stream.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text;

/// A Redis stream entry id, `<milliseconds>-<sequence>`, ordered as in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamPosition {
    pub millis: u64,
    pub seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a stream position, <milliseconds>-<sequence>, such as 1795310863007-0")]
pub struct InvalidPosition;

impl StreamPosition {
    /// Before the first event.
    pub const START: StreamPosition = StreamPosition { millis: 0, seq: 0 };
}

impl fmt::Display for StreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.seq)
    }
}

impl FromStr for StreamPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if digits { part.parse().map_err(|_| InvalidPosition) } else { Err(InvalidPosition) }
        };
        let (millis, seq) = text.split_once('-').ok_or(InvalidPosition)?;
        Ok(Self { millis: number(millis)?, seq: number(seq)? })
    }
}

impl Serialize for StreamPosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, str::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_written_and_ordered() {
        let at = |text: &str| text.parse::<StreamPosition>();
        assert_eq!(at("17-3").unwrap().to_string(), "17-3");
        assert!(at("9-10").unwrap() > at("9-9").unwrap());
        assert!(at("10-0").unwrap() > at("9-99").unwrap());
        for bad in ["", "-", "1", "1-", "-1", "+1-2", "1-2-3", "18446744073709551616-0", "a-b"] {
            assert!(at(bad).is_err(), "{bad:?}");
        }
    }
}
