//! The same Idempotency-Key and request have the same answer, once and for all (for a day).

use domain::{Version, event::Stream};
use event_store::{Idempotency, Outcome, Reply, append::remember_rejection, read};
use tokio::task::JoinSet;

use crate::{
    given::{added, append_friendship, append_user, created, pair, recorded, removed, rename},
    server::{Server, ask, everything, get, number},
};

const DAY_MS: i64 = 86_400_000;
const ADA: Idempotency<'_> = Idempotency { key: "k-1", request: "createUser Ada Lovelace" };

#[tokio::test]
async fn the_same_request_has_the_first_answer_again() {
    let server = Server::start();
    let redis = server.connect().await;
    let event = created("Ada", "Lovelace");
    let first = recorded(append_user(&redis, &event, Version::NONE, Some(ADA)).await);
    let bytes = get(&redis, "user:1").await.unwrap();
    assert_eq!(get(&redis, "user:idempotency:k-1").await.unwrap(), format!("{}\n+{bytes}", ADA.request));

    // Even after things have gone on: it is the answer of then.
    rename(&redis, &first, "Ada", "King").await;
    let before = everything(&redis).await;
    for _ in 0..2 {
        let again = append_user(&redis, &event, Version::NONE, Some(ADA)).await.unwrap();
        let Reply::Answered(Outcome::Done(current)) = again else { panic!("{again:?}") };
        assert_eq!(serde_json::to_string(&current).unwrap(), bytes);
    }
    assert_eq!(everything(&redis).await, before);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let server = Server::start();
    let redis = server.connect().await;
    recorded(append_user(&redis, &created("Ada", "Lovelace"), Version::NONE, Some(ADA)).await);
    let before = everything(&redis).await;
    // One that is the beginning of the other is another one, too.
    for request in ["createUser Grace Hopper", "createUser Ada", "createUser Ada Lovelace ", ""] {
        let other = Some(Idempotency { request, ..ADA });
        let reply = append_user(&redis, &created("Grace", "Hopper"), Version::NONE, other).await.unwrap();
        assert_eq!(reply, Reply::KeyReused, "{request:?}");
    }
    assert_eq!(everything(&redis).await, before);
}

#[tokio::test]
async fn the_services_do_not_share_keys() {
    let server = Server::start();
    let redis = server.connect().await;
    recorded(append_user(&redis, &created("Ada", "Lovelace"), Version::NONE, Some(ADA)).await);
    let add = Idempotency { key: ADA.key, request: "addFriend 1 2" };
    recorded(append_friendship(&redis, &added(1, 2), Version::NONE, &[], Some(add)).await);
    assert!(get(&redis, "friend:idempotency:k-1").await.unwrap().starts_with("addFriend 1 2\n+"));
}

#[tokio::test]
async fn a_friendship_and_its_end_are_answered_again() {
    let server = Server::start();
    let redis = server.connect().await;
    let add = Some(Idempotency { key: "add", request: "addFriend 1 2" });
    let remove = Some(Idempotency { key: "remove", request: "removeFriend 1-2" });
    let friends = recorded(append_friendship(&redis, &added(1, 2), Version::NONE, &[], add).await);
    let ended = removed(&friends);
    let parted = recorded(append_friendship(&redis, &ended, Version(1), &[], remove).await);

    let again = append_friendship(&redis, &added(1, 2), Version::NONE, &[], add).await.unwrap();
    assert_eq!(again, Reply::Answered(Outcome::Done(friends)));
    // A removal looks at its key together with the state, before it decides.
    let looked = read::friendship(&redis, pair(1, 2), remove).await.unwrap();
    assert_eq!(looked, Err(Reply::Answered(Outcome::Done(parted.clone()))));
    let other = Some(Idempotency { key: "remove", request: "removeFriend 1-3" });
    assert_eq!(read::friendship(&redis, pair(1, 3), other).await.unwrap(), Err(Reply::KeyReused));
    let unused = Some(Idempotency { key: "unused", request: "removeFriend 1-2" });
    assert_eq!(read::friendship(&redis, pair(1, 2), unused).await.unwrap(), Ok(parted));
    assert_eq!(number(&redis, "XLEN", &["events:friend"]).await, 2);
}

#[tokio::test]
async fn a_refusal_is_remembered() {
    let server = Server::start();
    let redis = server.connect().await;
    let add = Idempotency { key: "k", request: "addFriend 1 2" };
    remember_rejection(&redis, Stream::Friend, add, "unknown-person 2").await.unwrap();
    // A person 2 may sign up meanwhile: this request stays refused.
    let again = append_friendship(&redis, &added(1, 2), Version::NONE, &[], Some(add)).await.unwrap();
    assert_eq!(again, Reply::Answered(Outcome::Rejected("unknown-person 2".to_owned())));
    let looked = read::friendship(&redis, pair(1, 2), Some(add)).await.unwrap();
    assert_eq!(looked, Err(Reply::Answered(Outcome::Rejected("unknown-person 2".to_owned()))));
    assert_eq!(number(&redis, "EXISTS", &["events:friend"]).await, 0);
}

#[tokio::test]
async fn a_refusal_does_not_replace_an_answer() {
    let server = Server::start();
    let redis = server.connect().await;
    let add = Idempotency { key: "k", request: "addFriend 1 2" };
    let friends = recorded(append_friendship(&redis, &added(1, 2), Version::NONE, &[], Some(add)).await);
    remember_rejection(&redis, Stream::Friend, add, "already-friends").await.unwrap();
    let again = append_friendship(&redis, &added(1, 2), Version::NONE, &[], Some(add)).await.unwrap();
    assert_eq!(again, Reply::Answered(Outcome::Done(friends)));
}

#[tokio::test]
async fn a_version_that_was_refused_leaves_no_answer_behind() {
    let server = Server::start();
    let redis = server.connect().await;
    let friends = recorded(append_friendship(&redis, &added(1, 2), Version::NONE, &[], None).await);
    let add = Some(Idempotency { key: "k", request: "addFriend 2 1" });
    let refused = append_friendship(&redis, &added(2, 1), Version::NONE, &[], add).await.unwrap();
    assert_eq!(refused, Reply::Refused { current: friends, unknown: Vec::new() });
    assert_eq!(get(&redis, "friend:idempotency:k").await, None);
}

#[tokio::test]
async fn answers_are_kept_for_a_day() {
    let server = Server::start();
    let redis = server.connect().await;
    recorded(append_user(&redis, &created("Ada", "Lovelace"), Version::NONE, Some(ADA)).await);
    let refused = Idempotency { key: "k-2", request: "createUser Grace Hopper" };
    remember_rejection(&redis, Stream::User, refused, "no").await.unwrap();
    for key in ["user:idempotency:k-1", "user:idempotency:k-2"] {
        let left = number(&redis, "PTTL", &[key]).await;
        assert!((DAY_MS - 60_000..=DAY_MS).contains(&left), "{key}: {left} ms");
    }
    // Afterwards the key is new.
    ask(&redis, "PEXPIRE", &["user:idempotency:k-1", "0"]).await;
    recorded(append_user(&redis, &created("Ada", "Lovelace"), Version::NONE, Some(ADA)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_20_at_once_under_one_key_one_is_recorded_and_all_have_its_answer() {
    let server = Server::start();
    let redis = server.connect().await;
    let mut creating = JoinSet::new();
    for _ in 0..20 {
        let redis = server.connect().await;
        creating.spawn(async move { append_user(&redis, &created("Ada", "Lovelace"), Version::NONE, Some(ADA)).await });
    }
    let replies = creating.join_all().await;
    let stored = get(&redis, "user:1").await.unwrap();
    let mut recorded = 0;
    for reply in replies {
        let (current, new) = match reply.unwrap() {
            Reply::Recorded(current) => (current, 1),
            Reply::Answered(Outcome::Done(current)) => (current, 0),
            other => panic!("{other:?}"),
        };
        recorded += new;
        assert_eq!(serde_json::to_string(&current).unwrap(), stored);
    }
    assert_eq!(recorded, 1);
    assert_eq!(number(&redis, "XLEN", &["events:user"]).await, 1);
}
