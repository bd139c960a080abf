//! The order of things: what is there, the phases or the ramp, what is there now, and whether all of it was as wanted.

use std::cell::RefCell;
use std::time::SystemTime;

use anyhow::{Result, bail};
use load::Target;

use crate::accounts::{self, Accounts, Count, Verdict};
use crate::ask::Asker;
use crate::interrupt::Interrupt;
use crate::machine::Machine;
use crate::phase::{self, Measured};
use crate::population::Population;
use crate::progress::say;
use crate::ramp::{self, Ramped};
use crate::report::{About, PhaseReport, RampReport, Report};
use crate::scenario::{Ramp, Scenario, What};
use crate::thresholds;

/// A threshold failed, calls failed, or something was lost.
const FAILED: u8 = 1;

pub struct Run<'a> {
    pub scenario: &'a Scenario,
    pub target: &'a Target,
    /// In place of the phases that have a mix.
    pub ramp: Option<&'a Ramp>,
    pub population: RefCell<Population>,
    pub interrupt: Interrupt,
}

impl Run<'_> {
    /// Err: the system could not be asked, or this machine does not let us make calls.
    pub async fn run(&self) -> Result<Report> {
        let machine = Machine::look();
        let started = SystemTime::now();
        let mut asker = Asker::of(self.target);
        let before = tokio::select! {
            before = accounts::before(&mut asker) => before?,
            () = self.interrupt.wait() => bail!("ended before the first call"),
        };
        let measured = self.phases(&mut asker).await?;
        let ramped = match self.ramp {
            Some(ramp) if self.interrupt.code().is_none() => {
                Some(ramp::run(self.target, ramp, &self.population, &self.interrupt).await?)
            }
            _ => None,
        };
        let accounts = self.accounts(&mut asker, &before, &measured, ramped.as_ref()).await;
        Ok(self.report(machine, started, &measured, ramped.as_ref(), accounts))
    }

    async fn phases(&self, asker: &mut Asker<'_>) -> Result<Vec<Measured>> {
        let mut measured = Vec::new();
        for phase in &self.scenario.phases {
            if self.interrupt.code().is_some() || self.ramp.is_some() && matches!(phase.what, What::Mix(_)) {
                continue;
            }
            let phase = phase::run(self.target, phase, &self.population, &self.interrupt).await?;
            say(&format!(
                "{}: {} calls in {:.1} s, {:.0}/s, p50 {:.1} ms, p99 {:.1} ms, {} failed",
                phase.name,
                phase.requests(),
                phase.window.as_secs_f64(),
                phase.per_second(),
                phase.total.ms(0.5),
                phase.total.ms(0.99),
                phase.failed(),
            ));
            measured.push(phase);
            if self.interrupt.code().is_none() {
                self.settle(asker).await;
            }
        }
        Ok(measured)
    }

    /// The next phase may ask any read model about whoever this one has made.
    async fn settle(&self, asker: &mut Asker<'_>) {
        let (newest, last) = (self.population.borrow().newest(), self.population.borrow().last_created());
        let settled = tokio::select! {
            settled = accounts::settle(asker, &newest, last) => settled,
            () = self.interrupt.wait() => return,
        };
        if let Err(error) = settled {
            say(&format!("the next phase may be told of people who are not there: {error:#}"));
        }
        self.population.borrow_mut().settle();
    }

    async fn accounts(
        &self,
        asker: &mut Asker<'_>,
        before: &Count,
        measured: &[Measured],
        ramped: Option<&Ramped>,
    ) -> Result<Accounts> {
        let newest = self.population.borrow().newest();
        let patience = match self.interrupt.code() {
            Some(_) => accounts::IMPATIENCE,
            None => accounts::PATIENCE,
        };
        let after = accounts::including(asker, &newest, patience).await?;
        let steps = ramped.iter().flat_map(|ramped| &ramped.steps).map(|step| &step.measured);
        Ok(Accounts::of(measured.iter().chain(steps), before, &after))
    }

    fn report(
        &self,
        machine: Machine,
        started: SystemTime,
        measured: &[Measured],
        ramped: Option<&Ramped>,
        accounts: Result<Accounts>,
    ) -> Report {
        let time = |time| humantime::format_rfc3339_millis(time).to_string();
        let mut report = Report {
            format: Report::FORMAT,
            scenario: About::of(self.scenario),
            target: format!("http://{}", self.target.authority),
            machine,
            started_at: time(started),
            ended_at: time(SystemTime::now()),
            interrupted: self.interrupt.code().is_some(),
            exit_code: 0,
            phases: measured.iter().map(PhaseReport::of).collect(),
            ramp: self.ramp.zip(ramped).map(|(ramp, ramped)| RampReport::of(ramp, ramped)),
            thresholds: thresholds::judge(&self.scenario.thresholds, measured),
            accounts_missing: accounts.as_ref().err().map(|error| format!("{error:#}")),
            accounts: accounts.ok(),
            failures: Vec::new(),
        };
        report.failures = failures(&report);
        let judged = if report.failures.is_empty() { 0 } else { FAILED };
        report.exit_code = self.interrupt.code().unwrap_or(judged);
        report
    }
}

/// Everything that was not as it should be, a line each.
fn failures(report: &Report) -> Vec<String> {
    let mut failures: Vec<String> =
        report.thresholds.iter().filter(|judged| !judged.held).map(|judged| judged.text()).collect();
    if let Some(accounts) = &report.accounts {
        for (what, account) in [("users", accounts.users), ("friendships", accounts.friendships)] {
            if account.verdict == Verdict::Lost {
                failures.push(format!(
                    "{what} were lost: {} were acknowledged, and the system counts {} more than before",
                    account.acknowledged, account.counted
                ));
            }
        }
    }
    if let (Some(missing), false) = (&report.accounts_missing, report.interrupted) {
        failures.push(format!("nobody knows whether something was lost: {missing}"));
    }
    if let Some(ramp) = report.ramp.as_ref().filter(|_| !report.interrupted) {
        let wanted = ramp.at_least.unwrap_or_default();
        match ramp.breaking_point {
            None => failures.push("the ramp's first rate was not held".to_owned()),
            Some(point) if point < wanted => {
                failures.push(format!("breaking point: wanted >= {wanted:.0}/s, measured {point:.0}/s"));
            }
            Some(_) => {}
        }
    }
    failures
}
