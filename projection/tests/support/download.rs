//! A client that reads a streamed answer as slowly as a test wants, and notices one that was cut.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;

use super::PATIENCE;

pub struct Download {
    pub status: u16,
    headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    /// Of the chunk that is being read.
    left: usize,
    ended: bool,
}

/// Asks, and reads no further than the headers.
pub fn download(port: u16, path: &str) -> Download {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n").unwrap();
    let mut reader = BufReader::with_capacity(1024, stream);
    let status = line(&mut reader).unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    while let Some((name, value)) = line(&mut reader).unwrap().split_once(": ") {
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    Download { status, headers, reader, left: 0, ended: false }
}

fn line(reader: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

impl Download {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| &*header.1)
    }

    /// Everything to the end.
    pub fn text(mut self) -> String {
        let mut text = String::new();
        self.read_to_string(&mut text).expect("an answer that is whole");
        text
    }
}

impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if self.left == 0 && !self.ended {
            assert_eq!(self.header("transfer-encoding"), Some("chunked"), "it is streamed");
            self.left = usize::from_str_radix(&line(&mut self.reader)?, 16)
                .map_err(|_| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?;
            self.ended = self.left == 0;
        }
        let wanted = into.len().min(self.left);
        if self.ended || wanted == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut into[..wanted])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        if self.left == 0 {
            line(&mut self.reader)?;
        }
        Ok(read)
    }
}
