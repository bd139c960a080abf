//! What to say when a part fails, and whether trying again may help.

use super::System;
use crate::error::Error;
use crate::holder;
use crate::options::Part;

impl System {
    /// What to say about a part that failed: its last words, and where the others are.
    pub fn failure(&self, part: Part, what: &str) -> Error {
        let log = &self.logs[&part];
        let mut message = format!("the {} {what}", part.name());
        let recent = log.recent();
        if recent.is_empty() {
            message += ", without a word";
        } else {
            message += ". Its last lines:";
        }
        for line in recent {
            message += &format!("\n  {:<8} {line}", part.name());
        }
        Error::failed(format!("{message}\nIts log: {}", log.path().display()))
    }

    /// Whether the start failed because another process was quicker to listen on a port.
    pub(crate) fn lost_a_port(&self) -> bool {
        let processes = self.processes.lock().unwrap();
        let in_use = processes.iter().any(|(part, process)| {
            let said = self.logs[part].recent().join("\n").to_lowercase();
            process.ended().is_some() && said.contains("in use")
        });
        drop(processes);
        in_use || self.stranger().is_some()
    }

    /// Another process on a port that we chose for a part of ours. It may well answer as ours would: when two systems
    /// start at the same moment, it is the other's part.
    pub(super) fn stranger(&self) -> Option<String> {
        let ports = [(Part::Worker, self.addresses.worker_port), (Part::Runtime, self.addresses.port)];
        let metrics = self.addresses.metrics_port.map(|port| (Part::Runtime, port));
        ports.into_iter().chain(metrics).find_map(|(part, port)| {
            let process = self.process(part)?;
            let holder = holder::of_port(port)?;
            (!process.leads(holder.pid)).then(|| {
                format!(
                    "port {port} was taken by pid {} ({}) before the {} could listen on it",
                    holder.pid,
                    holder.command,
                    part.name()
                )
            })
        })
    }
}
