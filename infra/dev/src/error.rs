//! What can go wrong while starting, and the exit code that it gets.

use std::fmt;

/// A message that says what, where, and what to do about it.
#[derive(Debug)]
pub enum Error {
    /// A setting, or something on this machine, that has to be changed first: exit code 2.
    Refused(String),
    /// Something that was tried and did not work: exit code 1.
    Failed(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused(message.into())
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) | Self::Failed(message) => out.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

/// The exit code of a command that ended with this error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref() {
        Some(Error::Refused(_)) => 2,
        _ => 1,
    }
}
