//! Reads the settings of a program, which clap takes from flags and from the environment. Of a wrong one it says its name,
//! where it was set, and what it may be; clap alone names the flag only, also where nobody gave one.

pub mod values;

use std::error::Error as _;
use std::ffi::OsString;
use std::process;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Parser};

/// The settings have to be changed; trying again is of no use.
pub const MISCONFIGURED: u8 = 2;

/// The settings of this process. Ends it with exit code 2 where one is wrong, and with 0 after `--help`.
pub fn parse<T: Parser>() -> T {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    T::try_parse_from(&arguments).unwrap_or_else(|error| match explained(&T::command(), &error, &arguments) {
        Some(text) => {
            eprintln!("{}: {text}", T::command().get_name());
            process::exit(i32::from(MISCONFIGURED))
        }
        None => error.exit(),
    })
}

/// What is wrong with which value. None: it is not about a value, and clap's own words will do.
fn explained(command: &Command, error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    // `--listen <ADDRESS>`; an argument without a flag is clap's to explain.
    let flag = text(ContextKind::InvalidArg)?.strip_prefix("--")?.split([' ', '=']).next()?;
    let argument = find(command, flag)?;
    let reason = match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(reason), _) => reason.to_string(),
        (None, Some(ContextValue::Strings(valid))) => format!("must be {}", valid.join(" or ")),
        _ => "is not valid".to_owned(),
    };
    let (name, source) = match argument.get_env() {
        Some(variable) if !is_given(flag, arguments) => (variable.to_string_lossy().into_owned(), "environment"),
        _ => (format!("--{flag}"), "command line"),
    };
    let value = match text(ContextKind::InvalidValue) {
        // It may hold a password.
        Some(_) if argument.is_hide_env_values_set() => String::new(),
        Some(value) => format!("={value}"),
        None => String::new(),
    };
    Some(format!("{name}{value} ({source}) {reason}"))
}

/// The argument of that flag, of the command or of one below it: a flag means the same everywhere.
fn find<'a>(command: &'a Command, flag: &str) -> Option<&'a Arg> {
    let own = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
    own.or_else(|| command.get_subcommands().find_map(|command| find(command, flag)))
}

fn is_given(flag: &str, arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .filter_map(|argument| argument.to_str()?.strip_prefix("--"))
        .any(|given| given.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "program")]
    struct Settings {
        #[arg(long, env = "SETTINGS_TEST_PORT", value_parser = values::port)]
        port: Option<u16>,
        #[arg(long, env = "SETTINGS_TEST_SECRET", hide_env_values = true, value_parser = values::seconds)]
        secret: Option<std::time::Duration>,
        #[arg(long, value_parser = ["a", "b"])]
        choice: Option<String>,
    }

    fn said(arguments: &[&str]) -> Option<String> {
        let arguments: Vec<OsString> = ["program"].iter().chain(arguments).map(OsString::from).collect();
        let error = Settings::try_parse_from(&arguments).expect_err("it is wrong");
        explained(&<Settings as clap::CommandFactory>::command(), &error, &arguments)
    }

    #[test]
    fn a_wrong_value_is_named_with_its_source_and_what_it_may_be() {
        let port = "must be a port, 1 to 65535";
        assert_eq!(said(&["--port", "0"]), Some(format!("--port=0 (command line) {port}")));
        assert_eq!(said(&["--port=x"]), Some(format!("--port=x (command line) {port}")));
        assert_eq!(said(&["--choice", "c"]), Some("--choice=c (command line) must be a or b".to_owned()));
        let secret = said(&["--secret", "hunter2"]).expect("it is explained");
        assert!(!secret.contains("hunter2") && secret.starts_with("--secret (command line) must be"), "{secret}");
        assert_eq!(said(&["--nothing"]), None);
    }

    #[test]
    fn what_no_flag_gives_comes_from_the_environment() {
        // SAFETY: no other test of this binary reads or writes this variable.
        unsafe { std::env::set_var("SETTINGS_TEST_PORT", "99999") };
        assert_eq!(said(&[]).as_deref(), Some("SETTINGS_TEST_PORT=99999 (environment) must be a port, 1 to 65535"));
        assert_eq!(said(&["--port", "x"]).as_deref(), Some("--port=x (command line) must be a port, 1 to 65535"));
        unsafe { std::env::remove_var("SETTINGS_TEST_PORT") };
    }
}
