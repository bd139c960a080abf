//! What an entry of the log has to be.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::document::Document;

/// The field that holds the payload; the others are headers.
const PAYLOAD: &str = "data";

/// A stream entry: fields and values in their order.
pub type Fields = Vec<(String, String)>;

/// Checks an entry against the message of the channel that its type names: the fields as they are, the payload parsed.
pub fn check_event(document: &Document, address: &str, fields: &Fields) -> Result<()> {
    let kind = value(fields, "type").context("the entry has no type")?;
    let message = message(document, address, kind)?;
    let payload = value(fields, PAYLOAD).context("the entry has no data")?;
    let payload = serde_json::from_str(payload).with_context(|| format!("the data {payload:?} is no JSON"))?;
    document.check(&format!("{message}/headers"), &headers(fields)?)?;
    document.check(&format!("{message}/payload"), &payload)?;
    check_order(document, fields)
}

/// Checks an entry of the stream of dead letters, which has no payload.
pub fn check_dead_letter(document: &Document, fields: &Fields) -> Result<()> {
    let message = message(document, "events:dead", "DEAD_LETTER")?;
    document.check(&format!("{message}/headers"), &headers(fields)?)
}

/// The pointer to a channel's message of this name. Streams come before the pub/sub channels of the same address.
fn message(document: &Document, address: &str, name: &str) -> Result<String> {
    for (_, channel) in document.each(&document.root(), "channels")? {
        if channel.value["address"] != address {
            continue;
        }
        for (_, message) in document.each(&channel, "messages")? {
            if message.value["name"] == name {
                return Ok(message.pointer);
            }
        }
    }
    anyhow::bail!("{name} is no message of {address}")
}

/// The system itself writes the required fields in the document's order, then optional ones, then the payload, and no others.
fn check_order(document: &Document, fields: &Fields) -> Result<()> {
    let schema = document.at("/components/schemas/EventHeaders")?.value;
    let required = schema["required"].as_array().context("EventHeaders requires nothing")?;
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let optional = names.iter().copied().filter(|name| !required.iter().any(|known| known == name) && *name != PAYLOAD);
    let expected: Vec<&str> = required.iter().filter_map(Value::as_str).chain(optional).chain([PAYLOAD]).collect();
    ensure!(names == expected, "the fields are {names:?}, not {expected:?}");
    let unknown = names.iter().find(|name| **name != PAYLOAD && schema["properties"].get(name).is_none());
    ensure!(unknown.is_none(), "the field {unknown:?} is not documented");
    Ok(())
}

fn headers(fields: &Fields) -> Result<Value> {
    let mut headers = Map::new();
    for (name, value) in fields.iter().filter(|(name, _)| name != PAYLOAD) {
        ensure!(headers.insert(name.clone(), value.clone().into()).is_none(), "the field {name} is there twice");
    }
    Ok(headers.into())
}

fn value<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}
