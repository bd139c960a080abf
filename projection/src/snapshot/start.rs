//! What a worker begins with: the newest snapshot that is whole, or nothing.

use std::sync::Arc;

use super::format::StreamPart;
use super::service::{Due, Snapshots};
use super::store::Store;
use crate::metrics::Metrics;
use crate::server::{Server, StartError};
use crate::view::View;

/// The view to begin with, where each stream goes on from there, and who writes snapshots, if there is a folder.
pub async fn begin(
    store: Option<Store>,
    due: Due,
    metrics: &Metrics,
    servers: [&Server; 2],
) -> Result<(Arc<View>, [StreamPart; 2], Option<Arc<Snapshots>>), StartError> {
    let Some(mut store) = store else {
        tracing::info!("no --snapshot-dir: each start reads all events, from position 0");
        return Ok((Arc::default(), Default::default(), None));
    };
    let loading = tokio::task::spawn_blocking(move || (store.load(), store));
    let broke = |error| StartError::Unavailable(format!("reading the snapshots broke: {error}"));
    let (loaded, store) = loading.await.map_err(broke)?;
    let Some(mut loaded) = loaded else {
        tracing::info!("no snapshot: reading all events, from position 0");
        let view = Arc::<View>::default();
        let snapshots = Snapshots::new(store, Arc::clone(&view), metrics.snapshots.clone(), due, servers);
        return Ok((view, Default::default(), Some(Arc::new(snapshots))));
    };
    let (snapshot, positions) = (loaded.path.display(), loaded.header.positions());
    tracing::info!(%snapshot, %positions, took = ?loaded.took, "snapshot loaded");
    let view = Arc::new(View::from(std::mem::take(&mut loaded.state)));
    let snapshots = Snapshots::new(store, Arc::clone(&view), metrics.snapshots.clone(), due, servers);
    snapshots.loaded(&loaded);
    Ok((view, loaded.header.streams, Some(Arc::new(snapshots))))
}
