//! The work bound: what one increment at a random place of a counter array costs on this machine, at this moment.
//!
//! Nobody who counts two-hop neighbours in an array can do less than one increment for each two-hop edge. The places are
//! read from a list, as they would be from lists of friends.

use std::hint::black_box;
use std::ops::AddAssign;

use super::random::Random;
use crate::processes::thread_cpu;

/// Of one measurement: a millisecond or two, so that it is of the same moment as what it is compared with.
const INCREMENTS: usize = 1 << 19;

pub struct Bound {
    places: Vec<u32>,
    words: Vec<u32>,
    bytes: Vec<u8>,
}

/// Nanoseconds an increment.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Of counters of four bytes: the bound.
    pub words: f64,
    /// Of counters of one byte, to compare.
    pub bytes: f64,
}

impl Bound {
    pub fn new(people: u32) -> Self {
        let mut random = Random::new(7);
        let places = (0..INCREMENTS).map(|_| random.below(u64::from(people)) as u32).collect();
        Self { places, words: vec![0; people as usize], bytes: vec![0; people as usize] }
    }

    pub fn measure(&mut self) -> Cost {
        Cost { words: time(&mut self.words, &self.places), bytes: time(&mut self.bytes, &self.places) }
    }
}

fn time<T: Copy + Default + AddAssign + From<u8>>(counters: &mut [T], places: &[u32]) -> f64 {
    // Sums stay small, and all of the array is in the caches that can hold it.
    counters.fill(T::default());
    let start = thread_cpu();
    for &place in places {
        // On the smallest graph there are 70 for each counter: no byte overflows.
        counters[place as usize] += T::from(1);
    }
    black_box(counters);
    (thread_cpu() - start).as_secs_f64() * 1e9 / places.len() as f64
}
