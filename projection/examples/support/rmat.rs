//! R-MAT graphs (Chakrabarti et al., *R-MAT: A Recursive Model for Graph Mining*, SDM 2004): few have very many friends.

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// One edge of an R-MAT graph with quadrants of 45, 22, 22 and 11 per cent, and people shuffled: who has many friends
/// is not who came first.
pub fn edge(random: &mut Random, scale: u32) -> (u64, u64) {
    let (mut a, mut b) = (0, 0);
    for _ in 0..scale {
        let (row, column) = match random.next() % 100 {
            0..45 => (0, 0),
            45..67 => (0, 1),
            67..89 => (1, 0),
            _ => (1, 1),
        };
        (a, b) = (a << 1 | row, b << 1 | column);
    }
    (shuffled(a, scale) + 1, shuffled(b, scale) + 1)
}

/// A permutation of the numbers below 2^scale.
fn shuffled(number: u64, scale: u32) -> u64 {
    let (mask, half) = ((1 << scale) - 1, scale.div_ceil(2));
    let once = number.wrapping_mul(0x9E37_79B9) & mask;
    (once ^ (once >> half)).wrapping_mul(0x85EB_CA6B) & mask
}
