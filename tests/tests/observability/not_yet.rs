//! Metrics of the worker that are agreed on and that it does not have yet, and those that it will lose.

/// What asks for them is not held to return data. The tests fail as soon as one of them is there.
pub const NOT_YET: [&str; 5] = [
    "worker_snapshot_age_seconds",
    "worker_snapshot_bytes",
    "worker_snapshot_duration_seconds",
    "worker_snapshot_writes_total",
    "worker_snapshot_failures_total",
];

pub const NO_MORE: [&str; 0] = [];
