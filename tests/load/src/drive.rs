//! Many connections kept busy, each with one call at a time, on one thread.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{Answer, Connection};

/// A call that takes longer counts as unanswered. The system's own limit is below 2 s.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// For opening the connections before the first call: what is not open by then is opened for its first call.
const OPEN_LIMIT: Duration = Duration::from_secs(2);
/// What to wait for before a broken connection is opened again.
const PAUSE: Duration = Duration::from_millis(100);

/// What to send, and what to do with what comes back. One thread calls all of it.
pub trait Work {
    /// What is remembered of a call until its answer comes.
    type Call;

    /// Waits until a call may begin, and says from when on its time counts. None: there is none left.
    ///
    /// In a closed loop that is whenever a connection is free.
    fn turn(&self) -> impl Future<Output = Option<Instant>> {
        std::future::ready(Some(Instant::now()))
    }

    /// Writes the next call's request and names the call. None: there is none left.
    fn next(&self, request: &mut Vec<u8>) -> Option<Self::Call>;

    /// Takes a call's answer, or why there is none, and how long it took.
    fn done(&self, call: Self::Call, answer: io::Result<Answer<'_>>, took: Duration);
}

/// Connections to a server, those that could not be opened among them.
pub struct Connections {
    address: SocketAddr,
    open: Vec<Option<Connection>>,
}

impl Connections {
    pub async fn open(address: SocketAddr, count: usize) -> Self {
        let open = (0..count).map(|_| async { timeout(OPEN_LIMIT, Connection::open(address)).await.ok()?.ok() });
        Self { address, open: join_all(open).await }
    }

    /// Calls over all of them until the work has none left.
    pub async fn drive(self, work: &impl Work) {
        join_all(self.open.into_iter().map(|connection| one(self.address, connection, work))).await;
    }
}

/// Calls over `count` connections until the work has none left.
pub async fn drive(address: SocketAddr, count: usize, work: &impl Work) {
    let connections = Connections { address, open: (0..count).map(|_| None).collect() };
    connections.drive(work).await;
}

async fn one(address: SocketAddr, mut connection: Option<Connection>, work: &impl Work) {
    let mut request = Vec::new();
    while let Some(begun) = work.turn().await {
        let Some(call) = work.next(&mut request) else { break };
        let answered = timeout(CALL_LIMIT, send(&mut connection, address, &request)).await;
        let answer = answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let (failed, closing) = (answer.is_err(), answer.as_ref().is_ok_and(|answer| answer.closing));
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
    let open = match connection.take().filter(Connection::is_open) {
        Some(open) => open,
        None => Connection::open(address).await?,
    };
    connection.insert(open).call(request).await
}
