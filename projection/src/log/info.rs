//! What Redis says of a stream, all at one moment. `XINFO STREAM events:friend`

use domain::StreamPosition;
use redis::{ErrorKind, RedisError, RedisResult, Value};

use super::resp;

/// A stream, as far as it is asked for here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamInfo {
    /// Entries that are there.
    pub length: u64,
    /// Entries that ever were there, deleted ones too; none if this Redis does not count them.
    pub added: Option<u64>,
    /// The position of the newest entry that ever was there.
    pub last_generated: StreamPosition,
    /// The newest position that was deleted by itself (XDEL). Trimming does not count.
    pub max_deleted: StreamPosition,
    /// The first entry that is there.
    pub first: Option<StreamPosition>,
    /// The last entry that is there.
    pub last: Option<StreamPosition>,
}

impl StreamInfo {
    /// There is no stream.
    const NONE: StreamInfo = StreamInfo {
        length: 0,
        added: Some(0),
        last_generated: StreamPosition::START,
        max_deleted: StreamPosition::START,
        first: None,
        last: None,
    };

    /// Reads the reply to XINFO STREAM.
    pub fn from_reply(reply: RedisResult<Value>) -> RedisResult<Self> {
        let reply = match reply.and_then(Value::extract_error) {
            Err(error) if is_no_stream(&error) => return Ok(Self::NONE),
            reply => reply?,
        };
        let Value::Array(parts) = reply else {
            return Err(unexpected());
        };
        let mut info = Self::default();
        let (pairs, _) = parts.as_chunks::<2>();
        for [name, value] in pairs {
            match bytes(name)? {
                b"length" => info.length = count(value)?,
                b"entries-added" => info.added = Some(count(value)?),
                b"last-generated-id" => info.last_generated = position(value)?,
                b"max-deleted-entry-id" => info.max_deleted = position(value)?,
                b"first-entry" => info.first = entry(value)?,
                b"last-entry" => info.last = entry(value)?,
                _ => {}
            }
        }
        Ok(info)
    }

    /// How many entries were there and are not any more; none if this Redis does not count.
    pub fn removed(&self) -> Option<u64> {
        Some(self.added?.saturating_sub(self.length))
    }
}

/// The position of the first entry of an XRANGE, if there is one.
pub fn first_position(reply: &Value) -> RedisResult<Option<StreamPosition>> {
    let Value::Array(entries) = reply else {
        return Err(unexpected());
    };
    entries.first().map_or(Ok(None), entry)
}

fn is_no_stream(error: &RedisError) -> bool {
    error.code() == Some("ERR") && error.detail().is_some_and(|detail| detail.contains("no such key"))
}

fn entry(value: &Value) -> RedisResult<Option<StreamPosition>> {
    match value {
        Value::Nil => Ok(None),
        Value::Array(parts) => Ok(Some(position(parts.first().ok_or_else(unexpected)?)?)),
        _ => Err(unexpected()),
    }
}

fn position(value: &Value) -> RedisResult<StreamPosition> {
    resp::position(bytes(value)?).ok_or_else(unexpected)
}

fn count(value: &Value) -> RedisResult<u64> {
    match value {
        Value::Int(count) => u64::try_from(*count).map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

fn bytes(value: &Value) -> RedisResult<&[u8]> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.as_bytes()),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "a reply that is not a stream's").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn at(text: &str) -> StreamPosition {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_said_is_read_and_the_rest_passed_over() {
        let first = Value::Array(vec![text("17-3"), Value::Array(vec![text("type"), text("USER_CREATED")])]);
        let said = vec![
            (text("length"), Value::Int(2)),
            (text("radix-tree-keys"), Value::Int(1)),
            (text("last-generated-id"), text("19-0")),
            (text("max-deleted-entry-id"), text("18-0")),
            (text("entries-added"), Value::Int(5)),
            (text("first-entry"), first),
            (text("last-entry"), Value::Nil),
        ];
        let reply =
            |said: &[(Value, Value)]| Value::Array(said.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect());
        let info = StreamInfo::from_reply(Ok(reply(&said))).unwrap();
        let expected = StreamInfo {
            length: 2,
            added: Some(5),
            last_generated: at("19-0"),
            max_deleted: at("18-0"),
            first: Some(at("17-3")),
            last: None,
        };
        assert_eq!((info, info.removed()), (expected, Some(3)));

        // One that does not count, as before version 7.
        let old = StreamInfo::from_reply(Ok(reply(&said[..3]))).unwrap();
        assert_eq!((old.added, old.removed()), (None, None));

        for odd in [Value::Int(1), Value::Array(vec![Value::Nil, Value::Nil]), text("x")] {
            assert!(StreamInfo::from_reply(Ok(odd.clone())).is_err(), "{odd:?}");
        }
        assert!(StreamInfo::from_reply(Ok(Value::Array(vec![text("length"), Value::Int(-1)]))).is_err());
    }

    #[test]
    fn no_stream_is_an_empty_one() {
        let said = |line: &[u8]| StreamInfo::from_reply(redis::parse_redis_value(line));
        assert_eq!(said(b"-ERR no such key\r\n").unwrap(), StreamInfo::NONE);
        assert!(said(b"-WRONGTYPE Operation against a key\r\n").is_err());
        assert!(said(b"-LOADING Redis is loading the dataset in memory\r\n").is_err());
    }
}
