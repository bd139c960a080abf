//! Answers. Every one that is not a stream carries Content-Length: without it the last chunk of a chunked answer waits for the
//! client's delayed acknowledgement on runtimes that do not set TCP_NODELAY.

use domain::{StreamPosition, event::Stream};
use serde::Serialize;
use spin_sdk::wasip3::{
    http::types::{Fields, Response as RawResponse},
    wit_bindgen::{self, StreamWriter},
    wit_future, wit_stream,
};

/// An answer in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::with_capacity(6), body: Vec::new() }
    }

    /// 200 with JSON.
    pub fn json(value: &impl Serialize) -> Self {
        Self::new(200).json_body(value)
    }

    pub fn json_body(self, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("what we answer is always JSON");
        self.header("content-type", "application/json").body(body)
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into().into_bytes()));
        self
    }

    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Names the newest event that this answer knows of: `user:1795310863007-0`.
    pub fn last_event(self, stream: Stream, position: StreamPosition) -> Self {
        self.header("last-event", format!("{stream}:{position}"))
    }

    /// Hands it to the runtime.
    pub fn into_raw(mut self) -> RawResponse {
        if self.status != 204 {
            self.headers.push(("content-length".to_owned(), self.body.len().to_string().into_bytes()));
        }
        let contents = (!self.body.is_empty()).then(|| {
            let (mut writer, reader) = wit_stream::new();
            wit_bindgen::spawn(async move {
                // What is left over when the client has gone is of no use to anybody.
                writer.write_all(self.body).await;
            });
            reader
        });
        raw(self.status, &self.headers, contents)
    }
}

/// What a component may answer with: a [`Response`], or one that the runtime has in hand already.
pub trait Answer {
    fn into_answer(self) -> RawResponse;
}

impl Answer for Response {
    fn into_answer(self) -> RawResponse {
        self.into_raw()
    }
}

impl Answer for RawResponse {
    fn into_answer(self) -> RawResponse {
        self
    }
}

/// A stream of server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
pub struct EventStream {
    writer: StreamWriter<u8>,
}

impl EventStream {
    /// The answer to return now, and the stream to write to from then on.
    pub fn open() -> (RawResponse, Self) {
        let (writer, reader) = wit_stream::new();
        let headers = [
            ("content-type".to_owned(), b"text/event-stream".to_vec()),
            ("cache-control".to_owned(), b"no-store".to_vec()),
        ];
        (raw(200, &headers, Some(reader)), Self { writer })
    }

    /// Writes a piece. False when nobody reads any more.
    pub async fn send(&mut self, text: String) -> bool {
        self.writer.write_all(text.into_bytes()).await.is_empty()
    }
}

fn raw(status: u16, headers: &[(String, Vec<u8>)], contents: Option<wit_bindgen::StreamReader<u8>>) -> RawResponse {
    let headers = Fields::from_list(headers).expect("our header names and values are valid");
    // No trailers: the writer's end is dropped, which delivers the default.
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = RawResponse::new(headers, contents, trailers);
    response.set_status_code(status).expect("our statuses are valid");
    response
}
