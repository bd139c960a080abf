//! A component's variables, looked up once an instance.

use std::{cell::RefCell, collections::HashMap};

use event_store::spin::SpinRedis;

use crate::Problem;

thread_local! {
    static SETTINGS: RefCell<HashMap<&'static str, String>> = RefCell::default();
}

/// A variable of this component, as spin.toml gives it.
pub async fn setting(name: &'static str) -> Result<String, Problem> {
    if let Some(value) = SETTINGS.with_borrow(|all| all.get(name).cloned()) {
        return Ok(value);
    }
    let value = spin_sdk::variables::get(name).await.map_err(|e| {
        eprintln!("variable {name}: {e}; spin.toml must give it to this component");
        Problem::unavailable("the service is not configured")
    })?;
    SETTINGS.with_borrow_mut(|all| all.insert(name, value.clone()));
    Ok(value)
}

/// The Redis whose URL this variable holds.
pub async fn redis(name: &'static str) -> Result<SpinRedis, Problem> {
    setting(name).await.map(SpinRedis::new)
}
