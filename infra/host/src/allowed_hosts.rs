//! `allowed_outbound_hosts`: what a component may reach. Nothing, unless it is listed.

use anyhow::{Context, Result, bail};

/// A component's list.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<Rule>);

/// `scheme://host[:port]`, each of which may be `*`.
#[derive(Debug)]
struct Rule {
    scheme: Option<String>,
    host: HostRule,
    port: Option<u16>,
}

#[derive(Debug)]
enum HostRule {
    Any,
    /// `*.example.com`, kept as `.example.com`.
    Subdomain(String),
    Exact(String),
}

impl AllowedHosts {
    pub fn parse(entries: &[String]) -> Result<Self> {
        entries
            .iter()
            .map(|entry| Rule::parse(entry).with_context(|| format!("allowed_outbound_hosts: {entry:?}")))
            .collect::<Result<_>>()
            .map(Self)
    }

    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let port = port.or_else(|| well_known_port(scheme));
        self.0.iter().any(|rule| rule.allows(scheme, host, port))
    }
}

impl Rule {
    fn parse(entry: &str) -> Result<Self> {
        let Some((scheme, rest)) = entry.trim().split_once("://") else {
            bail!("has no scheme: write <scheme>://<host>[:<port>], each may be '*'");
        };
        let scheme = match scheme {
            "*" => None,
            s if !s.is_empty() && s.chars().all(char::is_alphabetic) => Some(s.to_string()),
            s => bail!("the scheme {s:?} must be letters or '*'"),
        };
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let (host, port) = (host.trim_end_matches('/'), port.trim_end_matches('/'));
        if host.contains('/') || port.contains('/') {
            bail!("has a path or a network mask, which the embedded host does not support");
        }
        Ok(Self { host: HostRule::parse(host)?, port: Self::parse_port(port, scheme.as_deref())?, scheme })
    }

    fn parse_port(port: &str, scheme: Option<&str>) -> Result<Option<u16>> {
        match port {
            "*" => Ok(None),
            "" => match scheme.and_then(well_known_port) {
                Some(port) => Ok(Some(port)),
                None => bail!("has no port, and its scheme has no usual one"),
            },
            _ => port.parse().map(Some).with_context(|| format!("the port {port:?} must be one number or '*'")),
        }
    }

    fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        self.scheme.as_deref().is_none_or(|s| s == scheme)
            && self.host.allows(host)
            && (self.port.is_none() || self.port == port)
    }
}

impl HostRule {
    fn parse(host: &str) -> Result<Self> {
        match host {
            "*" => Ok(Self::Any),
            "self" | "self.alt" => {
                bail!("the embedded host does not support {host:?}: use the full address")
            }
            "" => bail!("has no host"),
            _ => match host.strip_prefix("*.") {
                Some(domain) if !domain.contains('*') => Ok(Self::Subdomain(format!(".{domain}"))),
                None if !host.contains(['*', '{']) => Ok(Self::Exact(host.to_string())),
                _ => bail!("a wildcard is allowed only as the whole host or as '*.domain'"),
            },
        }
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Subdomain(suffix) => host.ends_with(suffix.as_str()),
            Self::Exact(exact) => exact == host,
        }
    }
}

fn well_known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(entries: &[&str]) -> AllowedHosts {
        AllowedHosts::parse(&entries.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("valid")
    }

    #[test]
    fn nothing_is_allowed_unless_listed() {
        assert!(!hosts(&[]).allows("http", "127.0.0.1", Some(80)));
        let list = hosts(&["http://127.0.0.1:9100", "redis://db"]);
        for (scheme, host, port) in [
            ("http", "127.0.0.1", Some(9101)),
            ("http", "127.0.0.1", None),
            ("https", "127.0.0.1", Some(9100)),
            ("http", "127.0.0.2", Some(9100)),
            ("redis", "db", Some(6380)),
            ("http", "db", Some(6379)),
        ] {
            assert!(!list.allows(scheme, host, port), "{scheme}://{host}:{port:?}");
        }
        assert!(list.allows("http", "127.0.0.1", Some(9100)));
        assert!(list.allows("redis", "db", None));
    }

    #[test]
    fn wildcards() {
        let list = hosts(&["https://*.example.com", "*://here:*", "http://*:8080"]);
        assert!(!list.allows("https", "example.com", None));
        assert!(!list.allows("https", "badexample.com", None));
        assert!(list.allows("https", "a.example.com", Some(443)));
        assert!(list.allows("redis", "here", Some(1)));
        assert!(list.allows("http", "anyone", Some(8080)));
        assert!(!list.allows("http", "anyone", Some(8081)));
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for bad in [
            "example.com",
            "*",
            "http://self",
            "http://10.0.0.0/8",
            "http://h:1..2",
            "http://h:80/path",
            "http://a*b:80",
            "x://h",
            "http://:80",
            "{http,https}://h",
        ] {
            let error = AllowedHosts::parse(&[bad.to_string()]).expect_err(bad);
            assert!(error.to_string().contains(bad), "{error}");
        }
    }
}
