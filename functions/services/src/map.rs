//! The map: the manifest's components, and what was found out about what they rest on.

use domain::Timestamp;
use http_api::now;
use serde::Serialize;

use crate::{
    manifest::{self, APPLICATION, COMPONENTS, VERSION},
    parts::{Asked, Part, Parts, RedisState, Status, WorkerState},
};

#[derive(Serialize)]
pub struct ServiceMap {
    pub application: &'static str,
    pub version: &'static str,
    /// Of all parts together.
    pub status: Status,
    pub time: Timestamp,
    pub components: Vec<Component>,
    pub workers: Vec<Asked<WorkerState>>,
    pub redis: Vec<Context>,
}

#[derive(Serialize)]
pub struct Component {
    pub id: &'static str,
    /// Of the application that it is part of.
    pub version: &'static str,
    /// Of what it may reach.
    pub status: Status,
    pub routes: &'static [&'static str],
    pub channels: &'static [&'static str],
    pub reaches: Vec<Reached>,
}

#[derive(Clone, Serialize)]
pub struct Reached {
    pub part: &'static str,
    pub address: String,
    pub status: Status,
}

/// A context's Redis. Contexts may share one.
#[derive(Serialize)]
pub struct Context {
    pub context: &'static str,
    #[serde(flatten)]
    pub redis: Asked<RedisState>,
}

impl ServiceMap {
    pub fn of(parts: Parts) -> Self {
        let components: Vec<Component> = COMPONENTS.iter().map(|component| Component::of(component, &parts)).collect();
        let all = [parts.user.status, parts.friend.status, parts.view.status, parts.worker.status];
        // That the map is shown is itself something that is up.
        let status = if all.iter().all(|status| *status == Status::Up) { Status::Up } else { Status::Degraded };
        let Parts { user, friend, view, worker, .. } = parts;
        let redis = [("user", user), ("friend", friend), ("view", view)];
        Self {
            application: APPLICATION,
            version: VERSION,
            status,
            time: now(),
            components,
            workers: vec![worker],
            redis: redis.map(|(context, redis)| Context { context, redis }).into(),
        }
    }
}

impl Component {
    fn of(component: &'static manifest::Component, parts: &Parts) -> Self {
        let reaches: Vec<Reached> = component.reaches.iter().map(|part| parts.reached(*part)).collect();
        let down = reaches.iter().filter(|reached| reached.status != Status::Up).count();
        let status = match down {
            0 => Status::Up,
            _ if down < reaches.len() => Status::Degraded,
            _ => Status::Down,
        };
        let manifest::Component { id, routes, channels, .. } = component;
        Self { id, version: VERSION, status, routes, channels, reaches }
    }
}

impl Parts {
    fn reached(&self, part: Part) -> Reached {
        let (part, address, status) = match part {
            Part::UserRedis => ("user-redis", &self.user.address, self.user.status),
            Part::FriendRedis => ("friend-redis", &self.friend.address, self.friend.status),
            Part::ViewRedis => ("view-redis", &self.view.address, self.view.status),
            Part::UserService => ("user-service", &self.user_service.address, self.user_service.status),
            Part::Worker => ("worker", &self.worker.address, self.worker.status),
        };
        Reached { part, address: address.clone(), status }
    }
}
