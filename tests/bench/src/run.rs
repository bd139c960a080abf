//! The order of things.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use dev::Part;
use load::drive::drive;

use crate::bed::{self, Bed};
use crate::report::{self, Results};
use crate::{Settings, cold_start, footprint, load_phase, metrics_cost, processes, throughput, visible};

/// So many people are there before anything is measured: room for millions of friendships.
pub const PEOPLE: u64 = 3_000;
/// A system that was just started is idle after this time.
const REST: Duration = Duration::from_secs(3);

/// How much is measured.
struct Extent {
    rounds: usize,
    seconds: f64,
    durability_rounds: usize,
    visible_seconds: f64,
    cold_samples: usize,
}

impl Settings {
    fn extent(&self) -> Extent {
        let rounds = usize::from(self.rounds);
        if self.quick {
            Extent { rounds: 2, seconds: 1.0, durability_rounds: 2, visible_seconds: 3.0, cold_samples: 4 }
        } else {
            Extent { rounds, seconds: self.seconds, durability_rounds: rounds, visible_seconds: 10.0, cold_samples: 20 }
        }
    }
}

/// Measures everything. False: some answers were wrong.
pub fn run(settings: Settings) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut results = Results::default();
    runtime.block_on(measure(&settings.extent(), &mut results))?;
    let table = results.table(&heading(&settings));
    println!("{table}");
    let saved = results.save(&report::folder(settings.results.as_deref())?, &table)?;
    println!("Kept as {0}.txt, raw output as {0}.json", saved.display());
    Ok(results.is_right())
}

fn heading(settings: &Settings) -> String {
    let extent = settings.extent();
    format!(
        "{}\n{} rounds of {} s each, interleaved; medians (and the range of single rounds). The client runs on the same \
         processors.\nCeiling: a native hyper server with the same checks, decisions and scripts on the same Redis (AOF, \
         appendfsync always),\nwhile the system's projections follow the log as they do for ours; alone: with the system \
         stopped.\n{}",
        processes::machine(),
        extent.rounds,
        extent.seconds,
        metrics_cost::HOW,
    )
}

async fn measure(extent: &Extent, results: &mut Results) -> Result<()> {
    footprint::sizes(&dev::options::manifest()?, results)?;

    eprintln!("starting with an empty component cache, and with a full one");
    let (mut colds, mut warms) = (Vec::new(), Vec::new());
    // The last of each is further down: those systems are kept.
    for _ in 1..extent.rounds {
        forget_compiled()?;
        for starts in [&mut colds, &mut warms] {
            let (system, took) = bed::start(|_| ()).await?;
            starts.push(took);
            system.stop_all().await;
        }
    }
    forget_compiled()?;
    let (system, cold) = bed::start(|options| options.environment = cold_start::environment()).await?;
    eprintln!("cold starts");
    cold_start::run(&system, extent.cold_samples, results).await?;
    let compiled_first = footprint::memory(&system)?;
    system.stop_all().await;

    let (system, warm) = bed::start(|_| ()).await?;
    if system.log(Part::Runtime).contains("compiled ") {
        bail!("components were built again while they were measured: build first, then measure");
    }
    colds.push(cold);
    warms.push(warm);
    footprint::starts(&colds, &warms, results);
    tokio::time::sleep(REST).await;
    footprint::memory(&system)?.has_a_goal("idle", results);
    compiled_first.report("idle, where components were compiled first", results);

    let bed = Bed::beside(system).await?;
    create_people(&bed).await?;
    let material = load_phase::Material::new(PEOPLE);
    footprint::forget_peaks(&bed.system);
    throughput::run(&bed, &material, extent.rounds, extent.seconds, results).await?;
    let under_load = footprint::peaks(&bed.system)?;
    eprintln!("ack to visible");
    visible::run(&bed, &material, extent.visible_seconds, results).await?;
    throughput::durability(&bed, &material, extent.durability_rounds, extent.seconds, results).await?;
    tokio::time::sleep(REST).await;
    under_load.report("peak in the rounds above", results);
    footprint::memory(&bed.system)?.report("after all that", results);
    bed.system.stop_all().await;
    metrics_cost::run(extent.rounds, extent.seconds, results).await?;
    Ok(())
}

/// Compiled components are kept beside this program, see `dev`.
fn forget_compiled() -> Result<()> {
    let cache = dev::programs::folder().join("component-cache");
    match std::fs::remove_dir_all(&cache) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", cache.display()))
        }
        _ => Ok(()),
    }
}

/// People 1 to [`PEOPLE`], known to every projection.
pub async fn create_people(bed: &Bed) -> Result<()> {
    let people = People { next: 0.into(), requests: bed.ours.requests(), wrong: None.into() };
    drive(bed.ours.address, 16, &people).await;
    if let Some(wrong) = people.wrong.into_inner() {
        bail!("people cannot be created: {wrong}");
    }
    let took = bed.settle().await?;
    eprintln!("{PEOPLE} people, known to all projections {} ms after the last of them", took.as_millis());
    Ok(())
}

struct People {
    next: std::cell::Cell<u64>,
    requests: load::Requests,
    wrong: std::cell::RefCell<Option<String>>,
}

impl load::drive::Work for People {
    type Call = ();

    fn next(&self, request: &mut Vec<u8>) -> Option<()> {
        let n = self.next.get();
        (n < PEOPLE && self.wrong.borrow().is_none()).then(|| {
            self.next.set(n + 1);
            self.requests.create_user(request, &load::people::Person::random(&mut fastrand::Rng::with_seed(n)));
        })
    }

    fn done(&self, (): (), answer: std::io::Result<load::Answer<'_>>, _: Duration) {
        let wrong = match answer {
            Ok(answer) if answer.status == 201 => return,
            Ok(answer) => format!("{}: {}", answer.status, String::from_utf8_lossy(answer.body)),
            Err(error) => error.to_string(),
        };
        self.wrong.borrow_mut().get_or_insert(wrong);
    }
}
