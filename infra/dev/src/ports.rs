//! Choosing the ports to listen on.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::error::{Error, Result};
use crate::holder;

/// Ports for tests come from here: below what systems give to outgoing connections (from 32768 on Linux, 49152 on
/// macOS), so that no client's own end takes the port of a part that is being restarted.
const FREE_FROM: u16 = 20_000;
const FREE_COUNT: u16 = 10_000;
/// How far from a taken port the next one is looked for: nobody runs more systems than this on one machine.
const NEAR: u16 = 50;

#[derive(Clone, Copy, Debug)]
pub enum Port {
    /// This one, or a refusal that says who has it.
    Exactly(u16),
    /// The first free one from here.
    From(u16),
    /// Any free one.
    Any,
}

impl Port {
    /// A port that is free now.
    pub fn choose(self) -> Result<u16> {
        match self {
            Port::Exactly(port) if is_free(port) => Ok(port),
            Port::Exactly(port) => Err(Error::refused(held(port))),
            Port::From(first) => (first..=first.saturating_add(NEAR)).find(|port| is_free(*port)).ok_or_else(|| {
                Error::refused(format!("all ports from {first} to {} are taken", first.saturating_add(NEAR)))
            }),
            Port::Any => any(),
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Different processes begin at different places, and one process never gives the same port twice in a row.
fn any() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(37) % u32::from(FREE_COUNT);
    for _ in 0..FREE_COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = FREE_FROM + ((start + step) % u32::from(FREE_COUNT)) as u16;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(Error::failed("no free port from 20000 to 29999"))
}

fn held(port: u16) -> String {
    let by = match holder::of_port(port) {
        Some(holder) => format!("pid {} ({})", holder.pid, holder.command),
        None => "a process of another user".into(),
    };
    format!("port {port} is held by {by}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_with_its_holder_and_passed_over_otherwise() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap().port();
        let refusal = Port::Exactly(taken).choose().unwrap_err().to_string();
        assert!(refusal.contains(&format!("pid {}", std::process::id())), "{refusal}");
        assert!(Port::From(taken).choose().unwrap() > taken);
    }

    #[test]
    fn free_ports_differ() {
        let ports = [(); 3].map(|()| Port::Any.choose().unwrap());
        assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
    }
}
