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

/// Sorts by position: fixed width, then the stream, then what is shown.
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

/// The part of an entry that orders it.
fn place(stream: Stream, position: StreamPosition) -> String {
    format!("{:020}-{:020} {stream}", position.millis, position.seq)
}
