//! `social up`: starts the system, follows it, stops it.

use std::sync::Arc;
use std::time::Instant;

use crate::error::Result;
use crate::options::Part;
use crate::parts;
use crate::report::{Console, Report};
use crate::settings::UpSettings;
use crate::signals::Signals;
use crate::system::System;

/// Runs until a signal comes (then it is well), or a part ends by itself (then it is an error).
pub async fn run(settings: &UpSettings) -> Result<()> {
    let mut signals = Signals::listen()?;
    let console = Arc::new(Console::new());
    let mut options = settings.options()?;
    options.report = console.clone();
    parts::overridden(|name| std::env::var_os(name).is_some()).iter().for_each(|warning| console.step(warning));
    let mut starts = System::STARTS;
    loop {
        starts -= 1;
        let start = Instant::now();
        let system = System::prepare(options.clone())?;
        console.step(&starting(&system));
        let outcome = tokio::select! {
            outcome = system.bring_up() => match outcome {
                Ok(()) => {
                    let seconds = start.elapsed().as_secs_f32();
                    console.step(&format!("Ready after {seconds:.1} s\n\n{}", next_steps(&system)));
                    follow(&system, &mut signals).await
                }
                Err(_) if starts > 0 && system.lost_a_port() => {
                    console.step("Another process took one of these ports meanwhile: once more");
                    system.stop_all().await;
                    continue;
                }
                Err(error) => Err(error),
            },
            () = signals.next() => Ok(()),
        };
        stop(&system, &console, &mut signals).await;
        return outcome;
    }
}

/// Until a signal comes, or a part ends.
async fn follow(system: &System, signals: &mut Signals) -> Result<()> {
    system.follow_logs();
    tokio::select! {
        (part, ended) = system.any_ended() => {
            Err(system.failure(part, &format!("{ended}, so everything is stopped")))
        }
        () = signals.next() => Ok(()),
    }
}

/// A second signal is for the impatient.
async fn stop(system: &System, console: &Console, signals: &mut Signals) {
    let (stopping, stopped_all) = match (system.redis_port(), system.has_given()) {
        (Some(_), false) => ("Stopping the runtime, the worker and Redis", "Stopped, nothing left running"),
        (Some(_), true) => {
            ("Stopping the runtime, the worker and our own Redis", "Stopped; only the Redis that was given runs on")
        }
        (None, _) => ("Stopping the runtime and the worker", "Stopped; only the Redis that was given runs on"),
    };
    console.step(stopping);
    let stopped = system.stop_all();
    tokio::pin!(stopped);
    tokio::select! {
        () = &mut stopped => {}
        () = signals.next() => {
            console.step("Once more: not waiting for requests that are still served");
            system.hurry();
            stopped.await;
        }
    }
    console.step(stopped_all);
}

fn starting(system: &System) -> String {
    let folder = system.data_folder().display();
    let contexts = &system.addresses().contexts;
    let mut servers: Vec<String> = contexts.servers().iter().map(|url| url.to_string()).collect();
    if system.redis_port().is_some() {
        servers.push(format!("(our own, data in {folder}/redis)"));
    }
    format!(
        "Starting {:<8} {}\nStarting {:<8} {}\nStarting {:<8} {}",
        Part::Redis.name(),
        servers.join(" "),
        Part::Worker.name(),
        system.worker_url(),
        Part::Runtime.name(),
        system.url(),
    )
}

fn next_steps(system: &System) -> String {
    let url = system.url();
    let redis = match &system.addresses().contexts.user {
        user if system.redis_port() == Some(user.port()) => format!("redis-cli -p {}", user.port()),
        user => user.to_string(),
    };
    format!(
        "  the API    {url}
  the worker {worker}/metrics
  Redis      {redis}
  the logs   {logs}{metrics}

Try next, in another terminal:
  curl -i {url}/user/v1/users -H 'Content-Type: application/json' -d '{{\"firstName\":\"Ada\",\"lastName\":\"Lovelace\"}}'
  curl -i '{url}/events/v1/user?limit=3'
  make load-parallel && curl -i '{url}/recommendation/v1/users/2/commands/recommendFriends?limit=3'

Ctrl-C stops everything.
",
        worker = system.worker_url(),
        metrics = system.metrics_url().map_or_else(String::new, |url| format!("\n  metrics    {url}")),
        logs = system.data_folder().join("logs").display(),
    )
}
