//! The reader of the log against replies of every shape, whole, in pieces, and broken.

use domain::event::Stream;
use domain::{Recorded, StreamPosition};
use projection::log::reply::{Asked, ReadError, Reply};
use projection::log::resp::{Cursor, MAX_REPLY, Stop, position};
use projection::tail::decode;
use proptest::prelude::*;

type Fields = Vec<(Vec<u8>, Vec<u8>)>;
type Entries = Vec<((u64, u64), Fields)>;

fn bulk(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(format!("${}\r\n", text.len()).into_bytes());
    out.extend(text);
    out.extend(b"\r\n");
}

fn encode_entries(out: &mut Vec<u8>, entries: &Entries) {
    out.extend(format!("*{}\r\n", entries.len()).into_bytes());
    for ((millis, seq), fields) in entries {
        out.extend(b"*2\r\n");
        bulk(out, format!("{millis}-{seq}").as_bytes());
        out.extend(format!("*{}\r\n", fields.len() * 2).into_bytes());
        for (name, value) in fields {
            bulk(out, name);
            bulk(out, value);
        }
    }
}

/// As Redis sends it: the entries, and then what it knows of the stream.
fn encode(asked: Asked, entries: &Entries) -> Vec<u8> {
    let mut out = Vec::new();
    match asked {
        Asked::Read if entries.is_empty() => out.extend(b"*-1\r\n"),
        Asked::Read => {
            out.extend(b"*1\r\n*2\r\n");
            bulk(&mut out, b"events:friend");
            encode_entries(&mut out, entries);
        }
        Asked::Range => encode_entries(&mut out, entries),
        Asked::Info => {}
    }
    let added = entries.len() + 3;
    let last = entries.last().map_or((0, 0), |entry| entry.0);
    out.extend(b"*10\r\n");
    bulk(&mut out, b"length");
    out.extend(format!(":{}\r\n", entries.len()).into_bytes());
    bulk(&mut out, b"last-generated-id");
    bulk(&mut out, format!("{}-{}", last.0, last.1).as_bytes());
    bulk(&mut out, b"entries-added");
    out.extend(format!(":{added}\r\n").into_bytes());
    bulk(&mut out, b"first-entry");
    out.extend(b"*-1\r\n");
    bulk(&mut out, b"a-field-of-the-future");
    out.extend(b"*2\r\n+fine\r\n$-1\r\n");
    out
}

fn feed(reply: &mut Reply, bytes: &[u8]) -> Result<bool, ReadError> {
    reply.room().extend_from_slice(bytes);
    reply.advance()
}

fn found(reply: &Reply) -> Entries {
    let fields = |fields: Vec<(&[u8], &[u8])>| fields.iter().map(|(a, b)| (a.to_vec(), b.to_vec())).collect();
    reply.entries().map(|e| ((e.position.millis, e.position.seq), fields(e.fields().collect()))).collect()
}

fn bytes(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..longest),
        // What looks like the protocol.
        prop::collection::vec(prop::sample::select(b"*$+-:\r\n0123456789".to_vec()), 0..longest),
    ]
}

fn entries() -> impl Strategy<Value = Entries> {
    let id = (prop_oneof![any::<u64>(), 0..3_u64], prop_oneof![any::<u64>(), 0..3_u64]);
    let field = prop_oneof![9 => (bytes(6), bytes(20)), 1 => (bytes(6), bytes(1_200))];
    prop::collection::vec((id, prop::collection::vec(field, 0..5)), 0..6)
}

fn asked() -> impl Strategy<Value = Asked> {
    prop::sample::select(vec![Asked::Read, Asked::Range])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reply_cut_anywhere_is_the_same(entries in entries(), asked in asked()) {
        let encoded = encode(asked, &entries);
        let mut reply = Reply::default();
        for cut in 0..encoded.len() {
            reply.begin(asked);
            prop_assert!(!feed(&mut reply, &encoded[..cut]).unwrap(), "complete at {} of {}", cut, encoded.len());
            prop_assert!(feed(&mut reply, &encoded[cut..]).unwrap());
            prop_assert_eq!(&found(&reply), &entries);
        }
        reply.begin(asked);
        let (last, all) = encoded.split_last().unwrap();
        for byte in all {
            prop_assert!(!feed(&mut reply, &[*byte]).unwrap());
        }
        prop_assert!(feed(&mut reply, &[*last]).unwrap());
        prop_assert_eq!(&found(&reply), &entries);
        prop_assert_eq!(reply.info().added, Some(entries.len() as u64 + 3));
        prop_assert_eq!(reply.info().length, entries.len() as u64);
        // Nothing was asked that this answers.
        prop_assert!(feed(&mut reply, b"*").is_err());
    }

    /// Whatever comes is understood, waited for, or refused; and no room is made for what is only announced.
    #[test]
    fn a_broken_reply_is_an_error_at_most(
        entries in entries(),
        asked in asked(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), bytes(4), 0..3_usize), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut encoded = encode(asked, &entries);
        for (place, text, gone) in edits {
            let at = place.index(encoded.len());
            let end = (at + gone).min(encoded.len());
            encoded.splice(at..end, text);
        }
        let mut reply = Reply::default();
        reply.begin(asked);
        let cut = cut.index(encoded.len() + 1);
        if let Ok(false) = feed(&mut reply, &encoded[..cut]) {
            let _ = feed(&mut reply, &encoded[cut..]);
        }
        prop_assert!(reply.room().capacity() <= MAX_REPLY + (1 << 20));
        found(&reply);
    }

    #[test]
    fn positions_are_what_domain_takes_them_for(text in "[0-9-]{0,24}|[0-9]{1,21}-[0-9]{1,21}|\\PC{0,6}") {
        prop_assert_eq!(position(text.as_bytes()), text.parse::<StreamPosition>().ok());
    }

    /// The same acceptance, the same event, and the same reason as in `domain`.
    #[test]
    fn entries_are_decoded_as_domain_reads_them(
        entries in prop::collection::vec(maybe_event(), 1..20),
        stream in prop::sample::select(Stream::ALL.to_vec()),
    ) {
        let entries: Entries = entries.into_iter().enumerate().map(|(n, fields)| ((n as u64 + 1, 0), fields)).collect();
        let mut reply = Reply::default();
        reply.begin(Asked::Read);
        prop_assert!(feed(&mut reply, &encode(Asked::Read, &entries)).unwrap());
        let decoded = decode(stream, &reply);
        prop_assert_eq!(decoded.entries.len(), entries.len());
        let mut letters = decoded.letters.into_iter();
        for (entry, ((millis, seq), fields)) in decoded.entries.into_iter().zip(&entries) {
            let position = StreamPosition { millis: *millis, seq: *seq };
            prop_assert_eq!(entry.position, position);
            let slices = fields.iter().map(|(name, value)| (&name[..], &value[..]));
            match Recorded::from_fields(stream, position, slices) {
                Ok(recorded) => prop_assert_eq!(entry.event, Some(recorded.event)),
                Err(reason) => {
                    prop_assert_eq!(entry.event, None);
                    let letter = letters.next().unwrap();
                    prop_assert_eq!((letter.position, letter.reason), (position, reason.to_string()));
                }
            }
        }
        prop_assert!(letters.next().is_none());
    }
}

/// An event, often with something wrong.
fn maybe_event() -> impl Strategy<Value = Fields> {
    let wrong = prop::option::of((0..8_usize, bytes(6)));
    (0..4_u64, 1..4_u64, any::<bool>(), wrong).prop_map(|(a, b, user, wrong)| {
        let time = "2026-11-22T03:16:52.856Z";
        let (kind, subject, data) = if user {
            let data =
                format!(r#"{{"id":{a},"firstName":"Ada","lastName":"L","createdAt":"{time}","updatedAt":"{time}"}}"#);
            ("USER_CREATED", format!("user/{a}"), data)
        } else {
            let data = format!(r#"{{"id":7,"userId":{a},"friendId":{b},"createdAt":"{time}","updatedAt":"{time}"}}"#);
            ("FRIEND_ADDED", format!("friendship/{}-{}", a.min(b), a.max(b)), data)
        };
        let mut fields: Vec<(Vec<u8>, Vec<u8>)> = [
            ("id", "01a20141-b3f8-7886-bbcb-60827c814119"),
            ("source", "/friend"),
            ("type", kind),
            ("subject", &subject),
            ("version", "1"),
            ("time", time),
            ("data", &data),
        ]
        .iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect();
        match wrong {
            Some((at, text)) if at < fields.len() && text.len() > 2 => fields[at].1 = text,
            Some((at, text)) if at < fields.len() => fields[at].1.extend(text),
            Some(_) => fields.truncate(3),
            None => {}
        }
        fields
    })
}

/// What is announced is refused before there is room for it.
#[test]
fn what_is_too_large_is_refused_and_named() {
    let announced = |asked: Asked, bytes: &[u8]| {
        let mut reply = Reply::default();
        reply.begin(asked);
        let answer = feed(&mut reply, bytes);
        assert!(reply.room().capacity() <= MAX_REPLY + (1 << 20));
        answer
    };
    let too_large = |answer: Result<bool, ReadError>| match answer {
        Err(ReadError::TooLarge { entry, first }) => (entry.map(|entry| entry.to_string()), first),
        other => panic!("{other:?}"),
    };
    let entry = |length: usize| format!("*9\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$4\r\ndata\r\n${length}\r\n");
    assert_eq!(too_large(announced(Asked::Range, entry(MAX_REPLY).as_bytes())), (Some("5-1".to_owned()), true));
    assert_eq!(too_large(announced(Asked::Range, entry(usize::MAX).as_bytes())), (Some("5-1".to_owned()), true));
    assert!(!announced(Asked::Range, entry(MAX_REPLY / 2).as_bytes()).unwrap());
    let later = format!("*9\r\n*2\r\n$3\r\n4-1\r\n*0\r\n{}", &entry(MAX_REPLY)[4..]);
    assert_eq!(too_large(announced(Asked::Range, later.as_bytes())), (Some("5-1".to_owned()), false));
    assert_eq!(too_large(announced(Asked::Range, b"*99999999999999999999\r\n")), (None, true));
    assert_eq!(too_large(announced(Asked::Read, b"*1\r\n*2\r\n$999999999\r\n")), (None, true));
    // Many entries are only as large as they are.
    assert!(!announced(Asked::Range, b"*60000000\r\n").unwrap());
}

#[test]
fn an_error_is_the_one_that_redis_sends() {
    let refusal = |asked: Asked, bytes: &[u8]| {
        let mut reply = Reply::default();
        reply.begin(asked);
        match feed(&mut reply, bytes) {
            Err(ReadError::Redis(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for (line, code) in [
        ("-LOADING Redis is loading the dataset in memory", "LOADING"),
        ("-NOAUTH Authentication required.", "NOAUTH"),
        ("-WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE"),
    ] {
        let twice = format!("{line}\r\n{line}\r\n");
        assert_eq!(refusal(Asked::Read, twice.as_bytes()).code(), Some(code));
        assert_eq!(
            refusal(
                Asked::Info,
                line.to_owned().as_bytes().iter().chain(b"\r\n").copied().collect::<Vec<_>>().as_slice()
            )
            .code(),
            Some(code)
        );
        assert_eq!(refusal(Asked::Read, format!("*-1\r\n{line}\r\n").as_bytes()).code(), Some(code));
    }
    for odd in [
        "+OK\r\n",
        ":1\r\n",
        "*2\r\n",
        "*1\r\n*1\r\n",
        "*1\r\n*2\r\n*0\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "*-2\r\n",
    ] {
        let error = refusal(Asked::Read, odd.as_bytes());
        assert!(error.to_string().contains("does not answer what was asked"), "{odd:?}: {error}");
    }
    let mut reply = Reply::default();
    reply.begin(Asked::Read);
    assert!(!feed(&mut reply, b"-LOADING Red").unwrap(), "the rest of the line may say more");
}

#[test]
fn no_stream_is_an_empty_one() {
    let mut reply = Reply::default();
    reply.begin(Asked::Read);
    assert!(feed(&mut reply, b"*-1\r\n-ERR no such key\r\n").unwrap());
    assert!(reply.is_empty() && reply.info().last.is_none() && reply.info().added == Some(0));
}

#[test]
fn values_are_passed_over_whatever_they_are() {
    let values = b"*4\r\n$3\r\na\r\n\r\n*2\r\n:-5\r\n*0\r\n$-1\r\n*-1\r\n";
    let mut cursor = Cursor::new(values, 0);
    assert_eq!((cursor.skip(), cursor.at()), (Ok(()), values.len()));
    for cut in 0..values.len() {
        assert!(matches!(Cursor::new(&values[..cut], 0).skip(), Err(Stop::Incomplete(needed)) if needed > cut));
    }
    let deep = b"*1\r\n".repeat(100);
    assert!(matches!(Cursor::new(&deep, 0).skip(), Err(Stop::Malformed(_))));
    let endless = [b"+".to_vec(), b"x".repeat(100_000)].concat();
    assert!(matches!(Cursor::new(&endless, 0).skip(), Err(Stop::Malformed(_))));
}
