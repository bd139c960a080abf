//! Reading the log: streams as Redis sends them, understood where they lie.
//!
//! A replay reads tens of millions of events, so there is a connection of its own for it. Its replies are about a
//! megabyte, and nothing is allocated for an entry or a field: they are places in the buffer that the reply came in,
//! and the buffer and the lists of places are used again. After the entries Redis always says how the stream is, at
//! that moment or a later one: so whoever reads knows how far behind it is, and that nothing was taken from under it.
//!
//! Reading order: [`connection`], [`reply`], [`resp`] (the protocol), [`info`] and [`standing`] (is anything missing?).

pub mod connection;
pub mod info;
pub mod reply;
pub mod resp;
pub mod standing;
