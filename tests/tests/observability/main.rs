//! What the system shows of itself: metrics, and what is made of them.

mod dashboards;
mod documented;
mod exercise;
mod files;
mod queries;
mod rules;
mod runtime_metrics;
