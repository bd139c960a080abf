//! Many connections kept busy, each with one call at a time, on one thread.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{Answer, Connection};

/// A call that takes longer counts as unanswered. The system's own limit is below 2 s.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// What to wait for before a broken connection is opened again.
const PAUSE: Duration = Duration::from_millis(100);

/// What to send, and what to do with what comes back. One thread calls all of it.
pub trait Work {
    /// Writes the next call's request and names the call. None: there is none left.
    fn next(&self, request: &mut Vec<u8>) -> Option<usize>;

    /// Takes a call's answer, or why there is none, and how long it took.
    fn done(&self, call: usize, answer: io::Result<Answer<'_>>, took: Duration);
}

/// Calls over `connections` connections until the work has none left.
pub async fn drive(address: SocketAddr, connections: usize, work: &impl Work) {
    join_all((0..connections).map(|_| one(address, work))).await;
}

async fn one(address: SocketAddr, work: &impl Work) {
    let mut connection = None;
    let mut request = Vec::new();
    while let Some(call) = work.next(&mut request) {
        let begun = Instant::now();
        let answered = timeout(CALL_LIMIT, send(&mut connection, address, &request)).await;
        let answer = answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let (failed, closing) = match &answer {
            Ok(answer) => (false, answer.header("connection").is_some_and(|say| say.eq_ignore_ascii_case("close"))),
            Err(_) => (true, false),
        };
        work.done(call, answer, begun.elapsed());
        if failed || closing {
            connection = None;
        }
        if failed {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn send<'a>(
    connection: &'a mut Option<Connection>,
    address: SocketAddr,
    request: &[u8],
) -> io::Result<Answer<'a>> {
    let open = match connection.take() {
        Some(open) => open,
        None => Connection::open(address).await?,
    };
    connection.insert(open).call(request).await
}
