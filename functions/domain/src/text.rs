//! Values that JSON holds as a string, parsed where the string lies.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserializer, de};

/// Hands the string to `parse`. It is copied only if it holds escapes.
pub fn deserialize<'de, D: Deserializer<'de>, T, E: fmt::Display>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Parsed { parse, kind: PhantomData })
}

struct Parsed<F, T> {
    parse: F,
    kind: PhantomData<T>,
}

impl<T, E: fmt::Display, F: FnOnce(&str) -> Result<T, E>> de::Visitor<'_> for Parsed<F, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<X: de::Error>(self, text: &str) -> Result<T, X> {
        (self.parse)(text).map_err(X::custom)
    }
}
