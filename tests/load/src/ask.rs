//! Single questions to the system, beside the load.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use load::{Connection, Target};
use serde_json::Value;
use tokio::time::timeout;

/// The system answers within 2 s, whatever is away; a busy machine may add to them.
const LIMIT: Duration = Duration::from_secs(5);

pub struct Asker<'a> {
    target: &'a Target,
    connection: Option<Connection>,
}

pub struct Reply {
    pub status: u16,
    /// Null where it is no JSON.
    pub body: Value,
    pub last_event: String,
}

impl<'a> Asker<'a> {
    pub fn of(target: &'a Target) -> Self {
        Self { target, connection: None }
    }

    pub async fn get(&mut self, path: &str) -> Result<Reply> {
        let asked = timeout(LIMIT, self.ask(path)).await;
        asked
            .unwrap_or_else(|_| Err(anyhow!("no answer within {} s", LIMIT.as_secs())))
            .with_context(|| format!("GET {path}"))
    }

    async fn ask(&mut self, path: &str) -> Result<Reply> {
        let mut request = Vec::new();
        self.target.requests().get(&mut request, format_args!("{path}"));
        // Taken out: after an error it is of no more use.
        let mut connection = match self.connection.take().filter(Connection::is_open) {
            Some(open) => open,
            None => Connection::open(self.target.address).await?,
        };
        let answer = connection.call(&request).await?;
        let closing = answer.closing;
        let reply = Reply {
            status: answer.status,
            body: serde_json::from_slice(answer.body).unwrap_or_default(),
            last_event: answer.header("last-event").unwrap_or_default().to_owned(),
        };
        self.connection = (!closing).then_some(connection);
        Ok(reply)
    }
}
