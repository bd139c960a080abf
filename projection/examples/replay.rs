//! How fast the worker replays a stream, against loops over the same stream that do nothing with it.
//!
//! `cargo run --profile native -p projection --example replay -- EVENTS [ROUNDS]`
//!
//! It starts a Redis of its own, fills `events:friend` with friendships of the shape that the functions write, and
//! measures in turn, round by round, so that what else the machine does meets all of them alike:
//!
//! * `client`: XRANGE with the redis crate, as many entries a reply as the worker reads, the replies dropped;
//! * `socket`: XRANGE on a plain socket, only the end of each reply is found;
//! * `replay`: the worker's own way, from connecting to the last event applied;
//! * `apply`: of that, only the applying, of batches decoded before.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::event::Stream;
use domain::{StreamPosition, Timestamp};
use projection::dead_letters::DeadLetters;
use projection::log::resp::{Cursor, Stop, position};
use projection::metrics::Metrics;
use projection::server::Server;
use projection::snapshot::StreamPart;
use projection::tail::{Batch, Tail, TailStatus};
use projection::view::{Entry, View};
use redis::Value;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// About what the worker's replies have.
const COUNT: usize = 1_400;
/// Events added by one pipeline.
const PIPELINE: u64 = 2_000;
/// Of the people and friendships in the largest graph of the benchmarks, one and sixteen million.
const FRIENDSHIPS_EACH: u64 = 16;
const ROUNDS: usize = 5;
/// A Redis that does not answer after this long is broken.
const START: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let numbers: Vec<Option<u64>> = std::env::args().skip(1).map(|text| text.parse().ok()).collect();
    let (events, rounds) = match numbers[..] {
        [Some(events @ 1..)] => (events, ROUNDS),
        [Some(events @ 1..), Some(rounds @ 1..)] => (events, rounds as usize),
        _ => {
            eprintln!("usage: replay EVENTS [ROUNDS], both at least 1");
            return ExitCode::from(2);
        }
    };
    match run(events, rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(events: u64, rounds: usize) -> Outcome<()> {
    let redis = Redis::start()?;
    let mut client = redis::Client::open(redis.url())?.get_connection()?;
    let start = Instant::now();
    fill(&mut client, events)?;
    let bytes: u64 = redis::cmd("MEMORY").arg("USAGE").arg(Stream::Friend.key()).query(&mut client)?;
    let (filled, each) = (rate(events, start.elapsed()), bytes / events);
    println!("{events} events, {each} bytes each in Redis, added at {filled}/s; {rounds} rounds, events/s:");
    println!(
        "{:>10} {:>10} {:>10} {:>10} {:>15} {:>15}",
        "client", "socket", "replay", "apply", "replay/client", "replay/socket"
    );
    let mut table = Vec::new();
    for _ in 0..rounds {
        let row = [
            time(events, || through_client(&mut client))?,
            time(events, || through_socket(redis.port))?,
            time(events, || replay(&redis.url(), events))?,
            apply_alone(&redis.url(), events)?,
        ];
        print(row);
        table.push(row);
    }
    println!("median of each, and the ratios of these:");
    print([0, 1, 2, 3].map(|column| median(table.iter().map(|row| row[column]).collect())));
    Ok(())
}

fn print([client, socket, replay, apply]: [u64; 4]) {
    let ratio = |bound: u64| replay as f64 / bound as f64;
    println!("{client:>10} {socket:>10} {replay:>10} {apply:>10} {:>15.2} {:>15.2}", ratio(client), ratio(socket));
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

fn rate(events: u64, time: Duration) -> u64 {
    (events as f64 / time.as_secs_f64()) as u64
}

/// Events a second of what says how many it met.
fn time(events: u64, work: impl FnOnce() -> Outcome<u64>) -> Outcome<u64> {
    let start = Instant::now();
    match work()? {
        met if met == events => Ok(rate(events, start.elapsed())),
        met => Err(format!("{met} events of {events}").into()),
    }
}

/// A Redis that is gone with all that it has at the end.
struct Redis {
    port: u16,
    folder: PathBuf,
    process: Child,
}

impl Redis {
    fn start() -> Outcome<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("projection-replay-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let process = command.arg("--dir").arg(&folder).stdout(Stdio::null()).spawn()?;
        let redis = Self { port, folder, process };
        let client = redis::Client::open(redis.url())?;
        let start = Instant::now();
        while let Err(error) = client.get_connection() {
            if start.elapsed() > START {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(redis)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A small generator with a fixed seed (xorshift), so that every run is the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A person: the smaller of two uniform draws, so that some have many more friends than others.
    fn person(&mut self, people: u64) -> u64 {
        (self.next() % people).min(self.next() % people) + 1
    }
}

fn fill(client: &mut redis::Connection, events: u64) -> Outcome<()> {
    let (mut random, people) = (Random(0x9E37_79B9_7F4A_7C15), (events / FRIENDSHIPS_EACH).max(1_000));
    let mut id = 0;
    while id < events {
        let mut pipeline = redis::pipe();
        for _ in 0..PIPELINE.min(events - id) {
            id += 1;
            let (user, other) = (random.person(people), random.person(people));
            let friend = if other == user { user + 1 } else { other };
            let time = Timestamp::from_millis(1_795_317_412_856 + id).to_string();
            let (number, key) = (random.next(), Stream::Friend.key());
            let uuid = format!("01a20141-b3f8-7{:03x}-bbcb-{:012x}", id % 4096, number >> 16);
            let subject = format!("friendship/{}-{}", user.min(friend), user.max(friend));
            let data = format!(
                r#"{{"id":{id},"userId":{user},"friendId":{friend},"createdAt":"{time}","updatedAt":"{time}"}}"#
            );
            let add = pipeline.cmd("XADD").arg(key).arg("*").arg("id").arg(uuid).arg("source").arg("/friend");
            add.arg("type").arg("FRIEND_ADDED").arg("subject").arg(subject).arg("version").arg("1");
            add.arg("time").arg(&time).arg("data").arg(data).ignore();
        }
        pipeline.exec(client)?;
    }
    Ok(())
}

fn through_client(client: &mut redis::Connection) -> Outcome<u64> {
    let (mut after, mut met) = ("-".to_owned(), 0);
    loop {
        let mut command = redis::cmd("XRANGE");
        let reply = command.arg(Stream::Friend.key()).arg(&after).arg("+").arg("COUNT").arg(COUNT).query(client)?;
        let Value::Array(entries) = reply else {
            return Err("no entries".into());
        };
        match entries.last() {
            None => return Ok(met),
            Some(Value::Array(last)) => match &last[..] {
                [Value::BulkString(id), _] => after = format!("({}", String::from_utf8_lossy(id)),
                _ => return Err("no entry".into()),
            },
            Some(_) => return Err("no entry".into()),
        }
        met += entries.len() as u64;
    }
}

/// Reads replies on a blocking socket. Of an entry only the end is looked for, of the last one the position.
fn through_socket(port: u16) -> Outcome<u64> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_nodelay(true)?;
    let (mut buffer, mut after, mut met) = (vec![0; 8 << 20], "-".to_owned(), 0);
    loop {
        let mut command = redis::cmd("XRANGE");
        command.arg(Stream::Friend.key()).arg(&after).arg("+").arg("COUNT").arg(COUNT);
        socket.write_all(&command.get_packed_command())?;
        let (entries, last) = read_reply(&mut socket, &mut buffer)?;
        if entries == 0 {
            return Ok(met);
        }
        met += entries as u64;
        let mut cursor = Cursor::new(&buffer, last);
        let id = cursor.array().and_then(|_| cursor.text()).map_err(|error| format!("{error:?}"))?;
        after = format!("({}", position(id.of(&buffer)).ok_or("no position")?);
    }
}

/// How many entries a reply has, and where in the buffer the last one begins.
fn read_reply(socket: &mut TcpStream, buffer: &mut [u8]) -> Outcome<(usize, usize)> {
    let (mut filled, mut parsed, mut met, mut last, mut entries) = (0, 0, 0, 0, None);
    while entries != Some(met) {
        let mut cursor = Cursor::new(&buffer[..filled], parsed);
        let step = match entries {
            None => cursor.array().map(|count| entries = Some(count.unwrap_or(0))),
            Some(_) => cursor.skip().map(|()| (met, last) = (met + 1, parsed)),
        };
        match step {
            Ok(()) => parsed = cursor.at(),
            Err(Stop::Incomplete(_)) => match socket.read(&mut buffer[filled..])? {
                0 => return Err("the reply ends or is too large".into()),
                read => filled += read,
            },
            Err(error) => return Err(format!("{error:?}").into()),
        }
    }
    Ok((met, last))
}

/// The worker's tail as it is; hands its batches on until all events have come.
fn tail(url: &str, events: u64, mut batch: impl FnMut(Vec<Entry>)) -> Outcome<()> {
    let runtime = Runtime::new()?;
    let server = Server::new("url", url)?;
    let letters = DeadLetters::new(server.clone(), Arc::new(Metrics::default()));
    let (batches, mut received) = mpsc::channel(4);
    let status = Arc::new(TailStatus::new(0, 0));
    let tail = Tail::new(Stream::Friend, server, status, letters, batches, StreamPart::default());
    let task = runtime.spawn(tail.run());
    let mut read = 0;
    while read < events {
        match received.blocking_recv() {
            Some(Batch::Entries(_, entries, all)) => {
                read = all;
                batch(entries);
            }
            _ => return Err("the tail gave up".into()),
        }
    }
    task.abort();
    Ok(())
}

fn replay(url: &str, events: u64) -> Outcome<u64> {
    let (view, metrics) = (View::default(), Metrics::default());
    let mut applied = 0;
    tail(url, events, |entries| {
        view.apply(Stream::Friend, &entries, |event| {
            metrics.applied(event);
            applied += 1;
        });
    })?;
    match view.positions().friend {
        StreamPosition::START => Err("nothing was applied".into()),
        _ => Ok(applied),
    }
}

fn apply_alone(url: &str, events: u64) -> Outcome<u64> {
    let mut decoded = Vec::new();
    tail(url, events, |entries| decoded.push(entries))?;
    let (view, metrics) = (View::default(), Metrics::default());
    time(events, || {
        let mut applied = 0;
        for entries in decoded {
            view.apply(Stream::Friend, &entries, |event| {
                metrics.applied(event);
                applied += 1;
            });
        }
        Ok(applied)
    })
}
