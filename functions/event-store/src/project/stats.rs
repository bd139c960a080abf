//! Totals, and what each minute brought.

use domain::{Recorded, event::Event, friendship, user};

use super::{Projection, Write};

pub struct Stats;

impl Projection for Stats {
    const NAME: &'static str = "stats";

    fn project(generation: &str, event: &Recorded) -> Vec<Write> {
        let (what, by) = match &event.event {
            Event::User(user::Event::Created(_)) => ("users", 1),
            Event::User(user::Event::Updated(_)) => return Vec::new(),
            Event::Friendship(friendship::Event::Added(_)) => ("friendships", 1),
            Event::Friendship(friendship::Event::Removed(_)) => ("friendships", -1),
        };
        let total = Write::Increment { key: format!("stats:{generation}:totals"), field: what.to_owned(), by };
        if by < 0 {
            return vec![total];
        }
        // A key a day, a field a minute: 2026-11-22, 01:27.
        let time = event.time.to_string();
        let (day, minute) = (&time[..10], &time[11..16]);
        let key = format!("stats:{generation}:minutes:{day}");
        vec![total, Write::Increment { key, field: format!("{minute} {what}"), by }]
    }
}
