//! What the generator itself reaches: against a server that reads a request and writes an answer, and nothing else.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use load::drive::{Connections, Work};
use load::pace::Schedule;
use load::people::Person;
use load::{Answer, Requests, Tally};

use crate::processor;
use crate::report::text::whole;

const CONNECTIONS: usize = 64;
const SECONDS: f64 = 3.0;
/// Rates for the open model, of what the closed one reached.
const SHARES: [f64; 3] = [0.1, 0.25, 0.5];
/// As long as a usual answer of the system.
const ANSWER: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\netag: \"1\"\r\n\
    last-event: user:1795317412834-0\r\ncontent-length: 126\r\ndate: Sun, 22 Nov 2026 03:16:52 GMT\r\n\r\n\
    {\"id\":1,\"firstName\":\"Ada\",\"lastName\":\"Lovelace\",\"createdAt\":\"2026-11-22T03:16:52.833Z\",\
    \"updatedAt\":\"2026-11-22T03:16:52.833Z\"}";

pub async fn measure() -> Result<()> {
    let address = serve()?;
    println!("{CONNECTIONS} connections to a server that does nothing, {SECONDS} s each; it takes processors as well.");
    let closed = turn(address, None).await?;
    println!("closed model: {}", closed.text());
    for share in SHARES {
        let rate = (share * closed.per_second).round();
        let open = turn(address, Some(rate)).await?;
        println!("open model, {}/s offered: {}, begun late by p99 {:.3} ms", whole(rate), open.text(), open.late_ms);
    }
    Ok(())
}

/// A thread for each connection: simple, and it does not take its time from the generator's thread.
fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || -> io::Result<()> {
                stream.set_nodelay(true)?;
                let mut request = [0; 4096];
                while stream.read(&mut request)? > 0 {
                    stream.write_all(ANSWER)?;
                }
                Ok(())
            });
        }
    });
    Ok(address)
}

struct Turn {
    per_second: f64,
    p99_ms: f64,
    late_ms: f64,
    /// Of one processor, the server's part not among it.
    us_a_call: f64,
}

impl Turn {
    fn text(&self) -> String {
        format!(
            "{}/s, p99 {:.2} ms, {:.1} us of the generator's processor time a call",
            whole(self.per_second),
            self.p99_ms,
            self.us_a_call
        )
    }
}

struct Calls {
    requests: Requests,
    until: Instant,
    schedule: Option<Schedule>,
    tally: RefCell<Tally>,
    failed: Cell<Option<io::ErrorKind>>,
    rng: RefCell<fastrand::Rng>,
}

impl Work for Calls {
    type Call = ();

    async fn turn(&self) -> Option<Instant> {
        match &self.schedule {
            Some(schedule) => schedule.turn().await,
            None => Some(Instant::now()).filter(|now| *now < self.until),
        }
    }

    fn next(&self, request: &mut Vec<u8>) -> Option<()> {
        self.requests.create_user(request, &Person::random(&mut self.rng.borrow_mut()));
        Some(())
    }

    fn done(&self, (): (), answer: io::Result<Answer<'_>>, took: Duration) {
        match answer {
            Ok(answer) => self.tally.borrow_mut().answered(answer.status, took),
            Err(error) => self.failed.set(Some(error.kind())),
        }
    }
}

async fn turn(address: SocketAddr, rate: Option<f64>) -> Result<Turn> {
    let connections = Connections::open(address, CONNECTIONS).await;
    let (begun, before) = (Instant::now(), processor::of_this_thread());
    let calls = Calls {
        requests: Requests::to(&address.to_string()),
        until: begun + Duration::from_secs_f64(SECONDS),
        schedule: rate.map(|rate| Schedule::new(rate, (rate * SECONDS) as u64)),
        tally: RefCell::default(),
        failed: Cell::default(),
        rng: fastrand::Rng::with_seed(1).into(),
    };
    let pace = async {
        match &calls.schedule {
            Some(schedule) => schedule.keep().await,
            None => Ok(()),
        }
    };
    let (paced, ()) = tokio::join!(pace, connections.drive(&calls));
    paced?;
    if let Some(kind) = calls.failed.get() {
        return Err(io::Error::from(kind).into());
    }
    let (used, took) = (processor::of_this_thread() - before, begun.elapsed());
    let tally = calls.tally.into_inner();
    Ok(Turn {
        per_second: tally.answers() as f64 / took.as_secs_f64(),
        p99_ms: tally.ms(0.99),
        late_ms: calls.schedule.map_or(0.0, |schedule| schedule.into_lateness().ms(0.99)),
        us_a_call: used.as_secs_f64() * 1e6 / tally.answers().max(1) as f64,
    })
}
