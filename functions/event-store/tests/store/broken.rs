//! Connections that break: before the server has the command, or after it and before its answer.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, PoisonError},
};

use event_store::{Error, Redis, Value, native::NativeRedis};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The command never arrives.
    Before,
    /// The command is applied, its answer is lost.
    After,
}

/// A connection that breaks where the plan says so: it is asked with the how-manieth script this is, from 0.
pub struct Breaking<F> {
    redis: NativeRedis,
    plan: F,
    scripts: AtomicUsize,
    given_up: AtomicUsize,
    sent: Mutex<Vec<&'static str>>,
}

impl<F: Fn(usize) -> Option<Break>> Breaking<F> {
    pub fn new(redis: &NativeRedis, plan: F) -> Self {
        let (scripts, given_up) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { redis: redis.clone(), plan, scripts, given_up, sent: Mutex::default() }
    }

    /// How often a connection was given up.
    pub fn given_up(&self) -> usize {
        self.given_up.load(Ordering::Relaxed)
    }

    /// The commands that were sent, in order.
    pub fn sent(&self) -> Vec<&'static str> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<F: Fn(usize) -> Option<Break>> Redis for Breaking<F> {
    async fn execute(&self, command: &'static str, arguments: Vec<Vec<u8>>) -> Result<Vec<Value>, Error> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(command);
        if !command.starts_with("EVAL") {
            return self.redis.execute(command, arguments).await;
        }
        let broken = (self.plan)(self.scripts.load(Ordering::Relaxed));
        let answer = match broken {
            Some(Break::Before) => Ok(Vec::new()),
            // A script that the server does not have was not run: the one that is sent whole then is the one that counts.
            Some(Break::After) | None => Ok(self.redis.execute(command, arguments).await?),
        };
        self.scripts.fetch_add(1, Ordering::Relaxed);
        if broken.is_some() { Err(Error::Connection("broken pipe".to_owned())) } else { answer }
    }

    fn give_up(&self) {
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }
}
