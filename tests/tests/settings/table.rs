//! README.md's table of settings, against what the programs say by `--help`, spin.toml, and the code: both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::manifest;

/// Of a setting its environment variable and its default, by part and flag; a setting without a flag is called by the former.
type Settings = BTreeMap<(String, String), (String, String)>;

/// What `--help` says of flags that are not settings, or whose default no program has to say.
const NO_SETTINGS: [&str; 2] = ["--help", "--version"];
/// A default that is nothing: programs do not print it.
const NOTHING: [&str; 3] = ["none", "off", "RUST_LOG"];

fn repository() -> PathBuf {
    dev::options::folder_of(&dev::options::manifest().unwrap_or_else(|error| panic!("{error}")))
}

fn plain(cell: &str) -> String {
    cell.trim().replace('`', "")
}

/// The table, and the rows that are of one kind.
fn documented() -> Settings {
    let text = std::fs::read_to_string(repository().join("README.md")).expect("README.md");
    let section = text.split("\n## Settings\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let mut settings = Settings::new();
    for line in section.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(plain).collect();
        let [part, flag, variable, default, meaning] = &cells[..] else { panic!("not five cells: {line}") };
        if part.starts_with("--") {
            continue;
        }
        assert!(!meaning.is_empty() && !default.is_empty(), "{line}");
        let name = if flag.is_empty() { variable } else { flag };
        let twice = settings.insert((part.clone(), name.clone()), (variable.clone(), default.clone()));
        assert!(twice.is_none(), "twice: {line}");
    }
    settings
}

/// A program's flags, from its help.
fn flags(part: &str, program: &Path, command: &[&str]) -> Settings {
    // Values of this test's own environment would be shown.
    let output = Command::new(program).args(command).arg("--help").env_clear().output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        match blocks.last_mut() {
            _ if line.starts_with("--") || line.starts_with("-h, ") || line.starts_with("-V, ") => {
                blocks.push(line.into())
            }
            Some(block) => *block += &format!(" {line}"),
            None => {}
        }
    }
    let mut settings = Settings::new();
    for block in blocks {
        let flag = block.split([' ', '=']).find(|word| word.starts_with("--")).expect("a flag").trim_end_matches(',');
        if NO_SETTINGS.contains(&flag) {
            continue;
        }
        let bracket = |name: &str| Some(block.split(&format!("[{name}: ")).nth(1)?.split(']').next()?.to_owned());
        let variable = bracket("env").unwrap_or_default().trim_end_matches('=').to_owned();
        let default = bracket("default").unwrap_or_default();
        settings.insert((part.to_owned(), flag.to_owned()), (variable, default));
    }
    assert!(!settings.is_empty(), "no flags in {text}");
    settings
}

fn variables() -> Settings {
    let manifest: toml::Table = toml::from_str(&manifest::text()).expect("spin.toml");
    let variables = manifest["variables"].as_table().expect("variables");
    let of = |(name, variable): (&String, &toml::Value)| {
        let default = variable["default"].as_str().unwrap_or_default().to_owned();
        let variable = format!("SPIN_VARIABLE_{}", name.to_uppercase());
        (("spin.toml".to_owned(), name.clone()), (variable, default))
    };
    variables.iter().map(of).collect()
}

/// Environment variables that have no flag, as the code reads them: by a name in quotes or, in scripts, in braces.
fn environment(flags: &Settings) -> BTreeSet<String> {
    let with_flag: BTreeSet<&str> = flags.values().map(|(variable, _)| variable.as_str()).collect();
    let root = repository();
    let mut found = BTreeSet::new();
    for folder in ["infra/dev/src", "infra/host/src", "projection/src"] {
        for text in sources(&root.join(folder)) {
            for reader in ["named(\"", "var(\"", "var_os(\""] {
                found.extend(text.split(reader).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            }
            // `ours` takes the name of a program and of the variable that names another one.
            let programs = text.split("ours(\"").skip(1).filter_map(|rest| rest.split('"').nth(2));
            found.extend(programs.map(str::to_owned));
            if text.contains("EnvFilter::DEFAULT_ENV") {
                found.insert("RUST_LOG".to_owned());
            }
        }
    }
    for script in ["dev/build-components.sh", "dev/test.sh", "dev/setup.sh", "docker/publish.sh"] {
        let text = std::fs::read_to_string(root.join("infra").join(script)).expect("a script");
        found.extend(text.split("${").skip(1).filter_map(|rest| rest.split(":-").next()).map(str::to_owned));
    }
    // Of the terminal and of cargo, which every program of theirs knows.
    let common = ["PATH", "NO_COLOR", "CARGO_HOME", "1"];
    let is_setting = |name: &String| {
        let usual = |c: char| c.is_ascii_uppercase() || c == '_';
        !name.is_empty()
            && name.chars().all(usual)
            && !common.contains(&name.as_str())
            && !with_flag.contains(name.as_str())
    };
    found.into_iter().filter(is_setting).collect()
}

fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            texts.extend(sources(&entry));
        } else {
            let text = std::fs::read_to_string(&entry).expect("a source file");
            // Tests may read what they like.
            texts.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
    texts
}

#[test]
fn the_table_is_what_the_programs_and_the_manifest_say() {
    let folder = dev::programs::folder();
    let mut real = flags("runtime", &dev::programs::host().unwrap(), &[]);
    real.extend(flags("worker", &dev::programs::worker().unwrap(), &[]));
    for command in ["up", "down", "observe", "verify", "dead-letters", "replay", "rebuild"] {
        real.extend(flags("make", &folder.join("social"), &[command]));
    }
    real.extend(variables());
    let documented = documented();
    for (name, (variable, default)) in &real {
        let row = documented.get(name).unwrap_or_else(|| panic!("{name:?} is not in README.md's table"));
        assert_eq!(&row.0, variable, "{name:?}: the table's environment variable on the left");
        let same = row.1 == *default || (default.is_empty() && NOTHING.contains(&row.1.as_str()));
        assert!(same, "{name:?}: the table's default is {:?}, it is {default:?}", row.1);
    }
    let without_flag = environment(&real);
    for (part, name) in documented.keys() {
        let known = real.contains_key(&(part.clone(), name.clone())) || without_flag.contains(name);
        assert!(known, "README.md's table has {part} {name}, and nobody takes it");
    }
    let in_table: BTreeSet<&String> = documented.keys().map(|(_, name)| name).collect();
    for name in &without_flag {
        assert!(in_table.contains(name), "{name} is read, and not in README.md's table");
    }
}

fn is_variable(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The verbs and settings that `make help` shows are those of the table.
#[test]
fn make_help_names_settings_of_the_table() {
    let text = std::fs::read_to_string(repository().join("Makefile")).expect("the Makefile");
    let rows = documented();
    let variables: BTreeSet<&str> = rows.values().map(|(variable, _)| variable.as_str()).collect();
    let shown: Vec<&str> = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("#   "))
        // The names come first, then what they are.
        .flat_map(|line| line.split([' ', ',']).filter(|word| !word.is_empty()).take_while(|word| is_variable(word)))
        .collect();
    assert!(shown.len() >= 6 && shown.iter().all(|name| variables.contains(name)), "{shown:?}");
}
