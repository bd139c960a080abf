//! `social verify`: folds both streams and compares the result with what is stored, to the byte.
//!
//! What was changed after it began is left out: it can run beside a system that is at work.

mod fold;
mod stored;

use clap::Args;
use domain::{
    Friendship, User,
    event::{Event, Stream},
};

use crate::{
    error::{Error, Result},
    rebuild::Servers,
    report::{Console, Report},
    settings::{DataDir, RedisUrls},
    stores::Stores,
};

/// Differences that are shown; all are counted.
const SHOWN: usize = 100;

#[derive(Args, Clone, Debug)]
pub struct VerifySettings {
    #[command(flatten)]
    data_dir: DataDir,
    #[command(flatten)]
    redis: RedisUrls,
}

/// What is not as the log says it should be.
#[derive(Default)]
pub(crate) struct Differences {
    count: usize,
    shown: Vec<String>,
}

impl Differences {
    pub(crate) fn add(&mut self, difference: String) {
        self.count += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(difference);
        }
    }
}

pub async fn run(settings: &VerifySettings) -> Result<()> {
    let report = Console::new();
    let stores = Stores::open(&settings.data_dir, &settings.redis, &report).await?;
    let outcome = match Servers::connect(&stores).await {
        Ok(servers) => verify(&servers, &report).await,
        Err(error) => Err(error),
    };
    stores.close().await;
    let differences = outcome?;
    differences.shown.iter().for_each(|difference| println!("{difference}"));
    match differences.count {
        0 => {
            println!("Everything stored is what the log says.");
            Ok(())
        }
        n => Err(Error::failed(format!("{n} differences between the log and what is stored"))),
    }
}

async fn verify(servers: &Servers, report: &dyn Report) -> Result<Differences> {
    let mut differences = Differences::default();

    let users = fold::fold::<User>(&servers.user, Stream::User, &mut differences, |event| match event {
        Event::User(event) => Some(event),
        Event::Friendship(_) => None,
    })
    .await?;
    stored::compare_states(&servers.user, &users, "user:[0-9]*", &mut differences).await?;
    stored::compare_counter(&servers.user, Stream::User, "user:last-id", &users, &mut differences).await?;
    report.step(&format!("{} user events, {} people", users.events, users.states.len()));

    let friendships =
        fold::fold::<Friendship>(&servers.friend, Stream::Friend, &mut differences, |event| match event {
            Event::Friendship(event) => Some(event),
            Event::User(_) => None,
        })
        .await?;
    stored::compare_states(&servers.friend, &friendships, "friendship:[0-9]*-*", &mut differences).await?;
    stored::compare_friend_lists(&servers.friend, &friendships, &mut differences).await?;
    let counter = "friendship:last-id";
    stored::compare_counter(&servers.friend, Stream::Friend, counter, &friendships, &mut differences).await?;
    let present = friendships.states.values().filter(|friendship| friendship.data.is_some()).count();
    report.step(&format!("{} friend events, {present} friendships", friendships.events));
    Ok(differences)
}
