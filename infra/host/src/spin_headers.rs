//! The headers that Spin adds to a request.

use anyhow::Result;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery};

use crate::http_trigger::Target;
use crate::routes::{Match, parameter_names};

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// What can be known of a route's headers before a request comes.
pub struct RouteHeaders {
    matched_route: HeaderValue,
    raw_component_route: HeaderValue,
    component_route: HeaderValue,
    path_matches: Vec<HeaderName>,
}

impl RouteHeaders {
    pub fn new(route: &str) -> Result<Self> {
        let matched = route.strip_suffix('/').unwrap_or(route);
        let component = route.strip_suffix("/...").unwrap_or(route);
        Ok(Self {
            matched_route: matched.parse()?,
            raw_component_route: route.parse()?,
            component_route: component.parse()?,
            path_matches: parameter_names(route)
                .map(|name| format!("spin-path-match-{}", name.to_ascii_lowercase()).parse())
                .collect::<Result<_, _>>()?,
        })
    }

    pub fn add(
        &self,
        headers: &mut HeaderMap,
        found: &Match<'_, '_, Target>,
        authority: &Authority,
        path_and_query: &PathAndQuery,
        client: &HeaderValue,
    ) -> Result<()> {
        let path_info = match found.rest {
            None | Some("") => HeaderValue::from_static(""),
            Some("/") => HeaderValue::from_static("/"),
            Some(rest) => HeaderValue::from_str(rest)?,
        };
        let (authority, path) = (authority.as_str(), path_and_query.as_str());
        let mut url = String::with_capacity("http://".len() + authority.len() + path.len());
        url.push_str("http://");
        url.push_str(authority);
        url.push_str(path);
        headers.reserve(7 + self.path_matches.len());
        headers.insert(PATH_INFO, path_info);
        headers.insert(FULL_URL, HeaderValue::try_from(url)?);
        headers.insert(MATCHED_ROUTE, self.matched_route.clone());
        headers.insert(BASE_PATH, HeaderValue::from_static("/"));
        headers.insert(RAW_COMPONENT_ROUTE, self.raw_component_route.clone());
        headers.insert(COMPONENT_ROUTE, self.component_route.clone());
        headers.insert(CLIENT_ADDR, client.clone());
        for (name, value) in self.path_matches.iter().zip(&found.captures) {
            headers.insert(name, HeaderValue::from_str(value)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::Router;

    fn added(route: &str, path: &str) -> HeaderMap {
        let mut router = Router::new();
        let headers = RouteHeaders::new(route).expect("valid");
        let target = Target { route: 0, component: 0, headers };
        router.add(route, target).expect("valid");
        let path_and_query: PathAndQuery = path.parse().expect("valid");
        let found = router.find(path_and_query.path()).expect("matches");
        let mut map = HeaderMap::new();
        map.insert(CLIENT_ADDR, HeaderValue::from_static("forged"));
        let authority = Authority::from_static("h:1");
        let client = HeaderValue::from_static("127.0.0.1:9");
        let target = &found.target.headers;
        target.add(&mut map, &found, &authority, &path_and_query, &client).expect("can be set");
        map
    }

    #[test]
    fn as_spin_sets_them() {
        let headers = added("/foo/:userID/...", "/foo/42/bar?key1=value1");
        for (name, value) in [
            ("spin-path-info", "/bar"),
            ("spin-full-url", "http://h:1/foo/42/bar?key1=value1"),
            ("spin-matched-route", "/foo/:userID/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/foo/:userID/..."),
            ("spin-component-route", "/foo/:userID"),
            ("spin-client-addr", "127.0.0.1:9"),
            ("spin-path-match-userid", "42"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!(added("/", "/")["spin-matched-route"], "");
        assert_eq!(added("/a", "/a/")["spin-path-info"], "");
    }
}
