//! The documents in `wit/` are valid, complete in themselves, and of one mind with spin.toml and with each other.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use contract::document::{Document, local};
use contract::events::golden;
use contract::manifest::Manifest;
use contract::{asyncapi, openapi, repository};
use jsonschema::{Draft, Registry};
use serde_json::{Value, json};

fn schema(path: &str) -> Result<Value> {
    let path = repository("tests/contract/schemas").join(path);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

/// Checks a document against the schema of its format, and says where it does not fit.
fn check(document: &Value, schema: &Value, registry: &Registry, draft: Draft) -> Result<()> {
    let options = jsonschema::options().with_draft(draft).with_registry(registry).should_validate_formats(true);
    let validator = options.should_ignore_unknown_formats(true).offline().build(schema)?;
    let errors = validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path()));
    let errors: Vec<String> = errors.collect();
    ensure!(errors.is_empty(), "{}", errors.join("\n"));
    Ok(())
}

fn check_openapi(document: &Value) -> Result<()> {
    let mut registry = Registry::new().draft(Draft::Draft202012);
    for name in ["schema", "schema-base", "dialect-base", "meta-base"] {
        let schema = schema(&format!("openapi-3.1/{name}.json"))?;
        let id = schema["$id"].as_str().context("a schema without $id")?.to_owned();
        registry = registry.add(id, schema)?;
    }
    // With the dialect of its schema objects, which are schemas themselves.
    let base = json!({ "$ref": "https://spec.openapis.org/oas/3.1/schema-base" });
    check(document, &base, &registry.prepare()?, Draft::Draft202012)
}

fn check_asyncapi(document: &Value) -> Result<()> {
    let schema = schema("asyncapi-3.0/asyncapi.json")?;
    check(document, &schema, &Registry::new().prepare()?, Draft::Draft7)
}

#[test]
fn openapi_yaml_is_openapi_3_1() -> Result<()> {
    check_openapi(Document::openapi()?.root().value)
}

#[test]
fn asyncapi_yaml_is_asyncapi_3_0() -> Result<()> {
    check_asyncapi(Document::asyncapi()?.root().value)
}

#[test]
fn what_is_no_openapi_or_asyncapi_is_told_apart() -> Result<()> {
    let mut document = Document::openapi()?.root().value.clone();
    document["paths"]["/stats/v1"]["get"]["responses"]["200"]["describtion"] = json!("x");
    assert!(check_openapi(&document).is_err());
    let mut document = Document::openapi()?.root().value.clone();
    document["components"]["schemas"]["Id"]["type"] = json!("number of something");
    assert!(check_openapi(&document).is_err(), "a schema that is none");
    let mut document = Document::asyncapi()?.root().value.clone();
    document["operations"]["user"]["action"] = json!("publish");
    assert!(check_asyncapi(&document).is_err());
    Ok(())
}

/// Every reference leads somewhere, and every component is referred to.
#[test]
fn references_and_components_fit_each_other() -> Result<()> {
    for document in [Document::openapi()?, Document::asyncapi()?] {
        let mut used = BTreeSet::new();
        for (from, reference) in document.references() {
            document.at(&from).with_context(|| format!("{from}: {reference}"))?;
            used.insert(local(&reference)?.to_owned());
        }
        for (kind, _) in document.each(&document.root(), "components")? {
            for (name, _) in document.each(&document.at("/components")?, &kind)? {
                let pointer = format!("/components/{kind}/{name}");
                assert!(used.contains(&pointer), "nobody refers to {pointer}");
            }
        }
    }
    Ok(())
}

#[test]
fn every_schema_is_one() -> Result<()> {
    for document in [Document::openapi()?, Document::asyncapi()?] {
        for (_, schema) in document.each(&document.at("/components")?, "schemas")? {
            let validator = document.validator(&schema.pointer)?;
            for example in schema.value["examples"].as_array().into_iter().flatten() {
                assert!(validator.is_valid(example), "{}: the example {example}", schema.pointer);
            }
        }
    }
    Ok(())
}

/// Examples are checked where they stand: beside a schema, one or several, or in a list of them.
#[test]
fn every_example_is_one() -> Result<()> {
    let document = Document::openapi()?;
    let mut count = 0;
    for pointer in holders(document.root().value, "") {
        let part = document.at(&pointer)?;
        let schema = format!("{pointer}/schema");
        let kind = document.at(&schema)?.value["type"].clone();
        let one = part.value.get("example").cloned();
        let several = document.each(&part, "examples")?.into_iter().map(|(_, example)| example.value["value"].clone());
        for example in several.chain(one) {
            // The example of a header or a parameter may be written as a number or as text.
            let example = example.as_str().map_or(example.clone(), |text| openapi::simple(&kind, text));
            document.check(&schema, &example)?;
            count += 1;
        }
    }
    assert!(count > 50, "only {count} examples were found");
    Ok(())
}

/// Pointers to what has a schema with examples beside it.
fn holders(value: &Value, pointer: &str) -> Vec<String> {
    let Value::Object(members) = value else { return Vec::new() };
    let holds = members.contains_key("schema") && (members.contains_key("example") || members.contains_key("examples"));
    let own = holds.then(|| pointer.to_owned());
    let below = members.iter().flat_map(|(name, value)| {
        let pointer = format!("{pointer}/{}", contract::document::escaped(name));
        match value {
            Value::Array(items) => {
                items.iter().enumerate().flat_map(|(n, item)| holders(item, &format!("{pointer}/{n}"))).collect()
            }
            _ => holders(value, &pointer),
        }
    });
    own.into_iter().chain(below).collect()
}

/// A client can be written from the document alone: each operation has a name of its own, an explanation, and examples.
#[test]
fn every_operation_is_documented() -> Result<()> {
    let document = Document::openapi()?;
    let mut names = BTreeSet::new();
    for operation in openapi::operations(&document)? {
        let part = document.at(&operation.pointer())?;
        assert!(part.value["summary"].is_string(), "{} has no summary", operation.id);
        assert!(part.value["tags"].is_array(), "{} has no tag", operation.id);
        for (status, response) in document.each(&part, "responses")? {
            for (media_type, content) in document.each(&response, "content")? {
                let examples = document.each(&content, "examples")?;
                assert!(!examples.is_empty(), "{} {status} has no example of {media_type}", operation.id);
            }
        }
        assert!(names.insert(operation.id.clone()), "{} is there twice", operation.id);
    }
    Ok(())
}

#[test]
fn routes_and_paths_are_the_same() -> Result<()> {
    let document = Document::openapi()?;
    // What a parameter is called, the route need not say.
    let nameless = |path: &str, begins: char| {
        let segments = path.split('/').map(|segment| if segment.starts_with(begins) { "*" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    };
    let routes = Manifest::read()?.routes()?;
    let routes: BTreeSet<_> =
        routes.iter().map(|(route, component)| (nameless(route, ':'), component.clone())).collect();
    let mut paths = BTreeSet::new();
    for (path, item) in document.each(&document.root(), "paths")? {
        let component = item.value["x-spin-component"].as_str().with_context(|| format!("{path}: x-spin-component"))?;
        paths.insert((nameless(&path, '{'), component.to_owned()));
    }
    assert_eq!(routes, paths);
    Ok(())
}

#[test]
fn doorbells_and_operations_are_the_same() -> Result<()> {
    let document = Document::asyncapi()?;
    let mut heard = BTreeSet::new();
    for (name, operation) in document.each(&document.root(), "operations")? {
        let channel = document.below(&operation, &["channel"])?.context("an operation without a channel")?;
        if operation.value["action"] == "receive" && channel.pointer.ends_with("Doorbell") {
            let component = name.split('.').next().unwrap_or_default().to_owned();
            heard.insert((channel.value["address"].as_str().unwrap_or_default().to_owned(), component));
        }
    }
    assert_eq!(heard, Manifest::read()?.channels()?.into_iter().collect());
    Ok(())
}

#[test]
fn events_and_answers_carry_the_same_things() -> Result<()> {
    let (openapi, asyncapi) = (Document::openapi()?, Document::asyncapi()?);
    for name in ["User", "Friendship", "Id", "Name", "Timestamp"] {
        let pointer = format!("/components/schemas/{name}");
        let [one, other] = [&openapi, &asyncapi].map(|document| {
            let mut schema = document.at(&pointer)?.value.clone();
            schema.as_object_mut().context("a schema is an object")?.remove("description");
            anyhow::Ok(schema)
        });
        assert_eq!(one?, other?, "{name}");
    }
    Ok(())
}

#[test]
fn every_message_example_is_one() -> Result<()> {
    let document = Document::asyncapi()?;
    for (name, message) in document.each(&document.at("/components")?, "messages")? {
        for example in message.value["examples"].as_array().into_iter().flatten() {
            for part in ["headers", "payload"] {
                if let Some(value) = example.get(part) {
                    document.check(&format!("{}/{part}", message.pointer), value).context(name.clone())?;
                }
            }
        }
    }
    Ok(())
}

/// Every event that was ever written is still an event of the contract.
#[test]
fn golden_events_are_of_the_contract() -> Result<()> {
    let document = Document::asyncapi()?;
    let mut count = 0;
    for file in std::fs::read_dir(repository("functions/domain/tests/golden"))? {
        let path = file?.path();
        let fields = golden(&std::fs::read_to_string(&path)?)?;
        let user = fields.iter().any(|(name, value)| name == "source" && value == "/user");
        let address = if user { "events:user" } else { "events:friend" };
        asyncapi::check_event(&document, address, &fields).with_context(|| path.display().to_string())?;
        count += 1;
    }
    assert!(count >= 4, "only {count} golden files");
    Ok(())
}

#[test]
fn what_is_no_event_is_told_apart() -> Result<()> {
    let document = Document::asyncapi()?;
    let text = std::fs::read_to_string(repository("functions/domain/tests/golden/USER_CREATED.1.txt"))?;
    let broken = |from: &str, to: &str| {
        let text = text.replace(from, to);
        assert!(asyncapi::check_event(&document, "events:user", &golden(&text).unwrap()).is_err(), "{to}");
    };
    broken("USER_CREATED", "USER_RENAMED");
    broken("source /user", "source /friend");
    broken("version 1", "version 2");
    broken("version 1", "version one");
    broken("\"id\":42", "\"id\":0");
    broken("\"id\":42", "\"id\":\"42\"");
    broken("\"firstName\":\"Ada\",", "");
    broken("\"Ada\"", "\"\"");
    broken("\"Ada\"", "\"A\\u0000da\"");
    broken(".123Z\"}", "Z\"}");
    broken("source /user\n", "");
    broken("subject user/42\n", "subject user/42\ncolour blue\n");
    Ok(())
}
