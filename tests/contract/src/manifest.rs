//! spin.toml: routes, triggers and components.

use std::fs;

use anyhow::{Context, Result};
use toml::Value;

use crate::repository;

pub struct Manifest(Value);

impl Manifest {
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string(repository("spin.toml")).context("spin.toml is not readable")?;
        Ok(Self(toml::from_str(&text)?))
    }

    /// Pairs of a route and its component, but for the one that takes every other path.
    pub fn routes(&self) -> Result<Vec<(String, String)>> {
        let mut routes = self.pairs("http", "route")?;
        routes.retain(|(route, _)| route != "/...");
        Ok(routes)
    }

    /// Pairs of a channel and the component that its messages wake.
    pub fn channels(&self) -> Result<Vec<(String, String)>> {
        self.pairs("redis", "channel")
    }

    /// The components of a trigger, each with the file that holds it.
    pub fn sources(&self, trigger: &str, key: &str) -> Result<Vec<(String, String)>> {
        let mut components: Vec<String> =
            self.pairs(trigger, key)?.into_iter().map(|(_, component)| component).collect();
        components.sort();
        components.dedup();
        let source = |component: String| {
            let source = self.0["component"][&component]["source"].as_str().context("a component without a source")?;
            Ok((component, source.to_owned()))
        };
        components.into_iter().map(source).collect()
    }

    fn pairs(&self, trigger: &str, key: &str) -> Result<Vec<(String, String)>> {
        let triggers = self.0["trigger"][trigger].as_array().context("spin.toml has no such triggers")?;
        let text = |of: &Value, key: &str| Some(of.get(key)?.as_str()?.to_owned());
        let pair = |of: &Value| text(of, key).zip(text(of, "component")).with_context(|| format!("trigger {of:?}"));
        triggers.iter().map(pair).collect()
    }
}
