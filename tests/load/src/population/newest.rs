//! How far the logs were, as far as answers said so.

use domain::StreamPosition;

/// The newest events that answers spoke of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Newest {
    pub user: StreamPosition,
    pub friend: StreamPosition,
}

impl Newest {
    /// Takes `user:1-0`, `friend:1-0`, or both with a comma between them.
    pub fn note(&mut self, last_event: &str) {
        for (stream, position) in last_event.split(',').filter_map(|event| event.split_once(':')) {
            let Ok(position) = position.parse::<StreamPosition>() else { continue };
            match stream {
                "user" => self.user = self.user.max(position),
                "friend" => self.friend = self.friend.max(position),
                _ => {}
            }
        }
    }

    pub fn includes(&self, other: &Newest) -> bool {
        self.user >= other.user && self.friend >= other.friend
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_event_of_each_stream_counts() {
        let mut newest = Newest::default();
        newest.note("friend:20-1");
        newest.note("user:7-0,friend:20-0");
        let expected = Newest { user: "7-0".parse().unwrap(), friend: "20-1".parse().unwrap() };
        assert_eq!(newest, expected);
        assert!(newest.includes(&Newest::default()) && !Newest::default().includes(&newest));
    }
}
