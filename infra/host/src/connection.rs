//! One connection of a client, from its first request to its last.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::drain::Draining;
use crate::http_trigger::{Client, HttpTrigger};

/// A client that does not send its request's head, or its next request, is disconnected.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long a client that has connected, or has just been answered, may still send a request when the host is told to
/// stop: it is answered, and told that this was the last on its connection. Longer than a request is on its way.
pub const LAST_REQUESTS: Duration = Duration::from_millis(250);

pub async fn serve(stream: std::net::TcpStream, client: Client, trigger: Arc<HttpTrigger>, mut draining: Draining) {
    let prepared = stream.set_nodelay(true).and_then(|()| TcpStream::from_std(stream));
    let stream = match prepared {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!("a connection was lost: {error}"),
    };
    let traffic = Arc::<Traffic>::default();
    let stream = TokioIo::new(Watched { stream, traffic: traffic.clone() });
    let client = Arc::new(client);
    let service = service_fn(move |request| {
        let (trigger, client) = (trigger.clone(), client.clone());
        async move { Ok::<_, std::convert::Infallible>(trigger.handle(request, &client).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(stream, service);
    let mut connection = std::pin::pin!(connection);
    let unused = async {
        draining.begun().await;
        traffic.rests().await;
    };
    let ended = tokio::select! {
        // First: what has come is read before it is looked whether anything has.
        biased;
        ended = connection.as_mut() => ended,
        () = unused => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended early: {error}");
    }
}

/// What goes over a connection.
#[derive(Default)]
struct Traffic {
    /// The last that moved came from the client: a request, or the beginning of one.
    asked: AtomicBool,
    /// Whether anything moved since it was last looked at.
    moved: AtomicBool,
}

impl Traffic {
    fn moved(&self, from_client: bool) {
        self.asked.store(from_client, Ordering::Relaxed);
        self.moved.store(true, Ordering::Relaxed);
    }

    /// Waits until the client has been answered, and has let [`LAST_REQUESTS`] pass.
    async fn rests(&self) {
        loop {
            self.moved.store(false, Ordering::Relaxed);
            tokio::time::sleep(LAST_REQUESTS).await;
            if !self.asked.load(Ordering::Relaxed) && !self.moved.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// hyper closes a connection between two requests when it is told to end, even if it has read a part of the next.
struct Watched {
    stream: TcpStream,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, to))?;
        if to.filled().len() > before {
            self.traffic.moved(true);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.traffic.moved(false);
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.traffic.moved(false);
        Pin::new(&mut self.stream).poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
