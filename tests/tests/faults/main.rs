//! Parts are killed, stopped and started again at any moment. What was acknowledged stays, what was not is not half
//! there, and what is back works at once. Every test has a system of its own; they run one after the other, because
//! each needs both cores.

mod drain;
mod kills_under_writes;
mod overload;
mod redis_away;
mod restarts;
mod services;
mod two_servers;
mod worker_away;

use tokio::sync::{Mutex, MutexGuard};

async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}
