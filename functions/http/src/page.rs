//! Lists come in pages: `limit` and `cursor` in, a JSON array and `Link: <…>; rel="next"` (RFC 8288) out.

use serde::Serialize;

use crate::{Problem, Request, Response, parse};

/// Items in a page when nothing is said, and the most that can be asked for.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// Which page is asked for.
pub struct Paging {
    pub limit: usize,
    pub cursor: Option<String>,
    path: String,
    others: Vec<(&'static str, String)>,
    cursor_name: &'static str,
}

impl Paging {
    /// Reads `limit` and the cursor. `others` are the parameters that the link to the next page repeats.
    pub fn of(request: &Request, cursor_name: &'static str, others: &[&'static str]) -> Result<Self, Problem> {
        let limit = parse::number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)?;
        let mut repeated = Vec::with_capacity(others.len());
        for name in others {
            repeated.extend(request.query(name)?.map(|value| (*name, value)));
        }
        let (others, cursor) = (repeated, request.query(cursor_name)?);
        Ok(Self { limit, cursor, path: request.path().to_owned(), others, cursor_name })
    }

    pub fn respond(&self, items: &impl Serialize, next: Option<&str>) -> Response {
        let response = Response::json(items);
        match next {
            Some(next) => response.header("link", self.link(next)),
            None => response,
        }
    }

    fn link(&self, next: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.others);
        query.append_pair("limit", &self.limit.to_string()).append_pair(self.cursor_name, next);
        format!("<{}?{}>; rel=\"next\"", self.path, query.finish())
    }
}
