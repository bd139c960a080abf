//! The graphs: real ones where they are at hand, and R-MAT graphs, the same ones in every run.
//!
//! R-MAT: Chakrabarti, Zhan, Faloutsos, *R-MAT: A Recursive Model for Graph Mining*, SIAM Data Mining 2004. An edge falls
//! into one of four quadrants of the matrix, then into a quadrant of that, until one place is left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::random::Random;

/// Per cent of the edges in each quadrant: 45, 22, 22, 11. These are the first three, summed up.
const QUADRANTS: [u64; 3] = [45, 67, 89];
const SEED: u64 = 42;

/// What is asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    kind: SourceKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum SourceKind {
    Rmat { people: u32, friendships: usize },
    File(PathBuf),
}

/// People have the ids 1 to `people`; friendships are distinct, and in no particular order.
pub struct Network {
    pub people: u32,
    pub friendships: Vec<[u32; 2]>,
}

/// How many friends people have.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Degrees {
    pub mean: f64,
    pub median: u32,
    pub p99: u32,
    pub max: u32,
    /// People without friends.
    pub alone: u32,
}

const RMAT: [(&str, u32, usize); 3] =
    [("rmat-10k", 10_000, 160_000), ("rmat-100k", 100_000, 1_600_000), ("rmat-1m", 1 << 20, 16_000_000)];
const FILES: [&str; 2] = ["lastfm-asia", "deezer-ro"];

impl Source {
    /// Every graph by name, smallest first.
    pub fn all() -> Vec<Self> {
        let names = FILES.into_iter().chain(RMAT.map(|(name, ..)| name));
        names.filter_map(|name| name.parse().ok()).collect()
    }

    /// Where it is to be read and is not there: where it was looked for.
    pub fn missing(&self) -> Option<&Path> {
        match &self.kind {
            SourceKind::File(path) if !path.exists() => Some(path),
            _ => None,
        }
    }

    pub fn network(&self) -> Result<Network> {
        match &self.kind {
            SourceKind::Rmat { people, friendships } => Ok(rmat(*people, *friendships)),
            SourceKind::File(path) => read(path),
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let rmat = RMAT.iter().find(|(rmat, ..)| *rmat == name);
        let kind = match rmat {
            Some(&(_, people, friendships)) => SourceKind::Rmat { people, friendships },
            None if FILES.contains(&name) => SourceKind::File(data_folder().join(format!("{name}.edges"))),
            None => {
                let names: Vec<&str> = FILES.into_iter().chain(RMAT.map(|(name, ..)| name)).collect();
                return Err(format!("one of {}", names.join(", ")));
            }
        };
        Ok(Self { name: name.to_owned(), kind })
    }
}

/// Beside the repository, if at all.
fn data_folder() -> PathBuf {
    let manifest = dev::options::manifest().unwrap_or_default();
    dev::options::folder_of(&manifest).join("../shared/data")
}

fn read(path: &Path) -> Result<Network> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut friendships = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut ids = line.split_whitespace().map(str::parse::<u32>);
        match (ids.next(), ids.next(), ids.next()) {
            (Some(Ok(a @ 1..)), Some(Ok(b @ 1..)), None) if a != b => friendships.push([a, b]),
            _ => bail!("{}:{}: two different ids from 1 on are expected: {line:?}", path.display(), number + 1),
        }
    }
    let distinct: HashSet<_> = friendships.iter().map(|&[a, b]| [a.min(b), a.max(b)]).collect();
    ensure!(distinct.len() == friendships.len(), "{}: a friendship is there twice", path.display());
    let people = friendships.iter().flatten().copied().max().unwrap_or(0);
    Ok(Network { people, friendships })
}

/// Until there are enough distinct friendships.
fn rmat(people: u32, wanted: usize) -> Network {
    let scale = people.next_power_of_two().ilog2();
    let mut random = Random::new(SEED);
    let mut packed: Vec<u64> = Vec::with_capacity(wanted + wanted / 4);
    while packed.len() < wanted {
        let missing = wanted - packed.len();
        let more = std::iter::repeat_with(|| rmat_edge(&mut random, scale));
        let valid = more.filter(|[a, b]| a != b && *a.max(b) <= people);
        packed.extend(valid.take(missing + missing / 8).map(|[a, b]| u64::from(a.min(b)) << 32 | u64::from(a.max(b))));
        packed.sort_unstable();
        packed.dedup();
    }
    let mut friendships: Vec<[u32; 2]> = packed.iter().map(|&pair| [(pair >> 32) as u32, pair as u32]).collect();
    random.shuffle(&mut friendships);
    friendships.truncate(wanted);
    Network { people, friendships }
}

/// Ids of two people, perhaps the same. People are shuffled: who has many friends is not who came first.
pub fn rmat_edge(random: &mut Random, scale: u32) -> [u32; 2] {
    let (mut a, mut b) = (0, 0);
    for _ in 0..scale {
        let place = random.below(100);
        let (row, column) = match QUADRANTS.iter().position(|&end| place < end) {
            Some(0) => (0, 0),
            Some(1) => (0, 1),
            Some(_) => (1, 0),
            None => (1, 1),
        };
        (a, b) = (a << 1 | row, b << 1 | column);
    }
    [shuffled(a, scale) + 1, shuffled(b, scale) + 1]
}

/// A permutation of the numbers below 2^scale.
fn shuffled(number: u64, scale: u32) -> u32 {
    let (mask, half) = ((1 << scale) - 1, scale.div_ceil(2));
    let once = number.wrapping_mul(0x9E37_79B9) & mask;
    ((once ^ (once >> half)).wrapping_mul(0x85EB_CA6B) & mask) as u32
}

impl Network {
    pub fn degrees(&self) -> Degrees {
        let mut degrees = vec![0_u32; self.people as usize];
        self.friendships.iter().flatten().for_each(|&id| degrees[id as usize - 1] += 1);
        degrees.sort_unstable();
        let at = |share: usize| degrees[(degrees.len() * share / 100).min(degrees.len() - 1)];
        Degrees {
            mean: 2.0 * self.friendships.len() as f64 / f64::from(self.people),
            median: at(50),
            p99: at(99),
            max: at(100),
            alone: degrees.partition_point(|&degree| degree == 0) as u32,
        }
    }

    /// People with friends: half of them anybody, half drawn by how many friends they have.
    pub fn draw(&self, count: usize, random: &mut Random) -> Vec<u32> {
        let has_friends: HashSet<u32> = self.friendships.iter().flatten().copied().collect();
        let anybody = |random: &mut Random| {
            loop {
                let id = random.below(u64::from(self.people)) as u32 + 1;
                if has_friends.contains(&id) {
                    return id;
                }
            }
        };
        let end_of_an_edge = |random: &mut Random| {
            self.friendships[random.below(self.friendships.len() as u64) as usize][random.below(2) as usize]
        };
        (0..count).map(|n| if n.is_multiple_of(2) { anybody(random) } else { end_of_an_edge(random) }).collect()
    }

    /// The people with the most friends, most first.
    pub fn best_connected(&self, count: usize) -> Vec<u32> {
        let mut degrees = vec![0_u32; self.people as usize + 1];
        self.friendships.iter().flatten().for_each(|&id| degrees[id as usize] += 1);
        let mut ids: Vec<u32> = (1..=self.people).collect();
        ids.sort_unstable_by_key(|&id| (std::cmp::Reverse(degrees[id as usize]), id));
        ids.truncate(count);
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_graph_is_what_it_says_and_the_same_each_time() {
        let network = rmat(3_000, 40_000);
        assert_eq!((network.people, network.friendships.len()), (3_000, 40_000));
        assert!(network.friendships.iter().all(|[a, b]| (1..*b).contains(a) && *b <= 3_000));
        assert_eq!(network.friendships.iter().collect::<HashSet<_>>().len(), 40_000);
        assert_eq!(network.friendships, rmat(3_000, 40_000).friendships);
        let degrees = network.degrees();
        assert!(degrees.max > 8 * degrees.median, "a few have many friends: {degrees:?}");
    }

    #[test]
    fn every_name_is_one_of_a_graph() {
        assert_eq!(Source::all().len(), RMAT.len() + FILES.len());
        assert!("facebook".parse::<Source>().is_err());
    }
}
