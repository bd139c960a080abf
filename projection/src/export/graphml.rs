//! GraphML (http://graphml.graphdrawing.org/): XML that networkx, Gephi, igraph, yEd and Cytoscape read.

use super::{Encoder, Person, Totals, put};
use crate::view::Positions;

const HEADER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
<key id="known" for="node" attr.name="known" attr.type="boolean"/>
<key id="firstName" for="node" attr.name="firstName" attr.type="string"/>
<key id="lastName" for="node" attr.name="lastName" attr.type="string"/>
<key id="createdAt" for="node" attr.name="createdAt" attr.type="string"/>
<key id="lastEvent" for="graph" attr.name="lastEvent" attr.type="string"/>
<graph id="friendships" edgedefault="undirected">
"#;

pub struct GraphMl;

impl Encoder for GraphMl {
    fn begin(&mut self, out: &mut Vec<u8>, positions: &Positions) {
        put!(out, "{HEADER}<data key=\"lastEvent\">{positions}</data>\n");
    }

    fn person(&mut self, out: &mut Vec<u8>, person: &Person) {
        put!(out, r#"<node id="{}"><data key="known">{}</data>"#, person.id, person.user.is_some());
        if let Some(user) = &person.user {
            for (key, name) in [("firstName", &user.first_name), ("lastName", &user.last_name)] {
                put!(out, r#"<data key="{key}">"#);
                escape(out, name.as_str());
                out.extend_from_slice(b"</data>");
            }
            put!(out, r#"<data key="createdAt">{}</data>"#, user.created_at);
        }
        out.extend_from_slice(b"</node>\n");
    }

    fn people_end(&mut self, _: &mut Vec<u8>) {}

    fn friendship(&mut self, out: &mut Vec<u8>, [a, b]: [u64; 2]) {
        put!(out, "<edge source=\"{a}\" target=\"{b}\"/>\n");
    }

    fn end(&mut self, out: &mut Vec<u8>, _: &Positions, totals: Totals) {
        let Totals { people, friendships } = totals;
        put!(out, "</graph>\n<!-- complete: {people} people, {friendships} friendships -->\n</graphml>\n");
    }
}

/// Text between tags. What XML 1.0 cannot say, even escaped (section 2.2), becomes the replacement character. Names have
/// no control characters, so that is U+FFFE and U+FFFF.
fn escape(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                put!(out, "{}", char::REPLACEMENT_CHARACTER);
            }
            // As it is, a reader would take it for the end of a line.
            '\r' => out.extend_from_slice(b"&#13;"),
            _ => put!(out, "{character}"),
        }
    }
}
