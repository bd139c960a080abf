//! Rings of doorbells: messages on channels, and what became of them.

use std::time::Instant;

use super::RING_BOUNDS;
use super::cells::{Count, Durations, Level};

/// One address that the host listens on.
pub struct SubscriptionRings {
    /// Host and port, without the password.
    pub redis: String,
    /// 1 while it is listened on.
    pub up: Level,
    pub channels: Vec<ChannelRings>,
}

pub struct ChannelRings {
    pub name: String,
    pub received: Count,
    pub handlers: Vec<HandlerRings>,
}

/// What one component made of them. It also looks when the host begins to listen, without a ring.
pub struct HandlerRings {
    pub component: String,
    pub handled: Count,
    pub failed: Count,
    pub took: Durations,
}

impl SubscriptionRings {
    pub fn channel(&self, name: &str) -> Option<&ChannelRings> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}

impl HandlerRings {
    pub fn new(component: String) -> Self {
        Self { component, handled: Count::default(), failed: Count::default(), took: Durations::new(RING_BOUNDS) }
    }

    pub fn ended(&self, began: Option<Instant>, well: bool) {
        if well { &self.handled } else { &self.failed }.inc();
        self.took.observe(began);
    }
}
