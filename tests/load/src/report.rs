//! What came of it, in numbers.

use crate::network::{Friendships, Made, Plan};

pub fn print(plan: &Plan, made: &Made) {
    println!();
    if made.interrupted {
        println!("Interrupted: these are the calls up to then.");
    }
    println!(
        "{:<11} {:>6} {:>8} {:>9} {:>9} {:>9} {:>9}  answers by status",
        "call", "calls", "calls/s", "p50 ms", "p90 ms", "p99 ms", "max ms"
    );
    for phase in &made.phases {
        let tally = &phase.tally;
        let mut statuses: Vec<String> = tally.statuses.iter().map(|(status, n)| format!("{status}: {n}")).collect();
        if tally.unanswered > 0 {
            let why = phase.first_failure.as_deref().unwrap_or("no reason");
            statuses.push(format!("no answer: {} (the first: {why})", tally.unanswered));
        }
        println!(
            "{:<11} {:>6} {:>8.0} {:>9.2} {:>9.2} {:>9.2} {:>9.2}  {}",
            phase.name,
            tally.answers(),
            tally.answers() as f64 / phase.took.as_secs_f64(),
            tally.ms(0.5),
            tally.ms(0.9),
            tally.ms(0.99),
            tally.ms(1.0),
            statuses.join(", ")
        );
    }
    println!("{} at a time.", calls(plan.connections));
    if let (Friendships::Random(asked), [_, friendships]) = (plan.friendships, &made.phases[..]) {
        println!(
            "{} people have only {} pairs: of {asked} calls between random two of them, those for a pair that is \
             friends already answer 409. Friendships made: {}.",
            plan.people,
            plan.people * (plan.people - 1) / 2,
            friendships.tally.with_status(201)
        );
    }
}

fn calls(connections: usize) -> String {
    if connections == 1 { "One call".to_owned() } else { format!("{connections} calls") }
}
