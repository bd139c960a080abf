//! How much memory the view may take. Beyond it the worker does not grow: it stops applying events, which stay in Redis,
//! says so, and goes on answering about what it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::metrics::Metrics;
use crate::view::View;

/// How often it is looked whether there is room again: a rebuild that ends gives some back.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub struct Budget {
    /// Bytes; None: as much as there is.
    limit: Option<usize>,
    exceeded: AtomicBool,
    metrics: Arc<Metrics>,
}

impl Budget {
    pub fn new(limit: Option<usize>, metrics: Arc<Metrics>) -> Self {
        metrics.budget(limit.unwrap_or_default());
        Self { limit, exceeded: AtomicBool::new(false), metrics }
    }

    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.limit.is_none_or(|limit| bytes <= limit)
    }

    /// Whether the view has reached its limit, and events wait.
    pub fn is_exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Relaxed)
    }

    /// Waits until the view may grow; for ever, if nothing makes room.
    pub fn wait(&self, view: &View) {
        while !self.has_room_for(view.bytes()) {
            if !self.exceeded.swap(true, Ordering::Relaxed) {
                self.metrics.over_budget(true);
                tracing::error!(
                    bytes = view.bytes(),
                    budget = self.limit.unwrap_or_default(),
                    "the view has reached its memory budget: events wait in Redis, and answers stay as they are. Start \
                     the worker again with a larger --memory-budget"
                );
            }
            std::thread::sleep(LOOK_EVERY);
        }
        if self.exceeded.swap(false, Ordering::Relaxed) {
            self.metrics.over_budget(false);
            tracing::info!("there is room for more events again");
        }
    }
}
