//! Asks a running system, and checks each answer against the document before anybody looks at it.

use std::sync::Mutex;

use anyhow::{Context, Result};
use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use serde_json::Value;

use crate::coverage::Coverage;
use crate::document::Document;
use crate::openapi::{self, Operation};

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("{:?} is no JSON", self.body))
    }

    /// The `type` of a problem, without the part that all have.
    pub fn problem(&self) -> Result<String> {
        let json = self.json()?;
        let kind = json["type"].as_str().context("a problem without a type")?;
        Ok(kind.trim_start_matches("/problems/").to_owned())
    }
}

/// A request in the making.
pub struct Ask<'a> {
    client: &'a Client<'a>,
    method: Method,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

pub struct Client<'a> {
    document: &'a Document,
    operations: Vec<Operation<'a>>,
    url: String,
    http: reqwest::Client,
    coverage: Mutex<Coverage>,
}

impl<'a> Client<'a> {
    pub fn new(document: &'a Document, url: &str) -> Result<Self> {
        let operations = openapi::operations(document)?;
        // Each request for itself: a kept connection could hide what an answer does to it.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
        Ok(Self { document, operations, url: url.to_owned(), http, coverage: Mutex::default() })
    }

    pub fn ask(&self, method: &str, target: &str) -> Result<Ask<'_>> {
        let method = Method::from_bytes(method.as_bytes())?;
        Ok(Ask { client: self, method, target: target.to_owned(), headers: Vec::new(), body: None })
    }

    pub async fn get(&self, target: &str) -> Result<Answer> {
        self.ask("GET", target)?.answer().await
    }

    pub async fn post(&self, target: &str) -> Result<Answer> {
        self.ask("POST", target)?.answer().await
    }

    pub fn document(&self) -> &Document {
        self.document
    }

    pub fn operations(&self) -> &[Operation<'a>] {
        &self.operations
    }

    /// What has been answered so far.
    pub fn coverage(&self) -> Coverage {
        self.coverage.lock().unwrap().clone()
    }

    fn check(&self, method: &Method, target: &str, answer: &Answer) -> Result<()> {
        let path = target.split('?').next().unwrap_or_default();
        for operation in openapi::find(&self.operations, method.as_str(), path)? {
            openapi::check(self.document, operation, answer)?;
            self.coverage.lock().unwrap().note(&operation.id, answer.status);
        }
        Ok(())
    }
}

impl Ask<'_> {
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A body that says to be JSON.
    pub fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it. The answer is one that the document has.
    pub async fn answer(self) -> Result<Answer> {
        let (client, method, target) = (self.client, self.method.clone(), self.target.clone());
        let asked = || format!("{method} {target}");
        let answer = self.unchecked().await.with_context(asked)?;
        let checked = client.check(&method, &target, &answer);
        checked.with_context(|| format!("{} is answered {} {:?}", asked(), answer.status, answer.body))?;
        Ok(answer)
    }

    /// Sends it, and takes whatever comes.
    pub async fn unchecked(self) -> Result<Answer> {
        let response = self.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await? })
    }

    /// Sends it, and checks the head of the answer, whose body has no end.
    pub async fn stream(self) -> Result<Response> {
        let (client, method, target) = (self.client, self.method.clone(), self.target.clone());
        let response = self.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let head = Answer { status, headers, body: Bytes::new() };
        client.check(&method, &target, &head).with_context(|| format!("{method} {target}"))?;
        Ok(response)
    }

    async fn send(self) -> Result<Response> {
        let mut request = self.client.http.request(self.method, format!("{}{}", self.client.url, self.target));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        Ok(request.send().await?)
    }
}
