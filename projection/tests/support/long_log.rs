//! Long histories, which look random and are the same each time, written many events at once.

use redis::Pipeline;

use super::{TIME, fields, user_data};

/// Events sent to Redis together.
const AT_ONCE: u64 = 1000;

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Two people, who may be the same.
    fn two(&mut self, people: u64) -> [u64; 2] {
        [self.below(people) + 1, self.below(people) + 1]
    }
}

pub fn add_person(pipeline: &mut Pipeline, kind: &str, id: u64, first: &str) {
    let (subject, data) = (format!("user/{id}"), user_data(id, first));
    pipeline.cmd("XADD").arg("events:user").arg("*").arg(&fields("user", kind, &subject, &data)).ignore();
}

pub fn add_friendship(pipeline: &mut Pipeline, kind: &str, a: u64, b: u64) {
    let data = format!(r#"{{"id":7,"userId":{a},"friendId":{b},"createdAt":"{TIME}","updatedAt":"{TIME}"}}"#);
    let subject = format!("friendship/{}-{}", a.min(b), a.max(b));
    pipeline.cmd("XADD").arg("events:friend").arg("*").arg(&fields("friend", kind, &subject, &data)).ignore();
}

/// A network of people from 1 to `people`, with about so many friendships.
pub fn fill(log: &mut redis::Connection, people: u64, friendships: u64) {
    // Nothing here outlives its Redis: syncing each of so many writes would take a minute.
    redis::cmd("CONFIG").arg("SET").arg("appendfsync").arg("no").exec(log).unwrap();
    for first in (1..=people).step_by(AT_ONCE as usize) {
        let mut pipeline = redis::pipe();
        let ids = first..=people.min(first + AT_ONCE - 1);
        ids.for_each(|id| add_person(&mut pipeline, "USER_CREATED", id, "Person"));
        pipeline.exec(log).unwrap();
    }
    let mut random = Random(1);
    for _ in 0..friendships / AT_ONCE {
        let mut pipeline = redis::pipe();
        for _ in 0..AT_ONCE {
            let [a, b] = random.two(people);
            if a != b {
                add_friendship(&mut pipeline, "FRIEND_ADDED", a, b);
            }
        }
        pipeline.exec(log).unwrap();
    }
}

/// So many events at once: people who are new or have a new name, friendships that come and go.
pub fn change(log: &mut redis::Connection, random: &mut Random, people: u64, count: u64) {
    let mut pipeline = redis::pipe();
    for _ in 0..count {
        let [a, b] = random.two(people);
        match random.below(4) {
            0 => add_person(&mut pipeline, "USER_UPDATED", a, &format!("Renamed {b}")),
            _ if a == b => {}
            1 => add_friendship(&mut pipeline, "FRIEND_REMOVED", a, b),
            _ => add_friendship(&mut pipeline, "FRIEND_ADDED", a, b),
        }
    }
    pipeline.exec(log).unwrap();
}
