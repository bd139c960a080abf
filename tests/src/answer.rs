//! One answer, and what must hold for every answer.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back: status, headers, and the whole body.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Checks what holds for all: a length, no 500, and problem details for every error.
    #[track_caller]
    pub fn checked(asked: &str, head: bool, status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        let answer = Self { status, headers, body };
        assert_ne!(status, 500, "{asked}: {answer}");
        if status != 204 {
            let length: usize = answer.header("content-length").parse().expect("a length");
            assert!(head || length == answer.body.len(), "{asked}: Content-Length {length}: {answer}");
        }
        // HEAD says all but the body.
        if status >= 400 && !head && !asked.contains("/actuator/health") {
            answer.check_problem(asked);
        }
        answer
    }

    #[track_caller]
    fn check_problem(&self, asked: &str) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{asked}: {self}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{asked}: {self}");
        for member in ["type", "title", "detail"] {
            let text = problem[member].as_str().unwrap_or_else(|| panic!("{asked}: no {member}: {self}"));
            assert!(!text.is_empty(), "{asked}: {member} is empty: {self}");
        }
        for error in problem["errors"].as_array().into_iter().flatten() {
            assert!(error["field"].is_string() && error["detail"].is_string(), "{asked}: {self}");
        }
        // Where it runs and what it is made of is nobody's business.
        let text = String::from_utf8_lossy(&self.body).to_lowercase();
        for inside in
            ["redis", "wasm", "panicked", "127.0.0.1", "/src/", ".rs", "evalsha", "lua", "struct ", "personbody"]
        {
            assert!(!text.contains(inside), "{asked}: shows {inside:?}: {self}");
        }
        if self.status == 503 {
            let seconds: u64 = self.header("retry-after").parse().expect("seconds");
            assert!((1..=60).contains(&seconds), "{asked}: {self}");
        }
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// An error of this status whose `errors` name exactly these fields.
    #[track_caller]
    pub fn refuses(self, status: u16, fields: &[&str]) -> Self {
        let answer = self.is(status);
        let problem = answer.json();
        let named: Vec<_> = problem["errors"].as_array().into_iter().flatten().map(|error| &error["field"]).collect();
        assert_eq!(named, fields, "{answer}");
        answer
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.optional(name).unwrap_or_else(|| panic!("no {name} in {self}"))
    }

    pub fn optional(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("headers of ours are ASCII"))
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The members of a JSON array.
    #[track_caller]
    pub fn list(&self) -> Vec<Value> {
        self.json().as_array().unwrap_or_else(|| panic!("no array: {self}")).clone()
    }

    /// Where the next page is, from `Link: <…>; rel="next"`.
    #[track_caller]
    pub fn next_page(&self) -> Option<String> {
        let link = self.optional("link")?;
        let target = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
        Some(target.unwrap_or_else(|| panic!("link {link:?}")).to_owned())
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {:?} {}", self.status, self.headers, body.chars().take(600).collect::<String>())
    }
}
