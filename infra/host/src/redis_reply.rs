//! A Redis reply as `execute` gives it to a component: one flat list, exactly as Spin flattens it.

use redis::{ErrorKind, FromRedisValue, ParsingError, RedisError, Value};

use crate::bindings::imports::redis::RedisResult;

/// Spin's cap on what a call may return.
pub const MAX_REPLY: usize = 128 << 20;

/// Arrays and sets become one list, depth first; an empty one vanishes.
#[derive(Debug)]
pub struct Flat(pub Vec<RedisResult>);

impl Flat {
    /// Bytes that the list takes in memory.
    pub fn size(&self) -> usize {
        let own = |result: &RedisResult| match result {
            RedisResult::Binary(bytes) => bytes.len(),
            RedisResult::Status(text) => text.len(),
            RedisResult::Nil | RedisResult::Int64(_) => 0,
        };
        let items: usize = self.0.iter().map(own).sum();
        self.0.len() * size_of::<RedisResult>() + items
    }
}

impl FromRedisValue for Flat {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut list = Vec::new();
        append(&mut list, value)
            .map_err(|what| format!("Redis {what} is not supported"))
            .map_err(ParsingError::from)?;
        Ok(Self(list))
    }
}

/// Fails with the name of what has no place in a flat list.
fn append(list: &mut Vec<RedisResult>, value: Value) -> Result<(), &'static str> {
    list.push(match value {
        Value::Nil => RedisResult::Nil,
        Value::Int(number) => RedisResult::Int64(number),
        Value::BulkString(bytes) => RedisResult::Binary(bytes),
        Value::SimpleString(text) => RedisResult::Status(text),
        Value::Okay => RedisResult::Status("OK".to_string()),
        Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
        Value::Boolean(yes) => RedisResult::Int64(i64::from(yes)),
        Value::BigNumber(digits) => RedisResult::Binary(digits),
        Value::Array(values) | Value::Set(values) => {
            list.reserve(values.len());
            return values.into_iter().try_for_each(|v| append(list, v));
        }
        Value::Map(_) => return Err("Map type"),
        Value::Attribute { .. } => return Err("Attribute type"),
        Value::VerbatimString { .. } => return Err("string with format attribute"),
        Value::Push { .. } => return Err("Pub/Sub type"),
        Value::ServerError(_) => return Err("error inside a reply"),
        _ => return Err("type that the host does not know"),
    });
    Ok(())
}

/// The error of a reply beyond `MAX_REPLY`.
pub fn too_large() -> RedisError {
    RedisError::from((ErrorKind::Client, "query result exceeds limit of 134217728 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: Value) -> Result<Vec<String>, String> {
        let list = Flat::from_redis_value(value).map_err(|error| error.to_string())?;
        let text = |result: &RedisResult| match result {
            RedisResult::Nil => "nil".to_string(),
            RedisResult::Int64(number) => format!("int {number}"),
            RedisResult::Binary(bytes) => format!("bin {}", String::from_utf8_lossy(bytes)),
            RedisResult::Status(text) => format!("status {text}"),
        };
        Ok(list.0.iter().map(text).collect())
    }

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let map = || Value::Map(vec![(bulk("k"), bulk("v"))]);
        assert!(flat(map()).unwrap_err().contains("Map"));
        let nested = Value::Array(vec![Value::Int(1), Value::Array(vec![map()])]);
        assert!(flat(nested).unwrap_err().contains("Map"));
        for value in [
            Value::Attribute { data: Box::new(Value::Nil), attributes: vec![] },
            Value::VerbatimString { format: redis::VerbatimFormat::Text, text: String::new() },
            Value::Push { kind: redis::PushKind::Message, data: vec![] },
        ] {
            assert!(flat(value).is_err());
        }
    }

    #[test]
    fn single_values_stay_as_they_are() {
        for (value, expected) in [
            (Value::Nil, "nil"),
            (Value::Int(-7), "int -7"),
            (bulk("x"), "bin x"),
            (Value::Okay, "status OK"),
            (Value::SimpleString("PONG".to_string()), "status PONG"),
            (Value::Double(1.5), "bin 1.5"),
            (Value::Boolean(true), "int 1"),
            (Value::Boolean(false), "int 0"),
            (Value::BigNumber(b"123".to_vec()), "bin 123"),
        ] {
            assert_eq!(flat(value), Ok(vec![expected.to_string()]));
        }
    }

    #[test]
    fn nested_arrays_become_one_list_and_empty_ones_vanish() {
        // As XRANGE answers: [[id, [field, value]], [id, []]].
        let reply = Value::Array(vec![
            Value::Array(vec![bulk("1-0"), Value::Array(vec![bulk("f"), bulk("v")])]),
            Value::Array(vec![bulk("2-0"), Value::Array(vec![])]),
            Value::Set(vec![Value::Nil]),
        ]);
        let expected = ["bin 1-0", "bin f", "bin v", "bin 2-0", "nil"];
        assert_eq!(flat(reply).unwrap(), expected);
        assert_eq!(flat(Value::Array(vec![])), Ok(vec![]));
    }

    #[test]
    fn the_size_counts_what_the_list_holds() {
        let list = Flat(vec![RedisResult::Binary(vec![0; 100]), RedisResult::Nil]);
        assert_eq!(list.size(), 100 + 2 * size_of::<RedisResult>());
    }
}
