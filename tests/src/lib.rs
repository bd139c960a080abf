//! What the end-to-end tests stand on. The tests themselves are in `tests/`, a folder a binary, a file a subject.
//!
//! Everything goes through the front door: HTTP ([`api`], [`wire`]), the logs in Redis ([`log`]), processes
//! ([`running`], [`manifest`]) and what they count ([`exposition`]). What the system keeps is compared with what its
//! logs fold to ([`fold`], [`views`], [`network`]), by code of the tests' own.

pub mod answer;
pub mod api;
pub mod exposition;
pub mod fold;
pub mod log;
pub mod manifest;
pub mod network;
pub mod patience;
pub mod promql;
pub mod random;
pub mod running;
pub mod second_redis;
pub mod store;
pub mod views;
pub mod wire;
pub mod writers;
