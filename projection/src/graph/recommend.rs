//! Whom may a person know? Everybody whom their friends know, ranked by the friends that both have.
//!
//! The two-hop neighbours are counted in a flat array, one counter a person (see [`super::counters`]), and the best are
//! chosen without sorting the others (see [`super::rank`]).
//!
//! The work proceeds in steps, and between two steps the caller lets go of the graph, so that the count of a person
//! with a hundred million two-hop edges makes nobody wait. The answer is exact, and that of one moment: the one of the
//! first step (see [`super::moment`]). An edge that appeared or went since, ahead of the place where the count has
//! arrived, is taken back in one counter; one behind it was counted as it was.

use std::cmp::Reverse;

use super::Graph;
use super::counters::{Counters, Counts, Sums};
use super::moment::Moment;
use super::rank::{ADAMIC_ADAR_UNIT, Best, Rank, Score, Standing, adamic_adar_term};
use super::rows::FLAT_MAX;

/// What finding a friend's list costs, in edges: two cache misses.
const VISIT: usize = 16;
/// A step ends with the run that exceeds its budget, and no run is longer.
const OVERSHOT: usize = VISIT + FLAT_MAX;
/// So many friends ahead, their rows and lists are fetched: waiting for memory would be half of the work.
const ROWS_AHEAD: usize = 6;
const LISTS_AHEAD: usize = 2;
/// Friends whose numbers of friends are looked at to know whether there is much to count.
const ROWS_SEEN: usize = 1024;
/// Candidates whose ids are fetched together.
const WAITING: usize = 64;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The person's id.
    pub id: u64,
    pub rank: Rank,
    /// So many of the best...
    pub limit: usize,
    /// ... after this one.
    pub after: Option<Standing>,
}

/// Somebody whom a person may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommended {
    pub index: u32,
    pub standing: Standing,
}

impl Recommended {
    pub fn id(&self) -> u64 {
        self.standing.id
    }

    pub fn score(&self) -> Score {
        self.standing.score.0
    }
}

/// What one step of a query has come to.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<T> {
    /// The answer is about the present moment: this step was the first, or the first again.
    pub began: bool,
    /// The answer, once it is there. Nothing if a person who is asked about is not known.
    pub done: Option<Vec<T>>,
}

/// The counters of one query thread, all zero between two queries.
#[derive(Default)]
pub struct Scratch {
    counts: Counts,
    sums: Sums,
    /// Room for a list of friends.
    friends: Vec<u32>,
}

impl Scratch {
    pub fn bytes(&self) -> usize {
        self.counts.bytes() + self.sums.bytes() + self.friends.capacity() * size_of::<u32>()
    }
}

enum Phase {
    /// Everything before this friend, by place in the list, has been counted, and of this one everybody before
    /// `neighbour`.
    Counting { friend: usize, neighbour: u32 },
    /// The counters of so many friends have been set back to zero: nobody is recommended a friend.
    Excluding(usize),
    /// The counters have been looked at up to here.
    Choosing(usize, Best),
}

/// The count of one moment.
struct Count {
    person: u32,
    /// The friends at that moment, ascending. Without their lists, these cost a few microseconds to copy at most.
    friends: Vec<u32>,
    moment: Moment,
    phase: Phase,
}

/// A recommendation in the making.
pub struct Recommendation {
    question: Question,
    count: Option<Count>,
    restarts: u32,
    scratch: Scratch,
}

impl Recommendation {
    pub fn new(question: Question, scratch: Scratch) -> Self {
        Self { question, count: None, restarts: 0, scratch }
    }

    /// How often the work had to start again, because too much has changed between two steps.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Makes room for the next step in a graph of so many people. A step does that itself where there is too little, but
    /// it may take milliseconds: better before the graph is held.
    pub fn prepare(&mut self, people: usize, budget: usize) {
        let touches = budget.saturating_add(OVERSHOT);
        match self.question.rank {
            Rank::AdamicAdar => self.scratch.sums.grow(people, touches),
            Rank::Mutual | Rank::Jaccard => self.scratch.counts.grow(people, touches),
        }
    }

    /// Counts, or chooses from, about `budget` more edges or candidates; to the end if that comes first.
    pub fn step(&mut self, graph: &Graph, budget: usize) -> Step<Recommended> {
        let mut began = false;
        if !self.catch_up(graph) {
            self.restarts += u32::from(self.count.is_some());
            self.clear();
            began = true;
            if !self.begin(graph) {
                return Step { began, done: Some(Vec::new()) };
            }
        }
        match self.question.rank {
            Rank::AdamicAdar => self.scratch.sums.grow(graph.people(), 0),
            Rank::Mutual | Rank::Jaccard => self.scratch.counts.grow(graph.people(), 0),
        }
        if began && let Some(count) = &self.count {
            let first = &count.friends[..count.friends.len().min(ROWS_SEEN)];
            let edges = first.iter().map(|&friend| graph.rows.degree(friend)).sum();
            let best = if self.question.after.is_none() { self.question.limit } else { usize::MAX };
            self.scratch.counts.expect(edges, best);
        }
        let (Some(count), question) = (&mut self.count, &self.question) else {
            return Step { began, done: None };
        };
        let chosen = match question.rank {
            Rank::AdamicAdar => count.advance(graph, question, &mut self.scratch.sums, budget),
            Rank::Mutual | Rank::Jaccard => count.advance(graph, question, &mut self.scratch.counts, budget),
        };
        // Their names have to be of that moment as well.
        if chosen.iter().flatten().any(|one| count.moment.renamed(one.index)) {
            self.restarts += 1;
            self.clear();
            return Step { began, done: None };
        }
        Step { began, done: chosen }
    }

    /// Gives the counters back for the next query. Not to be called while the graph is held: it may take a millisecond.
    pub fn into_scratch(mut self) -> Scratch {
        self.clear();
        self.scratch
    }

    fn clear(&mut self) {
        if let Some(count) = self.count.take() {
            self.scratch.friends = count.friends;
        }
        self.scratch.counts.clear();
        self.scratch.sums.clear();
    }

    /// False if there is nobody with this id.
    fn begin(&mut self, graph: &Graph) -> bool {
        let Some(person) = graph.index(self.question.id).filter(|&person| graph.known_id(person).is_some()) else {
            return false;
        };
        let mut friends = std::mem::take(&mut self.scratch.friends);
        friends.clear();
        graph.rows.from(person, 0).for_each(|run| friends.extend_from_slice(run));
        let phase = Phase::Counting { friend: 0, neighbour: 0 };
        self.count = Some(Count { person, friends, moment: Moment::now(graph), phase });
        true
    }

    /// Makes up for what changed since the last step. False where the work has to start from the beginning.
    fn catch_up(&mut self, graph: &Graph) -> bool {
        let Some(count) = &mut self.count else {
            return false;
        };
        let Some(changed) = count.moment.catch_up(graph) else {
            return false;
        };
        let Phase::Counting { friend, neighbour } = count.phase else {
            return true;
        };
        for ([a, b], added) in changed {
            for (of, other) in [(a, b), (b, a)] {
                let ahead = count.friends.binary_search(&of).is_ok_and(|at| (at, other) >= (friend, neighbour));
                if !ahead {
                    continue;
                }
                let change = |weight: u64| if added { -(weight as i64) } else { weight as i64 };
                match self.question.rank {
                    Rank::AdamicAdar => {
                        let weight = adamic_adar_term(count.moment.degree(graph, of));
                        self.scratch.sums.grow(graph.people(), 0);
                        self.scratch.sums.adjust(other, change(weight));
                    }
                    Rank::Mutual | Rank::Jaccard => self.scratch.counts.adjust(other, change(1)),
                }
            }
        }
        true
    }
}

impl Count {
    /// The best, once they have been found.
    fn advance(
        &mut self,
        graph: &Graph,
        question: &Question,
        counters: &mut impl Counters,
        budget: usize,
    ) -> Option<Vec<Recommended>> {
        let mut left = budget;
        loop {
            match &mut self.phase {
                Phase::Counting { .. } => {
                    left = self.count(graph, question.rank, counters, left)?;
                    self.phase = Phase::Excluding(0);
                }
                Phase::Excluding(done) => {
                    let end = self.friends.len().min(done.saturating_add(left));
                    counters.exclude(&self.friends[*done..end]);
                    left = left.saturating_sub(end - *done);
                    if end < self.friends.len() {
                        self.phase = Phase::Excluding(end);
                        return None;
                    }
                    counters.exclude(&[self.person]);
                    self.phase = Phase::Choosing(0, Best::new(question.limit, question.after));
                }
                Phase::Choosing(..) => return self.choose(graph, question.rank, counters, left),
            }
        }
    }

    /// What is left of the budget once everything is counted.
    fn count(&mut self, graph: &Graph, rank: Rank, counters: &mut impl Counters, budget: usize) -> Option<usize> {
        let Phase::Counting { friend: first, neighbour: mut start } = self.phase else {
            return Some(budget);
        };
        let mut spent = 0;
        self.friends[first..].iter().take(ROWS_AHEAD).for_each(|&ahead| graph.rows.fetch_row(ahead));
        self.friends[first..].iter().take(LISTS_AHEAD).for_each(|&ahead| graph.rows.fetch_list(ahead));
        for (at, &friend) in self.friends.iter().enumerate().skip(first) {
            if spent >= budget {
                self.phase = Phase::Counting { friend: at, neighbour: start };
                return None;
            }
            if let Some(&ahead) = self.friends.get(at + ROWS_AHEAD) {
                graph.rows.fetch_row(ahead);
            }
            if let Some(&ahead) = self.friends.get(at + LISTS_AHEAD) {
                graph.rows.fetch_list(ahead);
            }
            spent += VISIT;
            let weight = match rank {
                Rank::AdamicAdar => adamic_adar_term(self.moment.degree(graph, friend)),
                Rank::Mutual | Rank::Jaccard => 1,
            };
            for run in graph.rows.from(friend, std::mem::take(&mut start)) {
                if spent >= budget.saturating_add(VISIT) {
                    self.phase = Phase::Counting { friend: at, neighbour: run[0] };
                    return None;
                }
                counters.add(run, weight);
                spent += run.len();
            }
        }
        Some(budget.saturating_sub(spent))
    }

    fn choose(
        &mut self,
        graph: &Graph,
        rank: Rank,
        counters: &mut impl Counters,
        budget: usize,
    ) -> Option<Vec<Recommended>> {
        let Phase::Choosing(place, best) = &mut self.phase else {
            return None;
        };
        let (moment, mine) = (&self.moment, self.friends.len() as u64);
        let mut chooser = Chooser { graph, moment, rank, mine, best, waiting: [(0, 0); WAITING], len: 0 };
        let mut left = budget;
        loop {
            let least = chooser.least();
            let more = counters.scan(*place, left, least, |index, count| chooser.offer(index, count));
            chooser.flush();
            let Some(more) = more else { break };
            (*place, left) = (more.place, more.left);
            if left == 0 {
                return None;
            }
        }
        let best = std::mem::replace(best, Best::new(0, None)).finish();
        Some(best.into_iter().map(|(standing, index)| Recommended { index, standing }).collect())
    }
}

/// Gives candidates their scores, a few at a time, so that the cache misses of finding their ids happen together.
struct Chooser<'a> {
    graph: &'a Graph,
    moment: &'a Moment,
    rank: Rank,
    /// How many friends the person has.
    mine: u64,
    best: &'a mut Best,
    waiting: [(u32, u64); WAITING],
    len: usize,
}

impl Chooser<'_> {
    /// The least count that is still of interest.
    fn least(&self) -> u64 {
        let Some(score) = self.best.least() else {
            return 1;
        };
        match self.rank {
            Rank::Mutual | Rank::AdamicAdar => score.numerator,
            // The union is at least as large as the person's own friends are many.
            Rank::Jaccard => {
                let least = (u128::from(score.numerator) * u128::from(self.mine)).div_ceil(score.denominator.into());
                u64::try_from(least).unwrap_or(u64::MAX)
            }
        }
    }

    fn offer(&mut self, index: u32, count: u64) -> u64 {
        if self.is_beaten(index, count) {
            return self.least();
        }
        self.waiting[self.len] = (index, count);
        self.len += 1;
        if self.len == WAITING {
            self.flush();
        }
        self.least()
    }

    /// Whether it is clear without the id, which takes a cache miss: where candidates tie, as nearly all of the people
    /// do with whom somebody has one friend in common, the smaller id is the better, and mostly the smaller index.
    fn is_beaten(&self, index: u32, count: u64) -> bool {
        let ascending = self.graph.people.ascending();
        self.best.last().is_some_and(|(standing, last)| {
            let ties = self.rank != Rank::Jaccard && count == standing.score.0.numerator;
            ties && last < index && index < ascending
        })
    }

    fn flush(&mut self) {
        let mut ids = [None; WAITING];
        for (id, &(index, _)) in ids.iter_mut().zip(&self.waiting[..self.len]) {
            // Whose name is not known yet cannot be shown.
            *id = self.moment.known_id(self.graph, index);
        }
        for (id, &(index, count)) in ids.into_iter().zip(&self.waiting[..self.len]) {
            let Some(id) = id else { continue };
            let score = match self.rank {
                Rank::Mutual => Score { numerator: count, denominator: 1 },
                Rank::AdamicAdar => Score { numerator: count, denominator: ADAMIC_ADAR_UNIT },
                Rank::Jaccard => {
                    let theirs = self.moment.degree(self.graph, index);
                    Score { numerator: count, denominator: self.mine + theirs - count }
                }
            };
            self.best.offer(Standing { score: Reverse(score), id }, index);
        }
        self.len = 0;
    }
}
