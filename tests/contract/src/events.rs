//! Where the system's events are: in Redis, in golden files, and in server-sent messages.

use anyhow::{Context, Result};
use redis::aio::MultiplexedConnection;
use reqwest::Response;
use serde_json::{Map, Value};

use crate::asyncapi::Fields;

/// Every entry of a stream.
pub async fn stored(redis: &mut MultiplexedConnection, stream: &str) -> Result<Vec<Fields>> {
    let command = redis::cmd("XRANGE").arg(stream).arg("-").arg("+").take();
    let raw: Vec<(String, Vec<String>)> = command.query_async(redis).await?;
    Ok(raw.into_iter().map(|(_, words)| pairs(words)).collect())
}

fn pairs(words: Vec<String>) -> Fields {
    let (pairs, _) = words.as_chunks::<2>();
    pairs.iter().map(|[name, value]| (name.clone(), value.clone())).collect()
}

/// A golden file: a field a line, name and value.
pub fn golden(text: &str) -> Result<Fields> {
    let field = |line: &str| {
        let (name, value) = line.split_once(' ').with_context(|| format!("{line:?} is no field"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    text.lines().map(field).collect()
}

/// An event as HTTP shows it, turned back into the entry that it is in the log.
pub fn entry(shown: &Value) -> Result<Fields> {
    const FIELDS: [&str; 8] = ["id", "source", "type", "subject", "version", "time", "traceparent", "data"];
    let shown: &Map<String, Value> = shown.as_object().context("an event is an object")?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(FIELDS.into_iter().filter_map(|name| Some((name.to_owned(), text(shown.get(name)?)))).collect())
}

/// A server-sent message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub event: String,
    pub data: String,
}

/// The messages of a stream, as a browser reads them.
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>
pub struct Messages {
    response: Response,
    unread: Vec<u8>,
    /// How many comments came between the messages.
    pub comments: usize,
}

impl Messages {
    pub fn new(response: Response) -> Self {
        Self { response, unread: Vec::new(), comments: 0 }
    }

    /// The next message.
    pub async fn next(&mut self) -> Result<Message> {
        let mut message = Message::default();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                if message != Message::default() {
                    return Ok(message);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match field {
                "" => self.comments += 1,
                "id" => message.id = value,
                "event" => message.event = value,
                "data" => message.data = value,
                other => anyhow::bail!("{other} is no field of a server-sent message"),
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8(line[..end].to_vec())?);
            }
            let piece = self.response.chunk().await?.context("the stream has ended")?;
            self.unread.extend_from_slice(&piece);
        }
    }
}
