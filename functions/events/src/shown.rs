//! An event as HTTP shows it: CloudEvents' JSON format, with its position.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

use event_store::read::RawEntry;
use serde::Serialize;
use serde_json::value::RawValue;

/// Whatever stands in the log is shown, even what no projection could apply: a field that is missing or no text is left out.
#[derive(Serialize)]
pub struct Shown<'a> {
    specversion: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    position: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

impl<'a> From<&'a RawEntry> for Shown<'a> {
    fn from(entry: &'a RawEntry) -> Self {
        Self {
            specversion: "1.0",
            id: entry.field("id"),
            source: entry.field("source"),
            kind: entry.field("type"),
            subject: entry.field("subject"),
            version: entry.field("version").and_then(|version| version.parse().ok()),
            time: entry.field("time"),
            traceparent: entry.field("traceparent"),
            position: entry.position.to_string(),
            data: entry.field("data").and_then(|data| serde_json::from_str(data).ok()),
        }
    }
}
