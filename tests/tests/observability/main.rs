//! What the system shows of itself: metrics, and what is made of them.

mod runtime_metrics;
