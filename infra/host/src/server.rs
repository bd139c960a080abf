//! The host as a whole: loads the application, listens, spreads connections over threads, stops.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use http::HeaderValue;
use http::uri::Authority;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::app::App;
use crate::args::Args;
use crate::connection::{LAST_REQUESTS, serve};
use crate::drain::{Drain, Draining};
use crate::http_trigger::Client;
use crate::loaded::Loaded;

/// How long requests that are under way have to end when the host is told to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// Connections of all threads together; others wait to be accepted.
const MAX_CONNECTIONS: usize = 8192;
/// What to wait for when there are too many, or the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A thread that serves connections.
struct Worker {
    connections: mpsc::UnboundedSender<(std::net::TcpStream, SocketAddr)>,
    /// Those that it has.
    open: Arc<AtomicUsize>,
}

/// The addresses that the host has taken.
pub struct Listeners {
    http: TcpListener,
    metrics: Option<TcpListener>,
}

/// All that can fail because the application or the command line is not usable.
pub fn prepare(args: &Args) -> Result<(Loaded, Listeners)> {
    let app = App::load(&args.from, &args.variables)?;
    let http = bind("--listen", args.listen)?;
    let metrics = args.metrics_listen.map(|address| bind("--metrics-listen", address)).transpose()?;
    if metrics.is_none() {
        crate::metrics::count_nothing();
    }
    let loaded = Loaded::new(app, &args.cache_dir, &args.log_dir(), args.quiet)?;
    Ok((loaded, Listeners { http, metrics }))
}

/// Fills the cache of compiled components, for the process that waits for it.
pub fn compile(args: &Args) -> Result<()> {
    let app = App::load(&args.from, &args.variables)?;
    crate::compiled::fill(&crate::engine::engine()?, &app.components, &args.cache_dir)
}

/// Takes the address. A port that is in use is found out before anything is compiled.
fn bind(setting: &str, address: SocketAddr) -> Result<TcpListener> {
    let bind = || -> std::io::Result<TcpListener> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().with_context(|| {
        format!("cannot listen on {address}: stop what uses it, or choose another with {setting} ADDRESS")
    })
}

/// Serves until the process is told to stop.
pub fn run(loaded: Loaded, listeners: Listeners, threads: usize, started: Instant) -> Result<()> {
    let address = listeners.http.local_addr().context("the listener is gone")?;
    let (drain, draining) = Drain::new();
    let loaded = Arc::new(loaded);
    let workers = (0..threads.max(1))
        .map(|number| Worker::start(number, loaded.clone(), address, draining.clone()))
        .collect::<Result<Vec<_>>>()?;
    loaded.metrics().connections(workers.iter().map(|worker| worker.open.clone()).collect());
    loaded.announce(address, started);
    let runtime = single_thread_runtime()?;
    runtime.block_on(async {
        let subscriptions = loaded.subscriptions()?;
        let shared = loaded.shared();
        for subscription in subscriptions {
            tokio::spawn(subscription.run(shared.clone(), draining.clone()));
        }
        // Only those who work keep the end waiting.
        drop(draining);
        if let Some(listener) = listeners.metrics {
            announce_metrics(&listener);
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(crate::metrics::serve(listener, loaded.metrics().clone()));
        }
        let listener = tokio::net::TcpListener::from_std(listeners.http)?;
        let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        tokio::select! {
            () = accept(&listener, &workers) => {}
            () = next(&mut signals) => {}
        }
        tracing::info!("stopping");
        tokio::select! {
            ended = timeout(DRAIN_LIMIT, end(&drain, listener, workers)) => if ended.is_err() {
                tracing::warn!("some requests did not end in time");
            },
            () = next(&mut signals) => tracing::warn!("told to stop once more: not waiting for requests under way"),
        }
        Ok(())
    })
}

fn announce_metrics(listener: &TcpListener) {
    if let Ok(address) = listener.local_addr() {
        eprintln!("metrics on http://{address}/metrics");
    }
}

fn single_thread_runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| anyhow!("cannot start a runtime: {error}"))
}

async fn next([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Answers what has been sent, and what comes in a last moment: until then nobody knows that the host ends.
async fn end(drain: &Drain, listener: tokio::net::TcpListener, workers: Vec<Worker>) {
    drain.begin();
    let _ = timeout(LAST_REQUESTS, accept(&listener, &workers)).await;
    // Those who have connected and wait. To close the listener would reset them.
    if let Ok(listener) = listener.into_std() {
        while let Ok((stream, client)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                hand_over(stream, client, &workers);
            }
        }
    }
    drop(workers);
    drain.finished().await;
}

async fn accept(listener: &tokio::net::TcpListener, workers: &[Worker]) {
    loop {
        if workers.iter().map(Worker::open).sum::<usize>() >= MAX_CONNECTIONS {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        }
        match listener.accept().await.and_then(|(stream, client)| Ok((stream.into_std()?, client))) {
            Ok((stream, client)) => hand_over(stream, client, workers),
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// To the thread with the fewest: even with few connections, all cores get their share. SO_REUSEPORT would leave it to a
/// hash, and let two hosts listen on one port without a word.
fn hand_over(stream: std::net::TcpStream, client: SocketAddr, workers: &[Worker]) {
    let worker = workers.iter().min_by_key(|worker| worker.open()).expect("there is one");
    worker.open.fetch_add(1, Ordering::Relaxed);
    if worker.connections.send((stream, client)).is_err() {
        worker.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Worker {
    fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn start(number: usize, loaded: Arc<Loaded>, address: SocketAddr, draining: Draining) -> Result<Self> {
        let (connections, mut incoming) = mpsc::unbounded_channel::<(_, SocketAddr)>();
        let open = Arc::new(AtomicUsize::new(0));
        let counter = open.clone();
        let runtime = single_thread_runtime()?;
        let serve = async move {
            let trigger = Arc::new(loaded.http_trigger(draining.clone()));
            let authority = Authority::try_from(address.to_string()).expect("an address is one");
            while let Some((stream, client)) = incoming.recv().await {
                let client = Client {
                    address: HeaderValue::try_from(client.to_string()).expect("is ASCII"),
                    listening_on: authority.clone(),
                };
                let connection = serve(stream, client, trigger.clone(), draining.clone());
                let counter = counter.clone();
                tokio::spawn(async move {
                    connection.await;
                    counter.fetch_sub(1, Ordering::Relaxed);
                });
            }
            drop((trigger, draining));
            // The connections that are left end the process, or its time limit does.
            std::future::pending::<()>().await;
        };
        std::thread::Builder::new()
            .name(format!("http-{number}"))
            .spawn(move || runtime.block_on(serve))
            .context("cannot start a thread")?;
        Ok(Self { connections, open })
    }
}
