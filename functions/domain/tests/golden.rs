//! One file for each event type and schema version that was ever written: `<TYPE>.<schema>.txt`, a field a line. They are
//! never changed. What this test reads today it must read for ever.

use domain::{
    Recorded, StreamPosition, Undecodable,
    event::{Event, Stream},
};

const GOLDEN: [(&str, &str); 4] = [
    ("USER_CREATED.1", include_str!("golden/USER_CREATED.1.txt")),
    ("USER_UPDATED.1", include_str!("golden/USER_UPDATED.1.txt")),
    ("FRIEND_ADDED.1", include_str!("golden/FRIEND_ADDED.1.txt")),
    ("FRIEND_REMOVED.1", include_str!("golden/FRIEND_REMOVED.1.txt")),
];

fn fields(text: &str) -> Vec<(&str, &str)> {
    text.lines().map(|line| line.split_once(' ').expect("name and value")).collect()
}

fn read(stream: Stream, fields: &[(&str, &str)]) -> Result<Recorded, Undecodable> {
    let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    Recorded::from_fields(stream, StreamPosition { millis: 1, seq: 0 }, fields)
}

fn stream(fields: &[(&str, &str)]) -> Stream {
    let source = fields.iter().find(|(name, _)| *name == "source").expect("source").1;
    Stream::ALL.into_iter().find(|stream| stream.source() == source).expect("a known source")
}

fn with<'a>(fields: &[(&'a str, &'a str)], name: &'a str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = fields.iter().copied().filter(|(n, _)| *n != name).collect();
    fields.extend(value.map(|value| (name, value)));
    fields
}

#[test]
fn every_event_ever_written_is_read() {
    for (name, text) in GOLDEN {
        let fields = fields(text);
        let recorded = read(stream(&fields), &fields).unwrap_or_else(|e| panic!("{name}: {e}"));
        let field = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        assert_eq!(Some(recorded.event.kind()), name.split('.').next());
        assert_eq!(Some(recorded.event.kind()), field("type"));
        assert_eq!(Some(recorded.event.subject().as_str()), field("subject"));
        assert_eq!(Some(recorded.version.to_string().as_str()), field("version"));
        assert_eq!(Some(recorded.time.to_string().as_str()), field("time"));
        assert_eq!(recorded.traceparent.as_deref(), field("traceparent"));
        // What is written today is what was written then, to the byte.
        assert_eq!(Some(recorded.event.data().as_str()), field("data"), "{name}");
    }
}

#[test]
fn unknown_fields_are_skipped() {
    let fields = with(&fields(GOLDEN[0].1), "colour", Some("blue"));
    assert!(matches!(read(Stream::User, &fields).unwrap().event, Event::User(_)));
}

#[test]
fn what_is_no_event_is_refused_with_its_reason() {
    let created = fields(GOLDEN[0].1);
    let refused = |fields: &[(&str, &str)]| read(Stream::User, fields).unwrap_err();
    assert_eq!(refused(&with(&created, "data", None)), Undecodable::Missing("data"));
    assert_eq!(refused(&with(&created, "type", None)), Undecodable::Missing("type"));
    assert!(matches!(refused(&with(&created, "type", Some("USER_RENAMED"))), Undecodable::Type(..)));
    assert!(matches!(refused(&with(&created, "type", Some("FRIEND_ADDED"))), Undecodable::Type(..)));
    assert!(matches!(refused(&with(&created, "dataschema", Some("2"))), Undecodable::Schema(..)));
    assert!(matches!(refused(&with(&created, "data", Some("{"))), Undecodable::Data(..)));
    assert!(matches!(refused(&with(&created, "subject", Some("user/43"))), Undecodable::Subject(..)));
    assert!(matches!(refused(&with(&created, "version", Some("x"))), Undecodable::Field("version", _)));
    assert!(matches!(refused(&with(&created, "time", Some("noon"))), Undecodable::Field("time", _)));
    let added = fields(GOLDEN[2].1);
    let oneself = r#"{"id":7,"userId":1,"friendId":1,"createdAt":"2026-11-22T01:28:01.000Z","updatedAt":"2026-11-22T01:28:01.000Z"}"#;
    assert_eq!(read(Stream::Friend, &with(&added, "data", Some(oneself))).unwrap_err(), Undecodable::Oneself(1));
}
