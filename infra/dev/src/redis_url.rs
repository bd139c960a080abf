//! `redis://[[user]:password@]host[:port]`: what the three parts all understand, and nothing else.

use std::collections::BTreeMap;
use std::fmt;

const DEFAULT_PORT: u16 = 6379;

/// A Redis server, in the two pieces in which spin.toml takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    /// `user:password@`, `:password@` or nothing, escaped as in the URL.
    credentials: String,
    /// As written: a name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    port: u16,
}

impl RedisUrl {
    /// A server of ours on this machine.
    pub fn local(port: u16) -> Self {
        Self { credentials: String::new(), host: "127.0.0.1".into(), port }
    }

    /// An error is to be read after the name of the setting, and never repeats the password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = |what: &str| format!("{what}. It has the form redis://[[user]:password@]host[:port]");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| refuse("is no URL"))?;
        match scheme {
            "redis" => {}
            "rediss" => {
                return Err(refuse(
                    "asks for TLS (rediss://), which is not supported: use a private network or a local TLS proxy",
                ));
            }
            // With a password somewhere, what stands before :// may be a part of it.
            _ if rest.contains('@') => return Err(refuse("has another scheme than redis")),
            _ => return Err(refuse(&format!("has the scheme {scheme:?}, not redis"))),
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // Nothing is repeated: an unescaped character in a password ends up here, and what looks like a host and a port
        // before it is then the user and the beginning of the password.
        let trailing = || {
            refuse(
                "has something after the port (special characters in a password are percent-encoded: / is %2F, # is %23, ? is %3F)",
            )
        };
        if path.contains('@') {
            return Err(trailing());
        }
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((credentials, address)) => (format!("{credentials}@"), address),
            None => (String::new(), authority),
        };
        if !credentials.is_empty() && !credentials.contains(':') {
            return Err(refuse("names a user without a password (a password alone is written :password@)"));
        }
        let (host, port) = split_port(address).map_err(|what| refuse(&what))?;
        match path {
            "" | "/" | "/0" => {}
            _ if path.starts_with('/') && path[1..].bytes().all(|b| b.is_ascii_digit()) => {
                return Err(refuse(&format!(
                    "names database {}, but publish and subscribe know no databases: use a server, not a database, for each system",
                    &path[1..]
                )));
            }
            _ => return Err(trailing()),
        }
        Ok(Self { credentials, host: host.into(), port })
    }

    /// `host:port`, for SPIN_VARIABLE_..._REDIS_HOST.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// `user:password@` or nothing, for SPIN_VARIABLE_..._REDIS_CREDENTIALS.
    pub fn credentials(&self) -> &str {
        &self.credentials
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The whole URL, with the password in it.
    pub fn url(&self) -> String {
        format!("redis://{}{}", self.credentials, self.address())
    }
}

/// Without the password, so that it may be printed.
impl fmt::Display for RedisUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = if self.credentials.is_empty() { "" } else { "***@" };
        write!(out, "redis://{hidden}{}", self.address())
    }
}

fn split_port(address: &str) -> Result<(&str, u16), String> {
    let after_host = match address.strip_prefix('[') {
        Some(rest) => 1 + rest.find(']').ok_or("has an unclosed [ in its host")? + 1,
        None => address.find(':').unwrap_or(address.len()),
    };
    let (host, port) = address.split_at(after_host);
    let printable = |b: u8| b.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&b);
    if host.is_empty() || host == "[]" {
        return Err("has no host".into());
    }
    if !host.bytes().all(printable) {
        return Err(format!("has the host {host:?}, which is none"));
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => DEFAULT_PORT,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| format!("has the port {digits:?}: ports go from 1 to 65535"))?,
        _ => return Err("has a port that is no number".into()),
    };
    Ok((host, port))
}

/// The Redis server of each context. By default all three are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contexts {
    pub user: RedisUrl,
    pub friend: RedisUrl,
    pub view: RedisUrl,
}

impl Contexts {
    /// `("USER", url)` and so on: the names that the settings of all parts are built from.
    pub fn named(&self) -> [(&'static str, &RedisUrl); 3] {
        [("USER", &self.user), ("FRIEND", &self.friend), ("VIEW", &self.view)]
    }

    /// `host:port` of each by its name, without credentials.
    pub fn addresses(&self) -> BTreeMap<String, String> {
        self.named().into_iter().map(|(context, url)| (context.to_lowercase(), url.address())).collect()
    }

    /// Each server once.
    pub fn servers(&self) -> Vec<&RedisUrl> {
        let mut servers: Vec<&RedisUrl> = Vec::new();
        for (_, url) in self.named() {
            if !servers.contains(&url) {
                servers.push(url);
            }
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_host_port_and_credentials_apart() {
        for (text, credentials, address) in [
            ("redis://localhost", "", "localhost:6379"),
            ("redis://10.0.0.7:7000/", "", "10.0.0.7:7000"),
            ("redis://[::1]:7000/0", "", "[::1]:7000"),
            ("redis://:s3cret@db", ":s3cret@", "db:6379"),
            ("redis://app:p%40ss@db:1", "app:p%40ss@", "db:1"),
            ("redis://app:p@ss@db:1", "app:p@ss@", "db:1"),
        ] {
            let url = RedisUrl::parse(text).unwrap();
            assert_eq!((url.credentials(), url.address()), (credentials, address.into()));
        }
    }

    #[test]
    fn refuses_everything_else_and_says_why() {
        for (text, why) in [
            ("localhost:6379", "is no URL"),
            ("http://localhost", "scheme"),
            ("rediss://localhost", "TLS"),
            ("redis://", "no host"),
            ("redis://:6379", "no host"),
            ("redis://localhost:", "1 to 65535"),
            ("redis://localhost:0", "1 to 65535"),
            ("redis://localhost:65536", "1 to 65535"),
            ("redis://localhost:abc", "no number"),
            ("redis://[::1:6379", "unclosed"),
            ("redis://local host", "which is none"),
            ("redis://localhost/2", "database 2"),
            ("redis://localhost/a", "after the port"),
            ("redis://localhost?protocol=resp3", "after the port"),
            ("redis://s3cret@localhost", "without a password"),
            ("redis://u:123456/x@h", "after the port"),
            ("redis://u:123456?x@h", "after the port"),
            ("redis://u:1@h:123456#x@h", "after the port"),
            ("redis://u:1@s3cret\"/x@h", "after the port"),
            ("redis://u:123456/7@h", "after the port"),
            ("u:s3cret://x@h", "another scheme"),
        ] {
            let message = RedisUrl::parse(text).expect_err(text);
            assert!(message.contains(why), "{text}: {message}");
            assert!(!message.contains("s3cret") && !message.contains("123456"), "{message}");
        }
    }

    #[test]
    fn is_printed_without_its_password() {
        let url = RedisUrl::parse("redis://app:s3cret@db:1").unwrap();
        assert_eq!(url.to_string(), "redis://***@db:1");
        assert_eq!(url.url(), "redis://app:s3cret@db:1");
    }
}
