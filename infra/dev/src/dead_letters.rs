//! `social dead-letters` shows the events that a projection could not apply; `social replay` has them applied again.
//!
//! Replaying rebuilds the projections concerned: an event that was put aside is then applied in its place in the order, not
//! after everything that came later. What still cannot be applied is put aside again, with its reason. The worker has
//! nothing to rebuild: it reads the log anew at each start, so its letters are only taken away.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use event_store::{Value, keys, native::NativeRedis};

use crate::{
    error::Result,
    rebuild::{Projection, Servers, command, failed, rebuild},
    report::{Console, Report},
    settings::{DataDir, RedisUrls},
    stores::Stores,
};

#[derive(Args, Clone, Debug)]
pub struct DeadLetterSettings {
    #[command(flatten)]
    data_dir: DataDir,
    #[command(flatten)]
    redis: RedisUrls,
}

/// The name under which the worker writes its dead letters.
const WORKER: &str = "worker";

/// One that was put aside.
struct DeadLetter {
    /// Its place in `events:dead`.
    place: String,
    fields: BTreeMap<String, String>,
}

impl DeadLetter {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("?", String::as_str)
    }

    /// Its member of the index that keeps it from being written twice.
    fn member(&self) -> String {
        format!("{}/{}/{}", self.field("projection"), self.field("stream"), self.field("position"))
    }
}

pub async fn show(settings: &DeadLetterSettings) -> Result<()> {
    let stores = Stores::open(&settings.data_dir, &settings.redis, &Console::new()).await?;
    let found = all(&stores).await;
    stores.close().await;
    let letters: Vec<DeadLetter> = found?.into_iter().flat_map(|(_, letters)| letters).collect();
    for letter in &letters {
        let [projection, stream, position] = ["projection", "stream", "position"].map(|name| letter.field(name));
        let [kind, reason, time] = ["type", "reason", "time"].map(|name| letter.field(name));
        println!("{time}  {projection}  events:{stream} {position}  {kind}\n    {reason}");
    }
    match letters.len() {
        0 => println!("No dead letters: every projection has applied every event."),
        n => println!(
            "{n} dead letters. `make replay` has them applied again; XRANGE events:<stream> <position> <position> shows an event."
        ),
    }
    Ok(())
}

pub async fn replay(settings: &DeadLetterSettings) -> Result<()> {
    let report = Console::new();
    let stores = Stores::open(&settings.data_dir, &settings.redis, &report).await?;
    let outcome = replay_all(&stores, &report).await;
    stores.close().await;
    outcome
}

async fn replay_all(stores: &Stores, report: &dyn Report) -> Result<()> {
    let servers = Servers::connect(stores).await?;
    let found = all(stores).await?;
    let mut projections = BTreeSet::new();
    let (mut replayed, mut of_the_worker) = (0, 0);
    for (redis, letters) in &found {
        for letter in letters {
            match Projection::from_str(letter.field("projection"), false) {
                Ok(projection) => {
                    projections.insert(projection.name());
                    forget(redis, letter).await?;
                    replayed += 1;
                }
                Err(_) if letter.field("projection") == WORKER => {
                    forget(redis, letter).await?;
                    remove(redis, letter).await?;
                    of_the_worker += 1;
                }
                Err(_) => report.step(&format!(
                    "{} of {}: there is no such projection, so it stays",
                    letter.field("position"),
                    letter.field("projection")
                )),
            }
        }
    }
    for name in &projections {
        let projection = Projection::from_str(name, false).expect("it was read from its name");
        rebuild(&servers, projection, report).await?;
    }
    for (redis, letters) in &found {
        for letter in letters.iter().filter(|letter| projections.contains(letter.field("projection"))) {
            remove(redis, letter).await?;
        }
    }
    if of_the_worker > 0 {
        report.step(&format!(
            "{of_the_worker} of the worker: it writes them again at its next start if it still cannot apply them"
        ));
    }
    let left: usize = all(stores).await?.iter().map(|(_, letters)| letters.len()).sum();
    report.step(&format!("{replayed} dead letters replayed; {left} are there now"));
    Ok(())
}

/// From here on it may be put aside again.
async fn forget(redis: &NativeRedis, letter: &DeadLetter) -> Result<()> {
    command(redis, "SREM", vec![keys::DEAD_INDEX.to_owned(), letter.member()]).await.map(drop)
}

async fn remove(redis: &NativeRedis, letter: &DeadLetter) -> Result<()> {
    command(redis, "XDEL", vec![keys::DEAD.to_owned(), letter.place.clone()]).await.map(drop)
}

/// The dead letters of every server that has some, each server once.
async fn all(stores: &Stores) -> Result<Vec<(NativeRedis, Vec<DeadLetter>)>> {
    let mut urls = vec![stores.contexts.friend.url()];
    if stores.contexts.view.url() != urls[0] {
        urls.push(stores.contexts.view.url());
    }
    let mut found = Vec::new();
    for url in urls {
        let redis = NativeRedis::open(&url).await.map_err(failed)?;
        let letters = read(&redis).await?;
        found.push((redis, letters));
    }
    Ok(found)
}

async fn read(redis: &NativeRedis) -> Result<Vec<DeadLetter>> {
    let words = [keys::DEAD, "-", "+"].map(str::to_owned).to_vec();
    let reply = command(redis, "XRANGE", words).await?;
    let words: Vec<&str> = reply.iter().map(|value: &Value| value.text().unwrap_or("?")).collect();
    // One entry: its place, then six names and values.
    const ENTRY: usize = 1 + 2 * 6;
    let letter = |entry: &[&str]| DeadLetter {
        place: entry[0].to_owned(),
        fields: entry[1..]
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[name, value]| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    };
    Ok(words.as_chunks::<ENTRY>().0.iter().map(|entry| letter(entry)).collect())
}
