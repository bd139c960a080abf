//! Puts each script together (prelude + body) and computes its SHA-1, so that an instance has neither to do.

use std::{env, fmt::Write as _, fs, path::Path};

const SCRIPTS: [&str; 8] =
    ["append_user", "append_friendship", "apply", "swap", "range", "directory", "activity", "stats"];

fn main() {
    println!("cargo::rerun-if-changed=lua");
    println!("cargo::rerun-if-changed=build.rs");
    let read = |name: &str| {
        let path = format!("lua/{name}.lua");
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    let mut code = String::new();
    for name in SCRIPTS {
        let body = read(name);
        let source = match body.split_once('\n') {
            Some(("-- with prelude", body)) => format!("#!lua\n{}\n{body}", read("prelude")),
            // Redis refuses a script that might write when it has no memory left, or no disk. Queries go on.
            Some(("-- only reads", body)) => format!("#!lua flags=no-writes\n{body}"),
            _ => format!("#!lua\n{body}"),
        };
        let sha = sha1_smol::Sha1::from(&source).digest().to_string();
        let name = name.to_uppercase();
        writeln!(code, "pub(crate) static {name}: Script = Script {{ sha: {sha:?}, source: {source:?} }};")
            .expect("a String takes everything");
    }
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("scripts.rs"), code).expect("OUT_DIR is writable");
}
