//! A YAML document with JSON Schemas in it, and references to its own parts.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use jsonschema::{Draft, Registry, Validator};
use serde_json::{Value, json};

use crate::repository;

/// A chain of references longer than this is a circle: ours have one or two links.
const MAX_LINKS: usize = 8;

pub struct Document {
    /// What it is found under by its schemas' references.
    uri: String,
    root: Value,
    draft: Draft,
    registry: Registry<'static>,
}

/// A part of a document: its value, and the JSON pointer to it.
#[derive(Clone)]
pub struct Part<'a> {
    pub value: &'a Value,
    pub pointer: String,
}

impl Document {
    pub fn openapi() -> Result<Self> {
        Self::read("wit/openapi.yaml", Draft::Draft202012)
    }

    pub fn asyncapi() -> Result<Self> {
        Self::read("wit/asyncapi.yaml", Draft::Draft7)
    }

    fn read(path: &str, draft: Draft) -> Result<Self> {
        let text = fs::read_to_string(repository(path)).with_context(|| format!("{path} is not readable"))?;
        // A key that is given twice is an error.
        let root: Value = serde_saphyr::from_str(&text).with_context(|| format!("{path} is not YAML"))?;
        let uri = format!("urn:contract:{path}");
        let registry = Registry::new().draft(draft).add(uri.clone(), root.clone())?.prepare()?;
        Ok(Self { uri, root, draft, registry })
    }

    pub fn root(&self) -> Part<'_> {
        Part { value: &self.root, pointer: String::new() }
    }

    /// The part that a pointer leads to, through any references.
    pub fn at(&self, pointer: &str) -> Result<Part<'_>> {
        let value = self.root.pointer(pointer).with_context(|| format!("there is no {pointer}"))?;
        self.resolve(Part { value, pointer: pointer.to_owned() })
    }

    /// A part below another one, through any references; none where it is not there.
    pub fn below<'a>(&'a self, part: &Part<'a>, names: &[&str]) -> Result<Option<Part<'a>>> {
        let mut part = part.clone();
        for name in names {
            let Some(value) = part.value.get(name) else { return Ok(None) };
            part = self.resolve(Part { value, pointer: format!("{}/{}", part.pointer, escaped(name)) })?;
        }
        Ok(Some(part))
    }

    /// The parts of an object or a list below another part, by name, through any references.
    pub fn each<'a>(&'a self, part: &Part<'a>, name: &str) -> Result<Vec<(String, Part<'a>)>> {
        let Some(all) = self.below(part, &[name])? else { return Ok(Vec::new()) };
        let names: Vec<(String, &Value)> = match all.value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
            _ => bail!("{} is neither an object nor a list", all.pointer),
        };
        let part = |(name, value): (String, &'a Value)| {
            let pointer = format!("{}/{}", all.pointer, escaped(&name));
            Ok((name, self.resolve(Part { value, pointer })?))
        };
        names.into_iter().map(part).collect()
    }

    fn resolve<'a>(&'a self, mut part: Part<'a>) -> Result<Part<'a>> {
        for _ in 0..MAX_LINKS {
            let Some(reference) = part.value.get("$ref").and_then(Value::as_str) else { return Ok(part) };
            let pointer = local(reference).with_context(|| format!("{}: {reference}", part.pointer))?;
            let value = self.root.pointer(pointer);
            let value = value.with_context(|| format!("{}: {reference} leads nowhere", part.pointer))?;
            part = Part { value, pointer: pointer.to_owned() };
        }
        bail!("{}: a circle of references", part.pointer)
    }

    /// What checks values against the schema that a pointer leads to.
    pub fn validator(&self, pointer: &str) -> Result<Validator> {
        // Braces, which paths have, may not stand in a URI.
        let pointer_in_uri = pointer.replace('{', "%7B").replace('}', "%7D");
        let schema = json!({ "$ref": format!("{}#{pointer_in_uri}", self.uri) });
        let options = jsonschema::options().with_draft(self.draft).with_registry(&self.registry);
        // `format: int64` and the like are of OpenAPI, not of JSON Schema: they say nothing about the value.
        let options = options.should_validate_formats(true).should_ignore_unknown_formats(true).offline();
        options.build(&schema).with_context(|| format!("the schema at {pointer} is none"))
    }

    /// Checks a value against the schema that a pointer leads to.
    pub fn check(&self, pointer: &str, value: &Value) -> Result<()> {
        let validator = self.validator(pointer)?;
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        ensure!(errors.is_empty(), "{value} is not what {pointer} says: {}", errors.join("; "));
        Ok(())
    }

    /// Every reference in the document, with the pointer to what holds it.
    pub fn references(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        collect(&self.root, "", &mut found);
        found
    }
}

/// The pointer of a reference into the same document.
pub fn local(reference: &str) -> Result<&str> {
    reference.strip_prefix('#').context("references lead into the same document: they begin with #")
}

/// A name as JSON pointers have it.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn collect(value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(reference) if name == "$ref" => found.push((pointer.to_owned(), reference.clone())),
                    _ => collect(value, &format!("{pointer}/{}", escaped(name)), found),
                }
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                collect(value, &format!("{pointer}/{n}"), found);
            }
        }
        _ => {}
    }
}
