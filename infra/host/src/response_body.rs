//! What a component answers, on its way to the client.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::WasiBody;

use crate::drain::Draining;
use crate::instances::Health;

/// An answer up to this size is handed to hyper in one piece, and goes out in one write with its head.
const WHOLE_LIMIT: u64 = 64 * 1024;
/// Answers of all threads that may stream at a time. Each keeps its instance, in the worst case one of its own, and
/// the pool has 1000: the rest is for requests that are answered at once.
const MAX_STREAMS: usize = 750;
/// Of these, answers without an end that is known, which is what a live tail is: it stays for hours, and asks Redis
/// five times a second, so that this many make 2,500 commands a second while nothing happens. Longer answers that end
/// find room beside them.
const MAX_TAILS: usize = 500;

/// Answers that stream, of all threads.
static OPEN_STREAMS: OpenStreams = OpenStreams(AtomicUsize::new(0));

pub fn open_streams() -> usize {
    OPEN_STREAMS.0.load(Ordering::Relaxed)
}

pub type BoxError = Box<dyn Error + Send + Sync>;

/// The body of an answer.
pub enum ResponseBody {
    Whole(Option<Bytes>),
    Stream(Box<GuestStream>),
}

/// There are as many streaming answers as there may be.
#[derive(Debug)]
pub struct TooManyStreams;

struct OpenStreams(AtomicUsize);

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
            Some(_) => GuestStream::start(None, body, instance, None, MAX_STREAMS),
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
                return GuestStream::start(first, body, instance, ended_by, MAX_TAILS);
            }
            Poll::Ready(Some(Err(error))) => return Err(error.into()),
            Poll::Ready(None) => return Err("the instance ended while it answered".into()),
            Poll::Pending => return GuestStream::start(first, body, instance, ended_by, MAX_TAILS),
        }
    }
}

impl GuestStream {
    /// Refused when `limit` others are open.
    fn start(
        first: Option<Bytes>,
        body: WasiBody,
        instance: Arc<Health>,
        ended_by: Option<Draining>,
        limit: usize,
    ) -> Result<ResponseBody, BoxError> {
        OPEN_STREAMS.open(limit)?;
        instance.stream_began();
        Ok(ResponseBody::Stream(Box::new(Self { first, body, instance, ended_by })))
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
        OPEN_STREAMS.close();
    }
}

impl OpenStreams {
    fn open(&self, limit: usize) -> Result<(), TooManyStreams> {
        let more = |open| (open < limit).then_some(open + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map(drop).map_err(|_| TooManyStreams)
    }

    fn close(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for TooManyStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many answers are streaming")
    }
}

impl Error for TooManyStreams {}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_leave_room_for_answers_that_end() {
        let streams = OpenStreams(AtomicUsize::new(0));
        for _ in 0..MAX_TAILS {
            streams.open(MAX_TAILS).expect("there is room");
        }
        assert!(streams.open(MAX_TAILS).is_err());
        streams.open(MAX_STREAMS).expect("there is room");
        streams.close();
        assert!(streams.open(MAX_TAILS).is_err());
        streams.close();
        streams.open(MAX_TAILS).expect("a place is free again");
    }
}
