//! Copies of spin.toml with something changed.

use std::path::PathBuf;

use tempfile::TempDir;

/// The repository's manifest as text, every component's source made absolute so that a copy works anywhere.
pub fn text() -> String {
    let path = dev::options::manifest().unwrap_or_else(|error| panic!("{error}"));
    let text = std::fs::read_to_string(&path).expect("spin.toml");
    let folder = path.parent().expect("a folder").display();
    text.replace("source = \"target/", &format!("source = \"{folder}/target/"))
}

/// The names of all components, in their order.
pub fn components(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("[component.")?.strip_suffix(']'));
    names.filter(|name| !name.contains('.')).map(str::to_owned).collect()
}

/// What a component may reach, as it is written.
pub fn allowed_hosts(text: &str, component: &str) -> String {
    let section = text.split(&format!("[component.{component}]\n")).nth(1).expect("such a component");
    let line = section.lines().find(|line| line.starts_with("allowed_outbound_hosts = ")).expect("its hosts");
    line["allowed_outbound_hosts = ".len()..].to_owned()
}

/// Lets a component reach these instead.
pub fn with_allowed_hosts(text: &str, component: &str, hosts: &str) -> String {
    let head = format!("[component.{component}]\n");
    let (before, after) = text.split_once(&head).expect("such a component");
    let old = format!("allowed_outbound_hosts = {}", allowed_hosts(text, component));
    format!("{before}{head}{}", after.replacen(&old, &format!("allowed_outbound_hosts = {hosts}"), 1))
}

/// A manifest in a folder of its own, which lives as long as this.
pub struct Copy {
    pub path: PathBuf,
    folder: TempDir,
}

impl Copy {
    pub fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spin.toml");
        std::fs::write(&path, text).expect("spin.toml");
        Self { path, folder }
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}
