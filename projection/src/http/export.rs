//! Everybody, or a neighbourhood, as a file: streamed as fast as the client reads.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::answers::LAST_EVENT;
use super::parameters::{self, Parameters};
use super::problem::Problem;
use super::{Api, Id, Shared};
use crate::export::{self, Export, ExportError, Format, GatherError, Source, Whom};
use crate::queries::QueryError;

/// Pieces written ahead of the client.
const PIECES_AHEAD: usize = 2;
/// A client that takes nothing for so long is gone, or has forgotten us. The kernel asks it for so much at once that a
/// slow one may need minutes to take the next piece.
const FORGOTTEN: Duration = Duration::from_secs(30 * 60);

pub async fn everybody(State(api): Shared, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.as_deref());
    let ((format, after), ()) = parameters::both(parameters::all2(parameters.format(), parameters.after()), Ok(()))?;
    api.wait_for(after).await?;
    api.export(Whom::Everybody, format, "graph".to_owned()).await
}

pub async fn neighbourhood(State(api): Shared, id: Id, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.as_deref());
    let ((id, steps), (format, after)) = parameters::both(
        parameters::all2(parameters::id(id), parameters.steps()),
        parameters::all2(parameters.format(), parameters.after()),
    )?;
    api.wait_for(after).await?;
    api.export(Whom::Neighbourhood { id, steps }, format, format!("neighbourhood-{id}-{steps}")).await
}

impl Api {
    async fn export(&self, whom: Whom, format: Format, name: String) -> Result<Response, Problem> {
        let export = self.exports.begin(whom).await.map_err(|error| self.export_problem(error))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
        headers.extend(HeaderValue::try_from(export.spool.positions().to_string()).map(|value| (LAST_EVENT, value)));
        let disposition = format!("attachment; filename=\"{name}.{}\"", format.name());
        headers.extend(HeaderValue::try_from(disposition).map(|value| (header::CONTENT_DISPOSITION, value)));
        Ok((headers, stream(export, format)).into_response())
    }

    fn export_problem(&self, error: ExportError) -> Problem {
        match error {
            ExportError::Busy => Problem::exporting(),
            ExportError::Broken | ExportError::Gather(GatherError::Abandoned) => Problem::internal(),
            ExportError::Gather(GatherError::Unknown(id)) => self.problem(QueryError::Unknown(id)),
            ExportError::Gather(GatherError::Restless) => self.problem(QueryError::Busy),
            ExportError::Gather(GatherError::Spool(error)) => {
                let folder = std::env::temp_dir();
                tracing::error!(%error, folder = %folder.display(), "an export cannot be written to a temporary file");
                Problem::no_room()
            }
        }
    }
}

enum Piece {
    Data(Bytes),
    End,
}

/// Writes an export on a thread of its own, a few pieces ahead of the client.
fn stream(export: Export, format: Format) -> Body {
    let Export { mut spool, slot } = export;
    let (pieces, received) = mpsc::channel(PIECES_AHEAD);
    let mut pieces = Pieces { pieces, runtime: Handle::current() };
    tokio::task::spawn_blocking(move || {
        let written = export::write(&mut spool, format, &mut pieces).and_then(|_| pieces.send(Piece::End));
        // Not before: the files are there until now.
        drop((spool, slot));
        match written {
            Ok(()) => {}
            // The client went, as clients do.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => tracing::debug!("an export was broken off"),
            Err(error) => tracing::error!(%error, "an export was cut off"),
        }
    });
    Body::new(Received(received))
}

struct Pieces {
    pieces: mpsc::Sender<Piece>,
    runtime: Handle,
}

impl Pieces {
    fn send(&self, piece: Piece) -> io::Result<()> {
        match self.runtime.block_on(timeout(FORGOTTEN, self.pieces.send(piece))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("nothing was read for {FORGOTTEN:?}"))),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.send(Piece::Data(Bytes::copy_from_slice(piece)))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The body. Without its end it is an error, and the connection is cut: a part never looks like the whole.
struct Received(mpsc::Receiver<Piece>);

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match ready!(self.0.poll_recv(context)) {
            Some(Piece::Data(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::End) => None,
            None => Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the export broke off"))),
        })
    }
}
