//! Starting, watching and stopping the whole system on one machine: for `make up`, and for the tests.
//!
//! Reading order: [`options`] says what can be chosen, [`system`] does it, [`process`] is one part of it.
//!
//! ```no_run
//! # async fn example() -> dev::error::Result<()> {
//! let system = dev::System::start(dev::Options::isolated()?).await?;
//! println!("{}/user/v1/users", system.url());
//! system.kill(dev::Part::Redis).await;
//! system.launch(dev::Part::Redis).await?;
//! system.stop_all().await;
//! # Ok(()) }
//! ```

pub mod dead_letters;
pub mod down;
pub mod error;
pub mod health;
pub mod holder;
pub mod home;
pub mod log;
pub mod observe;
pub mod options;
pub mod parts;
pub mod ports;
pub mod process;
pub mod programs;
pub mod prometheus;
pub mod rebuild;
pub mod redis_ready;
pub mod redis_server;
pub mod redis_url;
pub mod report;
pub mod settings;
mod signals;
pub mod stores;
pub mod system;
pub mod up;
pub mod verify;

pub use options::{Options, Part};
pub use system::System;
