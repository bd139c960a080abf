//! The flat arrays in which two-hop neighbours are counted, and the choice of the best.

use std::cmp::Reverse;

use super::Graph;
use super::recommend::{Place, Recommended};

/// What finding a friend's list costs, in edges: two cache misses.
const VISIT: usize = 16;
/// Candidates are cut down to the best each time there are twice as many, but at least this many.
const CUT_FROM: usize = 256;

/// A counter as narrow as the count allows.
pub trait Counter: Copy + Default {
    fn up(&mut self);
    fn down(&mut self);
    fn get(self) -> u32;
}

macro_rules! counter {
    ($($width:ty),*) => { $(
        impl Counter for $width {
            fn up(&mut self) {
                *self += 1;
            }

            fn down(&mut self) {
                *self -= 1;
            }

            fn get(self) -> u32 {
                self.into()
            }
        }
    )* };
}

counter!(u8, u16, u32);

/// One counter a person.
#[derive(Default)]
pub struct Counters<C> {
    counts: Vec<C>,
    /// In the first `touched_len` elements everybody whose counter is not zero (some twice, some for nothing).
    touched: Vec<u32>,
    touched_len: usize,
}

/// Counters of any width.
pub trait Tally {
    /// Room for this many people.
    fn grow(&mut self, people: usize);

    /// Counts the neighbours of a person's friends from `place` on. False when the budget was used up before the end.
    fn count(&mut self, graph: &Graph, person: u32, place: &mut Place, budget: usize) -> bool;

    /// One edge to this person, already passed, has come or gone.
    fn correct(&mut self, person: u32, added: bool);

    /// The best candidates, best first. All counters are zero afterwards.
    fn best(&mut self, graph: &Graph, person: u32, limit: usize) -> Vec<Recommended>;

    /// Sets all counters to zero: those that were touched, no others.
    fn clear(&mut self);
}

impl<C: Counter> Counters<C> {
    fn add(&mut self, run: &[u32]) {
        let end = self.touched_len + run.len();
        if self.touched.len() < end {
            self.touched.resize(end.max(self.touched.len() * 2), 0);
        }
        let touched = &mut self.touched[self.touched_len..end];
        let mut first_time = 0;
        for &person in run {
            let count = &mut self.counts[person as usize];
            // Written always, kept only the first time: a branch would be mispredicted every other time.
            touched[first_time] = person;
            first_time += usize::from(count.get() == 0);
            count.up();
        }
        self.touched_len += first_time;
    }
}

impl<C: Counter> Tally for Counters<C> {
    fn grow(&mut self, people: usize) {
        if self.counts.len() < people {
            self.counts.resize(people, C::default());
        }
    }

    fn count(&mut self, graph: &Graph, person: u32, place: &mut Place, budget: usize) -> bool {
        let mut spent = 0;
        for friends in graph.rows.from(person, place.friend) {
            for &friend in friends {
                let start = if friend == place.friend { place.neighbour } else { 0 };
                if spent >= budget {
                    *place = Place { friend, neighbour: start };
                    return false;
                }
                spent += VISIT;
                for run in graph.rows.from(friend, start) {
                    if spent >= budget.saturating_add(VISIT) {
                        *place = Place { friend, neighbour: run[0] };
                        return false;
                    }
                    self.add(run);
                    spent += run.len();
                }
            }
        }
        true
    }

    fn correct(&mut self, person: u32, added: bool) {
        let count = &mut self.counts[person as usize];
        if added {
            count.up();
            if self.touched.len() == self.touched_len {
                self.touched.push(person);
            }
            self.touched[self.touched_len] = person;
            self.touched_len += 1;
        } else {
            count.down();
        }
    }

    fn best(&mut self, graph: &Graph, person: u32, limit: usize) -> Vec<Recommended> {
        self.counts[person as usize] = C::default();
        for friend in graph.rows.from(person, 0).flatten() {
            self.counts[*friend as usize] = C::default();
        }
        let mut best = Best::new(limit);
        for &candidate in &self.touched[..self.touched_len] {
            // Taken, so that whoever was touched twice is a candidate once.
            let count = std::mem::take(&mut self.counts[candidate as usize]).get();
            if count >= best.least {
                best.offer(graph, candidate, count);
            }
        }
        self.touched_len = 0;
        best.finish()
    }

    fn clear(&mut self) {
        for &person in &self.touched[..self.touched_len] {
            self.counts[person as usize] = C::default();
        }
        self.touched_len = 0;
    }
}

/// One candidate's rank: more mutual friends first, then the smaller id. The last is the index.
type Ranked = (Reverse<u32>, u64, u32);

/// The best so far, and some that may still turn out not to be.
struct Best {
    limit: usize,
    /// Fewer mutual friends than this are not enough any more.
    least: u32,
    /// Once there are enough: the last of the best.
    last: Option<(Reverse<u32>, u64)>,
    ranked: Vec<Ranked>,
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, least: 1, last: None, ranked: Vec::with_capacity((limit * 2).max(CUT_FROM)) }
    }

    fn offer(&mut self, graph: &Graph, candidate: u32, count: u32) {
        // Whose name is not known yet cannot be shown.
        let Some(id) = graph.known_id(candidate) else {
            return;
        };
        if self.last.is_some_and(|last| (Reverse(count), id) > last) {
            return;
        }
        self.ranked.push((Reverse(count), id, candidate));
        if self.ranked.len() >= (self.limit * 2).max(CUT_FROM) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        if self.limit == 0 || self.ranked.len() <= self.limit {
            self.ranked.truncate(self.limit);
            return;
        }
        let (_, &mut (count, id, _), _) = self.ranked.select_nth_unstable(self.limit - 1);
        self.ranked.truncate(self.limit);
        self.least = count.0;
        self.last = Some((count, id));
    }

    fn finish(mut self) -> Vec<Recommended> {
        self.cut();
        self.ranked.sort_unstable();
        self.ranked.into_iter().map(|(mutual, id, index)| Recommended { index, id, mutual: mutual.0 }).collect()
    }
}
