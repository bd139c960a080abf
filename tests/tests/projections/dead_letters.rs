//! Events that cannot be applied are put aside, once a projection, with the reason; the rest goes on.

use std::collections::BTreeSet;

use domain::event::Stream;
use tests::log;
use tests::network::ranked;
use tests::patience::{eventually, holds};
use tests::running::Own;
use tests::store::{Store, ask};
use tests::views;

/// One letter: projection, stream, position, type.
type Letter = (String, String, String, String);
/// An entry that is no event, and a word of the reason.
type Broken<'a> = (Stream, Vec<(&'a str, &'a str)>, &'a str);

async fn letters(store: &mut Store) -> Vec<(Letter, String)> {
    let entries: Vec<(String, Vec<String>)> = ask(&mut store.friend, "XRANGE events:dead - +").await;
    let read = |words: &[String]| {
        let names: Vec<&str> = words.iter().step_by(2).map(String::as_str).collect();
        assert_eq!(names, ["projection", "stream", "position", "type", "reason", "time"]);
        let value = |n: usize| words[2 * n + 1].clone();
        value(5).parse::<domain::Timestamp>().expect("a time");
        ((value(0), value(1), value(2), value(3)), value(4))
    };
    entries.iter().map(|(_, words)| read(words)).collect()
}

/// Of a stream's readers: the projections that follow it, and the worker.
fn readers(stream: Stream) -> &'static [&'static str] {
    match stream {
        Stream::User => &["people", "directory", "activity", "stats", "worker"],
        Stream::Friend => &["activity", "stats", "worker"],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_put_aside_once_by_each_and_the_rest_goes_on() {
    let own = Own::start().await;
    let (api, mut store) = (own.api(), own.store().await);
    let (a, b) = (api.person().await.id, api.person().await.id);
    api.add_friend(a, b).await.is(201);
    let at = "2026-11-22T01:27:43.123Z";
    let zero = format!(r#"{{"id":0,"firstName":"A","lastName":"B","createdAt":"{at}","updatedAt":"{at}"}}"#);
    let oneself = format!(r#"{{"id":9,"userId":{a},"friendId":{a},"createdAt":"{at}","updatedAt":"{at}"}}"#);
    let huge = zero.replace(":0,", ":9007199254740992,");
    let subject = format!("friendship/{a}-{a}");
    let event = |kind, subject, data| {
        vec![
            ("id", "x"),
            ("source", "/x"),
            ("type", kind),
            ("subject", subject),
            ("version", "1"),
            ("time", at),
            ("data", data),
        ]
    };
    let broken: Vec<Broken> = vec![
        (Stream::User, event("USER_DELETED", "user/1", "{}"), "USER_DELETED"),
        (Stream::User, event("USER_CREATED", "user/1", "{"), "data"),
        (Stream::User, event("USER_CREATED", "user/0", &zero), "1 to 9007199254740991"),
        (Stream::User, event("USER_CREATED", "user/9007199254740992", &huge), "1 to 9007199254740991"),
        (Stream::User, vec![("nonsense", "1")], "missing"),
        (Stream::User, event("FRIEND_ADDED", "friendship/1-2", "{}"), "FRIEND_ADDED"),
        (Stream::Friend, event("FRIEND_REQUESTED", "friendship/1-2", "{}"), "FRIEND_REQUESTED"),
        (Stream::Friend, event("FRIEND_ADDED", &subject, &oneself), "own friend"),
        (Stream::Friend, vec![("type", "FRIEND_ADDED"), ("data", "\u{1f}")], "data"),
    ];
    let mut expected: BTreeSet<Letter> = BTreeSet::new();
    let mut reasons = Vec::new();
    for (stream, fields, reason) in &broken {
        let position = log::append(store.holding(*stream), *stream, fields).await;
        let kind = fields.iter().find(|(name, _)| *name == "type").map_or("", |(_, kind)| kind);
        for reader in readers(*stream) {
            expected.insert((reader.to_string(), stream.to_string(), position.clone(), kind.to_owned()));
        }
        // Two streams may have entries of the same millisecond.
        reasons.push((stream.to_string(), position, *reason));
    }
    // Good ones, before, between and after.
    let c = api.person().await;
    let last = api.add_friend(b, c.id).await.is(201).header("last-event").to_owned();
    let answer = api.recommendations(a, &format!("after={last},{}", c.answer.header("last-event"))).await.is(200);
    assert_eq!(ranked(&answer.list()), [(c.id, 1)]);
    let found = eventually("dead letters", async || {
        let found = letters(&mut store).await;
        holds(found.len() >= expected.len(), || format!("{} of {}", found.len(), expected.len()))?;
        Ok(found)
    })
    .await;
    let written: BTreeSet<Letter> = found.iter().map(|(letter, _)| letter.clone()).collect();
    assert_eq!(written, expected);
    assert_eq!(found.len(), expected.len(), "one each");
    for ((projection, stream, position, _), reason) in &found {
        let (.., word) = reasons.iter().find(|(of, at, _)| of == stream && at == position).unwrap();
        assert!(reason.contains(word), "{projection}: {reason:?} does not say {word:?}");
    }
    views::all_right(&mut store).await;

    // The worker reads all of it again: nothing is written a second time.
    own.restart(dev::Part::Worker).await.unwrap();
    own.restart(dev::Part::Runtime).await.unwrap();
    let last = api.person().await.answer.header("last-event").to_owned();
    api.recommendations(a, &format!("after={last}")).await.is(200);
    views::all_right(&mut store).await;
    assert_eq!(letters(&mut store).await.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_events_are_shown_as_they_are_and_do_not_stop_the_log() {
    let own = Own::start().await;
    let (api, mut store) = (own.api(), own.store().await);
    let before = api.person().await;
    let fields = [("type", "SOMETHING\nELSE"), ("data", "no JSON"), ("id", "\u{0}"), ("more", "unknown")];
    let position = log::append(&mut store.user, Stream::User, &fields).await;
    let after = api.person().await;
    let list = api.get("/events/v1/user").await.is(200).list();
    assert_eq!(list.len(), 3);
    assert_eq!(list[1]["position"], position.as_str());
    assert!(list[1].get("data").is_none() && list[1]["type"] == "SOMETHING\nELSE");
    assert_eq!((&list[0]["data"], &list[2]["data"]), (&before.answer.json(), &after.answer.json()));
    let mut tail = api.open(api.request(reqwest::Method::GET, "/events/v1/user/live?after=0-0")).await;
    let mut text = String::new();
    while text.matches("\nid: ").count() + usize::from(text.starts_with("id: ")) < 3 {
        text.push_str(std::str::from_utf8(&tail.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(text.contains("event: message\n"), "{text}");
}
