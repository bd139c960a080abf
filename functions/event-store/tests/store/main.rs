//! The event store against a real redis-server: every test starts one of its own, so they run in parallel and in any order.
//!
//! Reading order: what is appended (`append_user`, `append_friendship`, `idempotency`, `sent_again`, `doorbell`, `damage`), what
//! is read (`reading`), what is projected (`catch_up`, `dead_letters`, `rebuild`, `stragglers`) and shown (`directory`,
//! `timelines`), and at last that all of it together is the fold of the log (`history`).

mod append_friendship;
mod append_user;
mod catch_up;
mod damage;
mod dead_letters;
mod directory;
mod doorbell;
mod history;
mod idempotency;
mod reading;
mod rebuild;
mod sent_again;
mod stragglers;
mod timelines;

mod broken;
mod given;
mod model;
mod random;
mod server;
