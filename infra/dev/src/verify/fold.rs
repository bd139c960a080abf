//! The log, folded.

use std::collections::BTreeMap;

use domain::{
    Aggregate, Current, StreamPosition,
    event::{Event, Stream},
};
use event_store::{native::NativeRedis, read};

use super::Differences;
use crate::{error::Result, rebuild::failed};

/// Events read at a time.
const BATCH: usize = 5_000;

/// Every aggregate as its events make it, up to `end`.
pub struct Folded<T> {
    /// By key: `user:42`, `friendship:1-42`.
    pub states: BTreeMap<String, Current<T>>,
    pub events: usize,
    pub end: StreamPosition,
    /// The largest id that an event has allocated.
    pub largest_id: Option<u64>,
}

pub async fn fold<T: Aggregate>(
    redis: &NativeRedis,
    stream: Stream,
    differences: &mut Differences,
    wanted: impl Fn(&Event) -> Option<&T::Event>,
) -> Result<Folded<T>> {
    let end = read::last(redis, stream).await.map_err(failed)?;
    let mut folded = Folded { states: BTreeMap::new(), events: 0, end, largest_id: None };
    let mut at = StreamPosition::START;
    while at < end {
        let entries = read::entries(redis, stream, at, BATCH).await.map_err(failed)?;
        let Some(last) = entries.last() else { break };
        at = last.position;
        for entry in entries.iter().take_while(|entry| entry.position <= end) {
            folded.events += 1;
            match entry.decode() {
                Ok(recorded) => {
                    let key = key(&recorded.event);
                    let state = folded.states.remove(&key).unwrap_or_default();
                    if recorded.version != state.version.next() {
                        let place = format!("{} {}", stream.key(), entry.position);
                        differences
                            .add(format!("{place}: {key} goes from version {} to {}", state.version, recorded.version));
                    }
                    let Some(event) = wanted(&recorded.event) else { continue };
                    folded.states.insert(key, state.then(entry.position, event));
                    folded.largest_id = folded.largest_id.max(Some(id(&recorded.event)));
                }
                Err(reason) => differences.add(format!("{} {}: {reason}", stream.key(), entry.position)),
            }
        }
    }
    Ok(folded)
}

/// The key of the aggregate that an event is about: its subject, with a colon.
fn key(event: &Event) -> String {
    event.subject().replacen('/', ":", 1)
}

fn id(event: &Event) -> u64 {
    match event {
        Event::User(event) => event.user().id.get(),
        Event::Friendship(event) => event.friendship().id.get(),
    }
}
