//! Timelines: what happened to a person, and between whom.

use domain::{Recorded, StreamPosition, UserId, event::Event, event::Stream};
use serde_json::json;

use super::{Projection, Write};

pub struct Activity;

impl Projection for Activity {
    const NAME: &'static str = "activity";

    fn project(generation: &str, event: &Recorded) -> Vec<Write> {
        let concerned = match &event.event {
            Event::User(changed) => vec![changed.user().id],
            Event::Friendship(changed) => vec![changed.friendship().user_id, changed.friendship().friend_id],
        };
        concerned
            .into_iter()
            .map(|id| Write::Index { key: format!("activity:{generation}:of:{id}"), entry: entry(event, id) })
            .collect()
    }
}

/// Its place, what happened, as JSON: `<milliseconds> <stream>-<sequence> {…}`.
fn entry(event: &Recorded, of: UserId) -> String {
    let mut shown = json!({
        "type": event.event.kind(),
        "time": event.time.to_string(),
        "event": format!("{}:{}", event.stream, event.position),
    });
    match &event.event {
        Event::User(changed) => {
            shown["firstName"] = json!(changed.user().first_name);
            shown["lastName"] = json!(changed.user().last_name);
        }
        Event::Friendship(changed) => {
            shown["friendId"] = json!(changed.friendship().clone().seen_by(of).friend_id);
        }
    }
    format!("{} {shown}", place(event.stream, event.position))
}

/// The part of an entry that orders it, in fixed width. The two streams have no common order within a millisecond: people come
/// before friendships then, since nobody has a friend before they exist.
fn place(stream: Stream, position: StreamPosition) -> String {
    let rank = match stream {
        Stream::User => 0,
        Stream::Friend => 1,
    };
    format!("{:020} {rank}-{:020}", position.millis, position.seq)
}
