//! spin.toml, as far as the host supports it. A key that it does not know is an error that names it: a setting
//! that is silently ignored here would work differently on Spin.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    spin_manifest_version: u32,
    pub application: Application,
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub trigger: Triggers,
    #[serde(default)]
    pub component: BTreeMap<String, Component>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "accepted, so that the manifest stays a plain Spin one")]
pub struct Application {
    pub name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    authors: Vec<String>,
    #[serde(default)]
    pub trigger: ApplicationTriggers,
}

/// What holds for all triggers of a type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationTriggers {
    #[serde(default)]
    pub redis: RedisDefaults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisDefaults {
    pub address: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub default: Option<String>,
    #[serde(default)]
    pub required: bool,
    /// Its value is never shown in a message.
    #[serde(default)]
    pub secret: bool,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triggers {
    #[serde(default)]
    pub http: Vec<HttpTrigger>,
    #[serde(default)]
    pub redis: Vec<RedisTrigger>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpTrigger {
    pub route: String,
    pub component: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisTrigger {
    pub address: Option<String>,
    pub channel: String,
    pub component: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// The component's file, relative to the manifest.
    pub source: String,
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: String,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    #[serde(default)]
    #[expect(dead_code, reason = "`spin build` and `spin watch` read it")]
    build: Option<Build>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "`spin build` and `spin watch` read it")]
struct Build {
    command: toml::Value,
    workdir: Option<String>,
    #[serde(default)]
    watch: Vec<String>,
}

impl Manifest {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}: name it with --from FILE", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not usable", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).context(
            "correct the line below (the embedded host knows a part of Spin's manifest v2; \
             what it does not know, it refuses)",
        )?;
        manifest.check()?;
        Ok(manifest)
    }

    /// What types cannot say: references between the sections.
    fn check(&self) -> Result<()> {
        if self.spin_manifest_version != 2 {
            bail!("spin_manifest_version is {}, but must be 2", self.spin_manifest_version);
        }
        for (name, variable) in &self.variables {
            crate::variables::check_name(name)?;
            if variable.required == variable.default.is_some() {
                bail!("variable {name}: write either `required = true` or a `default`");
            }
        }
        let http = self.trigger.http.iter().map(|t| ("http", &t.component));
        let redis = self.trigger.redis.iter().map(|t| ("redis", &t.component));
        for (kind, id) in http.chain(redis) {
            if !self.component.contains_key(id) {
                bail!("[[trigger.{kind}]] names the component {id:?}, but there is no [component.{id}]");
            }
        }
        if self.trigger.http.is_empty() && self.trigger.redis.is_empty() {
            bail!("there is nothing to run: no [[trigger.http]] and no [[trigger.redis]]");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"t\"\n";
    const REST: &str = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"\n[component.a]\nsource = \"a.wasm\"\n";

    fn error(text: &str) -> String {
        format!("{:#}", Manifest::parse(text).expect_err("must be refused"))
    }

    #[test]
    fn an_unknown_key_is_named() {
        let text = format!("{HEAD}{REST}key_value_stores = [\"default\"]\n");
        assert!(error(&text).contains("key_value_stores"));
        let text = format!("{HEAD}{REST}[[trigger.cron]]\n");
        assert!(error(&text).contains("cron"));
    }

    #[test]
    fn a_trigger_without_its_component_is_named() {
        let text = format!("{HEAD}[[trigger.http]]\nroute = \"/\"\ncomponent = \"ghost\"\n");
        assert!(error(&text).contains("ghost"));
    }

    #[test]
    fn other_refusals() {
        assert!(error(&HEAD.replace('2', "1")).contains("must be 2"));
        assert!(error(HEAD).contains("nothing to run"));
        assert!(error("spin_manifest_version =").contains("correct the line"));
        let text = format!("{HEAD}[variables]\nx = {{ required = true, default = \"\" }}\n{REST}");
        assert!(error(&text).contains("variable x"));
        let text = format!("{HEAD}[variables]\nx = {{}}\n{REST}");
        assert!(error(&text).contains("variable x"));
        let text = format!("{HEAD}[variables]\nX = {{ default = \"\" }}\n{REST}");
        assert!(error(&text).contains("\"X\""));
    }

    #[test]
    fn a_whole_manifest_is_accepted() {
        let text = format!(
            "{HEAD}version = \"1\"\n[application.trigger.redis]\naddress = \"redis://h\"\n{REST}\
             allowed_outbound_hosts = [\"redis://h\"]\n[component.a.variables]\nk = \"{{{{ v }}}}\"\n\
             [component.a.environment]\nE = \"1\"\n[component.a.build]\ncommand = \"make\"\nwatch = [\"src\"]\n\
             [[trigger.redis]]\nchannel = \"c\"\ncomponent = \"a\"\n[variables]\nv = {{ default = \"\", secret = true }}\n"
        );
        let manifest = Manifest::parse(&text).expect("is valid");
        assert_eq!(manifest.trigger.redis.len(), 1);
        assert_eq!(manifest.application.trigger.redis.address.as_deref(), Some("redis://h"));
    }
}
