//! Ctrl-C: the first one ends the run with its results, the second one ends the program.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// As shells report a program that a signal has ended.
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// Whether somebody wants the run to end.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<Option<u8>>);

impl Interrupt {
    pub fn listen() -> io::Result<Self> {
        let (sender, receiver) = watch::channel(None);
        let mut signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            sender.send_replace(Some(next(&mut signals).await));
            let code = next(&mut signals).await;
            eprintln!("load: ended without results");
            std::process::exit(i32::from(code));
        });
        Ok(Self(receiver))
    }

    /// The exit code that it asks for, if it came.
    pub fn code(&self) -> Option<u8> {
        *self.0.borrow()
    }

    /// Waits until it comes.
    pub async fn wait(&self) {
        if self.0.clone().wait_for(Option::is_some).await.is_err() {
            // Nobody can send it any more.
            std::future::pending().await
        }
    }
}

async fn next((interrupt, terminate): &mut (Signal, Signal)) -> u8 {
    tokio::select! {
        _ = interrupt.recv() => INTERRUPTED,
        _ = terminate.recv() => TERMINATED,
    }
}
