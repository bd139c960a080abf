//! The components, compiled: taken from a folder where they are kept, which a child process fills.
//!
//! A process that compiles keeps what the compiler used: 153 MB resident against 54 MB of one that finds all
//! components compiled. So the host starts itself once more, only for that (`--compile-only`), and then takes what it
//! left. Whatever that process could not do is done here, and here its errors are reported.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::app::ComponentSpec;

/// All components, in their order.
pub fn load(engine: &Engine, specs: &[Arc<ComponentSpec>], folder: &Path) -> Result<Vec<Component>> {
    let mut cache = match Cache::open(folder) {
        Ok(cache) => Some(cache),
        Err(error) => {
            tracing::warn!("{error:#}; without it every start compiles, and the host needs more memory");
            None
        }
    };
    if let Some(cache) = &mut cache
        && specs.iter().any(|spec| cache.lacks(engine, spec))
        && let Err(error) = cache.check_writable().and_then(|()| compile_in_child())
    {
        tracing::warn!("cannot compile in a process of its own, so the host needs more memory: {error:#}");
    }
    let components = in_parallel(specs, |spec| match &cache {
        Some(cache) => cache.load(engine, spec),
        None => compile(engine, spec, &read(spec)?).and_then(|code| from_memory(engine, spec, &code)),
    });
    let named = components.into_iter().zip(specs);
    named.map(|(component, spec)| component.with_context(|| format!("[component.{}]", spec.id))).collect()
}

/// Compiles what the folder lacks. What is no component is left to the process that wants to run it.
pub fn fill(engine: &Engine, specs: &[Arc<ComponentSpec>], folder: &Path) -> Result<()> {
    let cache = Cache::open(folder)?;
    in_parallel(specs, |spec| {
        if cache.lacks(engine, spec)
            && let Err(error) = cache.compile(engine, spec)
        {
            tracing::debug!("[component.{}]: {error:#}", spec.id);
        }
    });
    Ok(())
}

/// Runs this program with the same command line, and waits until it has filled the cache.
fn compile_in_child() -> Result<()> {
    let program = std::env::current_exe().context("this program is not to be found")?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).arg("--compile-only").stdin(Stdio::null());
    let status = command.status()?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(())
}

/// `work` on every component, one a core at a time; the results in their order.
fn in_parallel<T: Send>(specs: &[Arc<ComponentSpec>], work: impl Fn(&ComponentSpec) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(spec) = specs.get(index) else {
                return done;
            };
            done.push((index, work(spec)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("loading a component does not panic")).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn read(spec: &ComponentSpec) -> Result<Vec<u8>> {
    std::fs::read(&spec.source).with_context(|| format!("cannot read {}", spec.source.display()))
}

fn compile(engine: &Engine, spec: &ComponentSpec, wasm: &[u8]) -> Result<Vec<u8>> {
    let started = Instant::now();
    let code = engine
        .precompile_component(wasm)
        .map_err(|error| anyhow!("{} is not a component that can be compiled: {error:#}", spec.source.display()))?;
    tracing::info!("compiled {} in {} ms", spec.id, started.elapsed().as_millis());
    Ok(code)
}

fn from_memory(engine: &Engine, spec: &ComponentSpec, code: &[u8]) -> Result<Component> {
    // SAFETY: it is run as native code; it comes from `compile` of the same engine and was nowhere else.
    unsafe { Component::deserialize(engine, code) }
        .map_err(|error| anyhow!("cannot load {}: {error:#}", spec.source.display()))
}

/// A folder of compiled components, `<component>-<key>.cwasm`.
struct Cache {
    folder: PathBuf,
    /// Or it is taken as it is.
    writable: bool,
}

impl Cache {
    fn open(folder: &Path) -> Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let create = || -> std::io::Result<()> {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(folder)?;
            // It may have been there with another mode, and what is in it is run as native code. A folder that
            // nobody can write may have the right one.
            if std::fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
                std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
            }
            Ok(())
        };
        create().with_context(|| {
            format!("cannot use the cache folder {}: name another with --cache-dir", folder.display())
        })?;
        Ok(Self { folder: folder.to_path_buf(), writable: true })
    }

    /// If it is not, compiling for it in another process would be for nothing.
    fn check_writable(&mut self) -> Result<()> {
        let probe = self.folder.join(format!("probe.tmp-{}", std::process::id()));
        let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
        self.writable = written.is_ok();
        written.with_context(|| format!("the cache folder {} is not writable", self.folder.display()))
    }

    /// Whether `spec` can be read, and is not there compiled.
    fn lacks(&self, engine: &Engine, spec: &ComponentSpec) -> bool {
        read(spec).is_ok_and(|wasm| !self.path(engine, spec, &wasm).is_file())
    }

    fn path(&self, engine: &Engine, spec: &ComponentSpec, wasm: &[u8]) -> PathBuf {
        self.folder.join(format!("{}-{}.cwasm", spec.id, key(engine, wasm)))
    }

    fn load(&self, engine: &Engine, spec: &ComponentSpec) -> Result<Component> {
        let path = self.path(engine, spec, &read(spec)?);
        if path.is_file() {
            // SAFETY: the file is native code that is run as it is, so it must be the engine's own output. Its
            // folder is ours alone (mode 0700), and a file gets its name only when it is whole (`store`).
            match unsafe { Component::deserialize_file(engine, &path) } {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!("{} is broken, compiling again: {error:#}", path.display());
                }
            }
        }
        let code = self.compile(engine, spec)?;
        from_memory(engine, spec, &code)
    }

    /// Compiles and keeps it. That it cannot be kept is no reason not to run it.
    fn compile(&self, engine: &Engine, spec: &ComponentSpec) -> Result<Vec<u8>> {
        let wasm = read(spec)?;
        let code = compile(engine, spec, &wasm)?;
        if self.writable
            && let Err(error) = self.store(&spec.id, &self.path(engine, spec, &wasm), &code)
        {
            tracing::warn!("the next start compiles {} again: {error:#}", spec.id);
        }
        Ok(code)
    }

    /// Writes a temporary file and renames it, so that no reader, now or after a crash, sees half of it. Older
    /// compilations of the same component go away.
    fn store(&self, id: &str, path: &Path, compiled: &[u8]) -> Result<()> {
        let write = || -> std::io::Result<()> {
            let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
            std::fs::write(&temporary, compiled)?;
            std::fs::File::open(&temporary)?.sync_all()?;
            std::fs::rename(&temporary, path)?;
            for entry in std::fs::read_dir(&self.folder)?.filter_map(Result::ok) {
                let old = entry.path();
                if old != path && is_compilation_of(id, &entry.file_name().to_string_lossy()) {
                    std::fs::remove_file(old)?;
                }
            }
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Whether `file` is `<id>-<64 hex digits>.cwasm`.
fn is_compilation_of(id: &str, file: &str) -> bool {
    file.strip_prefix(id)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".cwasm"))
        .is_some_and(|key| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Names what was compiled and by which engine: its version, its settings, and the CPU's features.
fn key(engine: &Engine, wasm: &[u8]) -> String {
    struct Feed(Sha256);
    impl Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            unreachable!("the digest is taken from the inner hash")
        }
    }
    let mut feed = Feed(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut feed);
    feed.0.update(wasm);
    let digest = feed.0.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(id: &str, source: PathBuf) -> ComponentSpec {
        ComponentSpec {
            id: id.to_string(),
            source,
            allowed_hosts: Default::default(),
            variables: Default::default(),
            environment: Vec::new(),
        }
    }

    #[test]
    fn only_compilations_of_the_component_itself_are_removed() {
        let key = "0".repeat(64);
        assert!(is_compilation_of("user", &format!("user-{key}.cwasm")));
        for other in [
            format!("user-x-{key}.cwasm"),
            format!("users-{key}.cwasm"),
            format!("user-{key}.tmp-1"),
            "user-.cwasm".to_string(),
            "notes.txt".to_string(),
        ] {
            assert!(!is_compilation_of("user", &other), "{other}");
        }
    }

    #[test]
    fn broken_input_is_named_and_a_broken_cache_file_is_compiled_again() {
        let folder = std::env::temp_dir().join(format!("host-cache-{}", std::process::id()));
        let engine = crate::engine::engine().expect("starts");
        let cache = Cache::open(&folder).expect("opens");
        let source = folder.join("c.wasm");
        std::fs::write(&source, b"no component").expect("writes");
        let error = cache.load(&engine, &spec("c", source.clone())).unwrap_err();
        assert!(format!("{error:#}").contains("c.wasm"));

        // The smallest component: magic, version, layer.
        std::fs::write(&source, b"\0asm\x0d\0\x01\0").expect("writes");
        let spec = spec("c", source);
        let compiled = || {
            let mut files = std::fs::read_dir(&folder).expect("lists");
            let entry =
                files.find(|f| is_compilation_of("c", &f.as_ref().expect("lists").file_name().to_string_lossy()));
            entry.expect("is there").expect("lists").path()
        };
        cache.load(&engine, &spec).expect("compiles");
        std::fs::write(compiled(), b"half of").expect("writes");
        cache.load(&engine, &spec).expect("compiles again");
        assert!(std::fs::metadata(compiled()).expect("is there").len() > 100);
        std::fs::remove_dir_all(&folder).expect("removes");
    }
}
