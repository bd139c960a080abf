//! The projection worker: a connected, read-only view of both event streams, in memory.
//!
//! It owns nothing. Two tails read the streams of the user and the friend service, from their beginning
//! or from where the newest snapshot ends, and follow them;
//! one writer applies what they read to the view; queries read the view; and the bell rings again for the Wasm
//! projections that stay behind.
//!
//! ```text
//!  events:user ──▶ tail ─┐                       ┌─▶ queries ─▶ GET /v1/users/{id}/recommendations
//!                        ├─▶ writer ─▶ view ─────┤              GET /v1/users/{id}/mutual-friends
//!  events:friend ─▶ tail ┘    (graph, records)   ├─▶ export ──▶ GET /v1/users/{id}/neighbourhood, /v1/export
//!                    │                           └─▶ metrics, readiness
//!                    └─▶ events:dead (what cannot be read)
//! ```
//!
//! Friend events may come before the user events that they refer to, for two streams have no common order. The edge is
//! kept; until the person's own event arrives, queries about them are answered 404, they count as a mutual friend, and
//! they are left out of lists, which need a name.
//!
//! The view can be built anew beside the one that answers ([`rebuild`]), and never takes more memory than it is given
//! ([`budget`]).
//!
//! Reading order: [`worker`] (how it is put together), [`view`], [`tail`] and [`log`] (in), [`queries`], [`export`] and
//! [`http`] (out), [`graph`] (the heart), [`snapshot`], [`bell`], [`server`] (Redis).

pub mod bell;
pub mod budget;
pub mod dead_letters;
pub mod export;
pub mod graph;
pub mod http;
pub mod log;
pub mod metrics;
pub mod progress;
pub mod queries;
pub mod rebuild;
pub mod records;
pub mod server;
pub mod settings;
pub mod snapshot;
pub mod tail;
pub mod view;
pub mod worker;
