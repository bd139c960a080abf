//! Builds the view anew from the beginning of the streams, beside the one that answers, and puts it in its place.
//!
//! Nobody waits: queries and the tails go on with the old view until the new one includes everything that it does, and
//! the exchange takes a moment. What the tails hand over next, the new view applies or has applied already.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::event::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::budget::Budget;
use crate::dead_letters::DeadLetters;
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::server::Server;
use crate::snapshot::StreamPart;
use crate::tail::{Batch, Tail, TailStatus};
use crate::view::View;

/// As for the view that answers: enough that nobody waits.
const READ_AHEAD: usize = 4;
/// How often it is looked whether events are missing.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Why there will be no rebuild now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// One is under way.
    Running,
    /// The memory budget has no room for two views.
    Budget,
}

pub struct Rebuilds {
    user: Server,
    friend: Server,
    live: Arc<View>,
    budget: Arc<Budget>,
    metrics: Arc<Metrics>,
    running: AtomicBool,
}

impl Rebuilds {
    pub fn new(user: Server, friend: Server, live: Arc<View>, budget: Arc<Budget>, metrics: Arc<Metrics>) -> Self {
        Self { user, friend, live, budget, metrics, running: AtomicBool::new(false) }
    }

    /// Begins a rebuild, which goes on by itself.
    pub fn start(self: &Arc<Self>) -> Result<(), Refused> {
        if self.running.swap(true, Ordering::AcqRel) {
            return Err(Refused::Running);
        }
        if !self.budget.has_room_for(self.live.bytes() * 2) {
            self.running.store(false, Ordering::Release);
            return Err(Refused::Budget);
        }
        let rebuilds = Arc::clone(self);
        tokio::spawn(async move {
            match rebuilds.run().await {
                Ok(()) => {
                    rebuilds.metrics.rebuilt();
                    tracing::info!("rebuilt: the new view has taken the place of the old one");
                }
                Err(reason) => tracing::error!(reason, "the rebuild has ended, and the view stays as it is"),
            }
            rebuilds.running.store(false, Ordering::Release);
        });
        Ok(())
    }

    async fn run(&self) -> Result<(), &'static str> {
        tracing::info!("rebuilding the view beside the one that answers");
        let statuses = [(); 2].map(|()| Arc::new(TailStatus::new(0, 0)));
        let _progress = Progress::show("rebuilding", statuses.clone(), Arc::clone(&self.metrics));
        let (batches, received) = mpsc::channel(READ_AHEAD);
        // They end when this does.
        let mut tails = JoinSet::new();
        for (stream, server) in [(Stream::User, &self.user), (Stream::Friend, &self.friend)] {
            // What is unreadable has been counted, and noted in Redis, by the tail of the view that answers.
            let dead_letters = DeadLetters::new(self.friend.clone(), Arc::default());
            let status = Arc::clone(&statuses[stream as usize]);
            let start = StreamPart::default();
            tails.spawn(Tail::new(stream, server.clone(), status, dead_letters, batches.clone(), start).run());
        }
        drop(batches);
        let (live, budget) = (Arc::clone(&self.live), Arc::clone(&self.budget));
        let watched = statuses.clone();
        let built = tokio::task::spawn_blocking(move || build(&live, &budget, &statuses, received));
        tokio::select! {
            built = built => built.unwrap_or(Err("it broke, see above")),
            () = missing(&watched) => Err("events are missing from a stream, see above"),
        }
    }
}

/// Waits until a tail has met a gap: what is gone may come back, but nobody waits for that with two views in memory.
async fn missing(statuses: &[Arc<TailStatus>; 2]) {
    while statuses.iter().all(|status| status.missing().is_none()) {
        sleep(LOOK_EVERY).await;
    }
}

/// Applies what the tails read to a view of its own, until that can take the other one's place.
fn build(
    live: &View,
    budget: &Budget,
    statuses: &[Arc<TailStatus>; 2],
    mut batches: mpsc::Receiver<Batch>,
) -> Result<(), &'static str> {
    let fresh = View::default();
    let life = live.life();
    loop {
        if live.life() != life {
            return Err("a stream has begun anew");
        }
        if live.replace(&fresh) {
            // The old one ends here, and not where anybody waits.
            return Ok(());
        }
        match batches.blocking_recv() {
            Some(Batch::Entries(stream, entries, read)) => {
                if entries.is_empty() {
                    fresh.count(stream, read);
                }
                fresh.apply(stream, &entries, |_| {});
                statuses[stream as usize].applied(read);
            }
            Some(Batch::StartAgain(stream)) => {
                fresh.forget(stream);
                statuses[stream as usize].applied(0);
            }
            None => return Err("the tails have ended"),
        }
        if !budget.has_room_for(live.bytes() + fresh.bytes()) {
            return Err("the memory budget has no room for two views");
        }
    }
}
