//! The application, compiled and linked: what every thread starts from.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use wasmtime::Engine;
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::app::App;
use crate::drain::Draining;
use crate::guest::{Guest, Runnable, Shared};
use crate::http_trigger::{HttpTrigger, Target};
use crate::instances::Factory;
use crate::logs::Log;
use crate::metrics::Metrics;
use crate::outbound_http::HttpClient;
use crate::outbound_redis::RedisPool;
use crate::redis_trigger::{Subscriber, Subscription};
use crate::routes::Router;
use crate::spin_headers::RouteHeaders;

pub struct Loaded {
    app: App,
    engine: Engine,
    metrics: Arc<Metrics>,
    router: Arc<Router<Target>>,
    /// By the index of the component, as are the two below.
    runnables: Vec<Arc<Runnable>>,
    services: Vec<Option<ServicePre<Guest>>>,
    subscribers: Vec<Option<Subscriber>>,
}

impl Loaded {
    pub fn new(app: App, cache: &Path, logs: &Path, quiet: bool) -> Result<Self> {
        let mut router = Router::new();
        for (index, (route, component)) in app.routes.iter().enumerate() {
            let headers = RouteHeaders::new(route)?;
            let target = Target { route: index, component: *component, headers };
            router.add(route, target)?;
        }
        std::fs::create_dir_all(logs).with_context(|| {
            format!("cannot make the folder for logs {}: name another with --log-dir", logs.display())
        })?;
        let engine = crate::engine::engine()?;
        let components = crate::compiled::load(&engine, &app.components, cache)?;
        let linker = crate::guest::linker(&engine)?;
        let mut loaded = Self {
            engine,
            metrics: Metrics::new(&app),
            router: Arc::new(router),
            runnables: Vec::new(),
            services: Vec::new(),
            subscribers: Vec::new(),
            app,
        };
        for (index, component) in components.iter().enumerate() {
            let spec = loaded.app.components[index].clone();
            let at = || format!("[component.{}] ({})", spec.id, spec.source.display());
            let runnable = Arc::new(Runnable {
                index,
                stdout: Log::open(logs, &spec.id, "stdout", quiet)?,
                stderr: Log::open(logs, &spec.id, "stderr", quiet)?,
                spec: spec.clone(),
            });
            let app = &loaded.app;
            let has_route = app.routes.iter().any(|(_, component)| *component == index);
            let service = has_route.then(|| Factory::prepare(&linker, component));
            let service =
                service.transpose().map_err(|error| anyhow!("{}: does not fit the HTTP trigger: {error:#}", at()))?;
            let subscribes = app.redis_triggers.iter().any(|t| t.component == index);
            let subscriber = subscribes.then(|| Subscriber::prepare(&linker, component, runnable.clone()));
            let subscriber = subscriber
                .transpose()
                .map_err(|error| anyhow!("{}: does not fit the Redis trigger: {error:#}", at()))?;
            loaded.runnables.push(runnable);
            loaded.services.push(service);
            loaded.subscribers.push(subscriber);
        }
        crate::engine::start_ticker(&loaded.engine)?;
        Ok(loaded)
    }

    /// What the instances of one thread share; to be called on that thread.
    pub fn shared(&self) -> Shared {
        let redis = Arc::<RedisPool>::default();
        let metrics = self.metrics.thread(redis.clone());
        Shared { engine: self.engine.clone(), redis, http: HttpClient::new(), metrics }
    }

    /// One thread's HTTP trigger.
    pub fn http_trigger(&self, draining: Draining) -> HttpTrigger {
        let shared = self.shared();
        let handlers = self.services.iter().zip(&self.runnables);
        let handlers = handlers
            .map(|(service, runnable)| {
                let service = service.clone()?;
                let factory = Factory::new(runnable.clone(), service, shared.clone());
                Some(ProxyHandler::new(factory))
            })
            .collect();
        HttpTrigger::new(self.router.clone(), handlers, shared.metrics, draining)
    }

    pub fn subscriptions(&self) -> Result<Vec<Subscription>> {
        Subscription::group(&self.app.redis_triggers, &self.subscribers, &self.metrics)
    }

    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Tells people what runs, and where.
    pub fn announce(&self, address: SocketAddr, started: Instant) {
        eprintln!("{}: {} components", self.app.name, self.app.components.len());
        for (route, component) in &self.app.routes {
            let id = &self.app.components[*component].id;
            eprintln!("  {id:<18} http://{address}{route}");
        }
        for trigger in &self.app.redis_triggers {
            let id = &self.app.components[trigger.component].id;
            eprintln!("  {id:<18} channel {}", trigger.channel);
        }
        let took = started.elapsed().as_millis();
        eprintln!("listening on http://{address}, ready after {took} ms");
    }
}
