//! A view's state from a snapshot.

use std::io::Read;

use super::damage::Damage;
use super::reader::{Part, Reader};
use crate::graph::Graph;
use crate::records::Records;
use crate::view::State;

/// Reads a whole snapshot. What the header counts is known to fit into the file, so the room for it is made at once.
pub fn restore<R: Read>(mut reader: Reader<R>) -> Result<State, Damage> {
    let header = *reader.header();
    let (mut graph, mut records) = (Graph::default(), Records::default());
    graph.reserve(header.people as usize);
    records.reserve(header.people as usize);
    loop {
        let offset = reader.offset();
        let corrupt = |section, what: String| Err(Damage::Corrupt { section, offset, what });
        match reader.next()? {
            None => break,
            Some(Part::Record { index, words }) => {
                if !records.restore(index, words) {
                    return corrupt("records", format!("no record of a person: index {index}"));
                }
            }
            Some(Part::Person { index, id, known }) => {
                if id == 0 || graph.restore_person(id, known) != Ok(index) {
                    return corrupt("people", format!("person {id} is there twice, or is nobody"));
                }
                if known != records.packed(index).is_some() {
                    return corrupt("people", format!("person {id} is known without a record, or has one unknown"));
                }
            }
            Some(Part::Friends { index, friends }) => {
                if !graph.restore_friends(index, friends) {
                    return corrupt("rows", format!("no list of friends: index {index}"));
                }
            }
        }
    }
    let entries = header.streams.map(|stream| stream.entries);
    Ok(State { graph, records, positions: header.positions(), entries })
}
