//! The system that is put under load: where it is, and whether it is one.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;
use tokio::time::timeout;

use crate::{Connection, Requests};

/// For the whole check. A system that is up answers in milliseconds.
const CHECK_LIMIT: Duration = Duration::from_secs(3);
/// Each says `UP` when all that it rests on is there.
const HEALTH: [&str; 3] = ["/user/actuator/health", "/friend/actuator/health", "/recommendation/actuator/health"];
const STATS: &str = "/stats/v1?minutes=1";
const STRANGER: &str = "what listens there is not the social network";

#[derive(Debug, Clone)]
pub struct Target {
    pub authority: String,
    pub address: SocketAddr,
}

impl Target {
    /// Finds `http://host[:port]` and asks it for its health. Errors say what is there instead, and what to do.
    pub async fn find(url: &str) -> Result<Self> {
        let find = async {
            let target = Self::resolve(url).await?;
            target.check().await.with_context(|| format!("{url} cannot be put under load"))?;
            Ok(target)
        };
        let late = || anyhow!("{url} did not answer within {} s: is it the right address?", CHECK_LIMIT.as_secs());
        timeout(CHECK_LIMIT, find).await.map_err(|_| late())?
    }

    pub async fn resolve(url: &str) -> Result<Self> {
        let authority = authority(url)?;
        let found = tokio::net::lookup_host(&authority).await.with_context(|| format!("{url}: unknown host"))?.next();
        let address = found.ok_or_else(|| anyhow!("{url}: the host has no address"))?;
        Ok(Self { authority, address })
    }

    pub fn requests(&self) -> Requests {
        Requests::to(&self.authority)
    }

    async fn check(&self) -> Result<()> {
        let connection = Connection::open(self.address).await;
        let mut connection = connection.context("nothing listens there; start the system with `make up`")?;
        for path in HEALTH {
            let (status, body, _) = self.ask(&mut connection, path).await?;
            let says = body.as_ref().and_then(|body| body["status"].as_str()).is_some();
            match status {
                200 if says => {}
                503 if says => bail!("GET {path}: it is not up: {}", body.unwrap_or_default()),
                status => bail!("GET {path} answered {status}: {STRANGER}"),
            }
        }
        // Health looks the same in many a system; this does not.
        let (status, body, last_event) = self.ask(&mut connection, STATS).await?;
        let counts = body.is_some_and(|body| body["users"].is_u64() && body["friendships"].is_u64());
        match status {
            200 if counts && last_event => Ok(()),
            503 => bail!("GET {STATS}: it is not up"),
            status => bail!("GET {STATS} answered {status}: {STRANGER}"),
        }
    }

    /// The status, the body if it is JSON, and whether it says up to which event it is true.
    async fn ask(&self, connection: &mut Connection, path: &str) -> Result<(u16, Option<Value>, bool)> {
        let mut request = Vec::new();
        self.requests().get(&mut request, format_args!("{path}"));
        let answer = connection.call(&request).await.with_context(|| format!("GET {path}: {STRANGER}"))?;
        let body = serde_json::from_slice(answer.body).ok();
        Ok((answer.status, body, answer.header("last-event").is_some()))
    }
}

/// `host:port` of a URL without a path.
fn authority(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']) => {
            // An IPv6 address in brackets has colons of its own.
            let has_port = rest.rsplit(']').next().is_some_and(|end| end.contains(':'));
            Ok(if has_port { rest.to_owned() } else { format!("{rest}:80") })
        }
        _ => bail!("{url:?} is no address to put under load: write http://host:port"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(authority("http://127.0.0.1:9000").unwrap(), "127.0.0.1:9000");
        assert_eq!(authority("http://example.org/").unwrap(), "example.org:80");
        assert_eq!(authority("http://[::1]").unwrap(), "[::1]:80");
        assert_eq!(authority("http://[::1]:9000").unwrap(), "[::1]:9000");
        for bad in ["", "127.0.0.1:9000", "https://x", "http://", "http://x/path", "http://a@b"] {
            assert!(authority(bad).is_err(), "{bad}");
        }
    }
}
