//! A connection of its own for reading a stream: large replies, nothing allocated for an entry.

use std::io;
use std::time::Duration;

use domain::StreamPosition;
use domain::event::Stream;
use redis::{Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::reply::{Asked, ReadError, Reply};
use super::resp::{Cursor, Stop};
use crate::server::TIMEOUT;

trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// One command at a time: what is asked has to be received before something else is asked.
pub struct Connection {
    socket: Box<dyn Socket>,
    asked: Asked,
    /// How long the first byte of the answer may take.
    patience: Duration,
}

impl Connection {
    /// Connects, and logs in as the URL says.
    pub async fn open(server: &ConnectionInfo) -> RedisResult<Self> {
        let socket = within(TIMEOUT, connect(server.addr())).await?;
        let mut connection = Self { socket, asked: Asked::Info, patience: TIMEOUT };
        let settings = server.redis_settings();
        if let Some(password) = settings.password() {
            let mut login = redis::cmd("AUTH");
            login.arg(settings.username()).arg(password);
            connection.run(&login).await?;
        }
        if settings.db() != 0 {
            connection.run(redis::cmd("SELECT").arg(settings.db())).await?;
        }
        Ok(connection)
    }

    /// Asks for the entries after a position, at most `count`; Redis waits for the first one, as long as `block`.
    pub async fn ask(
        &mut self,
        stream: Stream,
        after: StreamPosition,
        count: usize,
        block: Duration,
    ) -> RedisResult<()> {
        let mut read = redis::cmd("XREAD");
        read.arg("COUNT").arg(count).arg("BLOCK").arg(block.as_millis() as u64);
        read.arg("STREAMS").arg(stream.key()).arg(after.to_string());
        self.send(Asked::Read, stream, Some(read), TIMEOUT + block).await
    }

    /// Asks for the entries after a position up to another one.
    pub async fn ask_between(
        &mut self,
        stream: Stream,
        (after, last): (StreamPosition, StreamPosition),
        count: usize,
    ) -> RedisResult<()> {
        let mut range = redis::cmd("XRANGE");
        range.arg(stream.key()).arg(format!("({after}")).arg(last.to_string()).arg("COUNT").arg(count);
        self.send(Asked::Range, stream, Some(range), TIMEOUT).await
    }

    /// Asks for what Redis knows of a stream, and for no entries.
    pub async fn ask_info(&mut self, stream: Stream) -> RedisResult<()> {
        self.send(Asked::Info, stream, None, TIMEOUT).await
    }

    async fn send(
        &mut self,
        asked: Asked,
        stream: Stream,
        entries: Option<Cmd>,
        patience: Duration,
    ) -> RedisResult<()> {
        (self.asked, self.patience) = (asked, patience);
        let mut bytes = entries.map(|command| command.get_packed_command()).unwrap_or_default();
        bytes.extend(redis::cmd("XINFO").arg("STREAM").arg(stream.key()).get_packed_command());
        within(TIMEOUT, self.socket.write_all(&bytes)).await
    }

    /// Receives what was asked for. After an error the connection is of no use.
    pub async fn receive(&mut self, reply: &mut Reply) -> Result<(), ReadError> {
        reply.begin(self.asked);
        let mut patience = self.patience;
        while !reply.advance()? {
            self.read_some(reply.room(), patience).await?;
            // A large reply may take long; a silence must not.
            patience = TIMEOUT;
        }
        Ok(())
    }

    async fn read_some(&mut self, buffer: &mut Vec<u8>, patience: Duration) -> RedisResult<()> {
        match within(patience, self.socket.read_buf(buffer)).await? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(()),
        }
    }

    /// Runs a command that is answered with a line.
    async fn run(&mut self, command: &Cmd) -> RedisResult<()> {
        within(TIMEOUT, self.socket.write_all(&command.get_packed_command())).await?;
        let mut buffer = Vec::new();
        loop {
            match Cursor::new(&buffer, 0).line() {
                Ok(_) => return redis::parse_redis_value(&buffer)?.extract_error().map(drop),
                Err(Stop::Incomplete(_)) => self.read_some(&mut buffer, TIMEOUT).await?,
                Err(_) => return Err((ErrorKind::Parse, "Redis does not answer with a line").into()),
            }
        }
    }
}

async fn connect(address: &ConnectionAddr) -> io::Result<Box<dyn Socket>> {
    match address {
        ConnectionAddr::Tcp(host, port) => {
            let socket = TcpStream::connect((host.as_str(), *port)).await?;
            socket.set_nodelay(true)?;
            Ok(Box::new(socket))
        }
        ConnectionAddr::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        // The client refuses such a URL already.
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "an address that this worker cannot reach")),
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> RedisResult<T> {
    match timeout(patience, work).await {
        Ok(result) => result.map_err(RedisError::from),
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}
