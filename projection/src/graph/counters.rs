//! The flat arrays in which two-hop neighbours are counted: one counter a person.
//!
//! Nearly all the time of a recommendation goes into fetching counters from memory. So they are as narrow as can be, one
//! byte, and the few that pass 255 are noted aside; the array lies in large pages; and whoever has been touched is written
//! down only while they are few. Where they are many the whole array is scanned at the end, a sixteenth of a nanosecond a
//! person: first for the largest counter of each block, which tells in which few blocks the best are.

use std::collections::HashMap;

use super::wide::Wide;

/// More touched than one in so many, and the whole array is scanned.
const SCAN_FROM: usize = 32;
/// Counters looked at together in a scan: few of them are of interest, or nearly all.
const BLOCK: usize = 256;
/// Counters looked at together where one of the block is of interest.
const LINE: usize = 32;

/// What a person who may be of interest costs, in counters: their id and their friends are looked up.
const OFFER: usize = 8;

fn largest(counts: &[u8]) -> u8 {
    counts.iter().fold(0, |most, &count| most.max(count))
}

/// The `n`th, counted from the largest; 0 if they are fewer.
fn nth_largest(counts: &[u8], n: usize) -> u8 {
    let mut left = n;
    let mut numbers = [0_usize; 256];
    counts.iter().for_each(|&count| numbers[usize::from(count)] += 1);
    for (count, number) in numbers.iter().enumerate().rev() {
        if *number >= left {
            return count as u8;
        }
        left -= number;
    }
    0
}

/// A scan is not at its end.
pub struct More {
    /// Where it goes on.
    pub place: usize,
    /// What is left of the budget.
    pub left: usize,
}

/// Counters of one kind, all zero between two queries.
pub trait Counters: Default {
    /// Room for this many people, and for touching so many more of them.
    fn grow(&mut self, people: usize, touches: usize);

    /// What is counted next are so many people, or more; so many of the best are wanted.
    fn expect(&mut self, people: usize, best: usize);

    /// Adds `weight` to the counters of these people. It is 1 where only people are counted.
    fn add(&mut self, run: &[u32], weight: u64);

    /// Takes this change into account as well, before the first [`Counters::scan`].
    fn adjust(&mut self, person: u32, change: i64);

    /// Makes the counters of these people, who are in order, zero. After the last addition and adjustment.
    fn exclude(&mut self, people: &[u32]);

    /// Hands on counters that are not zero and may be of interest, from `place` on, each once. `least` is the least of
    /// interest, and `offer` answers with it again.
    fn scan(&mut self, place: usize, budget: usize, least: u64, offer: impl FnMut(u32, u64) -> u64) -> Option<More>;

    /// Sets all counters to zero.
    fn clear(&mut self);

    fn bytes(&self) -> usize;
}

/// People in the order in which they were touched.
#[derive(Default)]
struct Touched {
    /// The first `len` elements.
    people: Vec<u32>,
    len: usize,
}

impl Touched {
    /// Room for so many more.
    fn room(&mut self, more: usize) -> &mut [u32] {
        let end = self.len + more;
        if self.people.len() < end {
            self.people.resize(end.max(self.people.len() * 2), 0);
        }
        &mut self.people[self.len..end]
    }

    fn push(&mut self, person: u32) {
        self.room(1)[0] = person;
        self.len += 1;
    }

    /// As [`Counters::scan`]. `take` gives somebody's counter and sets it to zero: whoever was touched twice is handed
    /// on once, and nothing is left to be cleared.
    fn scan(
        &self,
        place: usize,
        budget: usize,
        mut least: u64,
        mut take: impl FnMut(u32) -> u64,
        mut offer: impl FnMut(u32, u64) -> u64,
    ) -> Option<More> {
        let mut spent = 0;
        for (place, &person) in self.people[..self.len].iter().enumerate().skip(place) {
            if spent >= budget {
                return Some(More { place, left: 0 });
            }
            let count = take(person);
            spent += 1;
            if count >= least {
                spent += OFFER;
                least = offer(person, count).max(1);
            }
        }
        None
    }
}

/// How many friends two people have in common.
#[derive(Default)]
pub struct Counts {
    counts: Wide<u8>,
    /// Everybody whose counter is not zero (some for nothing), unless all are scanned.
    touched: Touched,
    scans: bool,
    /// Whose counter passed 255 and began again at 0, and what it held.
    passed: HashMap<u32, i64>,
    adjusted: HashMap<u32, i64>,
    /// The counts that do not fit: theirs are zero in the array.
    large: Option<HashMap<u32, i64>>,
    pass: Pass,
    /// The largest counter of each block.
    largest: Vec<u8>,
    /// So many are wanted: in as many blocks, the largest counter is at this bound or above it.
    best: usize,
    bound: u8,
}

/// What a scan of all counters does at present.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Pass {
    /// Looks for the largest counter of each block.
    #[default]
    Measuring,
    /// Searches the blocks in which the best are for certain.
    Best,
    /// Searches the other blocks, if the best were not enough: some people are not known, or come before a cursor.
    Others,
}

impl Counts {
    #[cold]
    fn pass(passed: &mut HashMap<u32, i64>, person: u32) {
        *passed.entry(person).or_default() += 256;
    }

    fn add_all(&mut self, run: &[u32]) {
        // A slice of its own: where the vector is need not be read again after each write.
        let counts = &mut self.counts[..];
        for &person in run {
            let count = &mut counts[person as usize];
            *count = count.wrapping_add(1);
            if *count == 0 {
                Self::pass(&mut self.passed, person);
            }
        }
    }

    /// Gathers the counts that the array cannot hold.
    fn settle(&mut self) -> &mut HashMap<u32, i64> {
        let Self { counts, passed, adjusted, large, .. } = self;
        large.get_or_insert_with(|| {
            let mut whole = std::mem::take(passed);
            for (person, change) in adjusted.drain() {
                *whole.entry(person).or_default() += change;
            }
            for (&person, count) in &mut whole {
                *count += i64::from(std::mem::take(&mut counts[person as usize]));
            }
            whole
        })
    }

    /// Places are blocks. People who come meanwhile have no counter that matters.
    fn scan_all(
        &mut self,
        place: usize,
        budget: usize,
        mut least: u64,
        mut offer: impl FnMut(u32, u64) -> u64,
    ) -> Option<More> {
        if self.pass == Pass::Measuring {
            let end = place + budget / (BLOCK / 16) + 1;
            self.largest.truncate(place);
            self.largest.extend(self.counts.chunks(BLOCK).take(end).skip(place).map(largest));
            if self.largest.len() == end {
                return Some(More { place: end, left: 0 });
            }
            self.bound = nth_largest(&self.largest, self.best);
            self.pass = Pass::Best;
            let spent = (self.largest.len() - place) * (BLOCK / 16);
            return Some(More { place: 0, left: budget.saturating_sub(spent) });
        }
        let mut spent = 0;
        for block in place..self.largest.len() {
            if spent >= budget {
                return Some(More { place: block, left: 0 });
            }
            spent += 1;
            let most = self.largest[block];
            let now = (most >= self.bound) == (self.pass == Pass::Best);
            if !now || u64::from(most) < least {
                continue;
            }
            spent += BLOCK / 16;
            let start = block * BLOCK;
            for (part, line) in self.counts[start..].chunks(LINE).take(BLOCK / LINE).enumerate() {
                if u64::from(largest(line)) < least {
                    continue;
                }
                for (at, &count) in line.iter().enumerate() {
                    if u64::from(count) >= least {
                        spent += OFFER;
                        least = offer((start + part * LINE + at) as u32, count.into()).max(1);
                    }
                }
            }
        }
        if self.pass == Pass::Others {
            return None;
        }
        // In another call: only when all that were offered are sorted in, it is clear what is still of interest.
        self.pass = Pass::Others;
        Some(More { place: 0, left: budget.saturating_sub(spent) })
    }
}

impl Counters for Counts {
    fn grow(&mut self, people: usize, touches: usize) {
        self.counts.grow(people);
        if !self.scans {
            self.touched.room(touches);
        }
    }

    fn expect(&mut self, people: usize, best: usize) {
        self.best = best;
        // A person is touched once or twice, most of the time.
        self.scans = people > 2 * (self.counts.len() / SCAN_FROM);
    }

    fn add(&mut self, run: &[u32], _: u64) {
        if self.scans {
            return self.add_all(run);
        }
        let (counts, touched) = (&mut self.counts[..], self.touched.room(run.len()));
        let mut first_time = 0;
        for &person in run {
            let count = &mut counts[person as usize];
            // Written always, kept only the first time: a branch would be mispredicted every other time.
            touched[first_time] = person;
            first_time += usize::from(*count == 0);
            *count = count.wrapping_add(1);
            if *count == 0 {
                Self::pass(&mut self.passed, person);
            }
        }
        self.touched.len += first_time;
        self.scans = self.touched.len > self.counts.len() / SCAN_FROM;
    }

    fn adjust(&mut self, person: u32, change: i64) {
        *self.adjusted.entry(person).or_default() += change;
    }

    fn exclude(&mut self, people: &[u32]) {
        let large = self.settle();
        if !large.is_empty() {
            large.retain(|person, _| people.binary_search(person).is_err());
        }
        people.iter().for_each(|&person| self.counts[person as usize] = 0);
    }

    fn scan(
        &mut self,
        place: usize,
        budget: usize,
        mut least: u64,
        mut offer: impl FnMut(u32, u64) -> u64,
    ) -> Option<More> {
        for (person, count) in self.settle().drain() {
            let count = u64::try_from(count).unwrap_or_default();
            if count >= least.max(1) {
                least = offer(person, count);
            }
        }
        let least = least.max(1);
        if self.scans {
            self.scan_all(place, budget, least, offer)
        } else {
            let counts = &mut self.counts[..];
            let take = |person| u64::from(std::mem::take(&mut counts[person as usize]));
            self.touched.scan(place, budget, least, take, offer)
        }
    }

    fn clear(&mut self) {
        if self.scans {
            self.counts.fill(0);
        } else {
            self.touched.people[..self.touched.len].iter().for_each(|&person| self.counts[person as usize] = 0);
        }
        (self.touched.len, self.scans, self.large, self.pass) = (0, false, None, Pass::Measuring);
        self.passed.clear();
        self.adjusted.clear();
    }

    fn bytes(&self) -> usize {
        self.counts.bytes() + self.touched.people.capacity() * size_of::<u32>()
    }
}

/// Sums of weights.
#[derive(Default)]
pub struct Sums {
    sums: Wide<u64>,
    /// Everybody whose sum is not zero (some twice, some for nothing).
    touched: Touched,
}

impl Counters for Sums {
    fn grow(&mut self, people: usize, touches: usize) {
        self.sums.grow(people);
        self.touched.room(touches);
    }

    fn expect(&mut self, _: usize, _: usize) {}

    fn add(&mut self, run: &[u32], weight: u64) {
        let touched = self.touched.room(run.len());
        let mut first_time = 0;
        for &person in run {
            let sum = &mut self.sums[person as usize];
            touched[first_time] = person;
            first_time += usize::from(*sum == 0);
            *sum = sum.wrapping_add(weight);
        }
        self.touched.len += first_time;
    }

    fn adjust(&mut self, person: u32, change: i64) {
        // What is taken back before it was given wraps around, and around again when it comes.
        self.touched.push(person);
        let sum = &mut self.sums[person as usize];
        *sum = sum.wrapping_add_signed(change);
    }

    fn exclude(&mut self, people: &[u32]) {
        people.iter().for_each(|&person| self.sums[person as usize] = 0);
    }

    fn scan(&mut self, place: usize, budget: usize, least: u64, offer: impl FnMut(u32, u64) -> u64) -> Option<More> {
        let sums = &mut self.sums[..];
        let take = |person| std::mem::take(&mut sums[person as usize]);
        self.touched.scan(place, budget, least.max(1), take, offer)
    }

    fn clear(&mut self) {
        self.touched.people[..self.touched.len].iter().for_each(|&person| self.sums[person as usize] = 0);
        self.touched.len = 0;
    }

    fn bytes(&self) -> usize {
        self.sums.bytes() + self.touched.people.capacity() * size_of::<u32>()
    }
}
