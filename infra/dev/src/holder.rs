//! Who listens on a port.

use std::fs;
use std::process::Command;

/// Long enough to recognise a command by, short enough for one line.
const SHOWN_COMMAND_CHARACTERS: usize = 120;

/// A process, for a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    pub command: String,
}

/// The process that listens on a TCP port of this machine, as far as we may know it.
pub fn of_port(port: u16) -> Option<Holder> {
    if fs::exists("/proc/net/tcp").unwrap_or(false) { from_proc(port) } else { from_lsof(port) }
}

fn from_proc(port: u16) -> Option<Holder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let pids = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        // Another user's process does not show its files: it is passed over, and stays unnamed.
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            continue;
        };
        let holds = files
            .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
            .any(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()));
        if holds {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            return Some(Holder { pid, command: shown(&String::from_utf8_lossy(&command).replace('\0', " ")) });
        }
    }
    None
}

/// The inodes of the sockets in state LISTEN (0A) in a table of /proc/net.
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let local = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(1)?.ends_with(&local) && *fields.get(3)? == "0A";
            listens.then(|| fields.get(9).map(|inode| inode.to_string()))?
        })
        .collect()
}

/// macOS has no /proc, but lsof.
fn from_lsof(port: u16) -> Option<Holder> {
    let out = Command::new("lsof").args(["-nP", "-sTCP:LISTEN", "-Fpc"]).arg(format!("-iTCP:{port}")).output().ok()?;
    let out = String::from_utf8_lossy(&out.stdout);
    let field = |letter| out.lines().find_map(|line| line.strip_prefix(letter));
    Some(Holder { pid: field('p')?.parse().ok()?, command: shown(field('c')?) })
}

fn shown(command: &str) -> String {
    command.trim().chars().take(SHOWN_COMMAND_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_this_process_by_its_listener() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = of_port(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(!holder.command.is_empty());
    }

    #[test]
    fn passes_over_sockets_that_do_not_listen() {
        let table = "  sl  local_address rem_address   st\n\
            0: 0100007F:2328 0100007F:9C40 01 00000000:00000000 00:00000000 00000000 0 0 111 1\n\
            1: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 222 1\n\
            2: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 333 1\n";
        assert_eq!(listening_inodes(table, 9000), ["222"]);
    }
}
