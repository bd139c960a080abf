//! Whether a stream still holds everything that has not been read of it.
//!
//! Positions have gaps, so that nobody sees from two of them whether there was an event in between. But Redis counts what
//! it adds, and a reader counts what it reads: everything that was added and neither was read nor is there is missing.
//! What is there after a position Redis tells without being asked for the entries in two cases: nothing (the position is
//! the newest), or all of the stream (its first entry is after the position). Otherwise an entry before the position is
//! still there; trimming takes from the front, so it has not reached the position, and of what was deleted by itself
//! Redis notes the newest position.

use std::fmt;

use domain::StreamPosition;
use domain::event::Stream;

use super::info::StreamInfo;

/// How far a stream has been read, without a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    pub position: StreamPosition,
    /// Entries up to the position, of all that ever were in the stream.
    pub entries: u64,
}

/// How a stream is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is missing that has not been read.
    Whole,
    /// So many events after the position are gone; at least one, where it cannot be told without counting.
    Gap(Option<u64>),
    /// The stream is not the one that was read.
    Another(&'static str),
}

/// How `info` is to who has read as far as `reached`.
pub fn examine(reached: Reached, info: &StreamInfo) -> Standing {
    let Reached { position, entries } = reached;
    if info.last_generated <= position {
        // Nothing was added after the position, or the position never was in this stream.
        return if info.last_generated == position { Standing::Whole } else { Standing::Another(ENDS_BEFORE) };
    }
    let Some(added) = info.added else {
        return Standing::Whole;
    };
    if added < entries {
        return Standing::Another(FEWER);
    }
    if info.first.is_some_and(|first| first <= position) {
        return if info.max_deleted > position { Standing::Gap(None) } else { Standing::Whole };
    }
    match (added - entries).checked_sub(info.length) {
        Some(0) => Standing::Whole,
        Some(missing) => Standing::Gap(Some(missing)),
        None => Standing::Another(BEGUN_ANEW),
    }
}

const ENDS_BEFORE: &str = "the stream ends before what was applied";
/// Also where a reply had more entries than Redis has counted.
pub const FEWER: &str = "fewer events were ever added to the stream than were applied";
const BEGUN_ANEW: &str = "the stream has begun anew after what was applied";

/// Events that are gone from a stream and have not been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    pub stream: Stream,
    /// The last event that was applied.
    pub after: StreamPosition,
    /// The first one after it that is still there.
    pub first: Option<StreamPosition>,
    /// None: at least one.
    pub events: Option<u64>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.events {
            Some(events) => write!(f, "{events} event(s)")?,
            None => f.write_str("at least 1 event")?,
        }
        write!(f, " after {} missing from {}", self.after, self.stream.key())?;
        match self.first {
            Some(first) => write!(f, ", the first that is still there is {first}"),
            None => f.write_str(", none is there any more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Add(u64),
        Trim(usize),
        Delete(usize),
        Read(usize),
    }

    /// A stream so plain that it is obvious what is missing, and its reader.
    #[derive(Default)]
    struct Model {
        /// By position, whether they are still there.
        entries: Vec<(StreamPosition, bool)>,
        max_deleted: StreamPosition,
        reached: Reached,
    }

    fn at(millis: u64) -> StreamPosition {
        StreamPosition { millis, seq: 0 }
    }

    impl Model {
        fn present(&self) -> impl DoubleEndedIterator<Item = StreamPosition> {
            self.entries.iter().filter(|entry| entry.1).map(|entry| entry.0)
        }

        fn info(&self) -> StreamInfo {
            StreamInfo {
                length: self.present().count() as u64,
                added: Some(self.entries.len() as u64),
                last_generated: self.entries.last().map(|entry| entry.0).unwrap_or_default(),
                max_deleted: self.max_deleted,
                first: self.present().next(),
                last: self.present().next_back(),
            }
        }

        fn missing(&self) -> u64 {
            self.entries.iter().filter(|(position, there)| *position > self.reached.position && !there).count() as u64
        }

        fn apply(&mut self, op: &Op) {
            match *op {
                Op::Add(gap) => {
                    let last = self.entries.last().map_or(0, |entry| entry.0.millis);
                    self.entries.push((at(last + gap), true));
                }
                Op::Trim(count) => {
                    self.entries.iter_mut().filter(|entry| entry.1).take(count).for_each(|entry| entry.1 = false);
                }
                Op::Delete(number) => {
                    let there: Vec<_> = self.present().collect();
                    if let Some(position) = there.get(number % there.len().max(1)).copied() {
                        self.entries.iter_mut().filter(|entry| entry.0 == position).for_each(|entry| entry.1 = false);
                        self.max_deleted = self.max_deleted.max(position);
                    }
                }
                // A reader reads on only where nothing is missing.
                Op::Read(count) if self.missing() == 0 => {
                    let after = self.reached.position;
                    let read: Vec<_> = self.present().filter(|position| *position > after).take(count).collect();
                    self.reached.entries += read.len() as u64;
                    self.reached.position = read.last().copied().unwrap_or(after);
                }
                Op::Read(_) => {}
            }
        }
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (1..4_u64).prop_map(Op::Add),
            1 => (0..4_usize).prop_map(Op::Trim),
            1 => (0..20_usize).prop_map(Op::Delete),
            3 => (0..6_usize).prop_map(Op::Read),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_gap_is_seen_whenever_there_is_one_and_never_else(ops in prop::collection::vec(op(), 0..40)) {
            let mut model = Model::default();
            for op in &ops {
                model.apply(op);
                match (examine(model.reached, &model.info()), model.missing()) {
                    (Standing::Whole, missing) => prop_assert_eq!(missing, 0),
                    (Standing::Gap(None), missing) => prop_assert!(missing > 0),
                    (Standing::Gap(Some(counted)), missing) => prop_assert_eq!(counted, missing),
                    (Standing::Another(why), _) => prop_assert!(false, "{}", why),
                }
            }
        }

        /// One that lost its end, or was deleted and begun anew, is not taken for the one that was read.
        #[test]
        fn another_stream_is_not_taken_for_the_same(read in 1..20_u64, lost in 1..20_u64, added in 0..20_u64) {
            let mut model = Model::default();
            (0..read).for_each(|_| model.apply(&Op::Add(2)));
            model.apply(&Op::Read(read as usize));
            let reached = model.reached;

            let kept = read.saturating_sub(lost);
            model.entries.truncate(kept as usize);
            prop_assert!(matches!(examine(reached, &model.info()), Standing::Another(_)), "it ends before");

            model.entries.clear();
            (0..=added).for_each(|number| model.entries.push((at(1_000 + number), true)));
            prop_assert!(matches!(examine(reached, &model.info()), Standing::Another(_)), "it began anew");
        }
    }

    #[test]
    fn a_redis_that_does_not_count_is_believed() {
        let info = StreamInfo { length: 3, last_generated: at(9), first: Some(at(7)), ..StreamInfo::default() };
        assert_eq!(examine(Reached { position: at(5), entries: 2 }, &info), Standing::Whole);
        assert_eq!(examine(Reached::default(), &StreamInfo::default()), Standing::Whole);
    }

    #[test]
    fn what_is_missing_is_said() {
        let missing = Missing { stream: Stream::Friend, after: at(17), first: Some(at(29)), events: Some(3) };
        assert_eq!(
            missing.to_string(),
            "3 event(s) after 17-0 missing from events:friend, the first that is still there is 29-0"
        );
        let all = Missing { first: None, events: None, ..missing };
        assert_eq!(all.to_string(), "at least 1 event after 17-0 missing from events:friend, none is there any more");
    }
}
