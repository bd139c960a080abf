//! Replay of a stream, beside loops over the same stream that do nothing with it: the example `replay` of `projection`.

use std::process::{Command, Stdio};

/// Its output, or why there is none. A program that fails is a reason as well: what is measured before is kept.
pub fn measure(events: usize, rounds: usize) -> Result<String, String> {
    let program = dev::programs::folder().join("examples/replay");
    if !program.exists() {
        return Err(format!("there is no {}: cargo build --profile native --examples", program.display()));
    }
    eprintln!("replay of {events} events");
    let arguments = [events.to_string(), rounds.to_string()];
    let output = Command::new(&program).args(arguments).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{}: {}", program.display(), output.status)),
    }
}
