//! Numbers that know what they may be, so that whoever writes another one is told.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// What a number may be.
pub trait Range {
    const LEAST: f64;
    const MOST: f64;
    const WHOLE: bool;
    /// What it counts, such as "seconds".
    const OF: &'static str;
}

macro_rules! ranges {
    ($($name:ident: $kind:tt from $least:literal to $most:expr, $of:literal;)*) => {$(
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl Range for $name {
            const LEAST: f64 = $least as f64;
            const MOST: f64 = $most as f64;
            const WHOLE: bool = ranges!(@ $kind);
            const OF: &'static str = $of;
        }
    )*};
    (@ whole) => { true };
    (@ any) => { false };
}

// A person takes 8 bytes of this program, a friendship some 20 while the network is drawn: the most take some hundred
// megabytes.
pub const MOST_PEOPLE: usize = 10_000_000;
pub const MOST_FRIENDSHIPS: usize = 20_000_000;

ranges! {
    Seed: whole from 0 to 9_007_199_254_740_991_u64, "";
    Show: whole from 0 to 100, "people";
    People: whole from 2 to MOST_PEOPLE, "people";
    Friendships: whole from 0 to MOST_FRIENDSHIPS, "friendships";
    Exponent: any from 2.05 to 5, "";
    Connections: whole from 1 to 4_096, "connections";
    Rate: any from 1 to 1_000_000, "calls a second";
    Seconds: any from 0.1 to 86_400, "seconds";
    Requests: whole from 1 to 1_000_000_000, "calls";
    Weight: any from 0 to 1_000_000, "";
    Milliseconds: any from 0.001 to 60_000, "milliseconds";
    Share: any from 0 to 1, "of the calls";
}

/// A number within a range.
#[derive(Debug, Clone, Copy)]
pub struct In<R>(f64, PhantomData<R>);

impl<R: Range> In<R> {
    pub fn get(self) -> f64 {
        self.0
    }

    pub fn whole(self) -> u64 {
        // Within the range, which is one of whole numbers below 2^53.
        self.0 as u64
    }

    pub fn size(self) -> usize {
        self.whole() as usize
    }
}

impl<'de, R: Range> Deserialize<'de> for In<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Within(PhantomData))
    }
}

struct Within<R>(PhantomData<R>);

impl<R: Range> Visitor<'_> for Within<R> {
    type Value = In<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if R::WHOLE { "a whole number" } else { "a number" };
        let of = if R::OF.is_empty() { "" } else { " of " };
        let (of, what) = if R::OF.starts_with("of ") { (" ", R::OF) } else { (of, R::OF) };
        write!(f, "{kind}{of}{what} from {} to {}", R::LEAST, R::MOST)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<In<R>, E> {
        let number = value as f64;
        let within = (R::LEAST..=R::MOST).contains(&number);
        if within { Ok(In(number, PhantomData)) } else { Err(E::invalid_value(Unexpected::Signed(value), &self)) }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<In<R>, E> {
        // TOML's numbers are signed.
        i64::try_from(value)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
            .and_then(|value| self.visit_i64(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<In<R>, E> {
        let within = (R::LEAST..=R::MOST).contains(&value) && (!R::WHOLE || value.fract() == 0.0);
        if within { Ok(In(value, PhantomData)) } else { Err(E::invalid_value(Unexpected::Float(value), &self)) }
    }
}
