//! The neighbours of people with more than a thousand friends: chunks in order, and a directory of them.

use super::pool::{MAX_WORDS, Pool, capacity};
use super::rows::Rows;

/// A chunk that falls to this is joined with a neighbour...
const SMALL: usize = MAX_WORDS / 4;
/// ... and both are halved again if together they are longer than this: either way it takes hundreds of changes
/// until the next split or join.
const JOINED: usize = MAX_WORDS * 3 / 4;

/// A sorted run of neighbours in one block.
#[derive(Clone, Copy)]
pub struct Chunk {
    /// Its first neighbour; finds the chunk without touching the block.
    pub(super) first: u32,
    pub(super) block: u32,
    pub(super) len: u32,
}

#[derive(Default)]
pub struct LongRow {
    pub(super) len: usize,
    /// Ascending by `first`; never an empty chunk.
    pub(super) chunks: Vec<Chunk>,
}

impl LongRow {
    /// Stores a sorted list as half-full chunks of equal length: a last one might be too short for a block.
    pub fn store(pool: &mut Pool, owner: u32, list: &[u32]) -> Self {
        let (len, count) = (list.len(), list.len().div_ceil(MAX_WORDS / 2 + 1));
        let chunk = |index: usize| {
            let run = &list[index * len / count..(index + 1) * len / count];
            Chunk { first: run[0], block: pool.store(owner, run), len: run.len() as u32 }
        };
        Self { len, chunks: (0..count).map(chunk).collect() }
    }

    /// The chunk where `neighbour` is or belongs.
    fn find(&self, neighbour: u32) -> usize {
        self.chunks.partition_point(|chunk| chunk.first <= neighbour).saturating_sub(1)
    }

    /// The chunks that may hold neighbours from `start` on.
    pub fn chunks_from(&self, start: u32) -> &[Chunk] {
        &self.chunks[self.find(start)..]
    }

    /// The chunk whose first neighbour is `first` is in `block` now.
    pub fn moved(&mut self, first: u32, block: u32) {
        let index = self.find(first);
        debug_assert_eq!(self.chunks[index].first, first, "the directory names each chunk's first neighbour");
        self.chunks[index].block = block;
    }

    pub fn bytes(&self) -> usize {
        self.chunks.capacity() * size_of::<Chunk>()
    }

    /// False if it was there already.
    pub fn insert(rows: &mut Rows, at: u32, owner: u32, neighbour: u32) -> bool {
        let row = &mut rows.long[at as usize];
        let index = row.find(neighbour);
        let chunk = row.chunks[index];
        let len = chunk.len as usize;
        let position = match rows.pool.get(chunk.block, len).binary_search(&neighbour) {
            Ok(_) => return false,
            Err(position) => position,
        };
        row.len += 1;
        if len < capacity(len) {
            let block = rows.pool.get_mut(chunk.block, len);
            block.copy_within(position..len, position + 1);
            block[position] = neighbour;
            row.chunks[index].len += 1;
            row.chunks[index].first = block[0];
            return true;
        }
        let mut run = rows.pool.get(chunk.block, len).to_vec();
        run.insert(position, neighbour);
        Self::replace(rows, at, owner, index, &run, MAX_WORDS);
        true
    }

    /// False if it was not there.
    pub fn remove(rows: &mut Rows, at: u32, owner: u32, neighbour: u32) -> bool {
        let row = &mut rows.long[at as usize];
        let index = row.find(neighbour);
        let chunk = row.chunks[index];
        let len = chunk.len as usize;
        let Ok(position) = rows.pool.get(chunk.block, len).binary_search(&neighbour) else {
            return false;
        };
        row.len -= 1;
        if len > SMALL && capacity(len - 1) == capacity(len) {
            let block = rows.pool.get_mut(chunk.block, len);
            block.copy_within(position + 1..len, position);
            row.chunks[index].len -= 1;
            row.chunks[index].first = block[0];
            return true;
        }
        if len > SMALL || row.chunks.len() == 1 {
            let mut run = rows.pool.get(chunk.block, len).to_vec();
            run.remove(position);
            Self::replace(rows, at, owner, index, &run, MAX_WORDS);
            return true;
        }
        let left = index.min(row.chunks.len() - 2);
        let (first, second) = (row.chunks[left], row.chunks.remove(left + 1));
        let mut run = rows.pool.get(first.block, first.len as usize).to_vec();
        run.extend_from_slice(rows.pool.get(second.block, second.len as usize));
        run.retain(|&other| other != neighbour);
        rows.free(second.block, second.len as usize);
        Self::replace(rows, at, owner, left, &run, JOINED);
        true
    }

    /// Puts `run` in the place of a chunk: as one of at most `most`, or as two halves.
    fn replace(rows: &mut Rows, at: u32, owner: u32, index: usize, run: &[u32], most: usize) {
        // Until its block is free the chunk stays in the directory, for the block that moves may be another one of
        // this row. It is looked up here, because joining may just have moved its own.
        let old = rows.long[at as usize].chunks[index];
        rows.free(old.block, old.len as usize);
        let mut store =
            |run: &[u32]| Chunk { first: run[0], block: rows.pool.store(owner, run), len: run.len() as u32 };
        if run.len() <= most {
            let chunk = store(run);
            rows.long[at as usize].chunks[index] = chunk;
            return;
        }
        let (left, right) = run.split_at(run.len() / 2);
        let (left, right) = (store(left), store(right));
        let chunks = &mut rows.long[at as usize].chunks;
        chunks[index] = left;
        chunks.insert(index + 1, right);
    }
}
