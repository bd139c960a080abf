//! The worker put together: servers, tails, writer, bell and API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::serve::ListenerExt;
use domain::event::Stream;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::bell::Bell;
use crate::budget::Budget;
use crate::dead_letters::DeadLetters;
use crate::export::Exports;
use crate::http::{Api, router};
use crate::metrics::Metrics;
use crate::progress::Progress;
use crate::queries::Queries;
use crate::rebuild::{Rebuilds, Refused};
use crate::server::{Server, StartError};
use crate::settings::Settings;
use crate::snapshot::{Store, begin, refuse_signals};
use crate::tail::{Batch, Tail, TailStatus};
use crate::view::View;

/// Batches read ahead of the writer: enough that it never waits, few enough that they do not matter.
const READ_AHEAD: usize = 4;
/// How long clients may send requests once the worker is asked to stop: each is told with its answer that this was the
/// last on its connection. Longer than a request is on its way.
const LAST_REQUESTS: Duration = Duration::from_millis(250);
/// How long answers in flight may take then.
const DRAIN: Duration = Duration::from_secs(10);

/// How often it is looked whether the start is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs the worker until `stop` is done.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> Result<(), StartError> {
    let user = Server::new("user-redis-url", &settings.user_redis_url)?;
    let friend = Server::new("friend-redis-url", &settings.friend_redis_url)?;
    let views = Server::new("view-redis-url", &settings.view_redis_url)?;
    let store = settings.snapshot_dir.as_deref().map(Store::open).transpose()?;
    let listener = listen(&settings).await?;
    tokio::pin!(stop);
    tokio::select! {
        checked = async { tokio::try_join!(user.check(), friend.check(), views.check()) } => drop(checked?),
        () = &mut stop => return Ok(()),
    }

    let metrics = Arc::<Metrics>::default();
    let (view, parts, snapshots) = tokio::select! {
        begun = begin(store, settings.due(), &metrics, [&user, &friend]) => begun?,
        () = &mut stop => return Ok(()),
    };
    let statuses = parts.map(|part| Arc::new(TailStatus::new(settings.ready_lag_events, part.entries)));
    let (batches, received) = mpsc::channel(READ_AHEAD);
    let mut tasks = JoinSet::new();
    for (stream, server) in [(Stream::User, &user), (Stream::Friend, &friend)] {
        let dead_letters = DeadLetters::new(friend.clone(), Arc::clone(&metrics));
        let status = Arc::clone(&statuses[stream as usize]);
        let start = parts[stream as usize];
        tasks.spawn(Tail::new(stream, server.clone(), status, dead_letters, batches.clone(), start).run());
    }
    drop(batches);
    let budget = Arc::new(Budget::new(settings.memory_budget, Arc::clone(&metrics)));
    let rebuilds =
        Rebuilds::new(user.clone(), friend.clone(), Arc::clone(&view), Arc::clone(&budget), Arc::clone(&metrics));
    let rebuilds = Arc::new(rebuilds);
    tasks.spawn(signals(Arc::clone(&rebuilds)));
    let servers = [user, friend, views];
    tasks.spawn(Bell::new(servers, Arc::clone(&view), statuses.clone(), Arc::clone(&metrics)).run());
    let writer = (Arc::clone(&view), Arc::clone(&budget), Arc::clone(&metrics), statuses.clone());
    tasks.spawn_blocking(move || write(&writer.0, &writer.1, &writer.2, &writer.3, received));

    match &snapshots {
        Some(snapshots) => tasks.spawn(Arc::clone(snapshots).follow()),
        None => tasks.spawn(refuse_signals()),
    };

    let threads = settings.threads();
    let queries = Queries::new(Arc::clone(&view), Arc::clone(&metrics), threads, settings.query_queue.into());
    let progress = Progress::show("catching up", statuses.clone(), Arc::clone(&metrics));
    let exports = Exports::new(Arc::clone(&view), Arc::clone(&metrics));
    let api =
        Arc::new(Api { view, queries, exports, rebuilds, snapshots: snapshots.clone(), budget, metrics, statuses });
    tokio::spawn(show_until_caught_up(progress, Arc::clone(&api)));
    serve(listener, api, stop, tasks).await?;
    if let Some(snapshots) = snapshots {
        snapshots.finish().await;
    }
    Ok(())
}

/// Shows the way to where the streams ended when the worker started.
async fn show_until_caught_up(progress: Progress, api: Arc<Api>) {
    while !api.caught_up() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    drop(progress);
}

/// A rebuild for each SIGHUP.
async fn signals(rebuilds: Arc<Rebuilds>) {
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!(%error, "SIGHUP will not rebuild the view");
            return std::future::pending().await;
        }
    };
    while hangup.recv().await.is_some() {
        match rebuilds.start() {
            Ok(()) => {}
            Err(Refused::Running) => tracing::warn!("a rebuild is under way already"),
            Err(Refused::Budget) => tracing::error!("no rebuild: the memory budget has no room for a second view"),
        }
    }
}

async fn listen(settings: &Settings) -> Result<TcpListener, StartError> {
    TcpListener::bind(settings.listen).await.map_err(|error| {
        StartError::Unavailable(format!(
            "cannot listen on {}: {error}. Stop what uses it, or choose another address with --listen",
            settings.listen
        ))
    })
}

/// Applies what the tails read, on a thread of its own.
fn write(
    view: &View,
    budget: &Budget,
    metrics: &Metrics,
    statuses: &[Arc<TailStatus>; 2],
    mut batches: mpsc::Receiver<Batch>,
) {
    while let Some(batch) = batches.blocking_recv() {
        budget.wait(view);
        match batch {
            Batch::Entries(stream, entries, read) => {
                if entries.is_empty() {
                    view.count(stream, read);
                }
                view.apply(stream, &entries, |event| metrics.applied(event));
                statuses[stream as usize].applied(read);
            }
            Batch::StartAgain(stream) => {
                view.forget(stream);
                statuses[stream as usize].applied(0);
            }
        }
    }
}

/// Answers until `stop`, or until one of the tasks ends, which none does by itself.
async fn serve(
    listener: TcpListener,
    api: Arc<Api>,
    stop: impl Future<Output = ()>,
    mut tasks: JoinSet<()>,
) -> Result<(), StartError> {
    let (draining, mut drain) = watch::channel(false);
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    // Small answers must not wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let ending = Arc::<AtomicBool>::default();
    let router = router(api).layer(map_response_with_state(Arc::clone(&ending), close_at_the_end));
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        // The sender lives until the end of this function.
        let _ = drain.wait_for(|draining| *draining).await;
    });
    let mut server = tokio::spawn(server.into_future());
    let ended = tokio::select! {
        () = stop => Ok(()),
        _ = tasks.join_next() => Err(StartError::Unavailable("a part of the worker broke, see the log above".into())),
        _ = &mut server => return Err(StartError::Unavailable("the HTTP server broke, see the log above".into())),
    };
    tracing::info!("stopping");
    ending.store(true, Ordering::Relaxed);
    tokio::time::sleep(LAST_REQUESTS).await;
    draining.send_replace(true);
    if tokio::time::timeout(DRAIN, &mut server).await.is_err() {
        tracing::warn!("some answers took longer than {DRAIN:?} and were cut off");
    }
    ended
}

async fn close_at_the_end(State(ending): State<Arc<AtomicBool>>, mut response: Response) -> Response {
    if ending.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
