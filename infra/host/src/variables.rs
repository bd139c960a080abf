//! Application variables and the `{{ name }}` templates that use them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};

use crate::manifest::Variable;

/// The values of all application variables, resolved once at start.
#[derive(Debug)]
pub struct Variables(BTreeMap<String, String>);

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
            let env_name = format!("SPIN_VARIABLE_{}", name.to_uppercase());
            let given = given.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
            let value =
                given.or_else(|| environment(&env_name)).or_else(|| variable.default.clone()).ok_or_else(|| {
                    // A secret on the command line would be readable by everyone on the machine.
                    let flag = match variable.secret {
                        true => String::new(),
                        false => format!(" or give --variable {name}=VALUE"),
                    };
                    anyhow!("the variable {name} is required and has no value: set {env_name}{flag}")
                })?;
            values.insert(name.clone(), value);
        }
        Ok(Self(values))
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
            out.push_str(value);
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
