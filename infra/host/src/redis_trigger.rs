//! The Redis trigger: messages on channels, handed to components one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use futures::StreamExt as _;
use futures::future::join_all;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use wasmtime::component::{Component, Linker};

use crate::app::RedisTrigger;
use crate::bindings::subscriber::SubscriberPre;
use crate::drain::Draining;
use crate::engine::Active;
use crate::guest::{Guest, Runnable, Shared};
use crate::metrics::{ChannelRings, Count, HandlerRings, Level, Metrics, SubscriptionRings};
use crate::redis_connection::tcp_address;

/// Pauses between attempts to reach a Redis that is away.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// To connect and to subscribe.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// One who only listens never sends, so nothing tells it that the other machine, or the way to it, is gone without a
/// word: the kernel asks after this silence, and again. 15 s + 3 x 5 s later the connection counts as lost.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
/// For one message. The longest work, a step of a rebuild, takes seconds. A handler that never ends would keep all
/// others of its address from their messages.
const HANDLER_LIMIT: Duration = Duration::from_secs(10 * 60);

/// A component that a channel rings.
#[derive(Clone)]
pub struct Subscriber {
    runnable: Arc<Runnable>,
    pre: SubscriberPre<Guest>,
}

impl Subscriber {
    /// Checks that `component` exports a message handler and imports nothing that the host lacks.
    pub fn prepare(linker: &Linker<Guest>, component: &Component, runnable: Arc<Runnable>) -> wasmtime::Result<Self> {
        let pre = SubscriberPre::new(linker.instantiate_pre(component)?)?;
        Ok(Self { runnable, pre })
    }

    /// One message, in an instance of its own. Whatever goes wrong is logged: the next message comes all the same.
    async fn handle(&self, shared: &Shared, message: &[u8], rings: &HandlerRings) {
        let _active = Active::new();
        let metrics = shared.metrics.component(self.runnable.index);
        let began = crate::metrics::now();
        let component = self.runnable.spec.id.as_str();
        // The instance is part of the call, and goes with it when the time is over.
        let outcome = tokio::time::timeout(HANDLER_LIMIT, self.call(shared, message)).await;
        rings.ended(began, matches!(outcome, Ok(Ok(Ok(())))));
        match outcome {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::error!(component, "the handler failed: {error}"),
            Ok(Err(error)) => {
                metrics.traps.inc();
                tracing::error!(component, "instance ended: {error:?}");
            }
            Err(_) => {
                metrics.timeouts.inc();
                let limit = HANDLER_LIMIT.as_secs();
                tracing::error!(component, "the handler did not end in {limit} s: stopped, the next message is taken");
            }
        }
    }

    async fn call(
        &self,
        shared: &Shared,
        message: &[u8],
    ) -> wasmtime::Result<Result<(), crate::bindings::imports::redis::Error>> {
        let started = Instant::now();
        let mut store = self.runnable.store(shared);
        let instance = self.pre.instantiate_async(&mut store).await?;
        self.runnable.started(started);
        let message = message.to_vec();
        store
            .run_concurrent(async move |accessor| {
                let handler = instance.spin_redis_inbound_redis();
                handler.call_handle_message(accessor, message).await
            })
            .await?
    }
}

type Channels = BTreeMap<String, Vec<Subscriber>>;

/// All channels of one address.
pub struct Subscription {
    client: redis::Client,
    channels: Channels,
    /// Of the same channels and, in the same order, the same subscribers.
    rings: Arc<SubscriptionRings>,
}

impl Subscription {
    /// One for each distinct address, as in Spin.
    pub fn group(
        triggers: &[RedisTrigger],
        subscribers: &[Option<Subscriber>],
        metrics: &Metrics,
    ) -> Result<Vec<Self>> {
        let mut by_address: BTreeMap<&str, (redis::Client, String, Channels)> = BTreeMap::new();
        for trigger in triggers {
            if !by_address.contains_key(trigger.address.as_str()) {
                let client = client(&trigger.address)?;
                let (host, port) = tcp_address(&client).ok_or_else(|| {
                    anyhow!(
                        "the Redis trigger on {:?} needs a redis:// address: the embedded host has no TLS",
                        trigger.channel
                    )
                })?;
                let name = format!("{host}:{port}");
                by_address.insert(&trigger.address, (client, name, Channels::new()));
            }
            let (.., channels) = by_address.get_mut(trigger.address.as_str()).expect("was just added");
            let subscriber =
                subscribers[trigger.component].clone().expect("a component with a Redis trigger was prepared");
            channels.entry(trigger.channel.clone()).or_default().push(subscriber);
        }
        let subscriptions = by_address.into_values();
        Ok(subscriptions.map(|(client, name, channels)| Self::new(client, name, channels, metrics)).collect())
    }

    /// `redis` is its host and port, without the password.
    fn new(client: redis::Client, redis: String, channels: Channels, metrics: &Metrics) -> Self {
        let rings = |(name, subscribers): (&String, &Vec<Subscriber>)| ChannelRings {
            name: name.clone(),
            received: Count::default(),
            handlers: subscribers.iter().map(|s| HandlerRings::new(s.runnable.spec.id.clone())).collect(),
        };
        let rings = SubscriptionRings { redis, up: Level::default(), channels: channels.iter().map(rings).collect() };
        Self { client, channels, rings: metrics.subscription(rings) }
    }

    /// Listens until the host stops; then the message at hand is the last.
    pub async fn run(self, shared: Shared, mut draining: Draining) {
        let mut stop = draining.clone();
        let mut backoff = BACKOFF_MIN;
        let mut reported = false;
        while !draining.has_begun() {
            let attempt = tokio::select! {
                attempt = tokio::time::timeout(CONNECT_TIMEOUT, self.subscribe()) => attempt,
                () = draining.begun() => return,
            };
            let error = match attempt {
                Ok(Ok(messages)) => {
                    tracing::info!("listening on {} for {}", self.rings.redis, self.channel_names());
                    self.rings.up.set(1);
                    (backoff, reported) = (BACKOFF_MIN, false);
                    self.listen(messages, &shared, &mut stop).await;
                    self.rings.up.set(0);
                    if draining.has_begun() {
                        return;
                    }
                    "the connection was lost".to_string()
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_string(),
            };
            // Once for each time that it goes away.
            if !reported {
                tracing::warn!("Redis at {} is away, trying again: {error}", self.rings.redis);
                reported = true;
            }
            tokio::select! {
                () = tokio::time::sleep(backoff) => backoff = (backoff * 2).min(BACKOFF_MAX),
                () = draining.begun() => return,
            }
        }
    }

    fn channel_names(&self) -> String {
        let names: Vec<_> = self.channels.keys().map(String::as_str).collect();
        names.join(", ")
    }

    async fn subscribe(&self) -> Result<redis::aio::PubSub> {
        let mut messages = self.client.get_async_pubsub().await?;
        for channel in self.channels.keys() {
            messages.subscribe(channel).await?;
        }
        Ok(messages)
    }

    /// The next message is read only when all handlers of the current one have ended.
    async fn listen(&self, messages: redis::aio::PubSub, shared: &Shared, stop: &mut Draining) {
        // Rings may have been missed while nobody listened: each handler looks for itself.
        join_all(self.rings.channels.iter().map(|channel| self.ring(channel, shared, channel.name.as_bytes()))).await;
        let mut messages = messages.into_on_message();
        loop {
            let message = tokio::select! {
                biased;
                () = stop.begun() => return,
                message = messages.next() => message,
            };
            let Some(message) = message else {
                return;
            };
            if let Some(channel) = self.rings.channel(message.get_channel_name()) {
                channel.received.inc();
                self.ring(channel, shared, message.get_payload_bytes()).await;
            }
        }
    }

    /// Components on the same channel run side by side.
    async fn ring(&self, channel: &ChannelRings, shared: &Shared, message: &[u8]) {
        let subscribers = self.channels.get(&channel.name).into_iter().flatten();
        let handled = subscribers.zip(&channel.handlers);
        join_all(handled.map(|(subscriber, rings)| subscriber.handle(shared, message, rings))).await;
    }
}

/// A client whose connections find out that the other end is gone.
fn client(address: &str) -> redis::RedisResult<redis::Client> {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    let client = redis::Client::open(address)?;
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    redis::Client::open(client.get_connection_info().clone().set_tcp_settings(tcp))
}
