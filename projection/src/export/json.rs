//! JSON: one object, a person or a friendship a line, so that it can be looked at and cut with tools for lines as well.

use domain::{Name, Timestamp};
use serde::Serialize;

use super::{Encoder, Person, Totals, put};
use crate::view::Positions;

#[derive(Default)]
pub struct Json {
    /// Something is in the list that is open.
    started: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    id: u64,
    known: bool,
    #[serde(flatten)]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    first_name: &'a Name,
    last_name: &'a Name,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Json {
    fn next(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.started { b",\n" } else { b"\n" });
        self.started = true;
    }
}

impl Encoder for Json {
    fn begin(&mut self, out: &mut Vec<u8>, positions: &Positions) {
        put!(out, r#"{{"lastEvent":"{positions}","people":["#);
    }

    fn person(&mut self, out: &mut Vec<u8>, person: &Person) {
        self.next(out);
        let details = person.user.as_ref().map(|user| Details {
            first_name: &user.first_name,
            last_name: &user.last_name,
            created_at: user.created_at,
            updated_at: user.updated_at,
        });
        let line = Line { id: person.id, known: details.is_some(), details };
        // Strings and numbers are always JSON, and memory does not fail.
        let _ = serde_json::to_writer(out, &line);
    }

    fn people_end(&mut self, out: &mut Vec<u8>) {
        self.started = false;
        out.extend_from_slice(b"\n],\"friendships\":[");
    }

    fn friendship(&mut self, out: &mut Vec<u8>, [a, b]: [u64; 2]) {
        self.next(out);
        put!(out, "[{a},{b}]");
    }

    fn end(&mut self, out: &mut Vec<u8>, _: &Positions, _: Totals) {
        out.extend_from_slice(b"\n]}\n");
    }
}
