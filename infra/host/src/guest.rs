//! The host's side of one component instance: what it holds, and what it may import.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow};
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::app::ComponentSpec;
use crate::bindings::imports::{redis, variables};
use crate::logs::Log;
use crate::metrics::{ComponentMetrics, ThreadMetrics};
use crate::outbound_http::{HttpClient, Outbound};
use crate::outbound_redis::RedisPool;

/// A guest that grows beyond it traps.
const MEMORY_LIMIT: usize = 64 << 20;

/// A component, ready to be instantiated.
pub struct Runnable {
    /// Of the component, among all of the application.
    pub index: usize,
    pub spec: Arc<ComponentSpec>,
    pub stdout: Log,
    pub stderr: Log,
}

/// What the instances of one thread share.
#[derive(Clone)]
pub struct Shared {
    pub engine: Engine,
    pub redis: Arc<RedisPool>,
    pub http: HttpClient,
    pub metrics: Arc<ThreadMetrics>,
}

/// The data of a store.
pub struct Guest {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    pub table: ResourceTable,
    outbound: Outbound,
    limits: Limits,
    pub metrics: Arc<ComponentMetrics>,
    pub spec: Arc<ComponentSpec>,
    pub redis: Arc<RedisPool>,
}

/// What an instance may take, and what it has taken.
struct Limits {
    limits: StoreLimits,
    memory: usize,
}

impl Runnable {
    pub fn store(&self, shared: &Shared) -> Store<Guest> {
        let metrics = shared.metrics.component(self.index);
        metrics.created.inc();
        metrics.instances.add(1);
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(self.stdout.clone())
            .stderr(self.stderr.clone())
            .envs(&self.spec.environment)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        let guest = Guest {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            outbound: Outbound::new(self.spec.clone(), shared.http.clone(), metrics.clone()),
            limits: Limits { limits: StoreLimitsBuilder::new().memory_size(MEMORY_LIMIT).build(), memory: 0 },
            metrics: metrics.clone(),
            spec: self.spec.clone(),
            redis: shared.redis.clone(),
        };
        let mut store = Store::new(&shared.engine, guest);
        store.limiter(|guest| guest);
        store.set_epoch_deadline(1);
        // tokio's own yield goes behind the I/O driver: without it a computing guest was polled up to 61 times in a
        // row before any socket was looked at.
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))));
        store
    }

    /// Reports how long an instance took to make.
    pub fn started(&self, since: Instant) {
        tracing::debug!(component = self.spec.id, "new instance in {} us", since.elapsed().as_micros());
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.metrics.instances.add(-1);
        self.metrics.memory.add(-(self.limits.memory as i64));
    }
}

/// wasmtime asks before memory or a table is made or grows.
impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = self.limits.limits.memory_growing(current, desired, maximum)?;
        if allowed {
            let more = desired.saturating_sub(current);
            self.limits.memory += more;
            self.metrics.memory.add(more as i64);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.limits.table_growing(current, desired, maximum)
    }
}

/// Everything that Spin offers, as far as the host supports it, and nothing more.
pub fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    let mut add = || -> wasmtime::Result<()> {
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        redis::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        variables::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)
    };
    add().map_err(|error| anyhow!("cannot link the host's functions: {error:#}"))?;
    Ok(linker)
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outbound }
    }
}

impl variables::Host for Guest {}

impl<T: Send> variables::HostWithStore<T> for HasSelf<Guest> {
    /// A component sees its own variables only.
    async fn get(accessor: &wasmtime::component::Accessor<T, Self>, name: String) -> Result<String, variables::Error> {
        if let Err(error) = crate::variables::check_name(&name) {
            return Err(variables::Error::InvalidName(error.to_string()));
        }
        let value = accessor.with(|mut access| access.get().spec.variables.get(&name).cloned());
        value.ok_or_else(|| variables::Error::Undefined(format!("the component has no variable {name:?}")))
    }
}
