//! The system that is put under load: where it is, and whether it is one.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::time::timeout;

use crate::{Connection, Requests};

/// For the whole check. A system that is up answers in milliseconds.
const CHECK_LIMIT: Duration = Duration::from_secs(4);
/// Each says `UP` when all that it rests on is there.
const HEALTH: [&str; 3] = ["/user/actuator/health", "/friend/actuator/health", "/recommendation/actuator/health"];

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
        let mut request = Vec::new();
        for path in HEALTH {
            self.requests().get(&mut request, format_args!("{path}"));
            let answer = connection.call(&request).await;
            let answer = answer.with_context(|| format!("GET {path}: what listens there is not the social network"))?;
            let body = String::from_utf8_lossy(answer.body);
            let says_status = serde_json::from_slice::<serde_json::Value>(answer.body)
                .is_ok_and(|body| body.get("status").is_some_and(serde_json::Value::is_string));
            match answer.status {
                200 if says_status => {}
                503 if says_status => bail!("GET {path}: it is not up: {body}"),
                status => bail!("GET {path} answered {status}: what listens there is not the social network"),
            }
        }
        Ok(())
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
