//! The metrics as text, in OpenMetrics.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::cells::{Calls, Durations, Failure, Sum};
use super::process::Process;
use super::requests::METHODS;
use super::rings::HandlerRings;
use super::{ComponentMetrics, Metrics, SubscriptionRings, ThreadMetrics, locked};
use crate::response_body::open_streams;

/// Stands for the component of what the host answers itself. No component can be called that.
const NO_COMPONENT: &str = "(runtime)";
const NO_ROUTE: &str = "(none)";

type Labels = Vec<(&'static str, String)>;
type Page<'a> = DescriptorEncoder<'a>;

impl Metrics {
    /// Everything, as it is now.
    pub fn text(self: &Arc<Self>) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape(self.clone())));
        let mut page = String::new();
        text::encode(&mut page, &registry).expect("writing to a string does not fail");
        page
    }
}

struct Scrape(Arc<Metrics>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, mut page: DescriptorEncoder) -> fmt::Result {
        let metrics = &*self.0;
        let threads = locked(&metrics.threads).clone();
        let seen = Seen { metrics, threads: &threads };
        seen.build(&mut page)?;
        seen.requests(&mut page)?;
        seen.connections(&mut page)?;
        seen.instances(&mut page)?;
        seen.calls(&mut page, "redis_command", "Redis commands", |of| &of.redis)?;
        seen.calls(&mut page, "outbound_http_request", "Requests to other services", |of| &of.http)?;
        seen.redis(&mut page)?;
        rings(&mut page, &locked(&metrics.subscriptions))?;
        process(&mut page)
    }
}

/// What a scrape looks at.
struct Seen<'a> {
    metrics: &'a Metrics,
    threads: &'a [Arc<ThreadMetrics>],
}

impl Seen<'_> {
    fn build(&self, page: &mut Page) -> fmt::Result {
        let labels =
            vec![("version", env!("CARGO_PKG_VERSION").to_string()), label("application", &self.metrics.application)];
        page.encode_descriptor("runtime_build", "The host's version, and what it runs", None, MetricType::Info)?
            .encode_info(&labels)
    }

    fn requests(&self, page: &mut Page) -> fmt::Result {
        let mut totals = std::collections::BTreeMap::new();
        let mut refused = std::collections::BTreeMap::new();
        for thread in self.threads {
            thread.requests.each(|route, method, status, count| {
                *totals.entry((route, method, status)).or_insert(0) += count;
            });
            for problem in thread.requests.problems() {
                *refused.entry((problem.component, problem.status, problem.reason)).or_insert(0) += problem.count;
            }
        }
        let answered = totals.into_iter().map(|((route, method, status), count)| {
            let (path, component) = match self.metrics.routes.get(route) {
                Some((path, component)) => (path.as_str(), Some(*component)),
                None => (NO_ROUTE, None),
            };
            let method = ("method", METHODS[method].to_string());
            (vec![self.component(component), label("route", path), method, ("status", status.to_string())], count)
        });
        counter(page, "runtime_http_requests", "Requests answered, by component, route, method and status", answered)?;
        let refused = refused.into_iter().map(|((component, status, reason), count)| {
            (vec![self.component(component), ("status", status.to_string()), label("reason", &reason)], count)
        });
        counter(page, "runtime_http_problems", "Answers that are problem details, by component and reason", refused)?;
        let routed = self.components().filter(|(index, _)| self.metrics.routes.iter().any(|(_, of)| of == index));
        let took = routed.map(|(index, labels)| (labels, self.durations(index, |of| &of.answers)));
        let help = "From the head of a request to the head of its answer";
        histogram(page, "runtime_http_request_duration", help, took)?;
        let in_flight = self.threads.iter().map(|thread| thread.requests.in_flight.get()).sum();
        gauge(page, "runtime_http_requests_in_flight", "Requests not answered yet", None, [(Labels::new(), in_flight)])
    }

    fn connections(&self, page: &mut Page) -> fmt::Result {
        let threads = self.metrics.connections.get().into_iter().flatten();
        let open = threads.map(|open| open.load(Ordering::Relaxed)).sum::<usize>();
        let help = "Connections of clients that are open";
        gauge(page, "runtime_http_connections", help, None, [(Labels::new(), open as i64)])?;
        let help = "Answers that are being streamed, live tails among them";
        gauge(page, "runtime_http_streams", help, None, [(Labels::new(), open_streams() as i64)])
    }

    fn instances(&self, page: &mut Page) -> fmt::Result {
        let level = |of: fn(&ComponentMetrics) -> i64| {
            self.components().map(move |(index, labels)| (labels, self.each(index).map(of).sum()))
        };
        let count = |of: fn(&ComponentMetrics) -> u64| {
            self.components().map(move |(index, labels)| (labels, self.each(index).map(of).sum()))
        };
        gauge(page, "runtime_instances", "Instances alive", None, level(|of| of.instances.get()))?;
        counter(page, "runtime_instances_created", "Instances made", count(|of| of.created.get()))?;
        let help = "Requests taken by an instance that had answered others before";
        counter(page, "runtime_instance_reuses", help, count(|of| of.reused.get()))?;
        let help = "Instances that ended by a trap or were stopped";
        counter(page, "runtime_instance_traps", help, count(|of| of.traps.get()))?;
        let help = "Requests and messages that were not handled within their time";
        counter(page, "runtime_timeouts", help, count(|of| of.timeouts.get()))?;
        let help = "Linear memory of the instances alive";
        gauge(page, "runtime_instance_memory", help, Some(Unit::Bytes), level(|of| of.memory.get()))
    }

    /// The calls of components that have made some.
    fn calls(&self, page: &mut Page, name: &str, what: &str, of: fn(&ComponentMetrics) -> &Calls) -> fmt::Result {
        let begun = |index| self.each(index).map(|component| of(component).begun.get()).sum::<u64>();
        let callers = || self.components().filter(move |(index, _)| begun(*index) > 0);
        let totals = callers().map(|(index, labels)| (labels, begun(index)));
        counter(page, &format!("runtime_{name}s"), &format!("{what}, by component"), totals)?;
        let errors = callers().flat_map(|(index, labels)| {
            Failure::ALL.map(|(failure, kind)| {
                let count = self.each(index).map(|component| of(component).failed(failure).get()).sum();
                ([labels.clone(), vec![("kind", kind.to_string())]].concat(), count)
            })
        });
        let help = format!("{what} that failed, by component and kind");
        counter(page, &format!("runtime_{name}_errors"), &help, errors)?;
        let took = callers().map(|(index, labels)| (labels, self.durations(index, |component| &of(component).took)));
        histogram(page, &format!("runtime_{name}_duration"), &format!("{what}: time until the answer"), took)
    }

    fn redis(&self, page: &mut Page) -> fmt::Result {
        let mut servers = std::collections::BTreeMap::new();
        for thread in self.threads {
            for (server, connected) in thread.redis.servers() {
                *servers.entry(server).or_insert(0) += i64::from(connected);
            }
        }
        let connections = servers.into_iter().map(|(server, open)| (vec![label("redis", &server)], open));
        let help = "Connections to a Redis that components have used, one a thread: 0 while it is away";
        gauge(page, "runtime_redis_connections", help, None, connections)
    }

    fn components(&self) -> impl Iterator<Item = (usize, Labels)> {
        (0..self.metrics.components.len()).map(|index| (index, vec![self.component(Some(index))]))
    }

    fn component(&self, index: Option<usize>) -> (&'static str, String) {
        label("component", index.map_or(NO_COMPONENT, |index| &self.metrics.components[index]))
    }

    fn each(&self, component: usize) -> impl Iterator<Item = &ComponentMetrics> {
        self.threads.iter().map(move |thread| &**thread.component(component))
    }

    fn durations(&self, component: usize, of: impl Fn(&ComponentMetrics) -> &Durations) -> Sum {
        Sum::of(self.each(component).map(of))
    }
}

fn rings(page: &mut Page, subscriptions: &[Arc<SubscriptionRings>]) -> fmt::Result {
    let channels = || subscriptions.iter().flat_map(|redis| redis.channels.iter().map(move |channel| (redis, channel)));
    let handlers =
        || channels().flat_map(|(_, channel)| channel.handlers.iter().map(move |handler| (channel, handler)));
    let of_handler =
        |channel: &str, handler: &HandlerRings| vec![label("channel", channel), label("component", &handler.component)];
    let up = channels()
        .map(|(redis, channel)| (vec![label("redis", &redis.redis), label("channel", &channel.name)], redis.up.get()));
    gauge(page, "runtime_subscription_up", "Whether the channel is listened on (1) or not (0)", None, up)?;
    let received = channels().map(|(_, channel)| (vec![label("channel", &channel.name)], channel.received.get()));
    counter(page, "runtime_rings_received", "Messages on a channel", received)?;
    let handled = handlers().map(|(channel, of)| (of_handler(&channel.name, of), of.handled.get()));
    counter(page, "runtime_rings_handled", "Looks of a component that ended well, rung for or not", handled)?;
    let failed = handlers().map(|(channel, of)| (of_handler(&channel.name, of), of.failed.get()));
    counter(page, "runtime_rings_failed", "Looks of a component that failed", failed)?;
    let took = handlers().map(|(channel, of)| (of_handler(&channel.name, of), Sum::of([&of.took].into_iter())));
    histogram(page, "runtime_ring_duration", "Time that a component took for a look", took)
}

fn process(page: &mut Page) -> fmt::Result {
    let Some(process) = Process::read() else { return Ok(()) };
    let none = Labels::new;
    let resident = [(none(), process.resident_bytes as i64)];
    gauge(page, "process_resident_memory", "Resident memory", Some(Unit::Bytes), resident)?;
    page.encode_descriptor(
        "process_cpu",
        "Processor time, user and system",
        Some(&Unit::Seconds),
        MetricType::Counter,
    )?
    .encode_counter::<NoLabelSet, _, u64>(&process.cpu_seconds, None)?;
    page.encode_descriptor("process_start_time", "When it started", Some(&Unit::Seconds), MetricType::Gauge)?
        .encode_gauge(&process.start_seconds)?;
    gauge(page, "process_threads", "Threads", None, [(none(), process.threads as i64)])?;
    gauge(page, "process_open_fds", "Open file descriptors", None, [(none(), process.open_files as i64)])?;
    gauge(page, "process_max_fds", "File descriptors that may be open", None, [(none(), process.max_files as i64)])
}

fn counter(page: &mut Page, name: &str, help: &str, samples: impl Iterator<Item = (Labels, u64)>) -> fmt::Result {
    let mut metric = page.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in samples {
        metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
    }
    Ok(())
}

fn gauge(
    page: &mut Page,
    name: &str,
    help: &str,
    unit: Option<Unit>,
    samples: impl IntoIterator<Item = (Labels, i64)>,
) -> fmt::Result {
    let mut metric = page.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
    for (labels, value) in samples {
        if labels.is_empty() {
            metric.encode_gauge(&value)?;
        } else {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
    }
    Ok(())
}

fn histogram(page: &mut Page, name: &str, help: &str, samples: impl Iterator<Item = (Labels, Sum)>) -> fmt::Result {
    let mut metric = page.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for (labels, sum) in samples {
        let mut metric = metric.encode_family(&labels)?;
        metric.encode_histogram::<NoLabelSet>(sum.seconds(), sum.count(), sum.buckets(), None)?;
    }
    Ok(())
}

/// prometheus-client writes values as they are.
fn label(name: &'static str, value: &str) -> (&'static str, String) {
    (name, value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}
