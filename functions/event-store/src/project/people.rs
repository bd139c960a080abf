//! The friend service's replica of who exists: a bit a person.

use domain::{Recorded, UserId, event::Event, user};

use super::{Projection, Write};

/// People a bitmap: 8 KiB each, so that a large id costs no more than a small one.
const CHUNK: u64 = 1 << 16;

pub struct People;

impl Projection for People {
    const NAME: &'static str = "people";

    fn project(generation: &str, event: &Recorded) -> Vec<Write> {
        match &event.event {
            Event::User(user::Event::Created(user)) => {
                let (key, offset) = bit(generation, user.id);
                vec![Write::SetBit { key, offset }]
            }
            Event::User(user::Event::Updated(_)) | Event::Friendship(_) => Vec::new(),
        }
    }
}

/// Where a person's bit is: key and offset.
pub(crate) fn bit(generation: &str, id: UserId) -> (String, u64) {
    (format!("people:{generation}:{}", id.get() / CHUNK), id.get() % CHUNK)
}
