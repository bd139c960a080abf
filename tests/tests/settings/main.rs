//! The settings of every part: all of them are in README.md's table, and a wrong one is named.

mod table;
mod wrong;
