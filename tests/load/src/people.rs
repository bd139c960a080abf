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

/// Letters of a search. All first names have as many, and none of them needs escaping.
const PREFIX: usize = 2;

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

    /// How some people's names begin, for a search.
    pub fn prefix(rng: &mut Rng) -> &'static str {
        &FIRST[rng.usize(..FIRST.len())][..PREFIX]
    }

    pub fn json_with_id(&self, id: u64) -> String {
        let json = self.json();
        format!("{{\"id\":{id},{}", &json[1..])
    }

    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("two strings are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_with_an_id_is_json() {
        let person = Person { first_name: "Henri", last_name: "Poincaré" };
        assert_eq!(person.json_with_id(7), r#"{"id":7,"firstName":"Henri","lastName":"Poincaré"}"#);
    }

    #[test]
    fn every_name_can_be_searched_for() {
        assert!(FIRST.iter().all(|name| name[..PREFIX].bytes().all(|letter| letter.is_ascii_alphabetic())));
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
