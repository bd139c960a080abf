//! Each context has a Redis of its own, and the user service's goes away.

use dev::Options;
use dev::options::Servers;
use tests::patience::{eventually, holds};
use tests::running::{Own, options};
use tests::second_redis::SecondRedis;
use tests::{fold, views};

use crate::alone;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn friendships_go_on_while_the_user_service_is_away() {
    let _alone = alone().await;
    let mut redis = SecondRedis::start().await;
    let servers = Servers { user: Some(redis.url.clone()), ..Servers::default() };
    let own = Own::start_with(Options { servers, ..options() }).await;
    let api = own.api();
    let people = api.people(4).await;
    let ids: Vec<u64> = people.iter().map(|person| person.id).collect();
    api.add_friend(ids[0], ids[1]).await.is(201);
    let last = people[3].answer.header("last-event").strip_prefix("user:").unwrap();
    views::caught_up(&own.store().await, "people", domain::event::Stream::User, last).await;

    redis.kill().await;
    api.send(api.creation("Ada", "L")).await.is(503);
    api.user(ids[0]).await.is(503);
    api.get("/user/actuator/health").await.is(503);
    api.get("/friend/actuator/health").await.is(200);
    api.add_friend(ids[1], ids[2]).await.is(201);
    let last = api.add_friend(ids[2], ids[3]).await.is(201).header("last-event").to_owned();
    api.remove_friend(ids[0], ids[1]).await.is(204);
    assert_eq!(api.friend_ids(ids[2]).await, [ids[1], ids[3]]);
    assert!(api.friends(ids[0]).await.is_empty());
    // Whether this one exists nobody can say at the moment: that is no 404.
    api.add_friend(ids[0], 999_999).await.is(503);
    api.get("/friend/v1/users/999999/friends").await.is(503);
    let answer = api.recommendations(ids[1], &format!("after={last}")).await.is(200);
    assert_eq!(tests::network::ranked(&answer.list()), [(ids[3], 1)]);

    redis.launch().await;
    let person = api.person().await;
    api.add_friend(person.id, ids[0]).await.is(201);
    api.add_friend(ids[0], 999_999).await.is(404);
    let mut store = own.store().await;
    fold::check(&mut store).await;
    eventually("projections", async || {
        let found = api.get(&format!("/user/v1/directory?name={}", person.first_name)).await.is(200).list();
        holds(found.len() == 1, || format!("{found:?}"))
    })
    .await;
    views::all_right(&mut store).await;
}
