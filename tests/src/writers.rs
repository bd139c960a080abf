//! Clients that write all the time, through whatever happens, and remember what was acknowledged.
//!
//! Each sends a command until it is acknowledged, with one Idempotency-Key (a PUT needs none: it says what shall be, not
//! what to do). So in the end there must be exactly one event for each command, however often parts were killed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::api::Api;
use crate::log;
use crate::random::{Random, word};
use crate::store::Store;

/// Between two tries of a command that was not answered.
const PAUSE: Duration = Duration::from_millis(20);
/// Tries of one command: many times longer than any part is away.
const TRIES: usize = 1000;

/// A command that was acknowledged: the event that its answer names, and what must stand in it.
#[derive(Debug)]
pub struct Acknowledged {
    last_event: String,
    kind: &'static str,
    /// The state that was answered; a removal answers with none.
    state: Option<Value>,
}

pub struct Writers {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<Vec<Acknowledged>>>,
}

impl Writers {
    pub fn start(url: &str, count: usize) -> Self {
        let (stop, written) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let writer = |n| Writer {
            api: Api::new(url),
            random: Random::new(n as u64),
            stop: stop.clone(),
            written: written.clone(),
            acknowledged: Vec::new(),
            people: Vec::new(),
            friends: Vec::new(),
        };
        let tasks = (0..count).map(|n| tokio::spawn(writer(n).run())).collect();
        Self { stop, written, tasks }
    }

    pub fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    /// Lets each end the command that it is at.
    pub async fn finish(self) -> Vec<Acknowledged> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for task in self.tasks {
            all.extend(task.await.expect("a writer never gives up"));
        }
        all
    }
}

/// Every acknowledged command has its event, with what was answered in it; and no event is without its command.
pub async fn check(store: &mut Store, acknowledged: &[Acknowledged]) {
    let mut named = BTreeSet::new();
    for one in acknowledged {
        let entry = log::named(store, &one.last_event).await;
        let entry = entry.unwrap_or_else(|| panic!("lost, though it was acknowledged: {one:?}"));
        assert_eq!(entry.field("type"), one.kind, "{one:?}");
        if let Some(state) = &one.state {
            assert_eq!(&entry.data(), state, "{one:?}");
        }
        assert!(named.insert(&one.last_event), "two commands, one event: {one:?}");
    }
    let (users, friends) = log::lengths(store).await;
    assert_eq!(users + friends, named.len(), "events without an acknowledged command");
}

struct Writer {
    api: Api,
    random: Random,
    stop: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    acknowledged: Vec<Acknowledged>,
    people: Vec<u64>,
    friends: Vec<(u64, u64)>,
}

impl Writer {
    async fn run(mut self) -> Vec<Acknowledged> {
        while !self.stop.load(Ordering::Relaxed) {
            match self.random.below(10) {
                0..3 => self.create().await,
                3..5 => self.update().await,
                5..8 => self.add().await,
                _ => self.remove().await,
            }
        }
        self.acknowledged
    }

    async fn create(&mut self) {
        let request = self.api.creation(&word(), &word()).header("idempotency-key", word());
        let answer = self.until(request, 201).await;
        self.people.push(answer.json()["id"].as_u64().expect("an id"));
        self.note(&answer, "USER_CREATED");
    }

    async fn update(&mut self) {
        if self.people.is_empty() {
            return;
        }
        let id = *self.random.pick(&self.people);
        let body = json!({"id": id, "firstName": word(), "lastName": word()});
        let request = self.api.with_json(Method::PUT, &format!("/user/v1/users/{id}"), &body);
        let answer = self.until(request, 200).await;
        self.note(&answer, "USER_UPDATED");
    }

    async fn add(&mut self) {
        if self.people.len() < 2 {
            return;
        }
        let (a, b) = (*self.random.pick(&self.people), *self.random.pick(&self.people));
        if a == b || self.friends.contains(&(a, b)) || self.friends.contains(&(b, a)) {
            return;
        }
        let answer = self.until(self.api.addition(a, b).header("idempotency-key", word()), 201).await;
        self.friends.push((a, b));
        self.note(&answer, "FRIEND_ADDED");
    }

    async fn remove(&mut self) {
        if self.friends.is_empty() {
            return;
        }
        let (a, b) = self.friends.swap_remove(self.random.below(self.friends.len()));
        // Either of the two may end it.
        let answer = self.until(self.api.removal(b, a).header("idempotency-key", word()), 204).await;
        self.note(&answer, "FRIEND_REMOVED");
    }

    /// Sends it until it is acknowledged. Nobody there, 503, and 409 for a PUT that overtook itself: again.
    async fn until(&self, request: RequestBuilder, status: u16) -> Answer {
        for _ in 0..TRIES {
            let again = request.try_clone().expect("its body is whole");
            match self.api.try_send(again).await {
                Ok(answer) if answer.status == status => {
                    self.written.fetch_add(1, Ordering::Relaxed);
                    return answer;
                }
                Ok(answer) if answer.status == 503 || (answer.status == 409 && status == 200) => {}
                Ok(answer) => panic!("{request:?}: {answer}"),
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
        panic!("{request:?}: never acknowledged")
    }

    fn note(&mut self, answer: &Answer, kind: &'static str) {
        let state = (answer.status != 204).then(|| answer.json());
        let last_event = answer.header("last-event").to_owned();
        self.acknowledged.push(Acknowledged { last_event, kind, state });
    }
}
