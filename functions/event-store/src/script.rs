//! Lua scripts, sent by their SHA-1, and whole only where Redis does not have them yet.

use std::time::Instant;

use crate::{Error, Redis, Value};

pub(crate) struct Script {
    sha: &'static str,
    source: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// How a script may be sent again after its connection broke.
pub(crate) enum Again {
    /// It may be applied any number of times.
    Freely,
    /// It must be told, in this argument (counted from 0 after the keys), how long ago it may have been applied.
    Saying(usize),
}

impl Script {
    pub(crate) async fn run(
        &self,
        redis: &impl Redis,
        keys: &[&str],
        arguments: &[&str],
        again: Again,
    ) -> Result<Vec<Value>, Error> {
        let started = Instant::now();
        match self.once(redis, keys, arguments).await {
            Err(Error::Connection(_)) => redis.give_up(),
            answer => return answer,
        }
        match again {
            Again::Freely => self.once(redis, keys, arguments).await,
            Again::Saying(index) => {
                let ago = started.elapsed().as_millis().to_string();
                let mut arguments = arguments.to_vec();
                arguments[index] = &ago;
                self.once(redis, keys, &arguments).await
            }
        }
    }

    async fn once(&self, redis: &impl Redis, keys: &[&str], arguments: &[&str]) -> Result<Vec<Value>, Error> {
        match redis.execute("EVALSHA", words(self.sha, keys, arguments)).await {
            Err(error) if error.is_no_script() => redis.execute("EVAL", words(self.source, keys, arguments)).await,
            answer => answer,
        }
    }
}

fn words(script: &str, keys: &[&str], arguments: &[&str]) -> Vec<Vec<u8>> {
    let mut words = Vec::with_capacity(2 + keys.len() + arguments.len());
    words.push(script.as_bytes().to_vec());
    words.push(keys.len().to_string().into_bytes());
    words.extend(keys.iter().chain(arguments).map(|word| word.as_bytes().to_vec()));
    words
}
