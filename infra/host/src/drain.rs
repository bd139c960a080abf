//! The end of the host: told to everyone who has to know, waited for by the one who ends it.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::watch;

/// Says that the host is to stop.
pub struct Drain(watch::Sender<bool>);

/// Hears it. As long as one exists, what it was given to is not done.
pub struct Draining {
    receiver: watch::Receiver<bool>,
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl Drain {
    pub fn new() -> (Self, Draining) {
        let (sender, receiver) = watch::channel(false);
        let waiting = None;
        (Self(sender), Draining { receiver, waiting })
    }

    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Waits until nobody listens any more: all work is done.
    pub async fn finished(&self) {
        self.0.closed().await;
    }
}

impl Draining {
    pub fn has_begun(&self) -> bool {
        *self.receiver.borrow()
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
        Self { receiver: self.receiver.clone(), waiting: None }
    }
}
