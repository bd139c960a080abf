//! HTTP by the byte, where a client library is too polite: bodies that never come, odd bytes, half a request.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::answer::Answer;

/// No answer takes longer.
const ANSWER: Duration = Duration::from_secs(4);

pub struct Wire {
    stream: TcpStream,
    port: u16,
}

impl Wire {
    pub async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the host listens");
        Self { stream, port }
    }

    /// Request line and headers; `rest` is what comes between Host and the empty line.
    pub async fn head(&mut self, line: &str, rest: &str) {
        self.bytes(format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{rest}\r\n", self.port).as_bytes()).await;
    }

    /// The other side may have heard enough: that is seen when its answer is read.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Reads one answer. None: the connection was closed instead.
    pub async fn answer(&mut self) -> Option<Answer> {
        timeout(ANSWER, self.read()).await.unwrap_or_else(|_| panic!("no answer within {ANSWER:?}"))
    }

    /// The same, checked as every answer is.
    pub async fn checked(&mut self, asked: &str) -> Answer {
        let answer = self.answer().await.unwrap_or_else(|| panic!("{asked}: closed without an answer"));
        Answer::checked(asked, asked.starts_with("HEAD"), answer.status, answer.headers, answer.body)
    }

    async fn read(&mut self) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("a head of ASCII");
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let length = headers.get("content-length").map_or(0, |l| l.to_str().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(Answer { status, headers, body })
    }
}
