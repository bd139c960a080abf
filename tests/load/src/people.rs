//! People to sign up, the same ones for the same seed.

use fastrand::Rng;

#[rustfmt::skip]
const FIRST: [&str; 24] = [
    "Ada", "Alan", "Barbara", "Blaise", "Carl", "Evariste", "Dennis", "Donald", "Dorothy", "Edsger", "Emmy", "Frances",
    "Grace", "Hedy", "Henri", "Joan", "John", "Katherine", "Leslie", "Margaret", "Niklaus", "Radia", "Sophie", "Tony",
];
#[rustfmt::skip]
const LAST: [&str; 24] = [
    "Allen", "Backus", "Clarke", "Dijkstra", "Gauss", "Hamilton", "Hoare", "Hopper", "Johnson", "Knuth", "Lamarr",
    "Lamport", "Liskov", "Lovelace", "Noether", "Pascal", "Perlman", "Poincaré", "Ritchie", "Shannon", "Turing",
    "Vaughan", "Wilson", "Wirth",
];

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    first_name: &'static str,
    last_name: &'static str,
}

impl Person {
    pub fn random(rng: &mut Rng) -> Self {
        Self { first_name: FIRST[rng.usize(..FIRST.len())], last_name: LAST[rng.usize(..LAST.len())] }
    }

    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("two strings are always JSON")
    }
}

/// `count` calls between random two of `people`: the same two may come again.
pub fn random_pairs(rng: &mut Rng, people: usize, count: usize) -> Vec<(usize, usize)> {
    (0..count)
        .map(|_| {
            let one = rng.usize(..people);
            // Anybody but that one.
            (one, (one + rng.usize(1..people)) % people)
        })
        .collect()
}

/// `count` friendships between random two of `people`, no two of them between the same two.
pub fn distinct_pairs(rng: &mut Rng, people: usize, count: usize) -> Vec<(usize, usize)> {
    assert!(count <= people * (people - 1) / 2, "{people} people have fewer than {count} pairs");
    let mut known = std::collections::HashSet::with_capacity(count);
    let mut pairs = Vec::with_capacity(count);
    while pairs.len() < count {
        let (one, other) = random_pairs(rng, people, 1)[0];
        if known.insert((one.min(other), one.max(other))) {
            pairs.push((one, other));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_of_two_people_and_distinct_where_that_is_asked() {
        let mut rng = Rng::with_seed(1);
        let all = distinct_pairs(&mut rng, 15, 105);
        assert!(all.iter().chain(&random_pairs(&mut rng, 15, 1000)).all(|(a, b)| a != b && *a < 15 && *b < 15));
        let unordered: std::collections::HashSet<_> = all.iter().map(|(a, b)| (a.min(b), a.max(b))).collect();
        assert_eq!(unordered.len(), 105);
    }

    #[test]
    fn a_seed_gives_the_same_people_again() {
        let people = |seed| {
            let mut rng = Rng::with_seed(seed);
            (0..20).map(|_| Person::random(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(people(7), people(7));
        assert_ne!(people(7), people(8));
    }
}
