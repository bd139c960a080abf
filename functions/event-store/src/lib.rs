//! The event store: append, read and project, over Redis.
//!
//! * [`append`]: one atomic script a command, with expected versions, allocated ids, idempotency keys and doorbells.
//! * [`read`]: pages of a stream, and the current state of aggregates.
//! * [`project`]: checkpointed projections, exactly once in effect, with dead letters and rebuilds beside the live one.
//! * [`views`]: the read models that the projections keep, as queries see them.
//! * [`keys`]: every key in Redis, with the redis-cli line that shows it.
//!
//! In a component it runs over `spin:redis` ([`spin`]), in native programs and tests over the redis crate (`native`).

pub mod append;
pub mod keys;
#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub mod native;
pub mod project;
pub mod read;
mod redis;
mod script;
#[cfg(target_family = "wasm")]
pub mod spin;
pub mod views;

pub use append::{Entry, Idempotency, Outcome, Reply};
pub use redis::{Error, Redis, Value};
