//! Outbound HTTP of components: plain http, to allowed hosts, over kept connections.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderName, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::{self, Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks,
};

use crate::app::ComponentSpec;
use crate::metrics::{ComponentMetrics, Failure};

/// For a request that sets no limit of its own.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// As above. Below the host's own limit for a request, so that the component can still answer.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(20);
/// An idle connection is closed before a usual server closes it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_IDLE_PER_HOST: usize = 32;

tokio::task_local! {
    /// The connector is given an address only; the request's limit reaches it this way.
    static CONNECT_LIMIT: Duration;
}

/// The connections of one thread.
#[derive(Clone)]
pub struct HttpClient(Client<Connector, WasiBody>);

impl HttpClient {
    pub fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .build(Connector(tcp));
        Self(client)
    }

    async fn send(&self, request: Request<WasiBody>, options: RequestOptions) -> Result<Response<WasiBody>, Error> {
        let connect = options.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        let first_byte = options.first_byte_timeout.unwrap_or(FIRST_BYTE_TIMEOUT);
        let response = CONNECT_LIMIT.scope(connect, self.0.request(request));
        match tokio::time::timeout(connect + first_byte, response).await {
            Ok(Ok(response)) => Ok(response.map(|body| body.map_err(|e| from_hyper(&e)).boxed_unsync())),
            Ok(Err(error)) => Err(from_client(&error)),
            Err(_) => Err(Error::ConnectionReadTimeout),
        }
    }
}

#[derive(Clone)]
struct Connector(HttpConnector);

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(context).map_err(io::Error::other)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let limit = CONNECT_LIMIT.try_with(|l| *l).unwrap_or(CONNECT_TIMEOUT);
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(io::Error::other),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }
}

/// One instance's way out.
pub struct Outbound {
    spec: Arc<ComponentSpec>,
    client: HttpClient,
    metrics: Arc<ComponentMetrics>,
}

impl Outbound {
    pub fn new(spec: Arc<ComponentSpec>, client: HttpClient, metrics: Arc<ComponentMetrics>) -> Self {
        Self { spec, client, metrics }
    }

    fn check(&self, uri: &Uri) -> Result<(), Error> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        let hosts = &self.spec.allowed_hosts;
        if !hosts.allows(scheme, host, uri.port_u16()) {
            tracing::warn!(
                component = self.spec.id,
                "refused a request to {scheme}://{}: it is not in allowed_outbound_hosts",
                uri.authority().map_or("", |a| a.as_str())
            );
            return Err(Error::HttpRequestDenied);
        }
        if uri.scheme() != Some(&Scheme::HTTP) {
            return Err(Error::InternalError(Some(format!(
                "the embedded host speaks http only, not {scheme}: use Spin, or a local proxy"
            ))));
        }
        Ok(())
    }
}

fn is_forbidden(name: &HeaderName) -> bool {
    // The two that come with nearly every request, before the list.
    *name == header::HOST || DEFAULT_FORBIDDEN_HEADERS.contains(name)
}

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outbound {
    // The default makes a new Arc for each header.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let checked = self.check(request.uri());
        let (client, metrics) = (self.client.clone(), self.metrics.clone());
        Box::new(async move {
            let call = metrics.http.begin();
            let response = match checked {
                Ok(()) => client.send(request, options.unwrap_or_default()).await,
                Err(error) => Err(error),
            };
            call.end(response.as_ref().err().map(failure));
            let response = response?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }
}

/// An answer of any status is one: the component is told, and says what it makes of it.
fn failure(error: &Error) -> Failure {
    match error {
        Error::HttpRequestDenied => Failure::Denied,
        Error::ConnectionTimeout | Error::ConnectionReadTimeout => Failure::Timeout,
        _ => Failure::Connection,
    }
}

fn from_hyper(error: &hyper::Error) -> Error {
    if error.is_timeout() {
        Error::ConnectionReadTimeout
    } else if error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else {
        Error::HttpProtocolError
    }
}

fn from_client(error: &legacy::Error) -> Error {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(hyper) = current.downcast_ref::<hyper::Error>() {
            return from_hyper(hyper);
        }
        if let Some(io) = current.downcast_ref::<io::Error>() {
            match io.kind() {
                io::ErrorKind::ConnectionRefused => return Error::ConnectionRefused,
                io::ErrorKind::TimedOut => return Error::ConnectionTimeout,
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    return Error::ConnectionTerminated;
                }
                _ => {}
            }
        }
        cause = current.source();
    }
    if error.is_connect() { Error::DestinationUnavailable } else { Error::ConnectionTerminated }
}
