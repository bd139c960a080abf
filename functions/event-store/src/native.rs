//! The store's Redis in native programs, over the redis crate. Replies are flattened as Spin flattens them.

use std::time::Duration;

use redis::{
    Value as Reply,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::{Error, Redis, Value};

/// How long an answer may take. Programs wait longer than requests do: a disk that hangs, or a large page on a busy machine, is
/// no broken connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that renews itself.
#[derive(Clone)]
pub struct NativeRedis {
    manager: ConnectionManager,
}

impl NativeRedis {
    /// Errors: no redis:// URL, or no server there.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let client =
            redis::Client::open(url).map_err(|e| Error::Connection(format!("the Redis URL is not valid: {e}")))?;
        let config = ConnectionManagerConfig::new().set_response_timeout(Some(RESPONSE_TIMEOUT));
        let manager = client.get_connection_manager_with_config(config).await;
        let manager = manager.map_err(|e| Error::Connection(e.to_string()))?;
        Ok(Self { manager })
    }
}

impl Redis for NativeRedis {
    async fn execute(&self, command: &'static str, arguments: Vec<Vec<u8>>) -> Result<Vec<Value>, Error> {
        let mut cmd = redis::cmd(command);
        for argument in &arguments {
            cmd.arg(argument.as_slice());
        }
        let reply: Reply =
            cmd.query_async(&mut self.manager.clone()).await.map_err(|e| Error::from_text(command, e.to_string()))?;
        let mut values = Vec::new();
        flatten(reply, &mut values)?;
        Ok(values)
    }

    fn give_up(&self) {}
}

fn flatten(reply: Reply, into: &mut Vec<Value>) -> Result<(), Error> {
    match reply {
        Reply::Nil => into.push(Value::Nil),
        Reply::Int(n) => into.push(Value::Int(n)),
        Reply::BulkString(bytes) => into.push(Value::Bytes(bytes)),
        Reply::SimpleString(text) => into.push(Value::Status(text)),
        Reply::Okay => into.push(Value::Status("OK".to_owned())),
        Reply::Array(all) => {
            for one in all {
                flatten(one, into)?;
            }
        }
        other => return Err(Error::Reply(format!("{other:?}"))),
    }
    Ok(())
}
