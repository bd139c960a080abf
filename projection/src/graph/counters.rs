//! The flat arrays in which two-hop neighbours are counted: one counter a person.
//!
//! Nearly all the time of a recommendation goes into fetching counters from memory. So they are as narrow as can be, one
//! byte, and the few that pass 255 are noted aside; and whoever has been touched is written down only while they are few.
//! From then on the whole array is scanned at the end, which costs a sixteenth of a nanosecond a person.

use std::collections::HashMap;

/// More touched than one in so many, and the whole array is scanned.
const SCAN_FROM: usize = 32;
/// Counters looked at together in a scan, cache lines of 64: few of them are of interest, or nearly all.
const SCANNED: usize = 256;

/// Counters of one kind, all zero between two queries.
pub trait Counters: Default {
    /// Room for this many people, and for touching so many more of them.
    fn grow(&mut self, people: usize, touches: usize);

    /// Adds `weight` to the counters of these people. It is 1 where only people are counted.
    fn add(&mut self, run: &[u32], weight: u64);

    /// Takes this change into account as well, before the first [`Counters::scan`].
    fn adjust(&mut self, person: u32, change: i64);

    /// Makes the counters of these people, who are in order, zero. After the last addition and adjustment.
    fn exclude(&mut self, people: &[u32]);

    /// Hands on counters that are not zero, from `place` on, each once, until the budget is used up: then the place to
    /// go on from, else None. `offer` answers the least that is still of interest.
    fn scan(&mut self, place: usize, budget: usize, least: u64, offer: impl FnMut(u32, u64) -> u64) -> Option<usize>;

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
}

/// How many friends two people have in common.
#[derive(Default)]
pub struct Counts {
    counts: Vec<u8>,
    /// Everybody whose counter is not zero (some for nothing), unless all are scanned.
    touched: Touched,
    scans: bool,
    /// Whose counter passed 255 and began again at 0, once for each time.
    passed: Vec<u32>,
    adjusted: HashMap<u32, i64>,
    /// The counts that do not fit: theirs are zero in the array.
    large: Option<HashMap<u32, u64>>,
    /// The scan has set the counters before this place to zero.
    cleared: usize,
}

impl Counts {
    #[cold]
    fn pass(passed: &mut Vec<u32>, person: u32) {
        passed.push(person);
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
    fn settle(&mut self) -> &mut HashMap<u32, u64> {
        let Self { counts, passed, adjusted, large, .. } = self;
        large.get_or_insert_with(|| {
            let mut whole: HashMap<u32, i64> = HashMap::new();
            for person in passed.drain(..) {
                *whole.entry(person).or_default() += 256;
            }
            for (person, change) in adjusted.drain() {
                *whole.entry(person).or_default() += change;
            }
            for (&person, count) in &mut whole {
                *count += i64::from(std::mem::take(&mut counts[person as usize]));
            }
            whole.into_iter().map(|(person, count)| (person, count.max(0) as u64)).collect()
        })
    }

    fn scan_all(
        &mut self,
        place: usize,
        budget: usize,
        mut least: u64,
        mut offer: impl FnMut(u32, u64) -> u64,
    ) -> Option<usize> {
        let mut spent = 0;
        for (piece, counts) in self.counts[place..].chunks_mut(SCANNED).enumerate() {
            let start = place + piece * SCANNED;
            if spent >= budget {
                return Some(start);
            }
            spent += SCANNED / 16;
            let most = counts.iter().fold(0, |most, &count| most.max(count));
            if u64::from(most) >= least {
                for (at, &count) in counts.iter().enumerate() {
                    if u64::from(count) >= least {
                        spent += 1;
                        least = offer((start + at) as u32, count.into()).max(1);
                    }
                }
            }
            // While it is at hand: so nothing is left to be cleared.
            counts.fill(0);
            self.cleared = start + counts.len();
        }
        None
    }

    fn scan_touched(
        &mut self,
        place: usize,
        budget: usize,
        mut least: u64,
        mut offer: impl FnMut(u32, u64) -> u64,
    ) -> Option<usize> {
        let end = self.touched.len.min(place.saturating_add(budget));
        for &person in &self.touched.people[place..end] {
            // Taken, so that nothing is left to be cleared.
            let count = u64::from(std::mem::take(&mut self.counts[person as usize]));
            if count >= least {
                least = offer(person, count).max(1);
            }
        }
        (end < self.touched.len).then_some(end)
    }
}

impl Counters for Counts {
    fn grow(&mut self, people: usize, touches: usize) {
        if self.counts.len() < people {
            self.counts.resize(people, 0);
        }
        if !self.scans {
            self.touched.room(touches);
        }
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
    ) -> Option<usize> {
        for (person, count) in self.settle().drain() {
            if count >= least.max(1) {
                least = offer(person, count);
            }
        }
        let least = least.max(1);
        if self.scans {
            self.scan_all(place, budget, least, offer)
        } else {
            self.scan_touched(place, budget, least, offer)
        }
    }

    fn clear(&mut self) {
        if self.scans {
            self.counts[self.cleared..].fill(0);
        } else {
            self.touched.people[..self.touched.len].iter().for_each(|&person| self.counts[person as usize] = 0);
        }
        (self.touched.len, self.scans, self.large, self.cleared) = (0, false, None, 0);
        self.passed.clear();
        self.adjusted.clear();
    }

    fn bytes(&self) -> usize {
        self.counts.capacity() + self.touched.people.capacity() * size_of::<u32>()
    }
}

/// Sums of weights.
#[derive(Default)]
pub struct Sums {
    sums: Vec<u64>,
    /// Everybody whose sum is not zero (some twice, some for nothing).
    touched: Touched,
}

impl Counters for Sums {
    fn grow(&mut self, people: usize, touches: usize) {
        if self.sums.len() < people {
            self.sums.resize(people, 0);
        }
        self.touched.room(touches);
    }

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

    fn scan(
        &mut self,
        place: usize,
        budget: usize,
        mut least: u64,
        mut offer: impl FnMut(u32, u64) -> u64,
    ) -> Option<usize> {
        let end = self.touched.len.min(place.saturating_add(budget));
        for &person in &self.touched.people[place..end] {
            // Taken, so that whoever was touched twice is a candidate once.
            let sum = std::mem::take(&mut self.sums[person as usize]);
            if sum >= least.max(1) {
                least = offer(person, sum);
            }
        }
        (end < self.touched.len).then_some(end)
    }

    fn clear(&mut self) {
        self.touched.people[..self.touched.len].iter().for_each(|&person| self.sums[person as usize] = 0);
        self.touched.len = 0;
    }

    fn bytes(&self) -> usize {
        self.sums.capacity() * size_of::<u64>() + self.touched.people.capacity() * size_of::<u32>()
    }
}
