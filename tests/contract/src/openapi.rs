//! What an answer has to be: the operation, its documented answer, and the comparison.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::client::Answer;
use crate::document::{Document, Part};

/// The methods that a path may have.
pub const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// Headers that answers have by HTTP itself, whatever they are answers to.
const OF_HTTP: [&str; 5] = ["content-type", "content-length", "date", "transfer-encoding", "connection"];
const STREAM: &str = "text/event-stream";
const PAGE: &str = "text/html";

/// A method on a path.
pub struct Operation<'a> {
    pub id: String,
    pub method: &'static str,
    /// As the document has it: `/user/v1/users/{id}`.
    pub path: String,
    part: Part<'a>,
}

impl Operation<'_> {
    /// Where it stands in the document.
    pub fn pointer(&self) -> String {
        self.part.pointer.clone()
    }
}

/// Every operation of the document.
pub fn operations(document: &Document) -> Result<Vec<Operation<'_>>> {
    let mut all = Vec::new();
    for (path, item) in document.each(&document.root(), "paths")? {
        for method in METHODS {
            if let Some(part) = document.below(&item, &[method])? {
                let id = part.value["operationId"].as_str().with_context(|| format!("{path}: no operationId"))?;
                all.push(Operation { id: id.to_owned(), method, path: path.clone(), part });
            }
        }
    }
    Ok(all)
}

/// The documented statuses of every operation.
pub fn statuses(document: &Document) -> Result<Vec<(String, u16)>> {
    let mut all = Vec::new();
    for operation in operations(document)? {
        for (status, _) in document.each(&operation.part, "responses")? {
            all.push((operation.id.clone(), status.parse().with_context(|| format!("{}: {status}", operation.id))?));
        }
    }
    Ok(all)
}

/// The operation that a request means. Where its path does not take its method, that is what all of the path's operations say.
pub fn find<'a, 'd>(all: &'a [Operation<'d>], method: &str, path: &str) -> Result<Vec<&'a Operation<'d>>> {
    let on_path: Vec<_> = all.iter().filter(|operation| matches(&operation.path, path)).collect();
    ensure!(!on_path.is_empty(), "{path} is not documented");
    let meant = on_path.iter().find(|operation| operation.method.eq_ignore_ascii_case(method));
    Ok(meant.map_or_else(|| on_path.clone(), |operation| vec![*operation]))
}

/// Whether a path is of this template. None of ours begins like another one's parameter.
fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(of, is): (&&str, &&str)| if of.starts_with('{') { !is.is_empty() } else { of == is };
    template.len() == path.len() && template.iter().zip(&path).all(same)
}

/// Checks an answer: documented status, headers, media type and body.
pub fn check(document: &Document, operation: &Operation<'_>, answer: &Answer) -> Result<()> {
    let status = answer.status.to_string();
    let response = document.below(&operation.part, &["responses", &status])?;
    let response = response.with_context(|| format!("{status} is not documented"))?;
    check_headers(document, &response, answer)?;
    check_body(document, &response, answer)
}

fn check_headers(document: &Document, response: &Part<'_>, answer: &Answer) -> Result<()> {
    let documented = document.each(response, "headers")?;
    for (name, header) in &documented {
        match answer.header(name) {
            None => ensure!(header.value["required"] != true, "the header {name} is missing"),
            Some(text) => {
                let pointer = format!("{}/schema", header.pointer);
                let kind = document.at(&pointer)?.value["type"].clone();
                document.check(&pointer, &simple(&kind, text)).with_context(|| format!("the header {name}"))?;
            }
        }
    }
    for name in answer.headers.keys().map(|name| name.as_str()) {
        let known = OF_HTTP.contains(&name) || documented.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        ensure!(known, "the header {name} is not documented");
    }
    Ok(())
}

/// A header's or a parameter's text as the value that it stands for.
pub fn simple(kind: &Value, text: &str) -> Value {
    match (kind.as_str(), text.parse::<u64>()) {
        (Some("integer"), Ok(number)) => number.into(),
        _ => text.into(),
    }
}

fn check_body(document: &Document, response: &Part<'_>, answer: &Answer) -> Result<()> {
    let documented = document.each(response, "content")?;
    let Some(media_type) = answer.header("content-type") else {
        ensure!(documented.is_empty(), "there is no Content-Type");
        ensure!(answer.body.is_empty(), "there is a body without a Content-Type");
        return Ok(());
    };
    // Only the page names its character set: JSON has but one.
    let media_type = if media_type == format!("{PAGE}; charset=utf-8") { PAGE } else { media_type };
    let content = documented.iter().find(|(name, _)| name == media_type);
    let (_, content) = content.with_context(|| format!("the media type {media_type} is not documented"))?;
    if media_type == STREAM {
        return Ok(());
    }
    let length = answer.header("content-length").context("there is no Content-Length")?;
    ensure!(length.parse() == Ok(answer.body.len()), "Content-Length is {length}, not {}", answer.body.len());
    let body = if media_type == PAGE { std::str::from_utf8(&answer.body)?.into() } else { answer.json()? };
    document.check(&format!("{}/schema", content.pointer), &body)?;
    Ok(())
}
