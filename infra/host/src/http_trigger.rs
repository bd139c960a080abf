//! The HTTP trigger: from a request to the component that its path belongs to, and back. One a thread.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler, TrapOrPanicError};

use crate::drain::Draining;
use crate::engine::Active;
use crate::instances::{Factory, TakenBy};
use crate::metrics::{Asked, Reason, ThreadMetrics};
use crate::response_body::{ResponseBody, TooManyStreams};
use crate::routes::Router;
use crate::spin_headers::RouteHeaders;

/// Requests of one thread that components work on at a time. Each may need an instance of its own, and the pool has
/// room for 1000.
const MAX_IN_FLIGHT: usize = 256;
/// How long a request waits for one of these places.
const PLACE_LIMIT: Duration = Duration::from_millis(150);
/// Paths that Spin answers itself.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// Where a route leads.
pub struct Target {
    /// The index of the route.
    pub route: usize,
    /// The index of the component.
    pub component: usize,
    pub headers: RouteHeaders,
}

pub struct HttpTrigger {
    router: Arc<Router<Target>>,
    /// By the index of the component; those without a route have none.
    handlers: Vec<Option<ProxyHandler<Factory>>>,
    places: Semaphore,
    metrics: Arc<ThreadMetrics>,
    draining: Draining,
}

/// What is known of a connection.
pub struct Client {
    pub address: HeaderValue,
    /// For a request that names no host.
    pub listening_on: Authority,
}

impl HttpTrigger {
    pub fn new(
        router: Arc<Router<Target>>,
        handlers: Vec<Option<ProxyHandler<Factory>>>,
        metrics: Arc<ThreadMetrics>,
        draining: Draining,
    ) -> Self {
        Self { router, handlers, places: Semaphore::new(MAX_IN_FLIGHT), metrics, draining }
    }

    pub async fn handle(&self, request: Request<Incoming>, client: &Client) -> Response<ResponseBody> {
        let mut asked = self.metrics.requests.begin(request.method());
        let mut response = self.respond(request, client, &mut asked).await;
        asked.answered(&response);
        if self.draining.has_begun() {
            // The client sends its next request to somebody else.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        client: &Client,
        asked: &mut Asked<'_>,
    ) -> Response<ResponseBody> {
        let head = request.method() == Method::HEAD;
        let (route, component, request) = match self.route(request, client) {
            Ok(routed) => routed,
            Err(answer) => return *answer,
        };
        asked.of(route, component, self.metrics.component(component));
        let Some(_place) = self.place().await else {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
        };
        let _active = Active::new();
        let taken_by = TakenBy::default();
        let handler = self.handlers[component].as_ref().expect("a component with a route has a handler");
        match handler.handle(taken_by.clone(), request).await {
            Ok(response) => self.answer(response, head, component, &taken_by).await,
            Err(error) => self.failure(&error, component),
        }
    }

    /// The route and the component that the path belongs to, and the request as it sees it; or the answer, if there is none.
    fn route(
        &self,
        request: Request<Incoming>,
        client: &Client,
    ) -> Result<(usize, usize, Request<WasiBody>), Box<Response<ResponseBody>>> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return Err(Box::new(well_known(name)));
        }
        let Some(found) = self.router.find(path) else {
            return Err(Box::new(empty(StatusCode::NOT_FOUND)));
        };
        let Some(authority) = authority(&parts.uri, &parts.headers, client) else {
            return Err(Box::new(problem(StatusCode::BAD_REQUEST, "malformed-target")));
        };
        let path_and_query = parts.uri.path_and_query().cloned();
        let path_and_query = path_and_query.unwrap_or(PathAndQuery::from_static("/"));
        let added = found.target.headers.add(&mut parts.headers, &found, &authority, &path_and_query, &client.address);
        let (route, component) = (found.target.route, found.target.component);
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(authority);
        uri.path_and_query = Some(path_and_query);
        match (added, Uri::from_parts(uri)) {
            (Ok(()), Ok(uri)) => parts.uri = uri,
            _ => return Err(Box::new(problem(StatusCode::BAD_REQUEST, "malformed-target"))),
        }
        // Most requests have no body: they need no box for it.
        let body = if body.is_end_stream() {
            Empty::new().map_err(|never| match never {}).boxed_unsync()
        } else {
            body.map_err(Into::into).boxed_unsync()
        };
        Ok((route, component, Request::from_parts(parts, body)))
    }

    async fn place(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(place) = self.places.try_acquire() {
            return Some(place);
        }
        let waiting = tokio::time::timeout(PLACE_LIMIT, self.places.acquire());
        waiting.await.ok()?.ok()
    }

    async fn answer(
        &self,
        response: Response<WasiBody>,
        head: bool,
        component: usize,
        taken_by: &OnceLock<Arc<crate::instances::Health>>,
    ) -> Response<ResponseBody> {
        let (mut parts, body) = response.into_parts();
        let instance = taken_by.get().expect("an answer comes from an instance");
        if head {
            return Response::from_parts(parts, ResponseBody::empty());
        }
        let body = ResponseBody::from_guest(&mut parts.headers, body, instance.clone(), &self.draining);
        match tokio::time::timeout(crate::instances::REQUEST_LIMIT, body).await {
            Ok(Ok(body)) => Response::from_parts(parts, body),
            Ok(Err(error)) if error.is::<TooManyStreams>() => {
                let detail = "too many live streams are open; try again in a moment, or read the pages";
                problem_with(StatusCode::SERVICE_UNAVAILABLE, detail, "too-many-streams")
            }
            Ok(Err(error)) => {
                tracing::error!("an answer broke off: {error}");
                problem(StatusCode::SERVICE_UNAVAILABLE, "broken-off")
            }
            Err(_) => {
                self.metrics.component(component).timeouts.inc();
                problem(StatusCode::GATEWAY_TIMEOUT, "timed-out")
            }
        }
    }

    /// What became of a request that no component answered. The reason is for the log, not for the client.
    fn failure(&self, error: &wasmtime::Error, index: usize) -> Response<ResponseBody> {
        let component = self.handlers[index].as_ref().map_or("", |handler| handler.state().component());
        if error.is::<ExpirationError>() {
            tracing::error!(component, "a request was not answered within its time");
            self.metrics.component(index).timeouts.inc();
            return problem(StatusCode::GATEWAY_TIMEOUT, "timed-out");
        }
        if error.is::<InstantiationError<TakenBy>>() {
            tracing::error!(component, "no new instance: {error:#}");
            return problem(StatusCode::SERVICE_UNAVAILABLE, "no-instance");
        }
        if error.is::<TrapOrPanicError>() {
            // It was reported where the instance ended.
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "trapped");
        }
        tracing::error!(component, "the handler failed: {error:#}");
        problem(StatusCode::INTERNAL_SERVER_ERROR, "handler-failed")
    }
}

/// The authority that the request is addressed to.
fn authority(uri: &Uri, headers: &HeaderMap, client: &Client) -> Option<Authority> {
    if let Some(authority) = uri.authority() {
        return Some(authority.clone());
    }
    let Some(host) = headers.get(header::HOST) else {
        return Some(client.listening_on.clone());
    };
    // Nearly always the address that the host listens on, which needs no parsing.
    if host.as_bytes() == client.listening_on.as_str().as_bytes() {
        return Some(client.listening_on.clone());
    }
    Authority::try_from(host.as_bytes()).ok()
}

fn well_known(name: &str) -> Response<ResponseBody> {
    match name {
        "health" => Response::new(ResponseBody::Whole(Some(Bytes::from_static(b"OK")))),
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
}

/// The reason is for the metrics.
fn problem(status: StatusCode, reason: &'static str) -> Response<ResponseBody> {
    let detail = match status {
        StatusCode::BAD_REQUEST => "the Host header or the request target is not valid",
        StatusCode::SERVICE_UNAVAILABLE => "there is too much to do, or an answer broke off; try again in a moment",
        StatusCode::GATEWAY_TIMEOUT => "it took too long",
        _ => "something went wrong here; it is in the log",
    };
    problem_with(status, detail, reason)
}

fn problem_with(status: StatusCode, detail: &str, reason: &'static str) -> Response<ResponseBody> {
    let title = status.canonical_reason().unwrap_or_default();
    let body =
        format!(r#"{{"type":"about:blank","title":"{title}","status":{},"detail":"{detail}"}}"#, status.as_u16());
    let mut response = empty(status);
    response.extensions_mut().insert(Reason(reason));
    *response.body_mut() = ResponseBody::Whole(Some(body.into()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
