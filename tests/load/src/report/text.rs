//! The report for people.

use std::fmt::Write;

use crate::accounts::{Account, Verdict};
use crate::ramp::{ENOUGH, TRIES};
use crate::report::{Latency, OperationReport, PhaseReport, RampReport, Report};
use crate::scenario::Model;

/// With more than this of one processor, the generator is a part of what limits the figures.
const BUSY: f64 = 0.8;
/// Later than this, latencies say as much of the generator as of the system.
const LATE_MS: f64 = 5.0;

pub fn text(report: &Report) -> String {
    let mut text = head(report);
    for phase in &report.phases {
        text += &format!("\n{}: {}\n", phase.name, model(phase));
        text += &table(phase);
        text += &failures(phase);
        text += &generator(phase);
    }
    if let Some(ramp) = &report.ramp {
        text += &steps(ramp);
    }
    text += &judged(report);
    text
}

fn head(report: &Report) -> String {
    let (about, machine) = (&report.scenario, &report.machine);
    let mut text = about.name.clone();
    if !about.description.is_empty() {
        let _ = write!(text, ": {}", about.description.trim());
    }
    let _ = writeln!(text, "\n{}, seed {}, {}", report.target, about.seed, report.started_at);
    let _ = write!(text, "from {} x {}, {}", machine.processors, machine.processor, machine.system);
    if let Some(average) = machine.load_average {
        let _ = write!(text, ", load average {average:.2} before");
    }
    text.push('\n');
    if report.interrupted {
        text += "Interrupted: these are the calls up to then.\n";
    }
    text
}

fn model(phase: &PhaseReport) -> String {
    let model = match phase.model {
        Model::Closed { connections: 1 } => "closed model, one call at a time".to_owned(),
        Model::Closed { connections } => format!("closed model, {connections} calls at a time"),
        Model::Open { per_second, connections } => {
            format!("open model, {} calls/s offered, at most {connections} at a time", whole(per_second))
        }
    };
    let answered = whole(phase.answered_per_second);
    format!("{model}; {answered} answers/s for {:.1} s", phase.seconds)
}

fn table(phase: &PhaseReport) -> String {
    let mut text = format!(
        "  {:<18}{:>10}{:>10}{:>9}{:>8}{:>9}{:>9}{:>9}{:>10}{:>9}  {}\n",
        "operation",
        "calls",
        "calls/s",
        "refused",
        "failed",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "answers"
    );
    for one in &phase.operations {
        text += &row(
            (one.operation.name(), one.requests, one.answered_per_second, one.refused, one.failed),
            one.latency_ms,
            &answers(one),
        );
    }
    if phase.operations.len() > 1 || phase.not_begun > 0 {
        let refused = phase.operations.iter().map(|one| one.refused).sum();
        let all = ("all", phase.requests, phase.answered_per_second, refused, phase.failed);
        text += &row(all, phase.latency_ms, "");
    }
    text
}

fn row((name, calls, rate, refused, failed): (&str, u64, f64, u64, u64), ms: Option<Latency>, end: &str) -> String {
    let mut text = format!("  {name:<18}{:>10}{:>10}{refused:>9}{failed:>8}", whole(calls as f64), whole(rate));
    match ms {
        Some(ms) => {
            let _ = write!(text, "{:>9.2}{:>9.2}{:>9.2}{:>10.2}{:>9.2}", ms.p50, ms.p90, ms.p99, ms.p999, ms.max);
        }
        None => text += &" ".repeat(46),
    }
    format!("{}\n", format!("{text}  {end}").trim_end())
}

/// How many answers of which status, and how many calls without one.
fn answers(one: &OperationReport) -> String {
    let statuses = one.statuses.iter().map(|(status, count)| format!("{status}: {count}"));
    let unanswered = one.unanswered.iter().map(|(reason, count)| format!("{reason}: {count}"));
    let abandoned = (one.abandoned > 0).then(|| format!("not waited for: {}", one.abandoned));
    statuses.chain(unanswered).chain(abandoned).collect::<Vec<_>>().join(", ")
}

fn failures(phase: &PhaseReport) -> String {
    let mut text = String::new();
    for one in &phase.operations {
        for (kind, said) in &one.first_failures {
            let _ = writeln!(text, "  first {kind} of {}: {}", one.operation.name(), said.trim());
        }
    }
    if phase.not_begun > 0 {
        let _ = writeln!(
            text,
            "  {} calls were due and never begun, because all {} connections were busy",
            phase.not_begun,
            phase.model.connections()
        );
    }
    text
}

/// What makes the figures doubtful.
fn generator(phase: &PhaseReport) -> String {
    let mut text = String::new();
    let generator = &phase.generator;
    if generator.processor_share > BUSY {
        let share = 100.0 * generator.processor_share;
        let _ = writeln!(text, "  The generator took {share:.0}% of a processor: it may be what limits these figures.");
    }
    if let Some(late) = generator.late_ms.filter(|late| late.p99 > LATE_MS) {
        let _ = writeln!(
            text,
            "  The generator was late itself, p99 {:.1} ms, which is in the latencies: this machine is too busy.",
            late.p99
        );
    }
    text
}

fn steps(ramp: &RampReport) -> String {
    let mut text = format!(
        "\nRamp: a rate is held when at least {:.0}% of it is answered, p99 is at most {} ms and no call fails.\n",
        100.0 * ENOUGH,
        ramp.p99_ms
    );
    let _ = writeln!(
        text,
        "  {:>10}{:>11}{:>8}{:>9}{:>9}{:>9}{:>10}{:>9}  held",
        "offered/s", "answered/s", "failed", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"
    );
    for step in &ramp.steps {
        let phase = &step.phase;
        let rates = (whole(step.offered_per_second), whole(phase.answered_per_second));
        let _ = write!(text, "  {:>10}{:>11}{:>8}", rates.0, rates.1, phase.failed);
        match phase.latency_ms {
            Some(ms) => {
                let _ = write!(text, "{:>9.2}{:>9.2}{:>9.2}{:>10.2}{:>9.2}", ms.p50, ms.p90, ms.p99, ms.p999, ms.max);
            }
            None => text += &" ".repeat(46),
        }
        let _ = writeln!(text, "  {}", step.why_not.as_deref().map_or("yes".to_owned(), |why| format!("no: {why}")));
    }
    // What each step remarks would repeat itself: the first failures are enough.
    if let Some(broken) = ramp.steps.iter().find(|step| step.phase.failed > 0) {
        text += &failures(&broken.phase);
    }
    if let Some(last) = ramp.steps.last() {
        text += &generator(&last.phase);
    }
    let _ = match ramp.breaking_point {
        Some(point) if ramp.open_end => {
            writeln!(text, "Breaking point: not reached, {} calls/s were held", whole(point))
        }
        Some(point) => {
            let step = ramp.steps.last().map_or(0.0, |step| step.offered_per_second);
            let next = format!("{} were not, {TRIES} times", whole(step));
            writeln!(text, "Breaking point: {} calls/s were held, {next}", whole(point))
        }
        None => writeln!(text, "Breaking point: below the first rate"),
    };
    text
}

fn judged(report: &Report) -> String {
    let mut text = String::from("\n");
    for judged in &report.thresholds {
        let _ = writeln!(text, "{}  {}", if judged.held { "held  " } else { "FAILED" }, judged.text());
    }
    if let Some(accounts) = &report.accounts {
        text += &account("users", &accounts.users);
        text += &account("friendships", &accounts.friendships);
    }
    // The thresholds stand above.
    let said = |failure: &&String| !report.thresholds.iter().any(|judged| judged.text() == **failure);
    for failure in report.failures.iter().filter(said) {
        let _ = writeln!(text, "FAILED  {failure}");
    }
    if let (Some(missing), true) = (&report.accounts_missing, report.interrupted) {
        let _ = writeln!(text, "Not known whether something was lost: {missing}");
    }
    text
}

fn account(what: &str, account: &Account) -> String {
    let unclear = match account.unclear_more + account.unclear_fewer {
        0 => String::new(),
        unclear => format!(" ({unclear} calls may or may not have been done)"),
    };
    let balance = format!("{what}: {} acknowledged{unclear}, {} counted", account.acknowledged, account.counted);
    match account.verdict {
        Verdict::Held => format!("held    {balance}: nothing is lost\n"),
        // It is among the failures.
        Verdict::Lost => String::new(),
        Verdict::Unclear => format!("unclear {balance}: somebody else writes too, so a loss would not be seen\n"),
    }
}

/// A number that is read at a glance: 12345.6 is 12,346.
pub fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = digits.len() % 3;
    let mut text = digits[..first].to_owned();
    for three in digits.as_bytes()[first..].chunks(3) {
        if !text.is_empty() {
            text.push(',');
        }
        text += &String::from_utf8_lossy(three);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0.4, 999.0, 1000.0, 12345.6, 1234567.0].map(whole);
        assert_eq!(texts, ["0", "999", "1,000", "12,346", "1,234,567"]);
    }
}
