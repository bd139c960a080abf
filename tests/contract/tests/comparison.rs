//! The comparison of answers with the document finds what does not fit: otherwise nothing that passes it would mean anything.

use anyhow::Result;
use bytes::Bytes;
use contract::client::Answer;
use contract::document::Document;
use contract::openapi;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

const ADA: &str = r#"{"id":42,"firstName":"Ada","lastName":"L","createdAt":"2026-11-22T01:27:43.123Z","updatedAt":"2026-11-22T01:27:43.123Z"}"#;

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
    let length = body.len().to_string();
    let mut map = HeaderMap::new();
    map.insert("content-length", HeaderValue::from_str(&length).expect("a number"));
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Answer { status, headers: map, body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn fits(answer: &Answer) -> Result<bool> {
    let document = Document::openapi()?;
    let operations = openapi::operations(&document)?;
    let operation = openapi::find(&operations, "GET", "/user/v1/users/42")?;
    assert_eq!(operation.len(), 1);
    Ok(openapi::check(&document, operation[0], answer).is_ok())
}

#[test]
fn an_answer_that_fits() -> Result<()> {
    assert!(fits(&answer(200, &[("content-type", "application/json"), ("etag", "\"1\"")], ADA))?);
    Ok(())
}

#[test]
fn answers_that_do_not_fit() -> Result<()> {
    let json = ("content-type", "application/json");
    let tag = ("etag", "\"1\"");
    let problem = ("content-type", "application/problem+json");
    let not_found = r#"{"type":"/problems/not-found","title":"x","status":404,"detail":"x"}"#;
    assert!(fits(&answer(404, &[problem], not_found))?);
    let bad = [
        ("a status that is not documented", answer(418, &[problem], not_found)),
        ("a header that is missing", answer(200, &[json], ADA)),
        ("a header of another form", answer(200, &[json, ("etag", "1")], ADA)),
        ("a header that is not documented", answer(200, &[json, tag, ("x-powered-by", "x")], ADA)),
        ("another media type", answer(200, &[("content-type", "text/html"), tag], ADA)),
        ("no media type", answer(200, &[tag], ADA)),
        ("a wrong length", answer(200, &[json, tag, ("content-length", "7")], ADA)),
        ("no JSON", answer(200, &[json, tag], "{")),
        ("a member more", answer(200, &[json, tag], &ADA.replace("\"id\"", "\"x\":1,\"id\""))),
        ("a member of another type", answer(200, &[json, tag], &ADA.replace("42", "\"42\""))),
        ("a member missing", answer(200, &[json, tag], &ADA.replace("\"lastName\":\"L\",", ""))),
        ("a problem of another status", answer(404, &[problem], &not_found.replace("404", "400"))),
        ("a problem of another type", answer(404, &[problem], &not_found.replace("not-found", "too-large"))),
    ];
    for (what, answer) in bad {
        assert!(!fits(&answer)?, "{what}");
    }
    Ok(())
}
