//! The one form in which this code writes times and `data`, read fast: a replay reads tens of millions of them.
//!
//! What has this very form means what the general readers (`humantime`, `serde_json`) take it for, and is read in a
//! quarter of their time. Of everything else, readable or not, these functions say nothing: the general readers decide.

use crate::{Friendship, FriendshipId, Name, Timestamp, User, UserId};

/// The most digits of an id.
const ID_DIGITS: usize = 16;
/// Days of the year before each month, without the leap day.
const DAYS_BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/// Days that each month has every year.
const DAYS_IN: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// `2026-11-22T01:27:43.123Z`
pub fn time(text: &[u8]) -> Option<Timestamp> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', ref clock @ ..] = text.first_chunk::<24>()? else {
        return None;
    };
    let &[h1, h2, b':', i1, i2, b':', s1, s2, b'.', f1, f2, f3, b'Z'] = clock else {
        return None;
    };
    let (mut number, mut digits) = (0, true);
    let mut of = |text: &[u8]| {
        number = 0;
        for byte in text {
            digits &= byte.is_ascii_digit();
            number = number * 10 + u64::from(byte.wrapping_sub(b'0'));
        }
        number
    };
    let (year, month, day) = (of(&[y1, y2, y3, y4]), of(&[m1, m2]), of(&[d1, d2]));
    let (hour, minute, second, millis) = (of(&[h1, h2]), of(&[i1, i2]), of(&[s1, s2]), of(&[f1, f2, f3]));
    let date = digits && year >= 1970 && (1..=12).contains(&month) && (1..=DAYS_IN[month as usize - 1]).contains(&day);
    // The leap day and the leap second are for the general reader.
    if text.len() != 24 || !date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let leaps_before = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let days = (year - 1970) * 365 + leaps_before(year) - leaps_before(1970)
        + DAYS_BEFORE[month as usize - 1]
        + u64::from(leap && month > 2)
        + day
        - 1;
    Some(Timestamp::from_millis(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + millis))
}

/// `{"id":7,"userId":42,"friendId":1,"createdAt":"…","updatedAt":"…"}`
pub fn friendship(data: &[u8]) -> Option<Friendship> {
    let mut rest = Rest(data);
    let id = FriendshipId::new(rest.id(br#"{"id":"#)?).ok()?;
    let user_id = UserId::new(rest.id(br#","userId":"#)?).ok()?;
    let friend_id = UserId::new(rest.id(br#","friendId":"#)?).ok()?;
    let (created_at, updated_at) = rest.times()?;
    Some(Friendship { id, user_id, friend_id, created_at, updated_at })
}

/// `{"id":42,"firstName":"Ada","lastName":"Lovelace","createdAt":"…","updatedAt":"…"}`
pub fn user(data: &[u8]) -> Option<User> {
    let mut rest = Rest(data);
    let id = UserId::new(rest.id(br#"{"id":"#)?).ok()?;
    let first_name = rest.name(br#","firstName":""#)?;
    let last_name = rest.name(br#"","lastName":""#)?;
    rest.pass(b"\"")?;
    let (created_at, updated_at) = rest.times()?;
    Some(User { id, first_name, last_name, created_at, updated_at })
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn pass(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn id(&mut self, before: &[u8]) -> Option<u64> {
        self.pass(before)?;
        let length = self.0.iter().take(ID_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let digits = self.take(length).filter(|digits| digits.len() <= ID_DIGITS && digits.first() != Some(&b'0'))?;
        Some(digits.iter().fold(0, |id, digit| id * 10 + u64::from(digit - b'0')))
    }

    /// A name without an escape.
    fn name(&mut self, before: &[u8]) -> Option<Name> {
        self.pass(before)?;
        let length = self.0.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
        let text = self.take(length).filter(|_| self.0.first() == Some(&b'"'))?;
        Name::parse(std::str::from_utf8(text).ok()?).ok()
    }

    fn times(&mut self) -> Option<(Timestamp, Timestamp)> {
        self.pass(br#","createdAt":""#)?;
        let created_at = time(self.take(24)?)?;
        self.pass(br#"","updatedAt":""#)?;
        let updated_at = time(self.take(24)?)?;
        (self.0 == b"\"}").then_some((created_at, updated_at))
    }
}
