//! The bounds of numbers in paths and queries: what the document says is what is enforced, to the number.

use anyhow::{Context, Result, ensure};
use contract::client::Client;
use contract::document::{Document, Part};
use contract::openapi::Operation;
use serde_json::Value;

use crate::people::names;

struct Parameter {
    name: String,
    in_path: bool,
    required: bool,
    example: String,
    /// Smallest and largest, where it is a number.
    bounds: Option<(u64, u64)>,
}

pub async fn tell(client: &Client<'_>) -> Result<()> {
    let mut tried = 0;
    for operation in client.operations() {
        let parameters = parameters(client.document(), operation)?;
        for parameter in &parameters {
            let Some((least, most)) = parameter.bounds else { continue };
            let outside = [(least - 1).to_string(), (most + 1).to_string(), "-1".into(), "1.5".into(), "x".into()];
            let inside = [least.to_string(), most.to_string()];
            for (value, is_in) in outside.iter().map(|v| (v, false)).chain(inside.iter().map(|v| (v, true))) {
                let target = target(operation, &parameters, parameter, value);
                let body = r#"{"firstName":"Ada","lastName":"Lovelace"}"#;
                let answer = client.ask(&operation.method.to_uppercase(), &target)?.json(body).answer().await?;
                let refused = answer.status == 400 && names(&answer, &parameter.name)?;
                ensure!(refused != is_in, "{} {target}: {}", operation.id, answer.status);
            }
            tried += 1;
        }
    }
    ensure!(tried >= 15, "only {tried} parameters with bounds");
    Ok(())
}

/// The parameters in an operation's path and query.
fn parameters(document: &Document, operation: &Operation<'_>) -> Result<Vec<Parameter>> {
    let part = document.at(&operation.pointer())?;
    let (item, _) = part.pointer.rsplit_once('/').context("an operation is in a path")?;
    let mut all = document.each(&document.at(item)?, "parameters")?;
    all.extend(document.each(&part, "parameters")?);
    let found = all.iter().filter(|(_, part)| part.value["in"] != "header").map(|(_, part)| parameter(document, part));
    found.collect()
}

fn parameter(document: &Document, part: &Part<'_>) -> Result<Parameter> {
    let name = part.value["name"].as_str().context("a parameter without a name")?.to_owned();
    let schema = document.at(&format!("{}/schema", part.pointer))?.value;
    let example = match &part.value["example"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let bounds = schema["minimum"].as_u64().zip(schema["maximum"].as_u64());
    Ok(Parameter {
        name,
        in_path: part.value["in"] == "path",
        required: part.value["required"] == true,
        example,
        bounds,
    })
}

/// The operation's target with this value, and examples where something else is needed.
fn target(operation: &Operation<'_>, all: &[Parameter], tried: &Parameter, value: &str) -> String {
    let (mut path, mut query) = (operation.path.clone(), Vec::new());
    for parameter in all {
        let value = if parameter.name == tried.name { value } else { &parameter.example };
        if parameter.in_path {
            path = path.replace(&format!("{{{}}}", parameter.name), value);
        } else if parameter.required || parameter.name == tried.name {
            query.push(format!("{}={value}", parameter.name));
        }
    }
    format!("{path}?{}", query.join("&"))
}
