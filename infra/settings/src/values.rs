//! What values of settings may be: each says it, to be read after the name of the setting.

use std::net::SocketAddr;
use std::time::Duration;

/// An address to listen on.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:9000".to_owned())
}

pub fn port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err("must be a port, 1 to 65535".to_owned()),
    }
}

/// A time: seconds, also parts of them.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f32(seconds).ok());
    seconds.ok_or_else(|| "must be a number of seconds, such as 10 or 0.5".to_owned())
}

/// A number from 1 to `most`.
pub fn count(text: &str, most: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("must be a number from 1 to {most}")),
    }
}

/// `NAME=VALUE`.
pub fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_says_what_it_may_be() {
        assert_eq!(address("127.0.0.1:80"), Ok(([127, 0, 0, 1], 80).into()));
        assert_eq!((port("65535"), seconds("0.5")), (Ok(65_535), Ok(Duration::from_millis(500))));
        assert_eq!((count("4", 4), name_and_value("a=b=c")), (Ok(4), Ok(("a".into(), "b=c".into()))));
        for wrong in ["", "x", "127.0.0.1", "localhost:80"] {
            assert!(address(wrong).is_err_and(|reason| reason.contains("127.0.0.1:9000")), "{wrong}");
        }
        for wrong in ["", "0", "65536", "-1", "1.5", "http"] {
            assert!(port(wrong).is_err_and(|reason| reason.contains("1 to 65535")), "{wrong}");
        }
        for wrong in ["", "-1", "nan", "inf", "ten", "1e30"] {
            assert!(seconds(wrong).is_err_and(|reason| reason.contains("seconds")), "{wrong}");
        }
        for wrong in ["", "0", "5", "x"] {
            assert!(count(wrong, 4).is_err_and(|reason| reason.contains("1 to 4")), "{wrong}");
        }
        assert!(name_and_value("a").is_err());
    }
}
