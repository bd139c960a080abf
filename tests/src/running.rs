//! Systems that run: one that a test binary's tests share, and others that a test has for itself.

use std::ops::Deref;
use std::sync::{Mutex, OnceLock};
use std::thread;

use dev::{Options, Part, System};
use tokio::runtime;

use crate::api::Api;
use crate::store::Store;

/// The system that this test binary's tests share: it is started by the first of them and ends with the process.
pub fn shared() -> &'static System {
    static SHARED: OnceLock<&'static System> = OnceLock::new();
    SHARED.get_or_init(|| {
        let system = on_a_thread(|| runtime().block_on(System::start(options())));
        let system: &'static System = Box::leak(Box::new(system.unwrap_or_else(|error| panic!("{error}"))));
        *TO_END.lock().unwrap() = Some(system);
        // SAFETY: `end_shared` is a function of the type that is asked for, and never unwinds into its caller.
        unsafe { libc::atexit(end_shared) };
        system
    })
}

static TO_END: Mutex<Option<&'static System>> = Mutex::new(None);

/// Statics are not dropped, and the data folder must not stay behind.
extern "C" fn end_shared() {
    let ended = thread::spawn(|| {
        if let Some(system) = TO_END.lock().unwrap().take() {
            end(system);
            let _ = std::fs::remove_dir_all(system.data_folder());
        }
    });
    let _ = ended.join();
}

pub fn options() -> Options {
    Options::isolated().unwrap_or_else(|error| panic!("{error}"))
}

/// A client of the shared system.
pub fn shared_api() -> Api {
    Api::new(shared().url())
}

/// The shared system's Redis.
pub async fn shared_store() -> Store {
    Store::of(shared()).await
}

/// A system of one test. It is ended with the test, however that ends.
pub struct Own(Option<System>);

impl Own {
    pub async fn start() -> Self {
        Self::start_with(options()).await
    }

    pub async fn start_with(options: Options) -> Self {
        Self(Some(System::start(options).await.unwrap_or_else(|error| panic!("{error}"))))
    }

    /// Started, but perhaps not healthy: for systems that cannot be.
    pub async fn start_unhealthy(options: Options) -> Self {
        let system = System::prepare(options).unwrap_or_else(|error| panic!("{error}"));
        let own = Self(Some(system));
        for part in Part::ALL {
            own.launch(part).await.unwrap_or_else(|error| panic!("{error}"));
        }
        own
    }

    pub fn api(&self) -> Api {
        Api::new(self.url())
    }

    pub async fn store(&self) -> Store {
        Store::of(self).await
    }

    /// Starts a part that was killed, and waits until the whole system is healthy.
    pub async fn bring_back(&self, part: Part) {
        self.launch(part).await.unwrap_or_else(|error| panic!("{error}"));
        self.healthy().await;
    }

    pub async fn healthy(&self) {
        let bound = Options::START_WAIT;
        self.wait_until_healthy(bound).await.unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Deref for Own {
    type Target = System;

    fn deref(&self) -> &System {
        self.0.as_ref().expect("it is taken only at the end")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let Some(system) = self.0.take() else { return };
        if thread::panicking() {
            show_logs(&system);
        }
        on_a_thread(move || {
            end(&system);
            // Only now: its folder can be removed when nobody writes to it any more.
            drop(system);
        });
    }
}

/// What the parts said is what explains a failure.
fn show_logs(system: &System) {
    for part in Part::ALL {
        let log = system.log(part);
        let lines: Vec<&str> = log.lines().collect();
        for line in &lines[lines.len().saturating_sub(40)..] {
            eprintln!("{:<8} {line}", part.name());
        }
    }
}

fn end(system: &System) {
    runtime().block_on(async {
        for part in Part::ALL.iter().rev() {
            system.kill(*part).await;
        }
    });
}

fn runtime() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A runtime cannot be entered within another one; a thread of its own has none.
fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
