//! The store's Redis in a component: a `spin:redis` connection that lives as long as its instance.

use std::{cell::RefCell, rc::Rc};

use spin_sdk::redis::{Connection, Error as SpinError, RedisParameter, RedisResult};

use crate::{Error, Redis, Value};

thread_local! {
    /// One for each server that the component talks to; never more than three. It holds no request's data.
    static CONNECTIONS: RefCell<Vec<(String, Rc<Connection>)>> = const { RefCell::new(Vec::new()) };
}

/// A Redis server, by URL. Opened at the first command, and again after a connection broke.
#[derive(Debug, Clone)]
pub struct SpinRedis {
    url: String,
}

impl SpinRedis {
    pub fn new(url: String) -> Self {
        Self { url }
    }

    async fn connection(&self) -> Result<Rc<Connection>, Error> {
        let open = CONNECTIONS.with_borrow(|all| all.iter().find(|(url, _)| *url == self.url).map(|(_, c)| c.clone()));
        if let Some(connection) = open {
            return Ok(connection);
        }
        let connection = Rc::new(Connection::open(&self.url).await.map_err(|e| match e {
            SpinError::InvalidAddress => Error::Refused {
                command: "the connection".to_owned(),
                detail: "the address is not in the component's allowed_outbound_hosts".to_owned(),
            },
            other => Error::Connection(text(other)),
        })?);
        CONNECTIONS.with_borrow_mut(|all| {
            // Another request of this instance may have opened one meanwhile: one is enough.
            all.retain(|(url, _)| *url != self.url);
            all.push((self.url.clone(), connection.clone()));
        });
        Ok(connection)
    }
}

/// Gives every connection of this instance up: a request that ran out of time cannot trust any of them.
pub fn give_all_up() {
    CONNECTIONS.with_borrow_mut(Vec::clear);
}

impl Redis for SpinRedis {
    async fn execute(&self, command: &'static str, arguments: Vec<Vec<u8>>) -> Result<Vec<Value>, Error> {
        let connection = self.connection().await?;
        let arguments = arguments.into_iter().map(RedisParameter::Binary);
        let reply = connection.execute(command, arguments).await;
        let values = reply.map_err(|e| Error::from_text(command, text(e)))?;
        Ok(values.into_iter().map(Value::from).collect())
    }

    fn give_up(&self) {
        CONNECTIONS.with_borrow_mut(|all| all.retain(|(url, _)| *url != self.url));
    }
}

impl From<RedisResult> for Value {
    fn from(result: RedisResult) -> Self {
        match result {
            RedisResult::Nil => Value::Nil,
            RedisResult::Status(text) => Value::Status(text),
            RedisResult::Int64(n) => Value::Int(n),
            RedisResult::Binary(bytes) => Value::Bytes(bytes),
        }
    }
}

fn text(error: SpinError) -> String {
    match error {
        SpinError::Other(text) => text,
        SpinError::InvalidAddress => "invalid address".to_owned(),
        SpinError::TooManyConnections => "too many connections".to_owned(),
        SpinError::TypeError => "WRONGTYPE".to_owned(),
    }
}
