//! What can be wrong with a snapshot.

use std::{fmt, io};

#[derive(Debug)]
pub enum Damage {
    Unreadable(io::Error),
    /// Something else that lies here.
    Foreign,
    /// Of this version.
    Newer(u32),
    Truncated {
        length: u64,
        expected: u64,
    },
    Corrupt {
        section: &'static str,
        /// Of the piece in the file.
        offset: u64,
        what: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Self::Foreign => f.write_str("it is no snapshot"),
            Self::Newer(version) => {
                write!(
                    f,
                    "a newer version of the worker wrote it (format {version}; this one reads up to {})",
                    super::VERSION
                )
            }
            Self::Truncated { length, expected } => {
                write!(f, "it is truncated: {length} bytes of at least {expected}")
            }
            Self::Corrupt { section, offset, what } => {
                write!(f, "it is damaged in the section {section}, in the piece at byte {offset}: {what}")
            }
        }
    }
}

impl std::error::Error for Damage {}

impl From<io::Error> for Damage {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}
