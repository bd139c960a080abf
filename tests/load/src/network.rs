//! The network that a run makes: who is friends with whom, decided before anything is sent.

pub mod edges;

use std::collections::HashSet;

use fastrand::Rng;

/// How often a pair is drawn until it is a new one, before any pair is as good.
const DRAWS: usize = 64;

/// Two people by their places in the network, the first one asks.
pub type Pair = (u32, u32);

/// How it is to be made.
#[derive(Debug, Default)]
pub enum Network {
    #[default]
    Empty,
    Drawn {
        people: usize,
        friendships: usize,
        shape: Shape,
    },
    /// A real one, from a file.
    Given {
        people: usize,
        pairs: Vec<Pair>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Any two people are as likely to be friends as any other two.
    Uniform,
    /// The number of people with d friends falls as d to the power of -exponent (Chung and Lu's model).
    PowerLaw { exponent: f64 },
}

impl Network {
    pub fn people(&self) -> usize {
        match self {
            Network::Empty => 0,
            Network::Drawn { people, .. } | Network::Given { people, .. } => *people,
        }
    }

    pub fn friendships(&self) -> usize {
        match self {
            Network::Empty => 0,
            Network::Drawn { friendships, .. } => *friendships,
            Network::Given { pairs, .. } => pairs.len(),
        }
    }

    pub fn shape(&self) -> Shape {
        match self {
            Network::Drawn { shape, .. } => *shape,
            Network::Empty | Network::Given { .. } => Shape::Uniform,
        }
    }

    /// All its friendships, each once, in the order in which they are made. The same seed gives the same ones.
    pub fn pairs(&self, seed: u64) -> Vec<Pair> {
        match self {
            Network::Empty => Vec::new(),
            Network::Given { pairs, .. } => pairs.clone(),
            Network::Drawn { people, friendships, shape } => {
                distinct_pairs(&mut Rng::with_seed(seed), *people, *friendships, *shape)
            }
        }
    }
}

impl Shape {
    /// Between 2 and 3 in most networks that were measured.
    pub const EXPONENT: f64 = 2.5;

    /// Two people who may be friends, of the first `people`.
    pub fn pair(self, rng: &mut Rng, people: usize) -> Pair {
        loop {
            let (one, other) = (self.person(rng, people), self.person(rng, people));
            if one != other {
                return (one, other);
            }
        }
    }

    fn person(self, rng: &mut Rng, people: usize) -> u32 {
        let place = match self {
            Shape::Uniform => rng.usize(..people),
            // Weights of i^-a, drawn by inverting their sum, which grows as i^(1-a).
            Shape::PowerLaw { exponent } => {
                let a = 1.0 / (exponent - 1.0);
                (people as f64 * rng.f64().powf(1.0 / (1.0 - a))) as usize
            }
        };
        place.min(people - 1) as u32
    }
}

/// `count` friendships, no two of them between the same two.
fn distinct_pairs(rng: &mut Rng, people: usize, count: usize, shape: Shape) -> Vec<Pair> {
    let all = people * people.saturating_sub(1) / 2;
    assert!(count <= all, "{people} people have fewer than {count} pairs");
    if shape == Shape::Uniform && 2 * count > all {
        // Drawing would meet the same ones again and again.
        let mut pairs: Vec<Pair> = (0..people as u32).flat_map(|one| (0..one).map(move |other| (one, other))).collect();
        rng.shuffle(&mut pairs);
        pairs.truncate(count);
        return pairs;
    }
    let mut known = HashSet::with_capacity(count);
    let mut pairs = Vec::with_capacity(count);
    while pairs.len() < count {
        let mut new = |(one, other): Pair| known.insert((one.min(other), one.max(other))).then_some((one, other));
        let drawn = (0..DRAWS).find_map(|_| new(shape.pair(rng, people)));
        // Those with the most friends may be friends with everybody already.
        pairs.extend(drawn.or_else(|| new(Shape::Uniform.pair(rng, people))));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(people: usize, friendships: usize, shape: Shape) -> Vec<Pair> {
        let pairs = Network::Drawn { people, friendships, shape }.pairs(1);
        let unordered: HashSet<Pair> = pairs.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        assert_eq!((pairs.len(), unordered.len()), (friendships, friendships));
        assert!(pairs.iter().all(|(a, b)| a != b && (*a.max(b) as usize) < people));
        pairs
    }

    fn degrees(pairs: &[Pair], people: usize) -> Vec<usize> {
        let mut degrees = vec![0; people];
        for person in pairs.iter().flat_map(|(a, b)| [*a, *b]) {
            degrees[person as usize] += 1;
        }
        degrees.sort_unstable();
        degrees
    }

    #[test]
    fn all_pairs_can_be_friends() {
        drawn(15, 105, Shape::Uniform);
        drawn(2, 1, Shape::Uniform);
        drawn(600, 2_000, Shape::Uniform);
    }

    #[test]
    fn a_power_law_has_a_few_with_very_many_friends() {
        let (people, friendships) = (10_000, 50_000);
        let power = degrees(&drawn(people, friendships, Shape::PowerLaw { exponent: 2.5 }), people);
        let uniform = degrees(&drawn(people, friendships, Shape::Uniform), people);
        assert!(power[people - 1] > 20 * uniform[people - 1], "{} {}", power[people - 1], uniform[people - 1]);
        assert!(power[people / 2] < uniform[people / 2], "{} {}", power[people / 2], uniform[people / 2]);
    }

    #[test]
    fn the_densest_and_steepest_that_is_allowed_can_be_drawn() {
        drawn(300, 300 * 299 / 8, Shape::PowerLaw { exponent: 2.05 });
        drawn(2, 0, Shape::PowerLaw { exponent: 5.0 });
    }

    #[test]
    fn a_seed_gives_the_same_network_again() {
        let network = Network::Drawn { people: 100, friendships: 200, shape: Shape::PowerLaw { exponent: 3.0 } };
        assert_eq!(network.pairs(7), network.pairs(7));
        assert_ne!(network.pairs(7), network.pairs(8));
    }
}
