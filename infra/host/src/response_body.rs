//! What a component answers, on its way to the client.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::WasiBody;

use crate::drain::Draining;
use crate::instances::Health;

/// An answer up to this size is handed to hyper in one piece, and goes out in one write with its head.
const WHOLE_LIMIT: u64 = 64 * 1024;

pub type BoxError = Box<dyn Error + Send + Sync>;

/// The body of an answer.
pub enum ResponseBody {
    Whole(Option<Bytes>),
    Stream(Box<GuestStream>),
}

/// An answer that is still being written by its guest.
pub struct GuestStream {
    /// What was read before the answer's head was sent.
    first: Option<Bytes>,
    body: WasiBody,
    instance: Arc<Health>,
    /// An event stream has no end that a client could miss: it is ended when the host stops.
    ended_by: Option<Draining>,
}

impl ResponseBody {
    pub fn empty() -> Self {
        Self::Whole(None)
    }

    /// Takes over what a guest writes. Waits for it when it says to be short; otherwise takes what is there.
    pub async fn from_guest(
        headers: &mut HeaderMap,
        body: WasiBody,
        instance: Arc<Health>,
        draining: &Draining,
    ) -> Result<Self, BoxError> {
        let length: Option<u64> =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        match length {
            Some(0) => Ok(Self::Whole(None)),
            Some(length) if length <= WHOLE_LIMIT => read_whole(body, length).await,
            Some(_) => Ok(GuestStream::start(None, body, instance, None)),
            None => {
                let is_events = headers
                    .get(header::CONTENT_TYPE)
                    .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
                let ended_by = is_events.then(|| draining.clone());
                read_what_is_there(headers, body, instance, ended_by)
            }
        }
    }
}

async fn read_whole(mut body: WasiBody, length: u64) -> Result<ResponseBody, BoxError> {
    let mut whole = Bytes::new();
    let mut parts = BytesMut::new();
    while ((whole.len() + parts.len()) as u64) < length {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame else {
            return Err("the answer is shorter than its Content-Length".into());
        };
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if whole.is_empty() && parts.is_empty() {
            whole = data;
            continue;
        }
        parts.extend_from_slice(&std::mem::take(&mut whole));
        parts.extend_from_slice(&data);
    }
    if !parts.is_empty() {
        whole = parts.freeze();
    }
    Ok(ResponseBody::Whole(Some(whole)))
}

/// Most answers without a length are there as a whole already: they get one, and need no chunks.
fn read_what_is_there(
    headers: &mut HeaderMap,
    mut body: WasiBody,
    instance: Arc<Health>,
    ended_by: Option<Draining>,
) -> Result<ResponseBody, BoxError> {
    let mut context = Context::from_waker(std::task::Waker::noop());
    let mut first = None;
    // Two frames at most: what a guest wrote, and its end.
    loop {
        match Pin::new(&mut body).poll_frame(&mut context) {
            Poll::Ready(None) if !instance.died() => {
                let length = first.as_ref().map_or(0, Bytes::len);
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
                return Ok(ResponseBody::Whole(first));
            }
            Poll::Ready(Some(Ok(frame))) if first.is_none() => first = frame.into_data().ok(),
            Poll::Ready(Some(Ok(frame))) => {
                let mut joined = BytesMut::from(first.take().unwrap_or_default());
                joined.extend_from_slice(&frame.into_data().unwrap_or_default());
                let first = Some(joined.freeze());
                return Ok(GuestStream::start(first, body, instance, ended_by));
            }
            Poll::Ready(Some(Err(error))) => return Err(error.into()),
            Poll::Ready(None) => return Err("the instance ended while it answered".into()),
            Poll::Pending => return Ok(GuestStream::start(first, body, instance, ended_by)),
        }
    }
}

impl GuestStream {
    fn start(first: Option<Bytes>, body: WasiBody, instance: Arc<Health>, ended_by: Option<Draining>) -> ResponseBody {
        instance.stream_began();
        ResponseBody::Stream(Box::new(Self { first, body, instance, ended_by }))
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(draining) = &mut self.ended_by
            && draining.poll(context).is_ready()
        {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        // A guest that dies closes its end as one that is done does. The error makes hyper cut the connection, so
        // that the client does not take a part for the whole.
        if frame.is_none() && self.instance.died() {
            return Poll::Ready(Some(Err("the instance ended while it answered".into())));
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }
}

impl Drop for GuestStream {
    fn drop(&mut self) {
        self.instance.stream_ended();
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(stream) => stream.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Stream(stream) if stream.first.is_none() => stream.body.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
