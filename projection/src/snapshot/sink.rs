//! The file that is being written: pieces go to a thread of its own, so that whoever reads the view never waits for the
//! disk without a look at the view now and then.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::format::{END_MAGIC, FRAME_BYTES, Frame, HEADER_BYTES, Header, PIECE_BYTES, Section};

/// Pieces on their way to the disk: it is kept busy while the next ones are made.
const BUFFERS: usize = 4;
/// Pieces that one look at the view may fill: room for them is not made under its lock.
const GATHERED: usize = 3;
/// Pieces after which the disk has to have them: one sync of everything at the end would make a Redis that syncs on the
/// same disk wait for as long.
const SYNC_EVERY: usize = 32;
/// How often the view is looked at while the disk is slow.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What is held of a snapshot while it is written, at most but for the longest list of friends.
pub const BUFFER_BYTES: usize = BUFFERS * (FRAME_BYTES + PIECE_BYTES) + GATHERED * PIECE_BYTES;

pub struct Sink {
    /// What has not filled a piece yet.
    pub buffer: Vec<u8>,
    checksum: u64,
    pieces: u64,
    length: u64,
    empty: Receiver<Vec<u8>>,
    full: Sender<Vec<u8>>,
    disk: JoinHandle<io::Result<File>>,
}

/// Writes what comes, and gives the buffers back.
fn write_all(mut file: File, full: Receiver<Vec<u8>>, empty: Sender<Vec<u8>>) -> io::Result<File> {
    // The header comes last, when it is known.
    file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
    for (number, buffer) in full.into_iter().enumerate() {
        file.write_all(&buffer)?;
        if number % SYNC_EVERY == SYNC_EVERY - 1 {
            file.sync_data()?;
        }
        // Nobody takes them after the last piece.
        let _ = empty.send(buffer);
    }
    Ok(file)
}

impl Sink {
    pub fn new(file: File) -> io::Result<Self> {
        let (give_back, empty) = channel();
        let (full, pieces) = channel();
        for _ in 0..BUFFERS {
            let _ = give_back.send(Vec::with_capacity(FRAME_BYTES + PIECE_BYTES));
        }
        let disk = std::thread::Builder::new().name("snapshot-disk".into());
        let disk = disk.spawn(move || write_all(file, pieces, give_back))?;
        let length = HEADER_BYTES as u64;
        Ok(Self {
            buffer: Vec::with_capacity(GATHERED * PIECE_BYTES),
            checksum: 0,
            pieces: 0,
            length,
            empty,
            full,
            disk,
        })
    }

    /// Hands on what fills pieces. While the disk is slow, `meanwhile` is called. False if the disk failed: `finish`
    /// says how.
    pub fn hand_on<E>(&mut self, section: Section, mut meanwhile: impl FnMut() -> Result<(), E>) -> Result<bool, E> {
        let mut done = 0;
        while self.buffer.len() - done >= PIECE_BYTES {
            if !self.piece(section, done..done + PIECE_BYTES, &mut meanwhile)? {
                return Ok(false);
            }
            done += PIECE_BYTES;
        }
        self.buffer.drain(..done);
        Ok(true)
    }

    /// Ends a section, whose last piece may be small.
    pub fn end<E>(&mut self, section: Section, mut meanwhile: impl FnMut() -> Result<(), E>) -> Result<bool, E> {
        let more = self.hand_on(section, &mut meanwhile)?;
        let rest = 0..self.buffer.len();
        let more = more && (rest.is_empty() || self.piece(section, rest, &mut meanwhile)?);
        self.buffer.clear();
        Ok(more)
    }

    fn piece<E>(
        &mut self,
        section: Section,
        range: std::ops::Range<usize>,
        meanwhile: &mut impl FnMut() -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut buffer = loop {
            match self.empty.recv_timeout(LOOK_EVERY) {
                Ok(buffer) => break buffer,
                Err(RecvTimeoutError::Timeout) => meanwhile()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
        };
        let payload = &self.buffer[range];
        let frame = Frame::of(section, payload, self.checksum);
        buffer.clear();
        buffer.extend_from_slice(&frame.encode());
        buffer.extend_from_slice(payload);
        self.checksum = frame.checksum;
        self.pieces += 1;
        self.length += buffer.len() as u64;
        Ok(self.full.send(buffer).is_ok())
    }

    /// Writes the end, then the header, whose length, pieces and checksum are filled in here, and waits until the disk
    /// has it all. Gives the length.
    pub fn finish(mut self, header: Header) -> io::Result<u64> {
        self.buffer.extend(self.pieces.to_le_bytes());
        self.buffer.extend(END_MAGIC);
        let rest = 0..self.buffer.len();
        let Ok(_) = self.piece::<std::convert::Infallible>(Section::End, rest, &mut || Ok(()));
        let Self { full, disk, length, pieces, checksum, .. } = self;
        drop(full);
        let mut file = disk.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes broke")))?;
        let header = Header { length, pieces, last_checksum: checksum, ..header };
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header.encode())?;
        file.sync_all()?;
        Ok(length)
    }

    /// Why it failed.
    pub fn failure(self) -> io::Error {
        drop(self.full);
        match self.disk.join() {
            Ok(Err(error)) => error,
            _ => io::Error::other("the thread that writes broke"),
        }
    }
}
