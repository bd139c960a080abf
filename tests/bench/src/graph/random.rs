//! Random numbers that are the same in every run and on every machine: xorshift64 (Marsaglia, *Xorshift RNGs*, 2003).

pub struct Random(u64);

impl Random {
    /// The seed is not 0.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`; that some come a little more often does not matter here.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (2..=list.len()).rev() {
            list.swap(end - 1, self.below(end as u64) as usize);
        }
    }
}
