//! What cannot be put under load: nothing there, something else there, or ours and not up.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use dev::Part;
use dev::ports::Port;
use tests::running::Own;

use crate::generator::{Ended, Generator, shipped};

/// What is promised. The program itself gives up after three.
const BOUND: Duration = Duration::from_secs(5);

async fn refused(url: &str) -> Ended {
    let generator = Generator::new();
    let begun = Instant::now();
    let ended = generator.go("run", &shipped("serial"), url, &[]).await.is(2);
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    assert!(ended.said.lines().count() == 1 && ended.said.contains(url), "{}", ended.said);
    assert!(generator.files("").is_empty());
    ended
}

/// A server that does the same with everybody who connects.
fn server(serve: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    url
}

/// A plain HTTP server that answers each request with what it makes of the path.
fn http(body: fn(&str) -> (u16, String)) -> String {
    server(move |mut stream| {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let request = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let (status, body) = body(request.split(' ').nth(1).unwrap_or_default());
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    })
}

#[tokio::test]
async fn nothing_is_there() {
    let port = Port::Any.choose().unwrap();
    refused(&format!("http://127.0.0.1:{port}")).await.says(&["nothing listens there", "make up"]);
    refused("http://nowhere.invalid:9000").await.says(&["unknown host"]);
}

#[tokio::test]
async fn another_server_is_there() {
    for url in [
        http(|_| (200, "hello".into())),
        http(|_| (404, "<html>not found</html>".into())),
        http(|_| (200, "[1]".into())),
        http(|_| (503, "{}".into())),
        // Many systems have such health routes.
        http(|path| if path.contains("health") { (200, r#"{"status":"UP"}"#.into()) } else { (404, "{}".into()) }),
        http(|_| (200, r#"{"status":"UP","users":1,"friendships":2}"#.into())),
        server(|mut stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"))),
        server(drop),
    ] {
        refused(&url).await.says(&["is not the social network"]);
    }
}

#[tokio::test]
async fn who_is_there_says_nothing() {
    let url = server(|_stream| thread::sleep(Duration::from_secs(60)));
    refused(&url).await.says(&["did not answer within 3 s"]);
}

#[tokio::test]
async fn ours_is_there_and_not_up() {
    let own = Own::start().await;
    own.kill(Part::Worker).await;
    refused(&own.url()).await.says(&["/recommendation/actuator/health", "it is not up", "worker"]);
    own.kill(Part::Redis).await;
    refused(&own.url()).await.says(&["/user/actuator/health", "it is not up", "redis"]);
}
