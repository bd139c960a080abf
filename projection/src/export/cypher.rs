//! Cypher statements, each on one line and ended by a semicolon, in what Neo4j and FalkorDB both understand.
//!
//! People and friendships are merged, not created: loading a file again changes nothing but the names that changed.

use super::{Encoder, Person, Totals, put};
use crate::view::Positions;

/// Rows of one statement: enough that its overhead does not count, and few enough for a transaction and a line of less
/// than half a megabyte, however long the names.
const ROWS: usize = 500;

/// Without it the end of each friendship would be found by looking at everybody.
const INDEX: &str = "CREATE INDEX FOR (u:User) ON (u.id);\n";
const PEOPLE: &str = "] AS row MERGE (u:User {id: row.id}) SET u.known = row.known, u.firstName = row.firstName, \
                      u.lastName = row.lastName, u.createdAt = row.createdAt;\n";
const FRIENDSHIPS: &str =
    "] AS row MATCH (a:User {id: row[0]}) MATCH (b:User {id: row[1]}) MERGE (a)-[:FRIEND]->(b);\n";

#[derive(Default)]
pub struct Cypher {
    /// In the statement that is open.
    rows: usize,
}

impl Cypher {
    fn row(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.rows == 0 { b"UNWIND [" } else { b", " });
        self.rows += 1;
    }

    fn close(&mut self, out: &mut Vec<u8>, least: usize, statement: &str) {
        if self.rows >= least {
            out.extend_from_slice(statement.as_bytes());
            self.rows = 0;
        }
    }
}

impl Encoder for Cypher {
    fn begin(&mut self, out: &mut Vec<u8>, _: &Positions) {
        out.extend_from_slice(INDEX.as_bytes());
    }

    fn person(&mut self, out: &mut Vec<u8>, person: &Person) {
        self.row(out);
        put!(out, "{{id: {}, known: {}", person.id, person.user.is_some());
        if let Some(user) = &person.user {
            for (key, name) in [("firstName", &user.first_name), ("lastName", &user.last_name)] {
                put!(out, ", {key}: ");
                quote(out, name.as_str());
            }
            put!(out, ", createdAt: '{}'", user.created_at);
        }
        out.push(b'}');
        self.close(out, ROWS, PEOPLE);
    }

    fn people_end(&mut self, out: &mut Vec<u8>) {
        self.close(out, 1, PEOPLE);
    }

    fn friendship(&mut self, out: &mut Vec<u8>, [a, b]: [u64; 2]) {
        self.row(out);
        put!(out, "[{a}, {b}]");
        self.close(out, ROWS, FRIENDSHIPS);
    }

    fn end(&mut self, out: &mut Vec<u8>, positions: &Positions, totals: Totals) {
        self.close(out, 1, FRIENDSHIPS);
        let Totals { people, friendships } = totals;
        put!(
            out,
            "RETURN 'complete' AS export, '{positions}' AS lastEvent, {people} AS people, {friendships} AS friendships;\n"
        );
    }
}

/// A string. Neo4j reads `\u0027` as a quote wherever it is in a query, even behind another backslash: what begins with
/// u goes into a string of its own there.
fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'\'');
    let mut after_backslash = false;
    for character in text.chars() {
        match character {
            '\\' => out.extend_from_slice(br"\\"),
            '\'' => out.extend_from_slice(br"\'"),
            'u' | 'U' if after_backslash => put!(out, "' + '{character}"),
            _ => put!(out, "{character}"),
        }
        after_backslash = character == '\\';
    }
    out.push(b'\'');
}
