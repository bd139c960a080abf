//! Users and friendships: state, commands and events. Pure: no I/O, no clock, no randomness; what the world knows (the time,
//! an id) is handed in.
//!
//! An aggregate is three things: what it is now (`User`, `Friendship`), what may be asked of it (`Command`, answered by
//! `decide`), and what has happened to it (`Event`, folded by `apply`). `decide` never changes anything and `apply` never
//! refuses anything: that is what makes the log replayable.
//!
//! Reading order: [`user`], [`friendship`], [`aggregate`] (what is stored between commands), [`event`] (what is in the log).

pub mod aggregate;
mod canonical;
pub mod event;
pub mod friendship;
mod ids;
mod name;
mod position;
mod text;
mod time;
pub mod user;

pub use aggregate::{Aggregate, Current, Version};
pub use event::{Recorded, RecordedRef, Undecodable};
pub use friendship::{Friendship, Pair};
pub use ids::{FriendshipId, InvalidId, MAX_ID, UserId};
pub use name::{InvalidName, MAX_NAME_CHARS, Name};
pub use position::{InvalidPosition, StreamPosition};
pub use time::Timestamp;
pub use user::User;
