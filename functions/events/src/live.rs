//! The live tail. It asks again every [`POLL`] and never blocks in Redis: a blocking read would hold up every other request on
//! the same connection.

use std::time::Duration;

use domain::{StreamPosition, event::Stream};
use event_store::{
    read::{self, RawEntry},
    spin::SpinRedis,
};
use http_api::{EventStream, Problem, Request, parse, raw, sleep};
use spin_sdk::wasip3::wit_bindgen;

use crate::shown::Shown;

/// How long an event may wait before it is seen.
const POLL: Duration = Duration::from_millis(200);
/// A comment after this many empty polls (10 s), so that a client that has gone is noticed and proxies keep the line open.
const QUIET_POLLS: u32 = 50;
/// Polls that may fail in a row (10 s): then the client is to connect again, and it does so by itself.
const FAILED_POLLS: u32 = 50;
/// Events a poll.
const BATCH: usize = 100;

/// Answers with the events after `Last-Event-ID` (a client that connects again sends it), else after `?after=`, else with
/// those from now on.
pub async fn tail(request: &Request, stream: Stream, redis: SpinRedis) -> Result<raw::Response, Problem> {
    let from = match (request.header("last-event-id"), request.query("after")?) {
        (Some(id), _) => parse::position("Last-Event-ID", stream, &id)?,
        (None, Some(after)) => parse::position("after", stream, &after)?,
        (None, None) => read::last(&redis, stream).await?,
    };
    let (response, events) = EventStream::open();
    wit_bindgen::spawn(follow(events, stream, redis, from));
    Ok(response)
}

async fn follow(mut events: EventStream, stream: Stream, redis: SpinRedis, mut at: StreamPosition) {
    let (mut quiet, mut failed) = (0, 0);
    let mut open = events.send(": the events from here on\n\n".to_owned()).await;
    while open && failed < FAILED_POLLS {
        match read::entries(&redis, stream, at, BATCH).await {
            Ok(entries) => {
                failed = 0;
                quiet = if entries.is_empty() { quiet + 1 } else { 0 };
                at = entries.last().map_or(at, |last| last.position);
                if !entries.is_empty() {
                    open = events.send(entries.iter().map(written).collect()).await;
                    continue;
                }
            }
            Err(error) => {
                eprintln!("live tail of {stream}: {error}");
                failed += 1;
            }
        }
        if quiet == QUIET_POLLS {
            quiet = 0;
            open = events.send(": still here\n\n".to_owned()).await;
        }
        sleep(POLL).await;
    }
}

fn written(entry: &RawEntry) -> String {
    let shown = Shown::from(entry);
    // A line break in the name would end the field; in JSON there is none.
    let kind = shown.kind.filter(|kind| !kind.contains(['\n', '\r'])).unwrap_or("message");
    let json = serde_json::to_string(&shown).expect("what is shown is always JSON");
    format!("id: {}\nevent: {kind}\ndata: {json}\n\n", entry.position)
}
