//! How the worker and the runtime are started: their arguments and their settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::options::{Options, Part, Runtime, folder_of};
use crate::process::Spec;
use crate::programs;
use crate::redis_url::Contexts;

/// The variables of spin.toml that every start sets, with the setting that decides on each, if a person can.
const VARIABLES: [(&str, Option<&str>); 8] = [
    ("SPIN_VARIABLE_USER_SERVICE_URL", Some("PORT")),
    // The worker is started on a free port.
    ("SPIN_VARIABLE_WORKER_URL", None),
    ("SPIN_VARIABLE_USER_REDIS_HOST", Some("USER_REDIS_URL")),
    ("SPIN_VARIABLE_USER_REDIS_CREDENTIALS", Some("USER_REDIS_URL")),
    ("SPIN_VARIABLE_FRIEND_REDIS_HOST", Some("FRIEND_REDIS_URL")),
    ("SPIN_VARIABLE_FRIEND_REDIS_CREDENTIALS", Some("FRIEND_REDIS_URL")),
    ("SPIN_VARIABLE_VIEW_REDIS_HOST", Some("VIEW_REDIS_URL")),
    ("SPIN_VARIABLE_VIEW_REDIS_CREDENTIALS", Some("VIEW_REDIS_URL")),
];

/// Lets the allocator ask for pages of 2 MiB, for the worker reads its graph at random places: a tenth to a fifth faster.
/// It is glibc's own setting, and means nothing to other systems.
pub const LARGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// A warning for each variable that someone has set and that has no effect here. Values are not repeated: some are
/// passwords.
pub(crate) fn overridden(is_set: impl Fn(&str) -> bool) -> Vec<String> {
    let set = VARIABLES.iter().filter(|(name, _)| is_set(name));
    set.map(|(name, setting)| match setting {
        Some(setting) => format!("warning: {name} has no effect here: use {setting}"),
        None => format!("warning: {name} has no effect here: a worker is started, and its address used"),
    })
    .collect()
}

/// Where everything listens, once that is decided.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub port: u16,
    pub worker_port: u16,
    /// Of the runtime's metrics, if it serves them; on Spin, which sends them itself, none.
    pub metrics_port: Option<u16>,
    pub contexts: Contexts,
}

impl Addresses {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn worker_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.worker_port)
    }

    pub fn metrics_url(&self) -> Option<String> {
        self.metrics_port.map(|port| format!("http://127.0.0.1:{port}/metrics"))
    }
}

/// The programs, looked for before anything is started.
pub struct Programs {
    worker: PathBuf,
    runtime: PathBuf,
}

impl Programs {
    pub fn find(runtime: Runtime) -> Result<Self> {
        Ok(Self {
            worker: programs::worker()?,
            runtime: match runtime {
                Runtime::Embedded => programs::host()?,
                Runtime::Spin => programs::spin()?,
            },
        })
    }

    pub fn worker(&self, options: &Options, addresses: &Addresses, snapshots: &Path) -> Spec {
        let mut env = vec![
            ("WORKER_LISTEN".to_string(), format!("127.0.0.1:{}", addresses.worker_port)),
            ("WORKER_SNAPSHOT_DIR".to_string(), snapshots.display().to_string()),
            (LARGE_PAGES.0.to_string(), LARGE_PAGES.1.to_string()),
        ];
        for (context, url) in addresses.contexts.named() {
            env.push((format!("{context}_REDIS_URL"), url.url()));
        }
        Spec {
            program: self.worker.clone(),
            args: Vec::new(),
            env: with_further(env, options, Part::Worker),
            folder: folder_of(&options.manifest),
        }
    }

    /// Settings go by the environment, which other users cannot read, unlike arguments.
    pub fn runtime(&self, options: &Options, addresses: &Addresses, logs: &Path) -> Spec {
        let mut env = vec![
            ("SPIN_VARIABLE_USER_SERVICE_URL".to_string(), addresses.url()),
            ("SPIN_VARIABLE_WORKER_URL".to_string(), addresses.worker_url()),
        ];
        for (context, url) in addresses.contexts.named() {
            let name = format!("SPIN_VARIABLE_{context}_REDIS");
            env.push((format!("{name}_HOST"), url.address()));
            env.push((format!("{name}_CREDENTIALS"), url.credentials().to_string()));
        }
        let manifest = std::path::absolute(&options.manifest);
        let manifest = manifest.unwrap_or_else(|_| options.manifest.clone());
        let mut args: Vec<OsString> = match options.runtime {
            Runtime::Embedded => Vec::new(),
            Runtime::Spin => vec!["up".into()],
        };
        args.extend(["--from".into(), manifest.into_os_string()]);
        // As two arguments: with several trigger types, Spin does not take --listen=ADDRESS.
        args.extend(["--listen".into(), format!("127.0.0.1:{}", addresses.port).into()]);
        args.extend(["--log-dir".into(), logs.join("components").into_os_string()]);
        if options.runtime == Runtime::Embedded {
            // Compiled components are build results: they outlive the data folder.
            let cache = programs::folder().join("component-cache");
            args.extend(["--cache-dir".into(), cache.into_os_string()]);
        }
        if let Some(port) = addresses.metrics_port {
            args.extend(["--metrics-listen".into(), format!("127.0.0.1:{port}").into()]);
        }
        Spec {
            program: self.runtime.clone(),
            args,
            env: with_further(env, options, Part::Runtime),
            folder: folder_of(&options.manifest),
        }
    }
}

fn with_further(mut env: Vec<(String, String)>, options: &Options, part: Part) -> Vec<(String, String)> {
    let further = options.environment.iter().filter(|(of, ..)| *of == part);
    env.extend(further.map(|(_, name, value)| (name.clone(), value.clone())));
    env
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis_url::RedisUrl;

    #[test]
    fn every_variable_that_is_set_has_its_warning() {
        let own = RedisUrl::local(1);
        let contexts = Contexts { user: own.clone(), friend: own.clone(), view: own };
        let addresses = Addresses { port: 2, worker_port: 3, metrics_port: Some(4), contexts };
        let programs = Programs { worker: PathBuf::new(), runtime: PathBuf::new() };
        let spec = programs.runtime(&Options::isolated().unwrap(), &addresses, Path::new("logs"));
        for (name, _) in &spec.env {
            let warnings = overridden(|set| set == name);
            assert!(warnings.len() == 1 && warnings[0].contains(name.as_str()), "{name}: {warnings:?}");
        }
        assert_eq!(spec.env.len(), VARIABLES.len());
        assert!(overridden(|_| false).is_empty());
    }
}
