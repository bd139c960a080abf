//! Whatever commands come in whatever order: folding the events that were recorded gives the state that deciding saw.

use domain::{
    Aggregate, Current, Friendship, FriendshipId, Name, StreamPosition, Timestamp, User, UserId, friendship, user,
};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = Name> {
    "[ -~]{1,12}".prop_filter_map("not blank", |text| Name::parse(&text).ok())
}

fn user_command() -> impl Strategy<Value = user::Command> {
    let id = UserId::new(1).expect("in range");
    prop_oneof![
        (name(), name()).prop_map(move |(first_name, last_name)| user::Command::Create { id, first_name, last_name }),
        (name(), name()).prop_map(|(first_name, last_name)| user::Command::Update { first_name, last_name }),
    ]
}

fn friend_command() -> impl Strategy<Value = friendship::Command> {
    let user = |id| UserId::new(id).expect("in range");
    prop_oneof![
        (1..1000u64, any::<bool>()).prop_map(move |(id, turned)| friendship::Command::Add {
            id: FriendshipId::new(id).expect("in range"),
            user_id: user(if turned { 2 } else { 1 }),
            friend_id: user(if turned { 1 } else { 2 }),
        }),
        Just(friendship::Command::Remove),
    ]
}

fn position(n: usize) -> StreamPosition {
    StreamPosition { millis: 1, seq: n as u64 }
}

fn fold<T: Aggregate>(events: &[T::Event]) -> Current<T> {
    events.iter().enumerate().fold(Current::default(), |state, (n, event)| state.then(position(n), event))
}

proptest! {
    #[test]
    fn a_user_is_the_fold_of_their_events(commands in prop::collection::vec((user_command(), 0..10_000u64), 0..30)) {
        let mut state = Current::<User>::default();
        let mut events = Vec::new();
        for (command, at) in commands {
            if let Ok(Some(event)) = user::decide(state.data.as_ref(), command, Timestamp::from_millis(at)) {
                state = state.then(position(events.len()), &event);
                events.push(event);
            }
            prop_assert_eq!(&fold::<User>(&events), &state);
            prop_assert_eq!(state.version.0, events.len() as u64);
        }
        if let Some(user) = state.data {
            prop_assert!(user.updated_at >= user.created_at);
            prop_assert_eq!(serde_json::from_str::<User>(&serde_json::to_string(&user).unwrap()).unwrap(), user);
        }
    }

    #[test]
    fn a_friendship_is_the_fold_of_its_events(commands in prop::collection::vec((friend_command(), 0..10_000u64), 0..30)) {
        let mut state = Current::<Friendship>::default();
        let mut events = Vec::new();
        for (command, at) in commands {
            let friends = state.data.is_some();
            let adding = matches!(command, friendship::Command::Add { .. });
            let decided = friendship::decide(state.data.as_ref(), command, Timestamp::from_millis(at));
            // Exactly: strangers may become friends, friends may part.
            prop_assert_eq!(decided.is_ok(), adding != friends);
            if let Ok(event) = decided {
                state = state.then(position(events.len()), &event);
                events.push(event);
            }
            prop_assert_eq!(&fold::<Friendship>(&events), &state);
        }
        let bytes = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<Current<Friendship>>(&bytes).unwrap(), state);
    }
}
