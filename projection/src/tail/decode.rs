//! From entries to events, with the rules of `domain` and no more.

use domain::RecordedRef;
use domain::event::Stream;

use crate::dead_letters::DeadLetter;
use crate::log::reply::{RawEntry, Reply};
use crate::view::Entry;

/// What a reply holds: its entries, and a letter for each that could not be read.
#[derive(Debug, Default)]
pub struct Decoded {
    pub entries: Vec<Entry>,
    pub letters: Vec<DeadLetter>,
}

/// Reads the entries of a reply, in order. What cannot be read has no event, only a position.
pub fn decode(stream: Stream, reply: &Reply) -> Decoded {
    let mut decoded = Decoded { entries: Vec::with_capacity(reply.len()), letters: Vec::new() };
    for raw in reply.entries() {
        let position = raw.position;
        let event = match RecordedRef::from_fields(stream, position, raw.fields()) {
            Ok(recorded) => Some(recorded.event),
            Err(reason) => {
                decoded.letters.push(letter(stream, &raw, reason.to_string()));
                None
            }
        };
        decoded.entries.push(Entry { position, event });
    }
    decoded
}

fn letter(stream: Stream, raw: &RawEntry<'_>, reason: String) -> DeadLetter {
    let kind = String::from_utf8_lossy(raw.field(b"type").unwrap_or_default()).into_owned();
    DeadLetter { stream, position: raw.position, kind, reason }
}
