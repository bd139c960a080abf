//! `wit/world.wit` resolves against `wit/deps`, and every component of spin.toml is what it says.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use contract::manifest::Manifest;
use contract::worlds::{Component, Worlds};

/// The world of each kind of trigger.
const WORLDS: [(&str, &str, &str); 2] =
    [("http", "route", "http-function"), ("redis", "channel", "projection-function")];

#[test]
fn every_component_is_of_its_world() -> Result<()> {
    let worlds = Worlds::read()?;
    for (trigger, key, world) in WORLDS {
        for (name, source) in Manifest::read()?.sources(trigger, key)? {
            worlds.check(world, &Component::read(&source)?).with_context(|| format!("{name} is no {world}"))?;
        }
    }
    Ok(())
}

#[test]
fn a_component_of_another_world_is_told_apart() -> Result<()> {
    let worlds = Worlds::read()?;
    let projection = Component::read("target/wasm32-wasip2/release/project_stats.wasm")?;
    assert!(worlds.check("http-function", &projection).is_err());
    let query = Component::read("target/wasm32-wasip2/release/stats.wasm")?;
    assert!(worlds.check("projection-function", &query).is_err());
    Ok(())
}

/// Names are not enough: a runtime whose interface lacks a function, under the same name and version, is another one.
#[test]
fn a_world_of_other_types_is_told_apart() -> Result<()> {
    let mut worlds = Worlds::read()?;
    let query = Component::read("target/wasm32-wasip2/release/stats.wasm")?;
    worlds.check("http-function", &query)?;
    for (_, interface) in worlds.resolve.interfaces.iter_mut() {
        if interface.name.as_deref() == Some("variables") {
            interface.functions.clear();
        }
    }
    assert!(worlds.check("http-function", &query).is_err());
    Ok(())
}

/// A world promises a function no more than some function uses: what it imports is what a runtime must have.
#[test]
fn no_world_asks_the_runtime_for_what_nobody_uses() -> Result<()> {
    let worlds = Worlds::read()?;
    for (trigger, key, world) in WORLDS {
        let mut used = BTreeSet::new();
        for (_, source) in Manifest::read()?.sources(trigger, key)? {
            used.extend(Component::read(&source)?.imports());
        }
        let unused: Vec<String> = worlds.imports(world)?.into_iter().filter(|name| !used.contains(name)).collect();
        assert!(unused.is_empty(), "{world} imports {unused:?}, and no component does");
    }
    Ok(())
}
