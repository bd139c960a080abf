//! spin.toml, as far as the map shows it: written by build.rs, so that the map and the manifest never differ.

use crate::parts::Part;

pub struct Component {
    pub id: &'static str,
    pub routes: &'static [&'static str],
    pub channels: &'static [&'static str],
    pub reaches: &'static [Part],
}

include!(concat!(env!("OUT_DIR"), "/manifest.rs"));
