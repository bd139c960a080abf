//! Who is friends with whom: one sorted list of neighbours for each person, by dense index.
//!
//! A person costs 8 bytes, a friend 4 in each direction plus what the size of the block leaves unused:
//!
//! | friends | where |
//! | --- | --- |
//! | 0, 1 | in the row itself |
//! | 2 to 1,024 | one block of the pool |
//! | more | a directory of chunks, each a block of the pool, so that an insertion moves at most 4 KiB |

use super::chunked::LongRow;
use super::pool::{MAX_WORDS, Moved, Pool, capacity};

/// Above this a row is cut into chunks.
pub(super) const FLAT_MAX: usize = MAX_WORDS;
/// A long row becomes flat again here, well below, so that a person at the border does not change form each time.
const FLAT_AGAIN: usize = FLAT_MAX / 2;
/// Marks a row in chunks; so a person has fewer than 2^31 friends.
const LONG: u32 = 1 << 31;

/// Neighbours in a cache line...
const LINE: usize = 16;
/// ... and lines after which the processor has understood that more are needed.
const LINES_FETCHED: usize = 8;

/// Brings what is there on its way into the cache, and waits for nothing.
fn prefetch<T>(at: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction, and it only is a hint: no place in memory makes it fail.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// `at` is the only neighbour, the block, or the index of the long row.
#[derive(Clone, Copy, Default)]
struct Row {
    len: u32,
    at: u32,
}

#[derive(Default)]
pub struct Rows {
    rows: Vec<Row>,
    pub(super) pool: Pool,
    pub(super) long: Vec<LongRow>,
    free_long: Vec<u32>,
    buffer: Vec<u32>,
}

impl Rows {
    /// Room for one more person.
    pub fn push(&mut self) {
        grow_by_an_eighth(&mut self.rows);
        self.rows.push(Row::default());
    }

    /// Makes room for so many people in all.
    pub fn reserve(&mut self, people: usize) {
        self.rows.reserve_exact(people.saturating_sub(self.rows.len()));
    }

    pub fn degree(&self, person: u32) -> usize {
        let row = self.rows[person as usize];
        if row.len & LONG == 0 { row.len as usize } else { self.long[row.at as usize].len }
    }

    /// The neighbours from `start` on, ascending, as slices of at most [`FLAT_MAX`].
    pub fn from(&self, person: u32, start: u32) -> Slices<'_> {
        let row = &self.rows[person as usize];
        match row.len {
            0 => Slices { pool: &self.pool, flat: &[], chunks: [].iter(), start },
            1 => Slices { pool: &self.pool, flat: std::slice::from_ref(&row.at), chunks: [].iter(), start },
            len if len & LONG == 0 => {
                let flat = self.pool.get(row.at, len as usize);
                Slices { pool: &self.pool, flat, chunks: [].iter(), start }
            }
            _ => {
                let chunks = self.long[row.at as usize].chunks_from(start).iter();
                Slices { pool: &self.pool, flat: &[], chunks, start }
            }
        }
    }

    /// Brings the person's row on its way into the cache...
    pub fn fetch_row(&self, person: u32) {
        prefetch(&self.rows[person as usize]);
    }

    /// ... and, once that is there, the beginning of the list.
    pub fn fetch_list(&self, person: u32) {
        let row = &self.rows[person as usize];
        if row.len & LONG == 0 && row.len > 1 {
            let list = self.pool.get(row.at, row.len as usize);
            list.iter().step_by(LINE).take(LINES_FETCHED).for_each(prefetch);
        }
    }

    /// False if it was there already.
    pub fn insert(&mut self, person: u32, neighbour: u32) -> bool {
        let row = self.rows[person as usize];
        let len = row.len as usize;
        if row.len & LONG != 0 {
            return LongRow::insert(self, row.at, person, neighbour);
        }
        let position = match self.flat(person).binary_search(&neighbour) {
            Ok(_) => return false,
            Err(position) => position,
        };
        if len >= 2 && len < capacity(len) {
            let block = self.pool.get_mut(row.at, len);
            block.copy_within(position..len, position + 1);
            block[position] = neighbour;
            self.rows[person as usize].len += 1;
            return true;
        }
        let mut list = self.take_flat(person);
        list.insert(position, neighbour);
        self.put(person, list);
        true
    }

    /// False if it was not there.
    pub fn remove(&mut self, person: u32, neighbour: u32) -> bool {
        let row = self.rows[person as usize];
        let len = row.len as usize;
        if row.len & LONG != 0 {
            let removed = LongRow::remove(self, row.at, person, neighbour);
            if removed && self.long[row.at as usize].len <= FLAT_AGAIN {
                self.flatten(person, row.at);
            }
            return removed;
        }
        let Ok(position) = self.flat(person).binary_search(&neighbour) else {
            return false;
        };
        if len > 2 && capacity(len - 1) == capacity(len) {
            self.pool.get_mut(row.at, len).copy_within(position + 1..len, position);
            self.rows[person as usize].len -= 1;
            return true;
        }
        let mut list = self.take_flat(person);
        list.remove(position);
        self.put(person, list);
        true
    }

    /// The neighbours, in order, of a person who has none.
    pub fn restore(&mut self, person: u32, neighbours: &[u32]) {
        let mut list = std::mem::take(&mut self.buffer);
        list.clear();
        list.extend_from_slice(neighbours);
        self.put(person, list);
    }

    /// The neighbours of a row that is not long.
    fn flat(&self, person: u32) -> &[u32] {
        let row = &self.rows[person as usize];
        match row.len {
            0 => &[],
            1 => std::slice::from_ref(&row.at),
            len => self.pool.get(row.at, len as usize),
        }
    }

    /// Takes a flat row out of its block, into the shared buffer.
    fn take_flat(&mut self, person: u32) -> Vec<u32> {
        let mut list = std::mem::take(&mut self.buffer);
        list.clear();
        list.extend_from_slice(self.flat(person));
        let row = std::mem::take(&mut self.rows[person as usize]);
        if list.len() > 1 {
            self.free(row.at, list.len());
        }
        list
    }

    /// Stores the list of a person who has none, and keeps the buffer for the next.
    fn put(&mut self, person: u32, list: Vec<u32>) {
        let row = match list[..] {
            [] => Row::default(),
            [only] => Row { len: 1, at: only },
            _ if list.len() <= FLAT_MAX => Row { len: list.len() as u32, at: self.pool.store(person, &list) },
            _ => {
                let long = LongRow::store(&mut self.pool, person, &list);
                Row { len: LONG, at: self.put_long(long) }
            }
        };
        self.rows[person as usize] = row;
        self.buffer = list;
    }

    fn put_long(&mut self, long: LongRow) -> u32 {
        if let Some(at) = self.free_long.pop() {
            self.long[at as usize] = long;
            return at;
        }
        self.long.push(long);
        self.long.len() as u32 - 1
    }

    fn flatten(&mut self, person: u32, at: u32) {
        let mut list = std::mem::take(&mut self.buffer);
        list.clear();
        for slice in self.from(person, 0) {
            list.extend_from_slice(slice);
        }
        // Each chunk leaves the directory before its block goes: what moves then is never one of those gone.
        while let Some(chunk) = self.long[at as usize].chunks.pop() {
            self.free(chunk.block, chunk.len as usize);
        }
        self.long[at as usize] = LongRow::default();
        self.free_long.push(at);
        self.put(person, list);
    }

    /// Frees a block, and tells the owner of the block that takes its place.
    pub(super) fn free(&mut self, block: u32, words: usize) {
        let Some(Moved { owner, first }) = self.pool.free(block, words) else {
            return;
        };
        let row = &mut self.rows[owner as usize];
        if row.len & LONG == 0 {
            row.at = block;
        } else {
            self.long[row.at as usize].moved(first, block);
        }
    }

    /// Bytes of the rows, their blocks, and the directories of the long ones.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
            + self.pool.bytes()
            + self.long.capacity() * size_of::<LongRow>()
            + self.long.iter().map(LongRow::bytes).sum::<usize>()
            + (self.free_long.capacity() + self.buffer.capacity()) * size_of::<u32>()
    }
}

/// Ascending slices of one person's neighbours.
#[derive(Clone)]
pub struct Slices<'a> {
    pool: &'a Pool,
    flat: &'a [u32],
    chunks: std::slice::Iter<'a, super::chunked::Chunk>,
    start: u32,
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u32];

    /// Never an empty slice.
    fn next(&mut self) -> Option<&'a [u32]> {
        loop {
            let mut slice = std::mem::take(&mut self.flat);
            if slice.is_empty() {
                let chunk = self.chunks.next()?;
                slice = self.pool.get(chunk.block, chunk.len as usize);
            }
            if slice[0] < self.start {
                slice = &slice[slice.partition_point(|&neighbour| neighbour < self.start)..];
            }
            if !slice.is_empty() {
                return Some(slice);
            }
        }
    }
}

impl<'a> Slices<'a> {
    /// Like `next`, from `neighbour` on: chunks that end before it are passed over unread.
    pub fn skip_to(&mut self, neighbour: u32) -> Option<&'a [u32]> {
        self.start = self.start.max(neighbour);
        let passed = self.chunks.as_slice().partition_point(|chunk| chunk.first <= neighbour).saturating_sub(1);
        self.chunks = self.chunks.as_slice()[passed..].iter();
        self.next()
    }
}

/// Grows a table of people by an eighth instead of doubling it. Large tables are whole pages, which the allocator
/// remaps instead of copying.
pub(crate) fn grow_by_an_eighth<T>(table: &mut Vec<T>) {
    if table.len() == table.capacity() {
        table.reserve_exact((table.len() / 8).max(1024));
    }
}
