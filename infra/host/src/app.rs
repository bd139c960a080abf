//! The application: the manifest with every template filled in, checked before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::allowed_hosts::AllowedHosts;
use crate::manifest::{self, Manifest};
use crate::variables::Variables;

#[derive(Debug)]
pub struct App {
    pub name: String,
    pub components: Vec<Arc<ComponentSpec>>,
    /// Route, and the index of its component.
    pub routes: Vec<(String, usize)>,
    pub redis_triggers: Vec<RedisTrigger>,
}

/// What a component is, and all that it may see and reach.
#[derive(Debug)]
pub struct ComponentSpec {
    pub id: String,
    pub source: PathBuf,
    pub allowed_hosts: AllowedHosts,
    pub variables: BTreeMap<String, String>,
    pub environment: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct RedisTrigger {
    pub address: String,
    pub channel: String,
    /// The index of its component.
    pub component: usize,
}

impl App {
    pub fn load(manifest_path: &Path, given_variables: &[(String, String)]) -> Result<Self> {
        let manifest = Manifest::read(manifest_path)?;
        let variables = Variables::resolve(&manifest.variables, given_variables, |name| std::env::var(name).ok())?;
        warn_of_unknown(&variables);
        let root = manifest_path.parent().unwrap_or(Path::new("."));
        Self::build(&manifest, &variables, root).with_context(|| manifest_path.display().to_string())
    }

    fn build(manifest: &Manifest, variables: &Variables, root: &Path) -> Result<Self> {
        let components = manifest
            .component
            .iter()
            .map(|(id, component)| {
                ComponentSpec::build(id, component, variables, root)
                    .map(Arc::new)
                    .with_context(|| format!("[component.{id}]"))
            })
            .collect::<Result<Vec<_>>>()?;
        let index = |id: &str| {
            let found = components.iter().position(|c| c.id == id);
            found.expect("the manifest's references were checked")
        };
        let routes = manifest.trigger.http.iter().map(|t| (t.route.clone(), index(&t.component))).collect();
        let default_address = manifest.application.trigger.redis.address.as_deref();
        let redis_triggers = manifest
            .trigger
            .redis
            .iter()
            .map(|trigger| {
                let address = redis_address(trigger, default_address, variables)?;
                Ok(RedisTrigger {
                    address,
                    channel: variables.render(&trigger.channel)?,
                    component: index(&trigger.component),
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { name: manifest.application.name.clone(), components, routes, redis_triggers })
    }
}

/// As Spin does, it goes on; but a name that is spelled wrong is hard to find otherwise.
fn warn_of_unknown(variables: &Variables) {
    let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    for name in variables.unknown(names.iter().map(String::as_str)) {
        tracing::warn!("{name} (environment) sets nothing: spin.toml's [variables] has no such name");
    }
}

fn redis_address(trigger: &manifest::RedisTrigger, default: Option<&str>, variables: &Variables) -> Result<String> {
    let at = || format!("[[trigger.redis]] of {} on {:?}", trigger.component, trigger.channel);
    let Some(template) = trigger.address.as_deref().or(default) else {
        bail!("{} has no address, and there is no [application.trigger.redis]", at());
    };
    let address = variables.render(template).with_context(at)?;
    // The address may hold a password: the message shows the template instead.
    redis::Client::open(address.as_str())
        .map_err(|_| anyhow::anyhow!("the address {} does not give a redis:// URL", variables.sources(template)))
        .with_context(at)?;
    Ok(address)
}

impl ComponentSpec {
    fn build(id: &str, component: &manifest::Component, variables: &Variables, root: &Path) -> Result<Self> {
        let source = root.join(&component.source);
        if !source.is_file() {
            bail!("{} is not there: run `make build`", source.display());
        }
        let mut hosts = Vec::new();
        for template in &component.allowed_outbound_hosts {
            let host = variables.render(template)?;
            // Each for itself first: a message says which one it is, and who set what it is made of.
            AllowedHosts::parse(std::slice::from_ref(&host)).with_context(|| variables.sources(template))?;
            hosts.push(host);
        }
        let mut own_variables = BTreeMap::new();
        for (name, template) in &component.variables {
            crate::variables::check_name(name)?;
            own_variables.insert(name.clone(), variables.render(template)?);
        }
        Ok(Self {
            id: id.to_string(),
            source,
            allowed_hosts: AllowedHosts::parse(&hosts)?,
            variables: own_variables,
            environment: component.environment.clone().into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(rest: &str) -> Result<App> {
        let folder =
            std::env::temp_dir().join(format!("host-app-{}-{:?}", std::process::id(), std::thread::current().id()));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("a.wasm"), b"")?;
        let manifest = folder.join("spin.toml");
        std::fs::write(&manifest, format!("spin_manifest_version = 2\n[application]\nname = \"t\"\n{rest}"))?;
        let app = App::load(&manifest, &[]);
        std::fs::remove_dir_all(&folder)?;
        app
    }

    fn error(rest: &str) -> String {
        format!("{:#}", load(rest).expect_err("must be refused"))
    }

    #[test]
    fn a_missing_manifest_says_how_to_name_one() {
        let error = App::load(Path::new("/nowhere/spin.toml"), &[]).unwrap_err();
        assert!(format!("{error:#}").contains("--from"));
    }

    #[test]
    fn a_component_that_is_not_built_is_named() {
        let text = "[[trigger.http]]\nroute = \"/\"\ncomponent = \"b\"\n[component.b]\nsource = \"b.wasm\"\n";
        let error = error(text);
        assert!(error.contains("b.wasm") && error.contains("[component.b]"), "{error}");
        assert!(error.contains("make build"), "{error}");
    }

    #[test]
    fn broken_addresses_and_templates_are_named() {
        let component = "[component.a]\nsource = \"a.wasm\"\n";
        let trigger = "[[trigger.redis]]\nchannel = \"c\"\ncomponent = \"a\"\n";
        assert!(error(&format!("{trigger}{component}")).contains("has no address"));
        let text = format!("{trigger}address = \"nonsense\"\n{component}");
        assert!(error(&text).contains("nonsense"));
        let text = format!(
            "{trigger}address = \"redis://h\"\n{component}allowed_outbound_hosts = [\"http://{{{{ ghost }}}}\"]\n"
        );
        assert!(error(&text).contains("ghost"));
        let text = format!("{trigger}address = \"redis://h\"\n{component}allowed_outbound_hosts = [\"h\"]\n");
        assert!(error(&text).contains("scheme"));
    }

    #[test]
    fn templates_are_filled_in() {
        let app = load(
            "[variables]\nh = { default = \"127.0.0.1:1\" }\n[[trigger.redis]]\naddress = \"redis://{{ h }}\"\n\
             channel = \"c\"\ncomponent = \"a\"\n[component.a]\nsource = \"a.wasm\"\n\
             allowed_outbound_hosts = [\"redis://{{ h }}\"]\n[component.a.variables]\nurl = \"redis://{{ h }}\"\n",
        )
        .expect("valid");
        assert_eq!(app.redis_triggers[0].address, "redis://127.0.0.1:1");
        let component = &app.components[0];
        assert_eq!(component.variables["url"], "redis://127.0.0.1:1");
        assert!(component.allowed_hosts.allows("redis", "127.0.0.1", Some(1)));
    }
}
