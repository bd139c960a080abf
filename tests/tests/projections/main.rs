//! Read models: exactly once in effect, whatever happens to the doorbells, and dead letters for what nobody can read.
//! Every test has a system of its own, because it writes to the log by hand.

mod dead_letters;
mod doorbells;
mod exactly_once;
