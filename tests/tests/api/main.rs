//! The HTTP table, row by row, and what it promises to many at once. One system for all.

mod activity;
mod concurrency;
mod directory;
mod event_log;
mod events;
mod friends;
mod health;
mod idempotency;
mod live;
mod own_writes;
mod recommendations;
mod services;
mod stats;
mod users;
