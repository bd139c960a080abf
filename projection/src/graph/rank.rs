//! How candidates are ranked, and the choice of the best of them.
//!
//! The measures are the usual ones of link prediction. N(x) are x's friends, |N(x)| is how many there are:
//!
//! | rank | score of a candidate y for x | source |
//! | --- | --- | --- |
//! | `mutual` | \|N(x) ∩ N(y)\| | Newman, *Clustering and preferential attachment in growing networks*, Phys. Rev. E 64, 2001 |
//! | `jaccard` | \|N(x) ∩ N(y)\| / \|N(x) ∪ N(y)\| | Jaccard 1901; Liben-Nowell and Kleinberg, *The link-prediction problem for social networks*, 2003 |
//! | `adamic-adar` | Σ 1 / ln \|N(z)\| over z in N(x) ∩ N(y) | Adamic and Adar, *Friends and neighbors on the Web*, Social Networks 25, 2003 |
//!
//! All are exact: Jaccard's is compared as a fraction of whole numbers; each term of Adamic and Adar's is rounded to a
//! multiple of 2^-32 first, so that the sum does not depend on the order of its terms. Equal scores are ranked by id,
//! the smaller first.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

/// By what candidates are ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rank {
    #[default]
    Mutual,
    AdamicAdar,
    Jaccard,
}

impl Rank {
    pub const ALL: [Rank; 3] = [Rank::Mutual, Rank::AdamicAdar, Rank::Jaccard];

    pub fn name(self) -> &'static str {
        match self {
            Rank::Mutual => "mutual",
            Rank::AdamicAdar => "adamic-adar",
            Rank::Jaccard => "jaccard",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rank| rank.name() == name)
    }
}

/// One term of Adamic and Adar's sum is a multiple of 1 / this.
pub const ADAMIC_ADAR_UNIT: u64 = 1 << 32;

/// The term of a mutual friend who has so many friends: two at least, for two have them in common.
pub fn adamic_adar_term(degree: u64) -> u64 {
    (ADAMIC_ADAR_UNIT as f64 / (degree.max(2) as f64).ln()).round() as u64
}

/// A fraction of whole numbers; the denominator is not zero.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    pub numerator: u64,
    pub denominator: u64,
}

impl Score {
    pub fn value(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.denominator == other.denominator {
            return self.numerator.cmp(&other.numerator);
        }
        let cross = |a: u64, b: u64| u128::from(a) * u128::from(b);
        cross(self.numerator, other.denominator).cmp(&cross(other.numerator, self.denominator))
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}

/// A place in a ranking: that of one candidate. Later places compare as greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    pub score: Reverse<Score>,
    pub id: u64,
}

/// As in a cursor: numerator, denominator, id.
impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.score.0.numerator, self.score.0.denominator, self.id)
    }
}

impl FromStr for Standing {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |part: &str| {
            let canonical = part == "0" || (!part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()));
            if canonical { part.parse::<u64>().map_err(drop) } else { Err(()) }
        };
        let mut parts = text.split('.');
        let mut next = || number(parts.next().ok_or(())?);
        let (numerator, denominator, id) = (next()?, next()?, next()?);
        if denominator == 0 || parts.next().is_some() {
            return Err(());
        }
        Ok(Self { score: Reverse(Score { numerator, denominator }), id })
    }
}

/// Candidates are cut down to the best each time there are twice as many, but at least this many.
const CUT_FROM: usize = 256;

/// The best so far, and some that may still turn out not to be: partial selection, in linear time whatever the order in
/// which they come.
pub struct Best {
    limit: usize,
    /// Only those after this place are wanted.
    after: Option<Standing>,
    /// Once there are enough: the last of the best, by index as well.
    last: Option<(Standing, u32)>,
    ranked: Vec<(Standing, u32)>,
}

impl Best {
    pub fn new(limit: usize, after: Option<Standing>) -> Self {
        Self { limit, after, last: None, ranked: Vec::new() }
    }

    /// Offers a candidate by index. True if the last of the best is another one now.
    pub fn offer(&mut self, standing: Standing, index: u32) -> bool {
        if self.last.is_some_and(|(last, _)| standing > last) || self.after.is_some_and(|after| standing <= after) {
            return false;
        }
        self.ranked.push((standing, index));
        self.ranked.len() >= (self.limit * 2).max(CUT_FROM) && self.cut()
    }

    /// Once there are enough: the score of the last of the best. Who has less need not be offered.
    pub fn least(&self) -> Option<Score> {
        self.last.map(|(last, _)| last.score.0)
    }

    /// Once there are enough: the last of the best, and their index.
    pub fn last(&self) -> Option<(Standing, u32)> {
        self.last
    }

    fn cut(&mut self) -> bool {
        if self.limit == 0 || self.ranked.len() <= self.limit {
            self.ranked.truncate(self.limit);
            return false;
        }
        let (_, &mut last, _) = self.ranked.select_nth_unstable(self.limit - 1);
        self.ranked.truncate(self.limit);
        self.last = Some(last);
        true
    }

    /// The best, best first.
    pub fn finish(mut self) -> Vec<(Standing, u32)> {
        self.cut();
        self.ranked.sort_unstable();
        self.ranked
    }
}
