//! Numeric ids, from 1 to 2^53 - 1: every one of them is exact in a JavaScript number and in a Redis sorted-set score.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

/// The largest id, 2^53 - 1.
pub const MAX_ID: u64 = (1 << 53) - 1;

/// Not a decimal number from 1 to [`MAX_ID`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a decimal number from 1 to {MAX_ID}")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Stands for the id that the append will allocate, in an event that is not recorded yet. Parsing never gives it.
            pub const UNALLOCATED: $name = $name(0);

            pub fn new(id: u64) -> Result<Self, InvalidId> {
                if (1..=MAX_ID).contains(&id) { Ok(Self(id)) } else { Err(InvalidId) }
            }

            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Digits only: no sign, no space; leading zeros would give one thing two names, so they are refused.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                if !digits || text.starts_with('0') {
                    return Err(InvalidId);
                }
                text.parse().map_err(|_| InvalidId).and_then(Self::new)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A person.
    UserId
);
id!(
    /// One friendship, from its beginning to its end. The same two people becoming friends again get a new one.
    FriendshipId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_in_range_are_ids() {
        for bad in
            ["", "0", "-1", "+1", "01", " 1", "1 ", "1.0", "1e3", "x", "9007199254740992", "99999999999999999999"]
        {
            assert_eq!(bad.parse::<UserId>(), Err(InvalidId), "{bad:?}");
        }
        assert_eq!("9007199254740991".parse::<UserId>().unwrap().get(), MAX_ID);
        assert_eq!("1".parse::<UserId>().unwrap().get(), 1);
    }

    #[test]
    fn json_refuses_what_is_no_id() {
        for bad in ["0", "9007199254740992", "-1", "1.5", "\"1\"", "null"] {
            assert!(serde_json::from_str::<FriendshipId>(bad).is_err(), "{bad}");
        }
    }
}
