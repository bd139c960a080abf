//! Commands as a handler would put them: decided in the domain, appended by the store.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    Current, Friendship, FriendshipId, Name, Pair, StreamPosition, Timestamp, User, UserId, Version,
    event::{Event, Stream},
    friendship, user,
};
use event_store::{Entry, Error, Idempotency, Redis, Reply, append, native::NativeRedis};

use crate::server::ask;

/// 2026-11-22T01:27:43.007Z
pub const AT: u64 = 1_795_310_863_007;

pub fn at(millis_later: u64) -> Timestamp {
    Timestamp::from_millis(AT + millis_later)
}

/// Different each time, and shaped like a UUIDv7.
pub fn event_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("019a0000-0000-7000-8000-{:012x}", LAST.fetch_add(1, Ordering::Relaxed))
}

pub fn person(id: u64) -> UserId {
    UserId::new(id).expect("in range")
}

pub fn pair(a: u64, b: u64) -> Pair {
    Pair::new(person(a), person(b)).expect("two people")
}

pub fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

pub fn created(first: &str, last: &str) -> Event {
    let create = user::Command::Create { id: UserId::UNALLOCATED, first_name: name(first), last_name: name(last) };
    Event::User(user::decide(None, create, at(0)).expect("nobody is in the way").expect("it changes something"))
}

pub fn renamed(current: &Current<User>, first: &str, last: &str) -> Event {
    let update = user::Command::Update { first_name: name(first), last_name: name(last) };
    let decided = user::decide(current.data.as_ref(), update, at(1_000)).expect("they exist");
    Event::User(decided.expect("the name is a new one"))
}

pub fn added(user_id: u64, friend_id: u64) -> Event {
    let (user_id, friend_id) = (person(user_id), person(friend_id));
    let add = friendship::Command::Add { id: FriendshipId::UNALLOCATED, user_id, friend_id };
    Event::Friendship(friendship::decide(None, add, at(0)).expect("they are strangers"))
}

pub fn removed(current: &Current<Friendship>) -> Event {
    let decided = friendship::decide(current.data.as_ref(), friendship::Command::Remove, at(2_000));
    Event::Friendship(decided.expect("they are friends"))
}

/// Appends a user event under an id of its own.
pub async fn append_user(
    redis: &impl Redis,
    event: &Event,
    expected: Version,
    idempotency: Option<Idempotency<'_>>,
) -> Result<Reply<User>, Error> {
    let entry = Entry { id: &event_id(), time: at(0), traceparent: None, expected, event };
    append::user(redis, entry, idempotency).await
}

/// Appends a friendship event under an id of its own.
pub async fn append_friendship(
    redis: &impl Redis,
    event: &Event,
    expected: Version,
    check: &[UserId],
    idempotency: Option<Idempotency<'_>>,
) -> Result<Reply<Friendship>, Error> {
    let Event::Friendship(changed) = event else { panic!("{event:?} is of no friendship") };
    let Friendship { user_id, friend_id, .. } = changed.friendship();
    let pair = Pair::new(*user_id, *friend_id).expect("two people");
    let entry = Entry { id: &event_id(), time: at(0), traceparent: None, expected, event };
    append::friendship(redis, pair, entry, check, idempotency).await
}

/// What was recorded; panics when it was not.
pub fn recorded<T: std::fmt::Debug>(reply: Result<Reply<T>, Error>) -> Current<T> {
    match reply {
        Ok(Reply::Recorded(current)) => current,
        other => panic!("not recorded: {other:?}"),
    }
}

pub async fn create(redis: &impl Redis, first: &str, last: &str) -> Current<User> {
    recorded(append_user(redis, &created(first, last), Version::NONE, None).await)
}

pub async fn rename(redis: &impl Redis, current: &Current<User>, first: &str, last: &str) -> Current<User> {
    recorded(append_user(redis, &renamed(current, first, last), current.version, None).await)
}

/// Strangers become friends, nobody checking who they are.
pub async fn befriend(redis: &impl Redis, user_id: u64, friend_id: u64) -> Current<Friendship> {
    recorded(append_friendship(redis, &added(user_id, friend_id), Version::NONE, &[], None).await)
}

pub async fn part(redis: &impl Redis, current: &Current<Friendship>) -> Current<Friendship> {
    recorded(append_friendship(redis, &removed(current), current.version, &[], None).await)
}

/// An entry that somebody added by hand, past the store. Returns its position.
pub async fn by_hand(redis: &NativeRedis, stream: Stream, fields: &[&str]) -> StreamPosition {
    let words = [&[stream.key(), "*"], fields].concat();
    ask(redis, "XADD", &words).await[0].text().expect("a position").parse().expect("a position")
}
