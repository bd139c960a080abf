//! The ceiling: what a plain native server reaches that does the same parsing, the same decision and the same script as
//! the components, over one multiplexed connection. It answers the three routes that are measured, and nothing else.

mod commands;
mod problem;
mod request;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use event_store::native::NativeRedis;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use problem::Problem;

type Answer = Response<Full<Bytes>>;

/// The components' time limit.
const TIME_LIMIT: Duration = Duration::from_millis(1_800);

/// Serves until standard input ends, which it does when the benchmark ends, however that happens. Prints its address.
pub fn run(redis_url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(async {
        let redis = NativeRedis::open(redis_url).await?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        println!("{}", listener.local_addr()?);
        tokio::spawn(accept(listener, redis));
        anyhow::Ok(())
    })?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

async fn accept(listener: TcpListener, redis: NativeRedis) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, redis.clone()))),
            Err(error) => eprintln!("ceiling: cannot accept a connection: {error}"),
        }
    }
}

async fn connection(stream: TcpStream, redis: NativeRedis) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| {
        let redis = redis.clone();
        async move { Ok::<_, Infallible>(answer(request, &redis).await) }
    });
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // A client that hangs up is no news.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, redis: &NativeRedis) -> Answer {
    match tokio::time::timeout(TIME_LIMIT, route(request, redis)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(problem)) => problem.into_answer(),
        Err(_) => Problem::unavailable("it took too long").into_answer(),
    }
}

async fn route(request: Request<Incoming>, redis: &NativeRedis) -> Result<Answer, Problem> {
    let path = request.uri().path().to_owned();
    let mut segments = path.split('/').skip(1);
    let segments: [&str; 6] = std::array::from_fn(|_| segments.next().unwrap_or_default());
    match (request.method().as_str(), segments) {
        ("POST", ["user", "v1", "users", "", ..]) => commands::create_user(request, redis).await,
        ("GET", ["user", "v1", "users", id, "", ..]) => commands::user(id, redis).await,
        ("POST", ["friend", "v1", "users", id, "commands", "addFriend"]) => {
            commands::add_friend(id, &request, redis).await
        }
        _ => Err(Problem::not_found("this server has only the three routes that are measured")),
    }
}
