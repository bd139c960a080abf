//! The WebAssembly engine, and the clock that makes its guests give way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

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
