//! Whatever an entry holds: it is read, or refused, as a plain reading of the rules does. The reader takes a shorter way
//! for the form that we write ourselves; nobody may notice but by the time it takes.

use domain::event::{Event, Stream};
use domain::{
    Friendship, FriendshipId, MAX_ID, MAX_NAME_CHARS, Recorded, RecordedRef, StreamPosition, Timestamp, Undecodable,
    User, UserId, friendship, user,
};
use proptest::prelude::*;
use serde::Deserialize;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

const POSITION: StreamPosition = StreamPosition { millis: 17, seq: 3 };

/// The rules, each in the plainest way there is. `Err` holds which rule was broken.
mod plain {
    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Person {
        id: u64,
        first_name: String,
        last_name: String,
        created_at: String,
        updated_at: String,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Friends {
        id: u64,
        user_id: u64,
        friend_id: u64,
        created_at: String,
        updated_at: String,
    }

    fn id(id: u64) -> Result<u64, &'static str> {
        if (1..=MAX_ID).contains(&id) { Ok(id) } else { Err("data") }
    }

    pub fn time(text: &str) -> Option<u64> {
        let time = humantime::parse_rfc3339(text).ok()?;
        Some(time.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64)
    }

    fn name(text: &str) -> Result<String, &'static str> {
        let name = text.trim();
        let long = name.chars().count() > MAX_NAME_CHARS;
        if name.is_empty() || long || name.chars().any(char::is_control) { Err("data") } else { Ok(name.to_owned()) }
    }

    fn text<'a>(fields: &'a Fields, name: &str) -> Result<Option<&'a str>, &'static str> {
        let value = fields.iter().rfind(|field| field.0 == name.as_bytes()).map(|field| &field.1[..]);
        value.map(|value| std::str::from_utf8(value).map_err(|_| "field")).transpose()
    }

    /// Subject and JSON of an event.
    type Read = (String, String);

    fn data(stream: Stream, kind: &str, data: &[u8]) -> Result<Read, &'static str> {
        let at = |text: &str| time(text).map(|time| Timestamp::from_millis(time).to_string()).ok_or("data");
        match (stream, kind) {
            (Stream::User, "USER_CREATED" | "USER_UPDATED") => {
                let Person { id: number, first_name, last_name, created_at, updated_at } =
                    serde_json::from_slice(data).map_err(|_| "data")?;
                let (first, last) = (serde_json::json!(name(&first_name)?), serde_json::json!(name(&last_name)?));
                let (id, created, updated) = (id(number)?, at(&created_at)?, at(&updated_at)?);
                let json = format!(
                    r#"{{"id":{id},"firstName":{first},"lastName":{last},"createdAt":"{created}","updatedAt":"{updated}"}}"#
                );
                Ok((format!("user/{id}"), json))
            }
            (Stream::Friend, "FRIEND_ADDED" | "FRIEND_REMOVED") => {
                let Friends { id: number, user_id, friend_id, created_at, updated_at } =
                    serde_json::from_slice(data).map_err(|_| "data")?;
                let (number, user, friend) = (id(number)?, id(user_id)?, id(friend_id)?);
                let (created, updated) = (at(&created_at)?, at(&updated_at)?);
                if user == friend {
                    return Err("oneself");
                }
                let json = format!(
                    r#"{{"id":{number},"userId":{user},"friendId":{friend},"createdAt":"{created}","updatedAt":"{updated}"}}"#
                );
                Ok((format!("friendship/{}-{}", user.min(friend), user.max(friend)), json))
            }
            _ => Err("type"),
        }
    }

    /// What counts of an entry, as one text; or which rule it breaks first.
    pub fn read(stream: Stream, fields: &Fields) -> Result<String, &'static str> {
        let kind = text(fields, "type")?.ok_or("missing")?;
        let schema = text(fields, "dataschema")?;
        let payload = fields.iter().rfind(|field| field.0 == b"data").ok_or("missing")?;
        if schema.is_some_and(|schema| schema != "1") {
            return Err("schema");
        }
        let (subject, json) = data(stream, kind, &payload.1)?;
        if text(fields, "subject")?.ok_or("missing")? != subject {
            return Err("subject");
        }
        let (version, at) = (text(fields, "version")?.ok_or("missing")?, text(fields, "time")?.ok_or("missing")?);
        let id = text(fields, "id")?.ok_or("missing")?;
        let version: u64 = version.parse().map_err(|_| "field")?;
        let at = Timestamp::from_millis(time(at).ok_or("field")?);
        let trace = text(fields, "traceparent").ok().flatten();
        Ok(format!("{id} {kind} {version} {at} {trace:?} {json}"))
    }
}

fn rule(error: &Undecodable) -> &'static str {
    match error {
        Undecodable::Missing(_) => "missing",
        Undecodable::Field(..) => "field",
        Undecodable::Type(..) => "type",
        Undecodable::Schema(_) => "schema",
        Undecodable::Data(_) => "data",
        Undecodable::Subject(..) => "subject",
        Undecodable::Oneself(_) => "oneself",
    }
}

fn slices(fields: &Fields) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (&name[..], &value[..]))
}

fn said(recorded: &Recorded) -> String {
    let Recorded { id, version, time, traceparent, event, .. } = recorded;
    format!("{id} {} {version} {time} {traceparent:?} {}", event.kind(), event.data())
}

fn compare(stream: Stream, fields: &Fields) -> Result<(), TestCaseError> {
    let borrowed = RecordedRef::from_fields(stream, POSITION, slices(fields));
    let owned = Recorded::from_fields(stream, POSITION, slices(fields));
    prop_assert_eq!(&borrowed.map(Recorded::from), &owned);
    let expected = plain::read(stream, fields);
    match &owned {
        Ok(recorded) => prop_assert_eq!(Ok(said(recorded)), expected),
        Err(error) => prop_assert_eq!(Err(rule(error)), expected, "{}", error),
    }
    Ok(())
}

fn any_id() -> impl Strategy<Value = u64> {
    prop_oneof![1..50_u64, 1..=MAX_ID, prop::sample::select(vec![1, 9, 10, MAX_ID - 1, MAX_ID])]
}

fn any_name() -> impl Strategy<Value = String> {
    // Quotes, escapes, and what is not ASCII among them.
    "[a-zA-Z \"\\\\é漢-]{0,8}[a-zß\"\\\\😀]"
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![0..=253_402_300_799_999_u64, 1_795_000_000_000..1_796_000_000_000_u64].prop_map(Timestamp::from_millis)
}

fn any_event() -> impl Strategy<Value = Event> {
    let times = || (any_time(), any_time(), any::<bool>());
    let person = (any_id(), any_name(), any_name(), times()).prop_filter_map("no name", |(id, a, b, times)| {
        let (created_at, updated_at, first) = times;
        let name = |text: &str| domain::Name::parse(text).ok();
        let (id, first_name, last_name) = (UserId::new(id).ok()?, name(&a)?, name(&b)?);
        let user = User { id, first_name, last_name, created_at, updated_at };
        Some(Event::User(if first { user::Event::Created(user) } else { user::Event::Updated(user) }))
    });
    let friends = (any_id(), any_id(), any_id(), times()).prop_map(|(id, user, friend, times)| {
        let (created_at, updated_at, first) = times;
        let [user_id, friend_id] = [user, friend].map(|id| UserId::new(id).expect("in range"));
        let id = FriendshipId::new(id).expect("in range");
        let friendship = Friendship { id, user_id, friend_id, created_at, updated_at };
        Event::Friendship(match first {
            true => friendship::Event::Added(friendship),
            false => friendship::Event::Removed(friendship),
        })
    });
    prop_oneof![person, friends]
}

fn fields(event: &Event, trace: bool) -> Fields {
    let mut fields = vec![
        ("id", "01a20141-b3f8-7886-bbcb-60827c814119".to_owned()),
        ("source", event.stream().source().to_owned()),
        ("type", event.kind().to_owned()),
        ("subject", event.subject()),
        ("version", "1".to_owned()),
        ("time", "2026-11-22T03:16:52.856Z".to_owned()),
        ("data", event.data()),
    ];
    if trace {
        fields.push(("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()));
    }
    fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

#[derive(Clone, Debug)]
enum Damage {
    Drop(usize),
    Twice(usize, usize),
    Rename(usize, usize),
    Cut(usize, usize),
    Put(usize, usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Swap(usize, usize),
}

/// What is put into values: pieces that mean something to JSON, to times, and to numbers among them.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let telling = [
        "0",
        "1",
        "9",
        "00",
        " ",
        "\t",
        ",",
        ":",
        "\"",
        "{",
        "}",
        "[",
        "null",
        "true",
        "-",
        "+",
        ".",
        ".5",
        "e3",
        "Z",
        "+00:00",
        "60",
        "29",
        "31",
        "\\u0041",
        "\\",
        "\\n",
        "\u{1}",
        "é",
        "1970",
        "9999",
        "2024-02-29",
        "\"x\":1,",
        "\"id\":5,",
        "\"firstName\":\"Z\",",
        "/",
        "9007199254740992",
        "USER_CREATED",
        "1",
    ];
    prop_oneof![
        6 => prop::sample::select(telling.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let any = 0..1_000_usize;
    prop_oneof![
        1 => (any.clone()).prop_map(Damage::Drop),
        1 => (any.clone(), any.clone()).prop_map(|(a, b)| Damage::Twice(a, b)),
        1 => (any.clone(), any.clone()).prop_map(|(a, b)| Damage::Rename(a, b)),
        1 => (any.clone(), any.clone()).prop_map(|(a, b)| Damage::Cut(a, b)),
        6 => (any.clone(), any.clone(), piece()).prop_map(|(a, b, text)| Damage::Put(a, b, text)),
        1 => (any.clone(), piece()).prop_map(|(a, text)| Damage::Replace(a, text)),
        1 => (any.clone(), any).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

impl Damage {
    fn apply(&self, fields: &mut Fields) {
        let count = fields.len();
        if count == 0 {
            return;
        }
        let names = ["id", "type", "subject", "version", "time", "traceparent", "dataschema", "data", "other"];
        // Half of it meets the data.
        let field = |at: usize| if at.is_multiple_of(2) { (count - 1).min(6) } else { at / 2 % count };
        match self {
            Damage::Drop(at) => drop(fields.remove(at % count)),
            Damage::Twice(from, to) => fields.insert(to % count, fields[from % count].clone()),
            Damage::Rename(at, name) => fields[at % count].0 = names[name % names.len()].into(),
            Damage::Cut(at, place) => {
                let value = &mut fields[field(*at)].1;
                if !value.is_empty() {
                    value.remove(place % value.len());
                }
            }
            Damage::Put(at, place, text) => {
                let value = &mut fields[field(*at)].1;
                let place = place % (value.len() + 1);
                let end = (place + text.len() * (at % 3 % 2)).min(value.len());
                value.splice(place..end, text.iter().copied());
            }
            Damage::Replace(at, text) => fields[at % count].1 = text.clone(),
            Damage::Swap(a, b) => fields.swap(a % count, b % count),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(event in any_event(), trace in any::<bool>()) {
        let fields = fields(&event, trace);
        compare(event.stream(), &fields)?;
        match (RecordedRef::from_fields(event.stream(), POSITION, slices(&fields)), &event) {
            (Ok(recorded), _) => prop_assert_eq!(recorded.event, event),
            (Err(Undecodable::Oneself(_)), Event::Friendship(friends)) => {
                prop_assert_eq!(friends.friendship().user_id, friends.friendship().friend_id);
            }
            (Err(error), _) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn what_is_damaged_is_read_or_refused_as_the_rules_say(
        event in any_event(),
        trace in any::<bool>(),
        damages in prop::collection::vec(damage(), 1..4),
        other in any::<bool>(),
    ) {
        let mut fields = fields(&event, trace);
        damages.iter().for_each(|damage| damage.apply(&mut fields));
        let stream = if other { Stream::Friend } else { event.stream() };
        compare(stream, &fields)?;
    }

    #[test]
    fn times_are_what_the_general_reader_takes_them_for(
        time in any_time(),
        edits in prop::collection::vec((0..26_usize, prop::sample::select(b"0123456789-T:.Z+ /x".to_vec())), 0..4),
    ) {
        let mut text = time.to_string().into_bytes();
        prop_assert_eq!(time.to_string().parse::<Timestamp>().ok(), Some(time));
        for (place, byte) in edits {
            match text.get_mut(place) {
                Some(old) => *old = byte,
                None => text.push(byte),
            }
        }
        let text = String::from_utf8(text).expect("ASCII");
        let read = text.parse::<Timestamp>().ok().map(Timestamp::as_millis);
        prop_assert_eq!(read, plain::time(&text), "{}", text);
    }
}

/// Each day from 1970 to 2400 and the last ones, with its neighbours: where months, leap years and centuries turn.
#[test]
fn every_day_is_read() {
    let day = 86_400_000;
    for start in (0..157_100_u64).chain(2_932_800..2_932_897).map(|number| number * day) {
        for millis in [start, start + day - 1] {
            let text = Timestamp::from_millis(millis).to_string();
            assert_eq!(text.parse::<Timestamp>().unwrap().as_millis(), millis, "{text}");
        }
    }
    for text in
        ["2023-02-29T00:00:00.000Z", "2024-02-30T00:00:00.000Z", "2024-04-31T00:00:00.000Z", "1969-12-31T23:59:59.999Z"]
    {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
    let leap = "2016-12-31T23:59:60.500Z".parse::<Timestamp>().unwrap();
    assert_eq!(leap.to_string(), "2016-12-31T23:59:59.500Z");
}
