//! Raising the rate step by step, until the system does not hold it.

use std::cell::RefCell;

use anyhow::Result;
use load::Target;

use crate::ask::Asker;
use crate::interrupt::Interrupt;
use crate::phase::{self, Measured};
use crate::population::Population;
use crate::scenario::{End, Model, Phase, Ramp, What};
use crate::{accounts, progress};

/// What is answered of what is offered: with less, calls pile up, or the generator cannot make them.
pub const ENOUGH: f64 = 0.95;
/// A rate counts as not held when it was not held so many times in a row: machines have bad moments.
pub const TRIES: usize = 2;

pub struct Ramped {
    pub steps: Vec<Step>,
    /// The last rate that was held. None: not even the first.
    pub breaking_point: Option<f64>,
    /// It was held to the end, so the breaking point is further on.
    pub open_end: bool,
}

pub struct Step {
    pub rate: f64,
    pub attempt: usize,
    pub measured: Measured,
    /// Why it was not held.
    pub broke: Option<String>,
}

/// Why a rate was not held, if it was not.
fn broke(rate: f64, p99_ms: f64, measured: &Measured) -> Option<String> {
    let (answered, p99) = (measured.per_second(), measured.total.ms(0.99));
    let wrong: u64 = measured.calls.values().map(|calls| calls.failed).sum();
    if wrong > 0 {
        Some(format!("{wrong} of {} calls failed", measured.requests()))
    } else if answered < ENOUGH * rate {
        Some(format!("{answered:.0} answers a second, less than {:.0}% of {rate:.0}", 100.0 * ENOUGH))
    } else if p99 > p99_ms {
        Some(format!("p99 {p99:.1} ms, more than {p99_ms:.1} ms"))
    } else if measured.failed() > 0 {
        Some(format!("{} calls were not answered in time", measured.failed()))
    } else {
        None
    }
}

pub async fn run(
    target: &Target,
    ramp: &Ramp,
    population: &RefCell<Population>,
    interrupt: &Interrupt,
) -> Result<Ramped> {
    let mut ramped = Ramped { steps: Vec::new(), breaking_point: None, open_end: false };
    let mut rate = ramp.from;
    while rate <= ramp.to {
        for attempt in 1..=TRIES {
            let step = step(target, ramp, rate, attempt, population, interrupt).await?;
            if interrupt.code().is_some() {
                // What was measured of it is kept, but it was no whole step.
                ramped.steps.push(Step { broke: Some("ended by a signal".to_owned()), ..step });
                return Ok(ramped);
            }
            let broke = step.broke.is_some();
            ramped.steps.push(step);
            if !broke {
                ramped.breaking_point = Some(rate);
                break;
            }
            if attempt == TRIES {
                return Ok(ramped);
            }
            // It gets its second try when it has recovered from the first.
            let (newest, last) = (population.borrow().newest(), population.borrow().last_created());
            let mut asker = Asker::of(target);
            let settled = tokio::select! {
                settled = accounts::settle(&mut asker, &newest, last) => settled,
                () = interrupt.wait() => return Ok(ramped),
            };
            if let Err(error) = settled {
                progress::say(&format!("ramp: {error:#}"));
            }
        }
        rate += ramp.step;
    }
    ramped.open_end = true;
    Ok(ramped)
}

async fn step(
    target: &Target,
    ramp: &Ramp,
    rate: f64,
    attempt: usize,
    population: &RefCell<Population>,
    interrupt: &Interrupt,
) -> Result<Step> {
    let phase = Phase {
        name: format!("{rate:.0}/s"),
        what: What::Mix(ramp.mix.clone()),
        model: Model::Open { per_second: rate, connections: ramp.connections },
        end: End::Seconds(ramp.seconds),
    };
    let measured = phase::run(target, &phase, population, interrupt).await?;
    let broke = broke(rate, ramp.p99_ms, &measured);
    progress::say(&format!(
        "ramp: {rate:.0}/s offered, {:.0}/s answered, p50 {:.1} ms, p99 {:.1} ms: {}",
        measured.per_second(),
        measured.total.ms(0.5),
        measured.total.ms(0.99),
        broke.as_deref().unwrap_or("held"),
    ));
    Ok(Step { rate, attempt, measured, broke })
}
