//! People.

use serde::{Deserialize, Serialize};

use crate::{Aggregate, Name, Timestamp, UserId};

/// A person, as HTTP answers and events carry them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: UserId,
    pub first_name: Name,
    pub last_name: Name,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// `id` is [`UserId::UNALLOCATED`] where the append allocates it.
    Create {
        id: UserId,
        first_name: Name,
        last_name: Name,
    },
    Update {
        first_name: Name,
        last_name: Name,
    },
}

/// What has happened, with the whole person after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created(User),
    Updated(User),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("this person exists already")]
    Exists,
    #[error("there is no such person")]
    Unknown,
}

/// What a command leads to: an event, nothing (it changes nothing), or a refusal. `now` is when it was asked.
pub fn decide(state: Option<&User>, command: Command, now: Timestamp) -> Result<Option<Event>, Rejection> {
    match (state, command) {
        (None, Command::Create { id, first_name, last_name }) => {
            Ok(Some(Event::Created(User { id, first_name, last_name, created_at: now, updated_at: now })))
        }
        (Some(_), Command::Create { .. }) => Err(Rejection::Exists),
        (None, Command::Update { .. }) => Err(Rejection::Unknown),
        (Some(user), Command::Update { first_name, last_name }) => {
            if (&user.first_name, &user.last_name) == (&first_name, &last_name) {
                return Ok(None);
            }
            // Clocks of two machines may differ: a person's times never run backwards.
            let updated_at = now.max(user.updated_at);
            Ok(Some(Event::Updated(User { first_name, last_name, updated_at, ..user.clone() })))
        }
    }
}

impl Event {
    /// The person after the event.
    pub fn user(&self) -> &User {
        match self {
            Event::Created(user) | Event::Updated(user) => user,
        }
    }
}

impl Aggregate for User {
    type Event = Event;

    fn apply(_: Option<User>, event: &Event) -> Option<User> {
        Some(event.user().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn ada() -> User {
        let at = Timestamp::from_millis(1_000);
        User {
            id: UserId::new(1).unwrap(),
            first_name: name("Ada"),
            last_name: name("L"),
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn given_nobody_when_created_then_created() {
        let command = Command::Create { id: ada().id, first_name: name("Ada"), last_name: name("L") };
        assert_eq!(decide(None, command, Timestamp::from_millis(1_000)), Ok(Some(Event::Created(ada()))));
    }

    #[test]
    fn given_a_person_when_created_again_then_refused() {
        let command = Command::Create { id: ada().id, first_name: name("Ada"), last_name: name("L") };
        assert_eq!(decide(Some(&ada()), command, Timestamp::from_millis(2_000)), Err(Rejection::Exists));
    }

    #[test]
    fn given_nobody_when_updated_then_refused() {
        let command = Command::Update { first_name: name("Ada"), last_name: name("L") };
        assert_eq!(decide(None, command, Timestamp::from_millis(2_000)), Err(Rejection::Unknown));
    }

    #[test]
    fn given_a_person_when_nothing_changes_then_no_event() {
        let command = Command::Update { first_name: name("Ada"), last_name: name("L") };
        assert_eq!(decide(Some(&ada()), command, Timestamp::from_millis(2_000)), Ok(None));
    }

    #[test]
    fn given_a_clock_behind_when_updated_then_times_do_not_run_backwards() {
        let command = Command::Update { first_name: name("Ada"), last_name: name("King") };
        let event = decide(Some(&ada()), command, Timestamp::from_millis(5)).unwrap().unwrap();
        assert_eq!(event, Event::Updated(User { last_name: name("King"), ..ada() }));
    }
}
