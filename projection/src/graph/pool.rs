//! Blocks of words in a few sizes, without holes.
//!
//! A general allocator costs 16 to 32 bytes a list, and lists that grow leave holes behind which only lists of the
//! same size can fill: people who all make friends at the same pace leave more holes than data. Here every size has
//! pages of its own, and freeing a block moves the last block of that size into its place. So a size is always
//! dense, memory is what the blocks need at any moment and never what they once needed, and the price is one more
//! copy of the same few words when a block is freed. Each block names its owner, who learns where it went.

/// The largest block, in words. Inserting into a sorted block moves half of it: 2 KiB, about 50 ns.
pub const MAX_WORDS: usize = 1024;
/// The smallest block: a list of one needs none.
const MIN_WORDS: usize = 2;
/// Up to here there is a size for every length; above, four sizes for each doubling (at most 25 % unused).
const EXACT_UP_TO: usize = 8;
/// A page is at most this many words (64 KiB): small enough that 35 part-filled ones do not matter, large enough
/// that the table of pages stays in the cache.
const PAGE_WORDS: usize = 16 * 1024;
const CLASSES: usize = class_of(MAX_WORDS) + 1;

/// A block was moved to the place of the one just freed.
#[derive(Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose block it is.
    pub owner: u32,
    /// Its first word, by which an owner of several tells them apart.
    pub first: u32,
}

/// All blocks of one size.
struct Class {
    /// Words of a block: its capacity, and one before it for the owner.
    stride: usize,
    /// Blocks per page, as a power of two.
    shift: u32,
    used: u32,
    pages: Vec<Box<[u32]>>,
}

pub struct Pool {
    classes: Vec<Class>,
}

/// The size that holds `words`.
const fn class_of(words: usize) -> usize {
    assert!(words >= MIN_WORDS && words <= MAX_WORDS, "block size");
    if words <= EXACT_UP_TO {
        return words - MIN_WORDS;
    }
    let top = words - 1;
    let exponent = top.ilog2() as usize;
    let quarter = (top >> (exponent - 2)) & 3;
    (EXACT_UP_TO - MIN_WORDS) + (exponent - 3) * 4 + quarter + 1
}

/// How many words the block that holds `words` has room for.
pub const fn capacity(words: usize) -> usize {
    if words <= EXACT_UP_TO {
        return words;
    }
    let step = (words - 1).ilog2() - 2;
    (((words - 1) >> step) + 1) << step
}

impl Class {
    fn new(capacity: usize) -> Self {
        let stride = capacity + 1;
        Self { stride, shift: (PAGE_WORDS / stride).ilog2(), used: 0, pages: Vec::new() }
    }

    fn place(&self, block: u32) -> (usize, usize) {
        let within = block as usize & ((1 << self.shift) - 1);
        ((block >> self.shift) as usize, within * self.stride)
    }

    fn whole(&self, block: u32) -> &[u32] {
        let (page, start) = self.place(block);
        &self.pages[page][start..start + self.stride]
    }

    fn whole_mut(&mut self, block: u32) -> &mut [u32] {
        let (page, start) = self.place(block);
        &mut self.pages[page][start..start + self.stride]
    }

    fn move_block(&mut self, from: u32, to: u32) {
        let (from_page, from_start) = self.place(from);
        let (to_page, to_start) = self.place(to);
        if from_page == to_page {
            self.pages[to_page].copy_within(from_start..from_start + self.stride, to_start);
        } else {
            // The last block is always on a later page than any other.
            let (before, after) = self.pages.split_at_mut(from_page);
            before[to_page][to_start..to_start + self.stride]
                .copy_from_slice(&after[0][from_start..from_start + self.stride]);
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        let mut classes: Vec<Class> = Vec::with_capacity(CLASSES);
        let mut words = MIN_WORDS;
        while words <= MAX_WORDS {
            classes.push(Class::new(capacity(words)));
            words = capacity(words) + 1;
        }
        debug_assert_eq!(classes.len(), CLASSES);
        Self { classes }
    }
}

impl Pool {
    /// Stores `words` for `owner` and says where.
    pub fn store(&mut self, owner: u32, words: &[u32]) -> u32 {
        let class = &mut self.classes[class_of(words.len())];
        let block = class.used;
        if block as usize == class.pages.len() << class.shift {
            class.pages.push(vec![0; class.stride << class.shift].into_boxed_slice());
        }
        class.used = block.checked_add(1).expect("fewer than 2^32 blocks of a size");
        let whole = class.whole_mut(block);
        whole[0] = owner;
        whole[1..=words.len()].copy_from_slice(words);
        block
    }

    /// Gives back the block that holds `words` words. Whoever owned the last block of that size finds it in this
    /// one's place from now on.
    #[must_use]
    pub fn free(&mut self, block: u32, words: usize) -> Option<Moved> {
        let class = &mut self.classes[class_of(words)];
        class.used -= 1;
        let last = class.used;
        let moved = (block != last).then(|| {
            class.move_block(last, block);
            let whole = class.whole(block);
            Moved { owner: whole[0], first: whole[1] }
        });
        // One spare page stays, so that a size that swings around a page's end does not allocate each time.
        if (class.used as usize) + (1 << class.shift) < (class.pages.len() - 1) << class.shift {
            class.pages.pop();
        }
        moved
    }

    pub fn get(&self, block: u32, words: usize) -> &[u32] {
        &self.classes[class_of(words)].whole(block)[1..=words]
    }

    /// The whole capacity of the block that holds `words` words.
    pub fn get_mut(&mut self, block: u32, words: usize) -> &mut [u32] {
        &mut self.classes[class_of(words)].whole_mut(block)[1..]
    }

    /// Bytes held, part-filled pages included.
    pub fn bytes(&self) -> usize {
        let of = |class: &Class| {
            ((class.pages.len() * class.stride) << class.shift) * size_of::<u32>()
                + class.pages.capacity() * size_of::<Box<[u32]>>()
        };
        size_of::<Class>() * self.classes.len() + self.classes.iter().map(of).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_fits_its_size_and_no_size_wastes_more_than_a_quarter() {
        let pool = Pool::default();
        for words in MIN_WORDS..=MAX_WORDS {
            let room = pool.classes[class_of(words)].stride - 1;
            assert_eq!(room, capacity(words));
            assert!(room >= words && room * 4 <= words * 5, "{words} words in {room}");
        }
    }

    #[test]
    fn freeing_moves_the_last_block_into_the_hole() {
        let mut pool = Pool::default();
        let blocks: Vec<u32> = (0..10_000).map(|owner| pool.store(owner, &[owner, 7, 7])).collect();
        assert_eq!(pool.free(blocks[3], 3), Some(Moved { owner: 9_999, first: 9_999 }));
        assert_eq!(pool.get(blocks[3], 3), [9_999, 7, 7]);
        assert_eq!(pool.free(blocks[9_998], 3), None, "the last one leaves no hole");
    }

    #[test]
    fn memory_follows_what_is_stored() {
        let mut pool = Pool::default();
        for owner in 0..100_000 {
            pool.store(owner, &[owner, 1, 2, 3]);
        }
        let full = pool.bytes();
        for _ in 0..100_000 {
            let _ = pool.free(0, 4);
        }
        assert!(full > 2_000_000 && pool.bytes() < full / 10, "{full} then {}", pool.bytes());
    }
}
