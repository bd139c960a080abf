//! Asking another service by HTTP. It is `spin_sdk::http::get` without the `http` crate's types, which cost a component 50 KiB.

use spin_sdk::{
    http::Uri,
    wasip3::{
        http::{
            client,
            types::{Fields, Scheme},
        },
        wit_bindgen::StreamResult,
        wit_future,
    },
};

use crate::raw;

/// Bytes of a body asked for at a time.
const CHUNK: usize = 4 * 1024;

/// `GET base` + `path`. Errors: no answer, or `base` is no http URL; in words for the log.
pub async fn get(base: &str, path: &str) -> Result<raw::Response, String> {
    let url: Uri = base.parse().map_err(|e| format!("{base:?} is no URL: {e}"))?;
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = raw::Request::new(Fields::new(), None, no_trailers, None);
    let scheme = match url.scheme_str() {
        Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        _ => return Err(format!("{base:?} is no http URL")),
    };
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    let set = request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(url.authority().map(|authority| authority.as_str())).is_ok()
        && request.set_path_with_query(Some(&path)).is_ok();
    if !set {
        return Err(format!("{base}{path} is no URL"));
    }
    client::send(request).await.map_err(|e| e.to_string())
}

/// The body of an answer. Errors: it breaks off, or is longer than `limit` bytes; then the rest is not read.
pub async fn body_of(answer: raw::Response, limit: usize) -> Result<Vec<u8>, String> {
    let (_done, result) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = raw::Response::consume_body(answer, result);
    let mut body = Vec::with_capacity(CHUNK);
    loop {
        let (result, filled) = stream.read(body).await;
        body = filled;
        if body.len() > limit {
            return Err(format!("the answer is longer than {limit} bytes"));
        }
        if !matches!(result, StreamResult::Complete(_)) {
            // Only here one learns whether the end was one.
            return trailers.await.map(|_| body).map_err(|e| e.to_string());
        }
        body.reserve(CHUNK);
    }
}
