//! One measurement: one kind of call, to one server, over so many connections, for so long.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use anyhow::Result;
use dev::Part;
use fastrand::Rng;
use load::drive::{Work, drive};
use load::people::Person;
use load::{Answer, Requests, Tally};
use serde::Serialize;
use tokio::time::sleep_until;

use crate::bed::{Bed, Server};
use crate::figures::ratio;
use crate::processes;

/// Before each measurement: connections are opened, instances made, caches filled.
const WARM_UP: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Call {
    CreateUser,
    AddFriend,
    GetUser,
}

impl Call {
    pub const ALL: [Call; 3] = [Call::CreateUser, Call::AddFriend, Call::GetUser];

    pub fn name(self) -> &'static str {
        match self {
            Call::CreateUser => "createUser",
            Call::AddFriend => "addFriend",
            Call::GetUser => "GET user",
        }
    }

    fn expected(self) -> u16 {
        if self == Call::GetUser { 200 } else { 201 }
    }

    pub fn is_command(self) -> bool {
        self != Call::GetUser
    }
}

/// What calls are made of. It never asks for the same friendship twice.
pub struct Material {
    /// People 1 to this are there.
    people: u64,
    pairs: Cell<u64>,
    rng: RefCell<Rng>,
}

impl Material {
    pub fn new(people: u64) -> Self {
        Self { people, pairs: Cell::new(0), rng: RefCell::new(Rng::with_seed(1)) }
    }

    pub fn write(&self, call: Call, requests: &Requests, request: &mut Vec<u8>) {
        match call {
            Call::CreateUser => requests.create_user(request, &Person::random(&mut self.rng.borrow_mut())),
            Call::AddFriend => {
                let (one, other) = self.fresh_pair();
                requests.add_friend(request, one, other);
            }
            Call::GetUser => requests.user(request, self.rng.borrow_mut().u64(1..=self.people)),
        }
    }

    /// Everybody with the next one, then with the one after that, and so on: everybody gets as many friends.
    pub fn fresh_pair(&self) -> (u64, u64) {
        let n = self.pairs.get();
        self.pairs.set(n + 1);
        nth_pair(self.people, n)
    }
}

fn nth_pair(people: u64, n: u64) -> (u64, u64) {
    let (one, distance) = (n % people, n / people + 1);
    // From half of the circle on they would come again from the other side.
    assert!(2 * distance < people, "all pairs of {people} people are friends: measure for less time");
    (1 + one, 1 + (one + distance) % people)
}

/// What a measurement gave. One line of the raw output.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    pub call: Call,
    pub server: Server,
    pub connections: usize,
    pub requests: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Answers with another status than the expected one, and calls without an answer.
    pub wrong: u64,
    pub first_wrong: Option<String>,
    /// Microseconds of processor time a request, by process.
    pub server_us: f64,
    pub redis_us: f64,
    pub worker_us: f64,
    pub client_us: f64,
    /// What the system's runtime takes beside the ceiling, for the projections. 0 where it is the server itself.
    pub beside_us: f64,
    /// The client's share of the processor time of all of them.
    pub client_share: f64,
    /// What everything else on the machine took of its processors.
    pub others_share: f64,
}

impl Measured {
    /// Processor time a request, of all that takes part in it.
    pub fn all_us(&self) -> f64 {
        self.server_us + self.redis_us + self.worker_us + self.client_us + self.beside_us
    }
}

struct Phase<'a> {
    call: Call,
    material: &'a Material,
    requests: Requests,
    from: Instant,
    until: Instant,
    tally: RefCell<Tally>,
    wrong: Cell<u64>,
    first_wrong: RefCell<Option<String>>,
}

impl Work for Phase<'_> {
    type Call = ();

    fn next(&self, request: &mut Vec<u8>) -> Option<()> {
        (Instant::now() < self.until).then(|| {
            self.material.write(self.call, &self.requests, request);
        })
    }

    fn done(&self, (): (), answer: io::Result<Answer<'_>>, took: Duration) {
        let wrong = match answer {
            Ok(answer) => {
                let now = Instant::now();
                if now >= self.from && now < self.until {
                    self.tally.borrow_mut().answered(answer.status, took);
                }
                let say = || format!("{}: {}", answer.status, String::from_utf8_lossy(answer.body));
                (answer.status != self.call.expected()).then(say)
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(wrong) = wrong {
            self.wrong.set(self.wrong.get() + 1);
            self.first_wrong.borrow_mut().get_or_insert(wrong);
        }
    }
}

/// Makes calls in a closed loop: each connection sends its next one when the last one is answered.
pub async fn measure(
    bed: &Bed,
    material: &Material,
    call: Call,
    server: Server,
    connections: usize,
    seconds: f64,
) -> Result<Measured> {
    let target = bed.target(server);
    let from = Instant::now() + WARM_UP;
    let until = from + Duration::from_secs_f64(seconds);
    let phase = Phase {
        call,
        material,
        requests: target.requests(),
        from,
        until,
        tally: RefCell::default(),
        wrong: Cell::new(0),
        first_wrong: RefCell::default(),
    };
    let cpu = async {
        sleep_until(from.into()).await;
        let before = Cpu::now(bed, server);
        sleep_until(until.into()).await;
        Cpu::now(bed, server).since(&before)
    };
    let ((), cpu) = tokio::join!(drive(target.address, connections, &phase), cpu);
    let tally = phase.tally.into_inner();
    let requests = tally.answers();
    let each = |used: Duration| ratio(used.as_secs_f64() * 1e6, requests as f64);
    let used = [cpu.server, cpu.redis, cpu.worker, cpu.client, cpu.beside].iter().sum::<Duration>().as_secs_f64();
    let available = seconds * processes::cores() as f64;
    Ok(Measured {
        call,
        server,
        connections,
        requests,
        per_second: requests as f64 / seconds,
        p50_ms: tally.ms(0.5),
        p99_ms: tally.ms(0.99),
        max_ms: tally.ms(1.0),
        wrong: phase.wrong.get(),
        first_wrong: phase.first_wrong.into_inner(),
        server_us: each(cpu.server),
        redis_us: each(cpu.redis),
        worker_us: each(cpu.worker),
        client_us: each(cpu.client),
        beside_us: each(cpu.beside),
        client_share: ratio(cpu.client.as_secs_f64(), used),
        others_share: ((cpu.machine.as_secs_f64() - used) / available).max(0.0),
    })
}

/// Processor time used so far.
struct Cpu {
    server: Duration,
    redis: Duration,
    worker: Duration,
    client: Duration,
    beside: Duration,
    machine: Duration,
}

impl Cpu {
    fn now(bed: &Bed, server: Server) -> Self {
        Self {
            server: processes::cpu(bed.pid(server)),
            redis: processes::cpu(bed.part(Part::Redis)),
            worker: processes::cpu(bed.part(Part::Worker)),
            client: processes::cpu(std::process::id()),
            beside: match server {
                Server::Ours => Duration::ZERO,
                Server::Ceiling | Server::CeilingAlone => processes::cpu(bed.part(Part::Runtime)),
            },
            machine: processes::machine_cpu(),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            redis: self.redis.saturating_sub(before.redis),
            worker: self.worker.saturating_sub(before.worker),
            client: self.client.saturating_sub(before.client),
            beside: self.beside.saturating_sub(before.beside),
            machine: self.machine.saturating_sub(before.machine),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pairs_are_the_same_friendship() {
        let people = 21;
        let mut known = std::collections::HashSet::new();
        for n in 0..people * (people - 1) / 2 {
            let (one, other) = nth_pair(people, n);
            assert!((1..=people).contains(&one) && (1..=people).contains(&other) && one != other);
            assert!(known.insert((one.min(other), one.max(other))), "{n}: {one} {other}");
        }
    }
}
