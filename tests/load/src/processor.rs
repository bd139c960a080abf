//! The processor time of this program.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Used so far, by all its threads.
pub fn used() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}

/// Used so far, by the thread that asks.
pub fn of_this_thread() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}
