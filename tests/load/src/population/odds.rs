//! Which operation comes next.

use fastrand::Rng;
use load::Operation;

use crate::scenario::{Mix, Whom};

/// A mix, ready to be drawn from.
pub struct Odds {
    /// Each operation with the sum of its weight and of those before it.
    sums: Vec<(Operation, f64)>,
    pub whom: Whom,
}

impl Odds {
    pub fn new(mix: &Mix) -> Self {
        let mut sum = 0.0;
        let sums = mix.weights.iter().map(|(operation, weight)| {
            sum += weight;
            (*operation, sum)
        });
        Self { sums: sums.collect(), whom: mix.whom }
    }

    pub fn draw(&self, rng: &mut Rng) -> Operation {
        let (last, all) = self.sums[self.sums.len() - 1];
        let drawn = rng.f64() * all;
        self.sums.iter().find(|(_, sum)| drawn < *sum).map_or(last, |(operation, _)| *operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_come_as_often_as_they_weigh() {
        let weights = [(Operation::GetUser, 3.0), (Operation::GetStats, 1.0)].into();
        let odds = Odds::new(&Mix { weights, whom: Whom::Anyone });
        let mut rng = Rng::with_seed(1);
        let users = (0..10_000).filter(|_| odds.draw(&mut rng) == Operation::GetUser).count();
        assert!((7_300..7_700).contains(&users), "{users}");
    }
}
