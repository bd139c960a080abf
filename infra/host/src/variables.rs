//! Application variables and the `{{ name }}` templates that use them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};

use crate::manifest::Variable;

/// Of the environment variables that set application variables.
const PREFIX: &str = "SPIN_VARIABLE_";

/// The values of all application variables, resolved once at start.
#[derive(Debug)]
pub struct Variables(BTreeMap<String, Value>);

#[derive(Debug)]
struct Value {
    value: String,
    /// Where it was set, for messages.
    source: String,
}

impl Variables {
    /// The first that has a value wins: `--variable`, the environment, the default.
    pub fn resolve(
        declared: &BTreeMap<String, Variable>,
        given: &[(String, String)],
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        for (name, _) in given {
            if !declared.contains_key(name) {
                bail!("--variable {name}: the manifest's [variables] has no {name:?}");
            }
        }
        let mut values = BTreeMap::new();
        for (name, variable) in declared {
            let env_name = format!("{PREFIX}{}", name.to_uppercase());
            let given = given.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            let given = given.map(|value| (value, format!("--variable {name} (command line)")));
            let set = || environment(&env_name).map(|value| (value, format!("{env_name} (environment)")));
            let default = || Some((variable.default.clone()?, "its default (spin.toml)".to_string()));
            let (value, source) = given.or_else(set).or_else(default).ok_or_else(|| {
                // A secret on the command line would be readable by everyone on the machine.
                let flag = match variable.secret {
                    true => String::new(),
                    false => format!(" or give --variable {name}=VALUE"),
                };
                anyhow!("the variable {name} is required and has no value: set {env_name}{flag}")
            })?;
            values.insert(name.clone(), Value { value, source });
        }
        Ok(Self(values))
    }

    /// For a message about what a template gave: which variables it uses, and where each was set. Values may be secret.
    pub fn sources(&self, template: &str) -> String {
        let names = template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).map(str::trim);
        let sources = names.filter_map(|name| Some(format!("{name} is {}", self.0.get(name)?.source)));
        format!("{template:?}, where {}", sources.collect::<Vec<_>>().join(", "))
    }

    /// The environment variables that would set an application variable, if there were one of that name.
    pub fn unknown<'a>(&self, environment: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let known = |name: &str| self.0.keys().any(|known| known.to_uppercase() == name);
        environment.filter(|name| name.strip_prefix(PREFIX).is_some_and(|name| !known(name))).collect()
    }

    /// Replaces every `{{ name }}` in `template`.
    pub fn render(&self, template: &str) -> Result<String> {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(start) = rest.find("{{") {
            out.push_str(&rest[..start]);
            let (name, tail) = rest[start + 2..]
                .split_once("}}")
                .with_context(|| format!("unmatched '{{{{' in the template {template:?}"))?;
            let name = name.trim();
            let value = self.0.get(name).with_context(|| {
                format!("the template {template:?} uses the variable {name:?}, which [variables] does not declare")
            })?;
            out.push_str(&value.value);
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Spin's rule for names: lower case letters, digits and single underscores, starting with a letter.
pub fn check_name(name: &str) -> Result<()> {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !starts || !name.chars().all(allowed) || name.contains("__") || name.ends_with('_') {
        bail!(
            "{name:?} is no name for a variable: use lower case letters, digits and single underscores, starting with a letter"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> BTreeMap<String, Variable> {
        toml::from_str(
            "host = { default = \"h:1\" }\ntoken = { required = true, secret = true }\nid = { required = true }",
        )
        .expect("valid")
    }

    fn resolve(given: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Variables> {
        let given: Vec<_> = given.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        Variables::resolve(&declared(), &given, |name| env.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string()))
    }

    #[test]
    fn a_missing_required_variable_says_how_to_set_it() {
        let error = resolve(&[("id", "1")], &[]).unwrap_err().to_string();
        assert!(error.contains("SPIN_VARIABLE_TOKEN") && !error.contains("--variable"));
        let error = resolve(&[], &[("SPIN_VARIABLE_TOKEN", "t")]).unwrap_err().to_string();
        assert!(error.contains("--variable id=VALUE"));
        assert!(resolve(&[("ghost", "1")], &[]).is_err());
    }

    #[test]
    fn the_command_line_wins_over_the_environment_over_the_default() {
        let env = [("SPIN_VARIABLE_TOKEN", "t"), ("SPIN_VARIABLE_HOST", "env:1")];
        let variables = resolve(&[("host", "cli:1"), ("id", "")], &env).unwrap();
        assert_eq!(variables.render("{{ host }}").unwrap(), "cli:1");
        let variables = resolve(&[("id", "")], &env).unwrap();
        assert_eq!(variables.render("{{host}}").unwrap(), "env:1");
        let variables = resolve(&[("id", "")], &env[..1]).unwrap();
        assert_eq!(variables.render("redis://{{ token }}@{{ host }}/0").unwrap(), "redis://t@h:1/0");
        assert_eq!(variables.render("{{ id }}").unwrap(), "");
        assert_eq!(variables.render("plain } {").unwrap(), "plain } {");
    }

    #[test]
    fn a_value_s_source_is_known_and_its_value_is_not_shown() {
        let env = [("SPIN_VARIABLE_TOKEN", "s3cret")];
        let variables = resolve(&[("id", "1")], &env).unwrap();
        let sources = variables.sources("redis://{{ token }}@{{ host }}/{{ id }}");
        for source in ["token is SPIN_VARIABLE_TOKEN (environment)", "host is its default", "id is --variable id"] {
            assert!(sources.contains(source), "{sources}");
        }
        assert!(!sources.contains("s3cret"));
        let names = ["SPIN_VARIABLE_TOKEN", "SPIN_VARIABLE_TOKNE", "PATH"];
        assert_eq!(variables.unknown(names.into_iter()), ["SPIN_VARIABLE_TOKNE"]);
    }

    #[test]
    fn broken_templates_are_refused() {
        let variables = resolve(&[("id", "1"), ("token", "2")], &[]).unwrap();
        assert!(variables.render("{{ nope }}").unwrap_err().to_string().contains("nope"));
        assert!(variables.render("{{ id").is_err());
    }

    #[test]
    fn names() {
        for bad in ["", "A", "1a", "a__b", "a_", "a-b", "_a", "ä"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        for good in ["a", "a_b", "a1_2"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
    }
}
