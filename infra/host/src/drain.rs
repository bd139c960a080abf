//! The end of the host: told to everyone who has to know, waited for by the one who ends it.
//!
//! From SIGTERM on every answer says that it is the last on its connection, and streams of events end. For a moment more
//! the host lets clients in; then those go who send nothing, and handlers of the Redis trigger take no further message. The
//! requests and messages that are under way have ten seconds; then, or at a second signal, the process ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::watch;

/// Says that the host is to stop.
pub struct Drain {
    sender: watch::Sender<bool>,
    begun: Arc<AtomicBool>,
}

/// Hears it. As long as one exists, what it was given to is not done.
pub struct Draining {
    receiver: watch::Receiver<bool>,
    /// The same, for those who ask with every request: reading it takes no lock.
    begun: Arc<AtomicBool>,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl Drain {
    pub fn new() -> (Self, Draining) {
        let (sender, receiver) = watch::channel(false);
        let begun = Arc::<AtomicBool>::default();
        (Self { sender, begun: begun.clone() }, Draining { receiver, begun, waiting: None })
    }

    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
        self.sender.send_replace(true);
    }

    /// Waits until nobody listens any more: all work is done.
    pub async fn finished(&self) {
        self.sender.closed().await;
    }
}

impl Draining {
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    pub async fn begun(&mut self) {
        // An error means that the sender is gone, and with it the host.
        let _ = self.receiver.wait_for(|begun| *begun).await;
    }

    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let waiting = self.waiting.get_or_insert_with(|| {
            let mut receiver = self.receiver.clone();
            Box::pin(async move {
                let _ = receiver.wait_for(|begun| *begun).await;
            })
        });
        waiting.as_mut().poll(context)
    }
}

impl Clone for Draining {
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.clone(), begun: self.begun.clone(), waiting: None }
    }
}
