//! Stream entries as Redis sends them, read where they lie: a replay reads tens of millions of them.

use domain::StreamPosition;
use redis::{ErrorKind, RedisError, RedisResult, Value};

/// An entry that has not been understood yet.
#[derive(Debug)]
pub struct RawEntry<'a> {
    pub position: StreamPosition,
    pub fields: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> RawEntry<'a> {
    pub fn field(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.fields.iter().find(|field| field.0 == name).map(|field| field.1)
    }
}

/// The entries of an XREAD of one stream: none if it timed out.
pub fn read_entries(reply: &Value) -> RedisResult<Vec<RawEntry<'_>>> {
    match reply {
        Value::Nil => Ok(Vec::new()),
        Value::Array(streams) => match &streams[..] {
            [Value::Array(stream)] => match &stream[..] {
                [_, Value::Array(entries)] => entries.iter().map(entry).collect(),
                _ => Err(unexpected()),
            },
            _ => Err(unexpected()),
        },
        _ => Err(unexpected()),
    }
}

/// The position of the first entry of an XRANGE or XREVRANGE, the beginning if there is none.
pub fn first_position(reply: &Value) -> RedisResult<StreamPosition> {
    let Value::Array(entries) = reply else {
        return Err(unexpected());
    };
    entries.first().map_or(Ok(StreamPosition::START), |first| Ok(entry(first)?.position))
}

fn entry(value: &Value) -> RedisResult<RawEntry<'_>> {
    let Value::Array(parts) = value else {
        return Err(unexpected());
    };
    let [position, Value::Array(fields)] = &parts[..] else {
        return Err(unexpected());
    };
    let position = std::str::from_utf8(bytes(position)?).ok().and_then(|text| text.parse().ok());
    let (pairs, _) = fields.as_chunks::<2>();
    let fields = pairs.iter().map(|[name, value]| Ok((bytes(name)?, bytes(value)?)));
    Ok(RawEntry { position: position.ok_or_else(unexpected)?, fields: fields.collect::<RedisResult<_>>()? })
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

    #[test]
    fn entries_are_read_and_odd_replies_refused() {
        let fields = Value::Array(vec![text("type"), text("USER_CREATED"), text("data"), text("{}")]);
        let entries = Value::Array(vec![Value::Array(vec![text("17-3"), fields])]);
        assert_eq!(first_position(&entries).unwrap().to_string(), "17-3");
        let reply = Value::Array(vec![Value::Array(vec![text("events:user"), entries])]);
        let read = read_entries(&reply).unwrap();
        assert_eq!(read[0].field(b"data"), Some(&b"{}"[..]));
        assert!(read_entries(&Value::Nil).unwrap().is_empty());
        for odd in [Value::Int(1), Value::Array(vec![]), Value::Array(vec![Value::Nil]), text("x")] {
            assert!(read_entries(&odd).is_err(), "{odd:?}");
        }
    }
}
