//! What the store needs of a Redis client: exactly what `spin:redis` gives, no more.

use std::future::Future;

/// One element of a reply. Arrays are flattened depth first into one list, as Spin flattens them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Nil,
    Status(String),
    Int(i64),
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It was not reached, or the connection broke: the command may or may not have been applied.
    #[error("Redis cannot be reached: {0}")]
    Connection(String),
    /// It was reached and said no.
    #[error("Redis refused {command}: {detail}")]
    Refused { command: String, detail: String },
    /// It answered something that this store never asks for.
    #[error("Redis answered something unexpected: {0}")]
    Reply(String),
}

/// A connection to one Redis server.
pub trait Redis {
    /// Sends one command, once.
    fn execute(
        &self,
        command: &'static str,
        arguments: Vec<Vec<u8>>,
    ) -> impl Future<Output = Result<Vec<Value>, Error>>;

    /// Gives the connection up: the next command opens a new one.
    fn give_up(&self);

    /// Sends a command that may safely be applied twice: once more over a new connection if the first one was broken.
    fn repeat(
        &self,
        command: &'static str,
        arguments: Vec<Vec<u8>>,
    ) -> impl Future<Output = Result<Vec<Value>, Error>> {
        async move {
            match self.execute(command, arguments.clone()).await {
                Err(Error::Connection(_)) => {
                    self.give_up();
                    self.execute(command, arguments).await
                }
                answer => answer,
            }
        }
    }
}

impl Error {
    /// Sorts a client's error text. Whatever is not known to come from the server counts as a broken connection: reopening
    /// one too often costs a connection, reopening one too seldom would cost every request from then on.
    pub(crate) fn from_text(command: &str, detail: String) -> Self {
        // As the redis crate writes them: a known kind by its name, any other by its quoted code.
        const SERVER: [&str; 16] = [
            "NoScript",
            "NOSCRIPT",
            "No matching script",
            "ResponseError",
            "ReadOnly",
            "READONLY",
            "NoPerm",
            "NOPERM",
            "NOAUTH",
            "WRONGPASS",
            "WRONGTYPE",
            "OOM",
            "MISCONF",
            "BusyLoading",
            "NOREPLICAS",
            "An error was signalled by the server",
        ];
        if SERVER.iter().any(|known| detail.contains(known)) {
            Error::Refused { command: command.to_owned(), detail }
        } else {
            Error::Connection(detail)
        }
    }

    pub(crate) fn is_no_script(&self) -> bool {
        // Of the redis crate's versions, of Redis itself, and its text.
        const NO_SCRIPT: [&str; 3] = ["NoScript", "NOSCRIPT", "No matching script"];
        matches!(self, Error::Refused { detail, .. } if NO_SCRIPT.iter().any(|known| detail.contains(known)))
    }
}

impl Value {
    /// As text: a bulk or simple string. Anything else is not what was asked for.
    pub fn text(&self) -> Result<&str, Error> {
        match self {
            Value::Bytes(bytes) => std::str::from_utf8(bytes).map_err(|_| Error::Reply("not UTF-8".to_owned())),
            Value::Status(text) => Ok(text),
            other => Err(Error::Reply(format!("{other:?} where a string was expected"))),
        }
    }

    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            Value::Status(text) => Some(text.as_bytes()),
            Value::Nil | Value::Int(_) => None,
        }
    }

    pub fn int(&self) -> Result<i64, Error> {
        match self {
            Value::Int(n) => Ok(*n),
            other => Err(Error::Reply(format!("{other:?} where a number was expected"))),
        }
    }
}
