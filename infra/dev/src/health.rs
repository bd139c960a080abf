//! The three health routes, asked as any client would.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub const SERVICES: [&str; 3] = ["user", "friend", "recommendation"];

/// A health route answers within 2 s even when all that it rests on is away.
const ANSWER: Duration = Duration::from_secs(3);
/// Their answers are a line long.
const ANSWER_BYTES: u64 = 64 * 1024;

/// What one route says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Up,
    /// Answered, but not UP: the body, which says what is down.
    Down(String),
    /// No answer yet.
    Silent,
}

/// Of all three, in the order of [`SERVICES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report(pub [Health; 3]);

impl Report {
    pub fn is_up(&self) -> bool {
        self.0.iter().all(|health| *health == Health::Up)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (service, health)) in SERVICES.iter().zip(&self.0).enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            match health {
                Health::Up => write!(out, "{comma}{service} UP")?,
                Health::Down(body) => write!(out, "{comma}{service} DOWN {body}")?,
                Health::Silent => write!(out, "{comma}{service} no answer")?,
            }
        }
        Ok(())
    }
}

/// Asks all three of the system on this port.
pub async fn ask(port: u16) -> Report {
    let [user, friend, recommendation] = SERVICES;
    let (user, friend, recommendation) =
        tokio::join!(ask_one(port, user), ask_one(port, friend), ask_one(port, recommendation));
    Report([user, friend, recommendation])
}

async fn ask_one(port: u16, service: &str) -> Health {
    let path = format!("/{service}/actuator/health");
    match timeout(ANSWER, get(port, &path)).await {
        Ok(Ok((200, body))) if status_is_up(&body) => Health::Up,
        Ok(Ok((_, body))) => Health::Down(body.trim().to_string()),
        _ => Health::Silent,
    }
}

fn status_is_up(body: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(body).is_ok_and(|body| body["status"] == "UP")
}

/// HTTP/1.0, so that the answer is neither chunked nor kept open.
async fn get(port: u16, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.unwrap_or(0), body.to_string()))
}
