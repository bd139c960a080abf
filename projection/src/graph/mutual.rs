//! What two sorted lists have in common.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::Graph;
use super::moment::Moment;
use super::rank::{Best, Score, Standing};
use super::recommend::Step;

/// From this ratio of lengths on, searching the longer list for each of the shorter beats walking through both.
const GALLOP_FROM: usize = 16;
/// So many of the shorter list are looked for before it is asked whether the step has taken long enough.
const PIECE: usize = 1024;
/// In the order of their ids, and of nothing else.
const NO_SCORE: Reverse<Score> = Reverse(Score { numerator: 0, denominator: 1 });

/// Two people's friends in common, a page of them, by id.
///
/// As with recommendations the work proceeds in steps, and the answer is that of the moment of the first: the shorter
/// list is copied then, and what has changed since in the longer one is taken back at the end.
pub struct MutualFriends {
    ids: [u64; 2],
    limit: usize,
    /// Only ids greater than this.
    after: u64,
    search: Option<Search>,
    restarts: u32,
}

/// Somebody who is friends with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Common {
    pub index: u32,
    pub id: u64,
}

struct Search {
    short: Vec<u32>,
    /// The person with the longer list.
    other: u32,
    gallops: bool,
    moment: Moment,
    /// The first change since of each of their friendships: whether they were friends.
    changed: HashMap<u32, bool>,
    /// How many of the shorter list have been looked for.
    done: usize,
    common: Vec<u32>,
    phase: Phase,
}

enum Phase {
    Searching,
    /// So many in common have been offered.
    Choosing(usize, Best),
}

impl MutualFriends {
    pub fn new(ids: [u64; 2], limit: usize, after: u64) -> Self {
        Self { ids, limit, after, search: None, restarts: 0 }
    }

    /// How often the work had to start again, because too much has changed between two steps.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Looks at about `budget` more friends. Both people have to be known at the first step: else nobody is found.
    pub fn step(&mut self, graph: &Graph, budget: usize) -> Step<Common> {
        let mut began = false;
        if !self.catch_up(graph) {
            self.restarts += u32::from(self.search.is_some());
            self.search = self.begin(graph);
            began = true;
        }
        let Some(search) = &mut self.search else {
            return Step { began, done: Some(Vec::new()) };
        };
        let found = search.advance(graph, self.limit, self.after, budget);
        // Their names have to be of that moment as well.
        if found.iter().flatten().any(|one| search.moment.renamed(one.index)) {
            self.restarts += 1;
            self.search = None;
            return Step { began, done: None };
        }
        Step { began, done: found }
    }

    fn begin(&self, graph: &Graph) -> Option<Search> {
        let find = |id: u64| graph.index(id).filter(|&index| graph.known_id(index).is_some());
        let (a, b) = (find(self.ids[0])?, find(self.ids[1])?);
        let (shorter, other) = if graph.degree(a) <= graph.degree(b) { (a, b) } else { (b, a) };
        let short: Vec<u32> = graph.friends(shorter).collect();
        let gallops = graph.degree(other) / GALLOP_FROM >= short.len();
        let (moment, changed, common) = (Moment::now(graph), HashMap::new(), Vec::new());
        Some(Search { short, other, gallops, moment, changed, done: 0, common, phase: Phase::Searching })
    }

    /// False where the work has to start from the beginning.
    fn catch_up(&mut self, graph: &Graph) -> bool {
        let Some(search) = &mut self.search else {
            return false;
        };
        let Some(changes) = search.moment.catch_up(graph) else {
            return false;
        };
        for ([a, b], added) in changes {
            for (of, friend) in [(a, b), (b, a)] {
                if of == search.other {
                    search.changed.entry(friend).or_insert(!added);
                }
            }
        }
        true
    }
}

impl Search {
    fn advance(&mut self, graph: &Graph, limit: usize, after: u64, budget: usize) -> Option<Vec<Common>> {
        let mut left = budget;
        if matches!(self.phase, Phase::Searching) {
            left = self.intersect(graph, left)?;
            self.take_back();
            let nobody = Standing { score: NO_SCORE, id: after };
            self.phase = Phase::Choosing(0, Best::new(limit, Some(nobody)));
        }
        let Phase::Choosing(offered, best) = &mut self.phase else {
            return None;
        };
        let end = self.common.len().min(offered.saturating_add(left));
        for &index in &self.common[*offered..end] {
            if let Some(id) = self.moment.known_id(graph, index) {
                best.offer(Standing { score: NO_SCORE, id }, index);
            }
        }
        *offered = end;
        if end < self.common.len() {
            return None;
        }
        let best = std::mem::replace(best, Best::new(0, None)).finish();
        Some(best.into_iter().map(|(standing, index)| Common { index, id: standing.id }).collect())
    }

    /// What is left of the budget once everybody in common is found.
    fn intersect(&mut self, graph: &Graph, budget: usize) -> Option<usize> {
        let mut spent = 0;
        let mut rest: &[u32] = &[];
        let mut long = graph.rows.from(self.other, 0);
        while self.done < self.short.len() {
            if spent >= budget {
                return None;
            }
            let short = &self.short[self.done..];
            if rest.last().is_none_or(|&last| last < short[0]) {
                match long.skip_to(short[0]) {
                    Some(run) => rest = run,
                    None => break,
                }
            }
            let before = self.common.len();
            let piece = &short[..short.len().min(PIECE)];
            let taken =
                if self.gallops { gallop(piece, rest, &mut self.common) } else { merge(piece, rest, &mut self.common) };
            // Ended by the longer list without a step in the shorter one: the next run goes on from there.
            rest = &rest[taken[1]..];
            spent += taken[0] + taken[1].min(PIECE) + self.common.len() - before + 1;
            self.done += taken[0];
        }
        Some(budget.saturating_sub(spent))
    }

    /// Sets right what has changed since the first step.
    fn take_back(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        self.common.retain(|friend| !self.changed.contains_key(friend));
        let were = self.changed.iter().filter(|(_, were)| **were).map(|(&friend, _)| friend);
        self.common.extend(were.filter(|friend| self.short.binary_search(friend).is_ok()));
    }
}

/// Walks through both; says how far it came in each when one of them ended.
fn merge(short: &[u32], long: &[u32], common: &mut Vec<u32>) -> [usize; 2] {
    let (mut i, mut j) = (0, 0);
    while i < short.len() && j < long.len() {
        let (a, b) = (short[i], long[j]);
        if a == b {
            common.push(a);
        }
        // Without branches: which of the two is smaller cannot be predicted.
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    [i, j]
}

/// Searches the long one for each of the short one, in growing steps from where the last was found.
fn gallop(short: &[u32], long: &[u32], common: &mut Vec<u32>) -> [usize; 2] {
    let mut j = 0;
    for (i, &wanted) in short.iter().enumerate() {
        let mut step = 1;
        while j + step < long.len() && long[j + step] < wanted {
            j += step;
            step *= 2;
        }
        let end = (j + step + 1).min(long.len());
        j += long[j..end].partition_point(|&other| other < wanted);
        if j == long.len() {
            return [i, j];
        }
        if long[j] == wanted {
            common.push(wanted);
        }
    }
    [short.len(), j]
}
