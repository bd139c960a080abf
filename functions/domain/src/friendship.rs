//! Friendships. A friendship is mutual: one aggregate for each unordered pair of people.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Aggregate, FriendshipId, InvalidId, Timestamp, UserId};

/// Two different people, the smaller id first: the friendship aggregate's identity, written `1-42`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    low: UserId,
    high: UserId,
}

impl Pair {
    /// None where both are the same person.
    pub fn new(a: UserId, b: UserId) -> Option<Self> {
        (a != b).then(|| Self { low: a.min(b), high: a.max(b) })
    }

    pub fn low(self) -> UserId {
        self.low
    }

    pub fn high(self) -> UserId {
        self.high
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.low, self.high)
    }
}

impl FromStr for Pair {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (low, high) = text.split_once('-').ok_or(InvalidId)?;
        let (low, high) = (low.parse::<UserId>()?, high.parse::<UserId>()?);
        if low < high { Ok(Self { low, high }) } else { Err(InvalidId) }
    }
}

/// A friendship, as HTTP answers and events carry it. `user_id` asked, `friend_id` was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Friendship {
    pub id: FriendshipId,
    pub user_id: UserId,
    pub friend_id: UserId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Friendship {
    /// The same friendship with `user` as its `user_id`: how they see it.
    pub fn seen_by(self, user: UserId) -> Self {
        if self.friend_id == user { Self { user_id: self.friend_id, friend_id: self.user_id, ..self } } else { self }
    }
}

#[derive(Debug, Clone)]
pub enum Command {
    /// `id` is [`FriendshipId::UNALLOCATED`] where the append allocates it.
    Add {
        id: FriendshipId,
        user_id: UserId,
        friend_id: UserId,
    },
    Remove,
}

/// What has happened, with the friendship that it happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Added(Friendship),
    Removed(Friendship),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("nobody can be their own friend")]
    Oneself,
    #[error("these two people are friends already")]
    AlreadyFriends,
    #[error("these two people are not friends")]
    NotFriends,
}

/// What a command leads to. `now` is when it was asked.
pub fn decide(state: Option<&Friendship>, command: Command, now: Timestamp) -> Result<Event, Rejection> {
    match (state, command) {
        (_, Command::Add { user_id, friend_id, .. }) if user_id == friend_id => Err(Rejection::Oneself),
        (Some(_), Command::Add { .. }) => Err(Rejection::AlreadyFriends),
        (None, Command::Add { id, user_id, friend_id }) => {
            Ok(Event::Added(Friendship { id, user_id, friend_id, created_at: now, updated_at: now }))
        }
        (None, Command::Remove) => Err(Rejection::NotFriends),
        (Some(friendship), Command::Remove) => {
            let updated_at = now.max(friendship.updated_at);
            Ok(Event::Removed(Friendship { updated_at, ..friendship.clone() }))
        }
    }
}

impl Event {
    pub fn friendship(&self) -> &Friendship {
        match self {
            Event::Added(friendship) | Event::Removed(friendship) => friendship,
        }
    }
}

impl Aggregate for Friendship {
    type Event = Event;

    fn apply(_: Option<Friendship>, event: &Event) -> Option<Friendship> {
        match event {
            Event::Added(friendship) => Some(friendship.clone()),
            Event::Removed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    fn friendship() -> Friendship {
        let at = Timestamp::from_millis(1_000);
        let id = FriendshipId::new(7).unwrap();
        Friendship { id, user_id: user(42), friend_id: user(1), created_at: at, updated_at: at }
    }

    fn add() -> Command {
        Command::Add { id: friendship().id, user_id: user(42), friend_id: user(1) }
    }

    #[test]
    fn a_pair_has_no_direction_and_is_never_one_person() {
        assert_eq!(Pair::new(user(42), user(1)), Pair::new(user(1), user(42)));
        assert_eq!(Pair::new(user(42), user(1)).unwrap().to_string(), "1-42");
        assert_eq!("1-42".parse::<Pair>().unwrap(), Pair::new(user(1), user(42)).unwrap());
        assert_eq!(Pair::new(user(1), user(1)), None);
        for bad in ["42-1", "1-1", "0-1", "1", "1-", "1-2-3"] {
            assert!(bad.parse::<Pair>().is_err(), "{bad}");
        }
    }

    #[test]
    fn given_strangers_when_added_then_friends_and_only_once() {
        let now = Timestamp::from_millis(1_000);
        assert_eq!(decide(None, add(), now), Ok(Event::Added(friendship())));
        assert_eq!(decide(Some(&friendship()), add(), now), Err(Rejection::AlreadyFriends));
        let oneself = Command::Add { id: friendship().id, user_id: user(1), friend_id: user(1) };
        assert_eq!(decide(None, oneself, now), Err(Rejection::Oneself));
    }

    #[test]
    fn given_friends_when_removed_then_strangers() {
        let now = Timestamp::from_millis(2_000);
        let removed = Event::Removed(Friendship { updated_at: now, ..friendship() });
        assert_eq!(decide(Some(&friendship()), Command::Remove, now), Ok(removed.clone()));
        assert_eq!(Friendship::apply(Some(friendship()), &removed), None);
        assert_eq!(decide(None, Command::Remove, now), Err(Rejection::NotFriends));
    }

    #[test]
    fn either_sees_themselves_as_the_user() {
        assert_eq!(friendship().seen_by(user(42)), friendship());
        assert_eq!(friendship().seen_by(user(1)).user_id, user(1));
        assert_eq!(friendship().seen_by(user(1)).friend_id, user(42));
    }
}
