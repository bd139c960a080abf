//! Orderly restarts, and ids.

use dev::Part;
use futures_util::future::join_all;
use tests::random::word;
use tests::running::Own;
use tests::{fold, network, views};

use crate::alone;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_begin_at_1_and_go_up_by_one_also_through_restarts() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api();
    let mut expected = 1;
    for part in Part::ALL {
        let names: Vec<String> = (0..100).map(|_| word()).collect();
        let answers = join_all(names.iter().map(|name| api.send(api.creation(name, "X")))).await;
        let mut ids: Vec<u64> =
            answers.into_iter().map(|answer| answer.is(201).json()["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (expected..expected + 100).collect::<Vec<u64>>());
        expected += 100;
        own.restart(part).await.unwrap();
    }
    fold::check(&mut own.store().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_any_part_everything_is_as_before_and_goes_on() {
    let _alone = alone().await;
    let own = Own::start().await;
    let api = own.api();
    let ids: Vec<u64> = api.people(8).await.iter().map(|person| person.id).collect();
    for pair in ids.windows(2) {
        api.add_friend(pair[0], pair[1]).await.is(201);
    }
    for part in Part::ALL {
        for how in ["stopped", "killed"] {
            let last = api.add_friend(ids[0], ids[7]).await.is(201).header("last-event").to_owned();
            let path = format!("after={last}");
            let ranking = api.recommendations(ids[0], &path).await.is(200).list();
            match how {
                "stopped" => drop(own.stop(part).await),
                _ => drop(own.kill(part).await),
            }
            own.bring_back(part).await;
            let again = api.recommendations(ids[0], &path).await.is(200).list();
            assert_eq!(network::ranked(&again), network::ranked(&ranking), "{} {how}", part.name());
            assert_eq!(network::ranked(&again), [(ids[2], 1), (ids[6], 1)]);
            api.remove_friend(ids[7], ids[0]).await.is(204);
            assert_eq!(api.friend_ids(ids[0]).await, [ids[1]]);
        }
    }
    let mut store = own.store().await;
    fold::check(&mut store).await;
    views::all_right(&mut store).await;
}
