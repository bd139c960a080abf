//! What bad input gets: its status, a problem that names the field, no event, and the next good request works.
//! The groups run one after the other, so that "no event" can be seen. One system for all.

mod bodies;
mod fields;
mod keys;
mod parameters;
mod paths;
mod random;
mod sizes;

use tests::api::Api;
use tests::log;
use tests::running::{shared_api, shared_store};
use tests::store::Store;
use tokio::sync::{Mutex, MutexGuard};

/// A stretch of time in which nothing may be written.
struct Quiet {
    api: Api,
    store: Store,
    before: (usize, usize),
    /// A person and a friend of theirs, made before.
    person: u64,
    friend: u64,
    _alone: MutexGuard<'static, ()>,
}

impl Quiet {
    async fn begin() -> Self {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let alone = ALONE.lock().await;
        let (api, mut store) = (shared_api(), shared_store().await);
        let (person, friend) = (api.person().await.id, api.person().await.id);
        api.add_friend(person, friend).await.is(201);
        let before = log::lengths(&mut store).await;
        Self { api, store, before, person, friend, _alone: alone }
    }

    /// Nothing was written, and good requests are served as if nothing had happened.
    async fn end(mut self) {
        assert_eq!(log::lengths(&mut self.store).await, self.before, "bad input reached the log");
        let new = self.api.person().await;
        let added = self.api.add_friend(new.id, self.person).await.is(201);
        assert_eq!(self.api.friend_ids(self.person).await, [self.friend, new.id]);
        let after = format!("after={}", added.header("last-event"));
        self.api.recommendations(new.id, &after).await.is(200);
        self.api.remove_friend(self.person, new.id).await.is(204);
    }

    fn user_path(&self) -> String {
        format!("/user/v1/users/{}", self.person)
    }
}
