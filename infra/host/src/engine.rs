//! The WebAssembly engine, and the components compiled for it.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::app::ComponentSpec;

/// Instances that may live at the same time, of all components together. A live tail keeps one, up to 128 of them
/// share it. Each reserves 4 GiB of address space, of which it uses what the guest touches (~0.2 MB).
const MAX_INSTANCES: u32 = 1_000;
/// A component built by wasm-component-ld is made of three core instances (itself and two adapters) and two tables.
const CORE_INSTANCES_PER_COMPONENT: u32 = 4;
const TABLES_PER_COMPONENT: u32 = 3;
/// What a guest's memory keeps resident when its slot is free, so that the next instance takes no page faults: a component's
/// stack (256 KiB, .cargo/config.toml), its data, and a small heap.
const KEEP_RESIDENT: usize = 512 << 10;
/// A guest that computes gives way to the others of its thread after this time.
const TICK: Duration = Duration::from_millis(2);
/// While nothing runs, ticks cost wake-ups and bring nothing.
const IDLE_TICK: Duration = Duration::from_millis(50);

/// Guest calls under way, of all threads: the ticker looks at it.
static ACTIVE: AtomicUsize = AtomicUsize::new(0);

pub fn engine() -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        .total_core_instances(MAX_INSTANCES * CORE_INSTANCES_PER_COMPONENT)
        .total_tables(MAX_INSTANCES * TABLES_PER_COMPONENT)
        .total_memories(MAX_INSTANCES)
        .total_stacks(MAX_INSTANCES)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT);
    let mut config = Config::new();
    config
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(|error| {
        anyhow!(
            "cannot start the WebAssembly engine: {error:#} (it reserves ~4 TiB of address space: is `ulimit -v` set?)"
        )
    })
}

/// Counts a guest call as under way for as long as it is kept.
pub struct Active(());

impl Active {
    pub fn new() -> Self {
        ACTIVE.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        ACTIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts the clock that makes computing guests give way.
pub fn start_ticker(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("ticker".to_string())
        .spawn(move || {
            loop {
                let busy = ACTIVE.load(Ordering::Relaxed) > 0;
                std::thread::sleep(if busy { TICK } else { IDLE_TICK });
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })
        .context("cannot start a thread")?;
    Ok(())
}

/// All components, in their order, compiled or taken from the cache.
pub fn load_components(
    engine: &Engine,
    specs: &[std::sync::Arc<ComponentSpec>],
    cache: &Path,
) -> Result<Vec<Component>> {
    let cache = Cache::open(cache)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(spec) = specs.get(index) else {
                return done;
            };
            done.push((index, cache.load(engine, spec)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut loaded: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("loading a component does not panic")).collect()
    });
    loaded.sort_by_key(|(index, _)| *index);
    loaded
        .into_iter()
        .zip(specs)
        .map(|((_, component), spec)| component.with_context(|| format!("[component.{}]", spec.id)))
        .collect()
}

/// A folder of compiled components, `<component>-<key>.cwasm`.
struct Cache(PathBuf);

impl Cache {
    fn open(folder: &Path) -> Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let create = || -> std::io::Result<()> {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(folder)?;
            // It may have been there with another mode, and what is in it is run as native code.
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        };
        create().with_context(|| {
            format!("cannot use the cache folder {}: name another with --cache-dir", folder.display())
        })?;
        Ok(Self(folder.to_path_buf()))
    }

    fn load(&self, engine: &Engine, spec: &ComponentSpec) -> Result<Component> {
        let wasm = std::fs::read(&spec.source).with_context(|| format!("cannot read {}", spec.source.display()))?;
        let path = self.0.join(format!("{}-{}.cwasm", spec.id, key(engine, &wasm)));
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
        let started = std::time::Instant::now();
        let compiled = engine
            .precompile_component(&wasm)
            .map_err(|error| anyhow!("{} is not a component that can be compiled: {error:#}", spec.source.display()))?;
        tracing::info!("compiled {} in {} ms", spec.id, started.elapsed().as_millis());
        self.store(&spec.id, &path, &compiled)?;
        // SAFETY: as above; these are the bytes that were just written.
        unsafe { Component::deserialize_file(engine, &path) }
            .map_err(|error| anyhow!("cannot load {}: {error:#}", path.display()))
    }

    /// Writes a temporary file and renames it, so that no reader, now or after a crash, sees half of it. Older
    /// compilations of the same component go away.
    fn store(&self, id: &str, path: &Path, compiled: &[u8]) -> Result<()> {
        let write = || -> std::io::Result<()> {
            let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
            std::fs::write(&temporary, compiled)?;
            std::fs::File::open(&temporary)?.sync_all()?;
            std::fs::rename(&temporary, path)?;
            for entry in std::fs::read_dir(&self.0)?.filter_map(Result::ok) {
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
        let engine = engine().expect("starts");
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
