//! `Idempotency-Key`: the same request again is answered again, and done once.

use domain::event::Stream;
use futures_util::future::join_all;
use reqwest::RequestBuilder;
use tests::answer::Answer;
use tests::log;
use tests::random::word;
use tests::running::{shared_api, shared_store};

/// What a client sees of an answer.
fn seen(answer: &Answer) -> (u16, Vec<u8>, Vec<Option<String>>) {
    let header = |name| answer.optional(name).map(str::to_owned);
    let headers = ["location", "etag", "last-event", "content-type"].map(header);
    (answer.status, answer.body.clone(), headers.to_vec())
}

fn with(key: &str, request: RequestBuilder) -> RequestBuilder {
    request.header("idempotency-key", key)
}

#[tokio::test]
async fn twenty_creations_with_one_key_make_one_person_and_get_one_answer() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let (key, name) = (word(), word());
    let answers = join_all((0..20).map(|_| api.send(with(&key, api.creation(&name, "X"))))).await;
    assert_eq!(answers[0].status, 201);
    assert!(answers.iter().all(|answer| seen(answer) == seen(&answers[0])), "{answers:?}");
    let made = log::all(&mut store, Stream::User).await;
    assert_eq!(made.iter().filter(|event| event.data()["firstName"] == name.as_str()).count(), 1);
    let later = api.send(with(&key, api.creation(&format!(" {name} "), "X"))).await;
    assert_eq!(seen(&later), seen(&answers[0]), "the same person, written otherwise");
}

#[tokio::test]
async fn twenty_additions_and_removals_with_one_key_make_one_event_each() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let (a, b) = (api.person().await.id, api.person().await.id);
    let (added, removed) = (word(), word());
    let additions = join_all((0..20).map(|_| api.send(with(&added, api.addition(a, b))))).await;
    assert_eq!(additions[0].status, 201);
    assert!(additions.iter().all(|answer| seen(answer) == seen(&additions[0])), "{additions:?}");
    // Either may end it, and it is the same thing.
    let removal = |n: usize| if n.is_multiple_of(2) { api.removal(a, b) } else { api.removal(b, a) };
    let removals = join_all((0..20).map(|n| api.send(with(&removed, removal(n))))).await;
    assert_eq!(removals[0].status, 204);
    assert!(removals.iter().all(|answer| seen(answer) == seen(&removals[0])), "{removals:?}");
    let events = log::about(&mut store, Stream::Friend, &format!("friendship/{a}-{b}")).await;
    assert_eq!(events.len(), 2);
    // Long after, and although it is not so any more.
    assert_eq!(seen(&api.send(with(&added, api.addition(a, b))).await), seen(&additions[0]));
    assert!(api.friends(a).await.is_empty());
}

#[tokio::test]
async fn a_key_is_good_for_one_request_only() {
    let api = shared_api();
    let (a, b, c) = (api.person().await.id, api.person().await.id, api.person().await.id);
    let key = word();
    api.send(with(&key, api.creation("Ada", "L"))).await.is(201);
    for (first, last) in [("Ada", "M"), ("A", "da L"), ("Ada\" \"L", "X")] {
        let answer = api.send(with(&key, api.creation(first, last))).await.refuses(422, &["Idempotency-Key"]);
        assert_eq!(answer.json()["type"], "/problems/idempotency-key-reused");
    }
    let key = word();
    api.send(with(&key, api.addition(a, b))).await.is(201);
    for other in [api.addition(a, c), api.addition(c, b), api.addition(b, a), api.removal(a, b)] {
        api.send(with(&key, other)).await.refuses(422, &["Idempotency-Key"]);
    }
    let key = word();
    api.send(with(&key, api.removal(a, b))).await.is(204);
    for other in [api.removal(a, c), api.addition(a, b)] {
        api.send(with(&key, other)).await.refuses(422, &["Idempotency-Key"]);
    }
    assert!(api.friends(c).await.is_empty());
}

#[tokio::test]
async fn a_refusal_is_remembered_under_its_key() {
    let api = shared_api();
    let (a, b) = (api.person().await.id, api.person().await.id);
    // Not friends: 404, also when they have become friends.
    let removal = word();
    api.send(with(&removal, api.removal(a, b))).await.is(404);
    api.add_friend(a, b).await.is(201);
    api.send(with(&removal, api.removal(b, a))).await.is(404);
    assert_eq!(api.friend_ids(a).await, [b]);
    // Friends already: 409, also when they are not any more.
    let addition = word();
    let refused = api.send(with(&addition, api.addition(a, b))).await.is(409);
    api.remove_friend(a, b).await.is(204);
    let again = api.send(with(&addition, api.addition(a, b))).await;
    assert_eq!(seen(&again), seen(&refused));
    assert!(api.friends(a).await.is_empty());
    api.send(with(&addition, api.addition(b, a))).await.is(422);
    // Nobody there.
    let (unknown, nobody) = (word(), (1_u64 << 53) - 1);
    let refused = api.send(with(&unknown, api.addition(a, nobody))).await.is(404);
    assert_eq!(seen(&api.send(with(&unknown, api.addition(a, nobody))).await), seen(&refused));
}

#[tokio::test]
async fn what_was_not_understood_is_not_remembered() {
    let api = shared_api();
    let key = word();
    api.send(with(&key, api.creation("", "X"))).await.is(422);
    api.send(with(&key, api.creation("Ada", "X"))).await.is(201);
}

#[tokio::test]
async fn keys_of_the_two_services_have_nothing_to_do_with_each_other() {
    let api = shared_api();
    let (a, b, key) = (api.person().await.id, api.person().await.id, word());
    api.send(with(&key, api.creation("Ada", "X"))).await.is(201);
    api.send(with(&key, api.addition(a, b))).await.is(201);
}

#[tokio::test]
async fn the_longest_key_and_every_visible_character_are_taken() {
    let api = shared_api();
    let visible: String = ('!'..='~').collect();
    for key in [format!("{}{visible}", word()), "k".repeat(116) + &word()[1..]] {
        assert!(key.len() <= 128);
        let first = api.send(with(&key, api.creation("Ada", "X"))).await.is(201);
        assert_eq!(seen(&api.send(with(&key, api.creation("Ada", "X"))).await), seen(&first));
    }
}
