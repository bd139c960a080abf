//! Holds what the system answers, writes and is built of against the contracts in `wit/`.
//!
//! Reading order: [`document`] reads a contract and follows its references; [`openapi`] says what an answer has to be,
//! [`asyncapi`] what an entry of the log has to be, [`worlds`] what a component has to be. The tests in `tests/` ask.

pub mod asyncapi;
pub mod client;
pub mod coverage;
pub mod document;
pub mod events;
pub mod manifest;
pub mod openapi;
pub mod worlds;

use std::path::PathBuf;

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}
