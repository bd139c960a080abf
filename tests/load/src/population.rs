//! Who has signed up and who is friends with whom, as far as answers said so: what calls are about.

mod newest;
mod odds;

use std::collections::VecDeque;

use fastrand::Rng;
use load::people::Person;
use load::{Answer, Operation, Outcome, Requests};
use serde::Deserialize;

use crate::network::{Network, Pair, Shape};
use crate::scenario::Whom;

pub use newest::Newest;
pub use odds::Odds;

/// Beyond the network's, so many people who sign up in a mix are remembered, 8 bytes each, and as many friendships.
const REMEMBERED: usize = 1_000_000;
/// How often somebody is drawn until it is one who has signed up: more than once only where sign-ups have failed.
const DRAWS: usize = 100;
/// Items that queries ask for: what a small screen shows.
const PAGE: usize = 10;

/// A call that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub operation: Operation,
    subject: Subject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Whoever is to have this place in the network.
    Place(usize),
    Newcomer,
    Pair(Pair),
    /// The answer changes nothing that is kept here.
    Nothing,
}

pub struct Population {
    shape: Shape,
    /// People of the network.
    network: usize,
    /// By their places, 0 for those who have not signed up. Behind the network's are those who signed up in a mix.
    ids: Vec<u64>,
    /// So many of them, from the first on, are in all read models.
    settled: usize,
    /// Friendships of the network that were not made yet, and behind them those that have ended.
    to_make: VecDeque<Pair>,
    made: Vec<Pair>,
    most_made: usize,
    /// Of their own: which operation comes next does not depend on what the ones before needed.
    operations: Rng,
    subjects: Rng,
    newest: Newest,
    last_created: Option<u64>,
}

impl Population {
    pub fn new(network: &Network, seed: u64) -> Self {
        let mut seeds = Rng::with_seed(seed);
        let to_make = VecDeque::from(network.pairs(seeds.u64(..)));
        Self {
            shape: network.shape(),
            network: network.people(),
            ids: vec![0; network.people()],
            settled: 0,
            most_made: to_make.len() + REMEMBERED,
            to_make,
            made: Vec::new(),
            operations: seeds.fork(),
            subjects: seeds.fork(),
            newest: Newest::default(),
            last_created: None,
        }
    }

    pub fn network(&self) -> usize {
        self.network
    }

    pub fn friendships_to_make(&self) -> usize {
        self.to_make.len()
    }

    pub fn newest(&self) -> Newest {
        self.newest
    }

    pub fn last_created(&self) -> Option<u64> {
        self.last_created
    }

    /// Everybody of the network who has signed up.
    pub fn people(&self) -> impl Iterator<Item = u64> {
        self.ids[..self.network].iter().copied().filter(|id| *id != 0)
    }

    /// All who have signed up are in all read models from now on.
    pub fn settle(&mut self) {
        self.settled = self.ids.len();
    }

    /// The sign-up of whoever has a place in the network.
    pub fn sign_up(&mut self, place: usize, requests: &Requests, into: &mut Vec<u8>) -> Call {
        requests.create_user(into, &Person::random(&mut self.subjects));
        Call { operation: Operation::CreateUser, subject: Subject::Place(place) }
    }

    /// The next friendship of the network, if there is one left.
    pub fn befriend(&mut self, requests: &Requests, into: &mut Vec<u8>) -> Option<Call> {
        while let Some(pair) = self.to_make.pop_front() {
            if let Some((one, other)) = self.ids_of(pair) {
                requests.add_friend(into, one, other);
                return Some(Call { operation: Operation::AddFriend, subject: Subject::Pair(pair) });
            }
        }
        None
    }

    /// Any call of a mix. None: there is nobody to ask about.
    pub fn any(&mut self, odds: &Odds, requests: &Requests, into: &mut Vec<u8>) -> Option<Call> {
        let operation = match odds.draw(&mut self.operations) {
            // Where nobody has friends, there is nothing to end.
            Operation::RemoveFriend if self.made.is_empty() => Operation::AddFriend,
            operation => operation,
        };
        let subject = self.write(operation, odds.whom, requests, into)?;
        Some(Call { operation, subject })
    }

    fn write(&mut self, operation: Operation, whom: Whom, to: &Requests, into: &mut Vec<u8>) -> Option<Subject> {
        match operation {
            Operation::CreateUser => {
                to.create_user(into, &Person::random(&mut self.subjects));
                return Some(Subject::Newcomer);
            }
            Operation::AddFriend => {
                if let Some(call) = self.befriend(to, into) {
                    return Some(call.subject);
                }
                let (pair, (one, other)) = self.strangers()?;
                to.add_friend(into, one, other);
                return Some(Subject::Pair(pair));
            }
            Operation::RemoveFriend => {
                // Taken away until the answer comes: nobody else ends it meanwhile.
                let pair = self.made.swap_remove(self.subjects.usize(..self.made.len()));
                let (one, other) = self.ids_of(pair)?;
                to.remove_friend(into, one, other);
                return Some(Subject::Pair(pair));
            }
            Operation::UpdateUser => {
                let id = self.one(whom, self.ids.len())?;
                to.update_user(into, id, &Person::random(&mut self.subjects));
            }
            Operation::GetUser => to.user(into, self.one(whom, self.ids.len())?),
            Operation::ListFriends => to.friends(into, self.one(whom, self.ids.len())?),
            Operation::RecommendFriends => to.recommended_now(into, self.one(whom, self.settled)?, PAGE),
            Operation::FindMutualFriends => {
                let (one, other) = self.two(whom)?;
                to.mutual_friends(into, one, other);
            }
            Operation::ListDirectory => to.directory(into, Person::prefix(&mut self.subjects), PAGE),
            Operation::ListActivity => to.activity(into, self.one(whom, self.settled)?, PAGE),
            Operation::GetStats => to.get(into, format_args!("/stats/v1?minutes={PAGE}")),
        }
        Some(Subject::Nothing)
    }

    fn ids_of(&self, (one, other): Pair) -> Option<(u64, u64)> {
        let ids = (self.ids[one as usize], self.ids[other as usize]);
        (ids.0 != 0 && ids.1 != 0).then_some(ids)
    }

    /// Two of the network who may be friends already, but hardly ever are in a large one.
    fn strangers(&mut self) -> Option<(Pair, (u64, u64))> {
        (self.network >= 2).then_some(())?;
        (0..DRAWS).find_map(|_| {
            let pair = self.shape.pair(&mut self.subjects, self.network);
            Some((pair, self.ids_of(pair)?))
        })
    }

    /// Somebody who has signed up, among the first `within` of them.
    fn one(&mut self, whom: Whom, within: usize) -> Option<u64> {
        let friendships = self.to_make.len() + self.made.len();
        (within > 0).then_some(())?;
        (0..DRAWS).find_map(|_| {
            let place = if whom == Whom::Popular && friendships > 0 {
                // Whoever is drawn by a friendship is drawn as often as they have friends.
                let drawn = self.subjects.usize(..friendships);
                let made = |drawn: usize| self.made[drawn - self.to_make.len()];
                let (one, other) = self.to_make.get(drawn).copied().unwrap_or_else(|| made(drawn));
                if self.subjects.bool() { one as usize } else { other as usize }
            } else {
                self.subjects.usize(..within)
            };
            self.ids.get(place).copied().filter(|id| place < within && *id != 0)
        })
    }

    fn two(&mut self, whom: Whom) -> Option<(u64, u64)> {
        let one = self.one(whom, self.settled)?;
        (0..DRAWS).find_map(|_| self.one(whom, self.settled).filter(|other| *other != one).map(|other| (one, other)))
    }

    /// Takes what an answer says. Of a call whose answer is a failure nobody knows whether it was done: it is forgotten.
    pub fn note(&mut self, call: Call, outcome: Outcome, answer: &Answer<'_>) {
        if outcome != Outcome::Done {
            return;
        }
        match (call.operation, call.subject) {
            (Operation::CreateUser, subject) => self.signed_up(subject, answer),
            (Operation::AddFriend, Subject::Pair(pair)) if self.made.len() < self.most_made => self.made.push(pair),
            (Operation::RemoveFriend, Subject::Pair(pair)) => self.to_make.push_back(pair),
            (Operation::AddFriend | Operation::UpdateUser, _) => {}
            _ => return,
        }
        if let Some(last_event) = answer.header("last-event") {
            self.newest.note(last_event);
        }
    }

    fn signed_up(&mut self, subject: Subject, answer: &Answer<'_>) {
        #[derive(Deserialize)]
        struct Created {
            id: u64,
        }
        let Ok(Created { id }) = serde_json::from_slice(answer.body) else { return };
        self.last_created = self.last_created.max(Some(id));
        match subject {
            Subject::Place(place) => self.ids[place] = id,
            _ if self.ids.len() < self.network + REMEMBERED => self.ids.push(id),
            _ => {}
        }
    }
}
