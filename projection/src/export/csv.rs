//! CSV (RFC 4180): the friendships alone. Ids need no quotes, and an edge list has no place for those without friends.

use super::{Encoder, Person, Totals, put};
use crate::view::Positions;

pub struct Csv;

impl Encoder for Csv {
    fn begin(&mut self, out: &mut Vec<u8>, _: &Positions) {
        out.extend_from_slice(b"source,target\r\n");
    }

    fn person(&mut self, _: &mut Vec<u8>, _: &Person) {}

    fn people_end(&mut self, _: &mut Vec<u8>) {}

    fn friendship(&mut self, out: &mut Vec<u8>, [a, b]: [u64; 2]) {
        put!(out, "{a},{b}\r\n");
    }

    fn end(&mut self, _: &mut Vec<u8>, _: &Positions, _: Totals) {}
}
