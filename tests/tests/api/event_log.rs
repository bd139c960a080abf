//! What stands in the streams: exactly the fields of the design, in their order, readable by the domain.

use domain::event::Stream;
use serde_json::json;
use tests::log::{self, Entry};
use tests::running::{shared_api, shared_store};
use tests::{fold, random};

const FIELDS: [&str; 7] = ["id", "source", "type", "subject", "version", "time", "data"];

fn names(entry: &Entry) -> Vec<&str> {
    entry.fields.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn each_command_leaves_one_event_with_the_fields_of_the_design_in_their_order() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let (a, b) = (api.person().await, api.person().await);
    let body = json!({"id": a.id, "firstName": random::word(), "lastName": "X"});
    let updated = api.put_json(&format!("/user/v1/users/{}", a.id), &body).await.is(200);
    let added = api.add_friend(b.id, a.id).await.is(201);
    let removed = api.remove_friend(a.id, b.id).await.is(204);
    let (user, pair) = (format!("user/{}", a.id), format!("friendship/{}-{}", a.id, b.id));
    for (answer, kind, source, subject, version) in [
        (&a.answer, "USER_CREATED", "/user", &user, "1"),
        (&updated, "USER_UPDATED", "/user", &user, "2"),
        (&added, "FRIEND_ADDED", "/friend", &pair, "1"),
        (&removed, "FRIEND_REMOVED", "/friend", &pair, "2"),
    ] {
        let entry = log::named(&mut store, answer.header("last-event")).await.expect("its event");
        assert_eq!(names(&entry), FIELDS);
        assert_eq!((entry.field("type"), entry.field("source")), (kind, source));
        assert_eq!((entry.field("subject"), entry.field("version")), (subject.as_str(), version));
        assert!(fold::is_uuid_v7(entry.field("id")), "{}", entry.field("id"));
        let recorded = entry.decode();
        assert_eq!(recorded.time.to_string(), entry.field("time"));
        assert_eq!(recorded.event.data(), entry.field("data"));
        let data = if answer.status == 204 { added.json() } else { answer.json() };
        assert_eq!(entry.data()["id"], data["id"]);
        if answer.status != 204 {
            assert_eq!(entry.field("data").as_bytes(), answer.body, "the event holds what was answered");
        }
    }
}

#[tokio::test]
async fn a_valid_traceparent_is_carried_and_any_other_is_dropped() {
    let (api, mut store) = (shared_api(), shared_store().await);
    let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let upper = valid.to_uppercase();
    let cases = [
        (valid, true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false),
        ("00-xyz-b7ad6b7169203331-01", false),
        (upper.as_str(), false),
        ("", false),
    ];
    let (a, b) = (api.person().await.id, api.person().await.id);
    for (traceparent, carried) in cases {
        let requests = [(api.creation("Ada", "L"), 201), (api.addition(a, b), 201), (api.removal(a, b), 204)];
        for (request, status) in requests {
            let answer = api.send(request.header("traceparent", traceparent)).await.is(status);
            let entry = log::named(&mut store, answer.header("last-event")).await.expect("its event");
            if carried {
                let mut fields = FIELDS.to_vec();
                fields.insert(6, "traceparent");
                assert_eq!((names(&entry), entry.field("traceparent")), (fields, traceparent));
            } else {
                assert_eq!(names(&entry), FIELDS, "{traceparent:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_event_is_one_that_the_domain_reads() {
    let mut store = shared_store().await;
    shared_api().person().await;
    for stream in Stream::ALL {
        for entry in log::all(&mut store, stream).await {
            assert_eq!(entry.decode().event.data(), entry.field("data"));
        }
    }
}
