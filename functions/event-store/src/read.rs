//! Reading: the log, and the current state of aggregates.

use domain::{
    Current, Friendship, FriendshipId, Pair, Recorded, StreamPosition, Undecodable, User, UserId, event::Stream,
};

use crate::{
    Error, Idempotency, Redis, Reply, Value,
    append::{answered, current},
    keys,
    script::{Again, RANGE},
};

/// The last place that a stream can have. Redis refuses a range that begins after it.
const END: StreamPosition = StreamPosition { millis: u64::MAX, seq: u64::MAX };

/// A stream entry as it stands in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntry {
    pub stream: Stream,
    pub position: StreamPosition,
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl RawEntry {
    pub fn decode(&self) -> Result<Recorded, Undecodable> {
        let fields = self.fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        Recorded::from_fields(self.stream, self.position, fields)
    }

    /// A field's value, if it is there and is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name.as_bytes())?;
        std::str::from_utf8(value).ok()
    }
}

/// Up to `count` entries after a position.
pub async fn entries(
    redis: &impl Redis,
    stream: Stream,
    after: StreamPosition,
    count: usize,
) -> Result<Vec<RawEntry>, Error> {
    if after == END {
        return Ok(Vec::new());
    }
    let (from, count) = (format!("({after}"), count.to_string());
    let words = [stream.key(), &from, "+", "COUNT", &count];
    let reply = redis.repeat("XRANGE", words.iter().map(|word| word.as_bytes().to_vec()).collect()).await?;
    match split(stream, after, &reply) {
        Some(entries) => Ok(entries),
        None => counted(stream, &RANGE.run(redis, &[stream.key()], &[&from, &count], Again::Freely).await?),
    }
}

/// The position of the newest entry, [`StreamPosition::START`] in an empty stream.
pub async fn last(redis: &impl Redis, stream: Stream) -> Result<StreamPosition, Error> {
    let words = [stream.key(), "+", "-", "COUNT", "1"];
    let reply = redis.repeat("XREVRANGE", words.iter().map(|word| word.as_bytes().to_vec()).collect()).await?;
    reply.first().map_or(Ok(StreamPosition::START), position)
}

/// Takes a flattened XRANGE reply apart: an id, then names and values in turn, until a name is an id again. None where that is
/// not certain, because an entry does not begin with the field `id` as all of ours do: one that was added by hand, or a field
/// that is named like an entry's id. Taken for an entry, it would move a checkpoint to wherever it says.
fn split(stream: Stream, after: StreamPosition, reply: &[Value]) -> Option<Vec<RawEntry>> {
    let mut entries: Vec<RawEntry> = Vec::new();
    let mut newest = after;
    let mut words = reply.iter().map(|value| value.bytes().unwrap_or_default()).peekable();
    while let Some(word) = words.next() {
        let position = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        match (position, entries.last_mut()) {
            (Some(position), _) if position > newest && words.peek() == Some(&b"id".as_slice()) => {
                newest = position;
                entries.push(RawEntry { stream, position, fields: Vec::with_capacity(9) });
            }
            (None, Some(entry)) => {
                let value = words.next().unwrap_or_default();
                entry.fields.push((word.to_vec(), value.to_vec()));
            }
            _ => return None,
        }
    }
    Some(entries)
}

/// Takes the answer of the script apart that says how many words each entry has. It takes Redis six times as long as XRANGE.
fn counted(stream: Stream, reply: &[Value]) -> Result<Vec<RawEntry>, Error> {
    let mut entries = Vec::new();
    let mut rest = reply;
    while let [id, count, words @ ..] = rest {
        let count = usize::try_from(count.int()?).unwrap_or_default().min(words.len());
        let (fields, behind) = words.split_at(count);
        let (pairs, _) = fields.as_chunks::<2>();
        let bytes = |value: &Value| value.bytes().unwrap_or_default().to_vec();
        let fields = pairs.iter().map(|[name, value]| (bytes(name), bytes(value))).collect();
        entries.push(RawEntry { stream, position: position(id)?, fields });
        rest = behind;
    }
    Ok(entries)
}

fn position(id: &Value) -> Result<StreamPosition, Error> {
    let id = id.text()?;
    id.parse().map_err(|_| Error::Reply(format!("{id:?} is no place in a stream")))
}

/// A user's current state; version 0 where there is none.
pub async fn user(redis: &impl Redis, id: UserId) -> Result<Current<User>, Error> {
    let reply = redis.repeat("GET", vec![keys::user(id).into_bytes()]).await?;
    current(optional(reply.first())?)
}

/// A friendship's current state, or what the Idempotency-Key says to the request already.
pub async fn friendship(
    redis: &impl Redis,
    pair: Pair,
    idempotency: Option<Idempotency<'_>>,
) -> Result<Result<Current<Friendship>, Reply<Friendship>>, Error> {
    let mut words = vec![keys::friendship(pair).into_bytes()];
    words.extend(idempotency.map(|i| keys::idempotency(Stream::Friend, i.key).into_bytes()));
    let reply = redis.repeat("MGET", words).await?;
    if let (Some(idempotency), Some(Value::Bytes(_))) = (idempotency, reply.get(1)) {
        return answered(optional(reply.get(1))?, idempotency.request).map(Err);
    }
    current(optional(reply.first())?).map(Ok)
}

/// The friendship with this number, while it lasts.
pub async fn friendship_by_id(redis: &impl Redis, id: FriendshipId) -> Result<Option<Friendship>, Error> {
    let reply = redis.repeat("GET", vec![keys::friendship_id(id).into_bytes()]).await?;
    let Ok(pair) = optional(reply.first())?.parse::<Pair>() else { return Ok(None) };
    let current = friendship(redis, pair, None).await?;
    // It may have ended, and even begun anew under another number, since its number was looked up.
    Ok(current.ok().and_then(|current| current.data).filter(|friendship| friendship.id == id))
}

/// Up to `count` of a person's friendships, oldest first, after the friendship `after`, as that person sees them; and the last
/// one looked at, where there may be more.
pub async fn friends(
    redis: &impl Redis,
    of: UserId,
    after: Option<FriendshipId>,
    count: usize,
) -> Result<(Vec<Friendship>, Option<FriendshipId>), Error> {
    let from = after.map_or("-inf".to_owned(), |after| format!("({after}"));
    let words = [&keys::friends(of), &from, "+inf", "BYSCORE", "LIMIT", "0", &count.to_string(), "WITHSCORES"];
    let reply = redis.repeat("ZRANGE", words.iter().map(|word| word.as_bytes().to_vec()).collect()).await?;
    let (friends, _) = reply.as_chunks::<2>();
    let (Some([_, last]), mut states) = (friends.last(), Vec::with_capacity(friends.len())) else {
        return Ok((Vec::new(), None));
    };
    for [friend, _] in friends {
        let friend = friend.text()?;
        let id: UserId = friend.parse().map_err(|_| Error::Reply(format!("friend {friend:?} of {of}")))?;
        let pair = Pair::new(of, id).ok_or_else(|| Error::Reply(format!("{of} is their own friend")))?;
        states.push(keys::friendship(pair).into_bytes());
    }
    let mut found = Vec::with_capacity(states.len());
    for state in redis.repeat("MGET", states).await? {
        // One that ended between the two looks is left out.
        if let Some(friendship) = current::<Friendship>(optional(Some(&state))?)?.data {
            found.push(friendship.seen_by(of));
        }
    }
    let last = last.text()?;
    let next = (friends.len() == count).then(|| last.parse().map_err(|_| Error::Reply(format!("score {last:?}"))));
    Ok((found, next.transpose()?))
}

/// Whether the friend service's replica knows a person.
pub async fn knows_person(redis: &impl Redis, id: UserId) -> Result<bool, Error> {
    let live = redis.repeat("HGET", vec![keys::projection("people").into_bytes(), b"live".to_vec()]).await?;
    let live = match optional(live.first())? {
        "" => "1",
        live => live,
    };
    let (key, bit) = crate::project::people::bit(live, id);
    let reply = redis.repeat("GETBIT", vec![key.into_bytes(), bit.to_string().into_bytes()]).await?;
    Ok(reply.first().map_or(Ok(0), Value::int)? == 1)
}

/// Whether the server answers.
pub async fn ping(redis: &impl Redis) -> Result<(), Error> {
    redis.repeat("PING", Vec::new()).await.map(|_| ())
}

fn optional(value: Option<&Value>) -> Result<&str, Error> {
    match value {
        None | Some(Value::Nil) => Ok(""),
        Some(value) => value.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[&str]) -> Vec<Value> {
        words.iter().map(|word| Value::Bytes(word.as_bytes().to_vec())).collect()
    }

    #[test]
    fn a_flattened_range_is_taken_apart() {
        let range = |words: &[&str]| split(Stream::User, StreamPosition::START, &bytes(words));
        let found = range(&["1-0", "id", "a", "data", "2-0", "1-1", "id", "b"]).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].field("data"), Some("2-0"));
        assert_eq!(found[1].position, "1-1".parse().unwrap());
        assert_eq!(range(&[]), Some(Vec::new()));
    }

    #[test]
    fn what_can_be_read_two_ways_is_not_read() {
        let range = |words: &[&str]| split(Stream::User, StreamPosition::START, &bytes(words));
        assert_eq!(range(&["nonsense", "x"]), None);
        assert_eq!(range(&["1-0", "type", "a"]), None);
        assert_eq!(range(&["1-0", "id", "a", "9-0", "x", "2-0", "id", "b"]), None);
        assert_eq!(range(&["3-0", "id", "a", "2-0", "id"]), None);
    }

    #[test]
    fn a_counted_range_is_taken_apart() {
        let mut words = bytes(&["1-0", "", "9-0", "x", "2-0", "", "id", "b"]);
        (words[1], words[5]) = (Value::Int(2), Value::Int(2));
        let found = counted(Stream::User, &words).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].field("9-0"), Some("x"));
        assert_eq!(found[1].field("id"), Some("b"));
    }
}
