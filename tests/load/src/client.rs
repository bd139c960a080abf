//! HTTP/1.1 over one kept connection, one request at a time: a write, a read, and a look at three headers.

use std::io;
use std::net::SocketAddr;
use std::str;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Far more than any answer that is asked for here.
const MAX_ANSWER: usize = 4 << 20;
/// Holds a usual answer as a whole, so that it takes one read.
const USUAL_ANSWER: usize = 4 << 10;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, until the next call.
#[derive(Debug)]
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
    head: &'a str,
}

impl Answer<'_> {
    /// A header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // A request is one write: waiting for more of it would only delay it.
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(USUAL_ANSWER) })
    }

    /// Sends a request and waits for its answer. After an error the connection is of no more use.
    pub async fn call(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let shape = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed before an answer"));
            }
            if self.buffer.len() > MAX_ANSWER {
                return Err(nonsense("the answer is too long"));
            }
            match Shape::of(&self.buffer)? {
                Some(shape) if self.buffer.len() == shape.head + shape.body => break shape,
                Some(shape) if self.buffer.len() > shape.head + shape.body => {
                    return Err(nonsense("more than the answer was sent"));
                }
                Some(shape) => self.buffer.reserve(shape.head + shape.body - self.buffer.len()),
                None => self.buffer.reserve(USUAL_ANSWER),
            }
        };
        let (head, body) = self.buffer.split_at(shape.head);
        let head = str::from_utf8(head).map_err(|_| nonsense("the answer's head is not text"))?;
        Ok(Answer { status: shape.status, body, head })
    }
}

/// What the head says of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    status: u16,
    /// Bytes of the head with the empty line after it.
    head: usize,
    body: usize,
}

impl Shape {
    /// None while the head is not complete.
    fn of(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            // What is not HTTP may never send an empty line.
            let begins = bytes.len() < 5 || bytes.starts_with(b"HTTP/");
            return if begins { Ok(None) } else { Err(nonsense("the answer is not HTTP")) };
        };
        let head = str::from_utf8(&bytes[..end + 4]).map_err(|_| nonsense("the answer's head is not text"))?;
        let status = head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "));
        let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| nonsense("the answer is not HTTP/1.1"))?;
        let body = match header(head, "content-length") {
            Some(length) => length.parse().map_err(|_| nonsense("the answer's Content-Length is no number"))?,
            None if status == 204 => 0,
            None => return Err(nonsense("the answer has no Content-Length")),
        };
        Ok(Some(Self { status, head: end + 4, body }))
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_at_checked(name.len())?;
        key.eq_ignore_ascii_case(name).then(|| value.strip_prefix(':').map(str::trim))?
    })
}

fn nonsense(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(Shape::of(answer).unwrap(), Some(Shape { status: 201, head: answer.len() - 2, body: 2 }));
        assert_eq!(Shape::of(&answer[..30]).unwrap(), None);
        assert_eq!(Shape::of(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().body, 0);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for bad in [
            &b"SSH-2.0-OpenSSH"[..],
            b"-ERR unknown command\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
        ] {
            assert!(Shape::of(bad).is_err(), "{:?}", str::from_utf8(bad));
        }
    }

    #[test]
    fn a_header_is_found_by_its_whole_name() {
        let head = "HTTP/1.1 200 OK\r\nx-etag: no\r\nETag: \"3\"\r\n\r\n";
        assert_eq!(header(head, "etag"), Some("\"3\""));
        assert_eq!(header(head, "eta"), None);
        assert_eq!(header(head, "last-event"), None);
    }
}
