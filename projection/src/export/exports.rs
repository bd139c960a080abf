//! So many exports at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{GatherError, Spool, Whom, gather};
use crate::metrics::{Kind, Metrics};
use crate::view::View;

/// Exports of everybody at the same time, those included that are still being read: each takes about as much of the
/// disk as the graph takes memory.
const WHOLE: usize = 2;
/// Neighbourhoods at the same time: each takes that much at worst, and most take a few kilobytes.
const NEIGHBOURHOODS: usize = 8;

#[derive(Debug)]
pub enum ExportError {
    /// So many run already.
    Busy,
    Gather(GatherError),
    /// It broke; the log says why.
    Broken,
}

/// A moment that is ready to be read. It counts as running for as long as its slot lives.
pub struct Export {
    pub spool: Spool,
    pub slot: OwnedSemaphorePermit,
}

pub struct Exports {
    view: Arc<View>,
    metrics: Arc<Metrics>,
    whole: Arc<Semaphore>,
    neighbourhoods: Arc<Semaphore>,
}

/// Tells the thread that gathers that nobody waits for it any more.
struct Caller(Arc<AtomicBool>);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Exports {
    pub fn new(view: Arc<View>, metrics: Arc<Metrics>) -> Self {
        let slots = |count| Arc::new(Semaphore::new(count));
        Self { view, metrics, whole: slots(WHOLE), neighbourhoods: slots(NEIGHBOURHOODS) }
    }

    /// Gathers what is asked for, on a thread of its own.
    pub async fn begin(&self, whom: Whom) -> Result<Export, ExportError> {
        let start = Instant::now();
        let slots = match whom {
            Whom::Everybody => &self.whole,
            Whom::Neighbourhood { .. } => &self.neighbourhoods,
        };
        let slot = Arc::clone(slots).try_acquire_owned().map_err(|_| {
            self.metrics.refused();
            ExportError::Busy
        })?;
        let caller = Caller(Arc::default());
        let (view, abandoned) = (Arc::clone(&self.view), Arc::clone(&caller.0));
        let gathered = tokio::task::spawn_blocking(move || {
            let spool = gather(&view, whom, &abandoned)?;
            Ok(Export { spool, slot })
        });
        let export = gathered.await.map_err(|error| {
            tracing::error!(%error, "an export broke");
            ExportError::Broken
        })?;
        self.metrics.query(Kind::Export, start.elapsed());
        export.map_err(ExportError::Gather)
    }
}
