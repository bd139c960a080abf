//! `probe ADDRESS:PORT/PATH`: exits with 0 when that answers 200, with 1 when it does not, with 2 when it was called
//! wrongly. An image without a shell has no curl: this is its health check, and it needs nothing but the kernel.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// Longer than a healthy part takes to answer by far, shorter than the timeout of the health checks (3 s).
const PATIENCE: Duration = Duration::from_secs(2);

/// "HTTP/1.1 200": as much of an answer as is read.
const STATUS_LINE: usize = 12;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let target = argument.find('/').and_then(|slash| Some((argument[..slash].parse().ok()?, &argument[slash..])));
    let Some((address, path)) = target else {
        eprintln!("probe: {argument:?}: it is ADDRESS:PORT/PATH, such as 127.0.0.1:9100/readyz");
        return ExitCode::from(2);
    };
    match status(address, path) {
        Ok(status) if status.ends_with(" 200") => ExitCode::SUCCESS,
        Ok(status) => {
            eprintln!("probe: {argument} answers {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("probe: {argument}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn status(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; STATUS_LINE];
    stream.read_exact(&mut start)?;
    Ok(String::from_utf8_lossy(&start).into_owned())
}
