//! The plain baseline: what one writes first. A hash map of hash sets, the counts in a hash map, everybody sorted.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use projection::graph::Rank;

use super::source::Network;

/// One term of Adamic and Adar's sum is a multiple of 1 / this, as in `projection`: so the sums are exact.
const UNIT: f64 = (1_u64 << 32) as f64;

#[derive(Default)]
pub struct Plain {
    friends: HashMap<u32, HashSet<u32>>,
}

impl Plain {
    pub fn of(network: &Network) -> Self {
        let mut plain = Self::default();
        for &[a, b] in &network.friendships {
            plain.friends.entry(a).or_default().insert(b);
            plain.friends.entry(b).or_default().insert(a);
        }
        plain
    }

    fn of_person(&self, person: u32) -> &HashSet<u32> {
        &self.friends[&person]
    }

    /// Two-hop edges: what every way of counting has to touch.
    pub fn edges(&self, person: u32) -> u64 {
        self.of_person(person).iter().map(|friend| self.of_person(*friend).len() as u64).sum()
    }

    /// The ids of the best, with what they are ranked by: numerator and denominator.
    pub fn recommend(&self, person: u32, rank: Rank, limit: usize) -> Vec<(u32, u64, u64)> {
        let mine = self.of_person(person);
        let mut counts: HashMap<u32, u64> = HashMap::new();
        for friend in mine {
            let theirs = self.of_person(*friend);
            let weight = match rank {
                Rank::AdamicAdar => (UNIT / (theirs.len().max(2) as f64).ln()).round() as u64,
                Rank::Mutual | Rank::Jaccard => 1,
            };
            for candidate in theirs {
                *counts.entry(*candidate).or_default() += weight;
            }
        }
        let others = counts.into_iter().filter(|(other, _)| *other != person && !mine.contains(other));
        let denominator = |other: u32, count: u64| match rank {
            Rank::Mutual => 1,
            Rank::AdamicAdar => UNIT as u64,
            Rank::Jaccard => (mine.len() + self.of_person(other).len()) as u64 - count,
        };
        let mut ranked: Vec<_> = others.map(|(other, count)| (other, count, denominator(other, count))).collect();
        // a/b before c/d where a*d > c*b.
        ranked.sort_unstable_by(|&(id, a, b), &(other, c, d)| {
            let (this, that) = (u128::from(a) * u128::from(d), u128::from(c) * u128::from(b));
            (Reverse(this), id).cmp(&(Reverse(that), other))
        });
        ranked.truncate(limit);
        ranked
    }

    pub fn mutual_friends(&self, [one, other]: [u32; 2], limit: usize) -> Vec<u32> {
        let mut common: Vec<u32> = self.of_person(one).intersection(self.of_person(other)).copied().collect();
        common.sort_unstable();
        common.truncate(limit);
        common
    }
}
