//! People by name, against a list that is searched by hand.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Current, User};
use event_store::{native::NativeRedis, project::directory::Directory, views};

use crate::{
    given::{create, rename},
    model::ring,
    random::Random,
    server::{Server, ask, calls},
};

/// Lower case, with one small sigma, as the index has it.
fn fold(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ")
}

/// In the order of the index: by the first of a person's two entries that matches, which is the one by first name if it does.
fn by_hand(people: &BTreeMap<u64, User>, prefix: &str) -> Vec<u64> {
    let prefix = fold(prefix);
    let mut found = BTreeSet::new();
    for (id, user) in people {
        let (first, last) = (fold(user.first_name.as_str()), fold(user.last_name.as_str()));
        let entries = [format!("{first} {last}\u{1f}f\u{1f}{id}"), format!("{last} {first}\u{1f}l\u{1f}{id}")];
        if let Some(entry) = entries.into_iter().find(|entry| entry.starts_with(&prefix)) {
            found.insert((entry, *id));
        }
    }
    found.into_iter().map(|(_, id)| id).collect()
}

async fn search(redis: &NativeRedis, prefix: &str, limit: usize) -> Vec<u64> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = views::directory(redis, prefix, after.as_deref(), limit).await.unwrap();
        assert!(page.items.len() <= limit && (page.next.is_none() || page.items.len() == limit));
        found.extend(page.items.iter().map(|user| user.id.get()));
        after = page.next;
        assert!(after.as_ref().is_none_or(|after| views::is_directory_cursor(after, prefix)), "{after:?}");
        if after.is_none() {
            return found;
        }
    }
}

/// Few names and many people: they share names, beginnings, and both.
#[rustfmt::skip]
const NAMES: [&str; 24] = [
    "a", "A", "aa", "Ab", "ab c", "AÉ", "é", "E\u{301}", "Ölaf", "ÖLAF", "İstanbul", "ıslak", "ΟΔΥΣΣΕΎΣ", "Οδυσσεύς", "ΣΑΣ", "ß", "ẞa",
    "李", "李小龍", "😀", "\u{10ffff}", "O'Brien-[a", "(b", "-+",
];

#[tokio::test]
async fn a_prefix_finds_whom_a_search_by_hand_finds() {
    let server = Server::start();
    let redis = server.connect().await;
    let mut random = Random::new(3);
    let mut people: BTreeMap<u64, Current<User>> = BTreeMap::new();
    for round in 0..4 {
        for _ in 0..40 {
            let (first, last) = (random.pick(&NAMES), random.pick(&NAMES));
            let count = people.len() as u64;
            let known = if count > 0 && random.below(3) == 0 { people.get(&(1 + random.below(count))) } else { None };
            let current = match known {
                Some(known) if is_called(known, first, last) => continue,
                Some(known) => rename(&redis, known, first, last).await,
                None => create(&redis, first, last).await,
            };
            people.insert(current.data.as_ref().unwrap().id.get(), current);
        }
        ring::<Directory>(&redis).await;
        let people: BTreeMap<_, _> = people.iter().map(|(id, user)| (*id, user.data.clone().unwrap())).collect();
        for prefix in prefixes(&mut random) {
            let wanted = by_hand(&people, &prefix);
            for limit in [1, 2, 7, 1000] {
                assert_eq!(search(&redis, &prefix, limit).await, wanted, "round {round}: {prefix:?} by {limit}");
            }
        }
    }
}

fn is_called(user: &Current<User>, first: &str, last: &str) -> bool {
    user.data.as_ref().is_some_and(|user| user.first_name.as_str() == first && user.last_name.as_str() == last)
}

/// Beginnings of names, of two names, and of nobody's.
fn prefixes(random: &mut Random) -> Vec<String> {
    let mut prefixes: Vec<String> =
        ["", " ", "z", "\u{1f}", "a\u{1f}", "\u{ff}", "[", "(", "+", "-"].map(str::to_owned).into();
    for _ in 0..25 {
        let both = format!("{} {}", random.pick(&NAMES), random.pick(&NAMES));
        let chars = both.chars().count() as u64;
        let beginning: String = both.chars().take(1 + random.below(chars) as usize).collect();
        prefixes.push(if random.below(2) == 0 { beginning.to_uppercase() } else { beginning });
    }
    prefixes
}

#[tokio::test]
async fn the_last_letter_of_a_prefix_need_not_be_the_last_of_the_word() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Οδυσσέας", "Ελύτης").await;
    ring::<Directory>(&redis).await;
    for prefix in ["ΟΔΥΣ", "οδυς", "οδυσ", "ΟΔΥΣΣΈΑΣ", "οδυσσέας ε", "ΕΛΎΤΗΣ", "ελύτησ"]
    {
        assert_eq!(search(&redis, prefix, 10).await, [1], "{prefix}");
    }
}

#[tokio::test]
async fn a_person_with_a_new_name_is_not_found_by_the_old_one() {
    let server = Server::start();
    let redis = server.connect().await;
    let ada = create(&redis, "Ada", "Lovelace").await;
    ring::<Directory>(&redis).await;
    assert_eq!(search(&redis, "love", 10).await, [1]);
    let king = rename(&redis, &ada, "Ada", "King").await;
    ring::<Directory>(&redis).await;
    assert!(search(&redis, "love", 10).await.is_empty());
    let page = views::directory(&redis, "KING a", None, 10).await.unwrap();
    assert_eq!(page.items, [king.data.unwrap()]);
}

#[tokio::test]
async fn a_cursor_shows_nobody_who_was_not_asked_for() {
    let server = Server::start();
    let redis = server.connect().await;
    for (first, last) in [("Ada", "Lovelace"), ("Alan", "Turing"), ("Grace", "Hopper")] {
        create(&redis, first, last).await;
    }
    ring::<Directory>(&redis).await;
    for cursor in ["", "a", "ada", "\u{0}", "zz", "(", "grace hopper\u{1f}f\u{1f}3"] {
        let page = views::directory(&redis, "gr", Some(cursor), 10).await.unwrap();
        assert!(page.items.iter().all(|user| user.id.get() == 3), "{cursor:?}");
    }
}

#[tokio::test]
async fn an_index_entry_that_is_damaged_is_passed_over() {
    let server = Server::start();
    let redis = server.connect().await;
    create(&redis, "Ada", "Lovelace").await;
    ring::<Directory>(&redis).await;
    for entry in ["ada", "ada aa\u{1f}f\u{1f}77", "adaa\u{1f}f\u{1f}x"] {
        ask(&redis, "ZADD", &["directory:1:index", "0", entry]).await;
    }
    assert_eq!(search(&redis, "ada", 1).await, [1]);
    assert_eq!(search(&redis, "", 10).await, [1]);
}

#[tokio::test]
async fn people_who_are_listed_already_are_passed_over_in_large_steps() {
    let server = Server::start();
    let redis = server.connect().await;
    // 3,000 entries by last name come before the first one by first name.
    let fill = r#"for id = 1, 3000 do
        local f, l = 'z' .. id .. ' a\31f\31' .. id, 'a z' .. id .. '\31l\31' .. id
        redis.call('ZADD', 'directory:1:index', 0, f, 0, l)
        redis.call('HSET', 'directory:1:people', id, '{"id":' .. id .. ',"firstName":"Z' .. id ..
            '","lastName":"A","createdAt":"2026-11-22T01:27:43.007Z","updatedAt":"2026-11-22T01:27:43.007Z"}')
    end"#;
    ask(&redis, "EVAL", &[fill, "0"]).await;
    ask(&redis, "CONFIG", &["RESETSTAT"]).await;
    let page = views::directory(&redis, "", None, 2).await.unwrap();
    assert_eq!(page.items.iter().map(|user| user.id.get()).collect::<Vec<_>>(), [1, 10]);
    let trips = calls(&redis, "zrangebylex").await;
    assert!(trips <= 5, "{trips} round trips");
    assert_eq!(search(&redis, "z30", 100).await.len(), 12);
}
