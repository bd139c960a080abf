//! What spin.toml forbids does not happen, and what is wrong in it is named.

mod allowed_hosts;
mod mistakes;
